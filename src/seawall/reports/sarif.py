"""SARIF 2.1.0 (OASIS), as code-scanning services read it.

Source of the limits: GitHub's documentation, "SARIF support for code scanning" (25,000 results a run, 20 runs a file,
20 tags a rule). A run over the limit is split into several, each of its own category; nothing is dropped before 20 are
full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from seawall import __version__
from seawall.model.finding import (
    Confidence,
    Finding,
    FindingStatus,
    Location,
    PermissionPathEvidence,
    RuleState,
    Severity,
)
from seawall.reports.json import rules_that_ran
from seawall.reports.places import uri

if TYPE_CHECKING:
    from seawall.engine import ScanResult
    from seawall.model.rule import Rule
    from seawall.model.version import KubernetesVersion
    from seawall.reports.view import View

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
RESULTS_A_RUN = 25_000
RUNS_A_FILE = 20
_TAGS_A_RULE = 20
_BATCH = 500

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
#: What code scanning ranks by: above 9.0 critical, from 7.0 high, from 4.0 medium, above 0 low.
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
    Severity.INFO: "0.0",
}
_PRECISION = {Confidence.HIGH: "high", Confidence.MEDIUM: "medium", Confidence.LOW: "low"}


def render(result: ScanResult, view: View) -> Iterator[bytes]:
    """The log, a part at a time."""
    encode = msgspec.json.Encoder().encode
    yield b'{"$schema":' + encode(SCHEMA) + b',"version":"2.1.0","runs":['
    findings = result.findings
    runs = [findings[start : start + RESULTS_A_RUN] for start in range(0, len(findings), RESULTS_A_RUN)] or [findings]
    rules = rules_that_ran(result)
    places = {rule.id: index for index, rule in enumerate(rules)}
    waived = any(finding.status is not FindingStatus.OPEN for finding in findings)
    for number, run in enumerate(runs[:RUNS_A_FILE]):
        head = _head(result, rules, number, max(len(findings) - RESULTS_A_RUN * RUNS_A_FILE, 0))
        yield (b"," if number else b"") + encode(head)[:-1] + b',"results":['
        for start in range(0, len(run), _BATCH):
            batch = [_result(finding, places, waived) for finding in run[start : start + _BATCH]]
            yield (b"," if start else b"") + encode(batch)[1:-1]
        yield b"]}"
    yield b"]}\n"


def _head(result: ScanResult, rules: Sequence[Rule], number: int, cut: int) -> dict[str, Any]:
    """A run without its results; further runs are of categories of their own, or services would refuse the file."""
    return {
        "tool": {
            "driver": {
                "name": "seawall",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(rule, result.version) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "automationDetails": {"id": f"seawall/part-{number + 1}/" if number else "seawall/"},
        "invocations": [_invocation(result, cut)],
    }


def _rule(rule: Rule, version: KubernetesVersion) -> dict[str, Any]:
    controls = [
        f"{framework}/{control}"
        for framework, ids in rule.controls_at(version).items()
        for control in dict.fromkeys(ids)
    ]
    described = {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {
            "text": f"{rule.why}\n\nHow to mend: {rule.remediation}",
            "markdown": f"{rule.why}\n\n**How to mend:** {rule.remediation}"
            + "".join(f"\n- <{reference}>" for reference in rule.references),
        },
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["security", "kubernetes", str(rule.scope), *reversed(controls)][:_TAGS_A_RULE],
            "precision": "high",
            "problem.severity": "error" if rule.severity.at_least(Severity.HIGH) else "warning",
            "security-severity": _SCORES[rule.severity],
            "aliases": list(rule.aliases),
        },
    }
    return {**described, "helpUri": rule.references[0]} if rule.references else described


def _result(finding: Finding, places: dict[str, int], waived: bool) -> dict[str, Any]:
    resource = finding.resource
    logical = {"fullyQualifiedName": str(resource), "kind": "resource"}
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": places[finding.rule],
        "level": _LEVELS[finding.severity],
        "rank": finding.risk,
        "message": {"text": f"{resource}: {finding.message}"},
        "locations": [{**_location(place), "logicalLocations": [logical]} for place in finding.locations[:1]],
        "partialFingerprints": {
            "seawall/v1": finding.fingerprint,
            # Else the service would make its own from the line's text, which moves with every edit.
            "primaryLocationLineHash": f"{finding.fingerprint[:16]}:1",
        },
        "properties": {
            "severity": finding.severity,
            "security-severity": _SCORES[finding.severity],
            "confidence": finding.confidence,
            "precision": _PRECISION[finding.confidence],
        },
    }
    if len(finding.locations) > 1:
        result["relatedLocations"] = [
            {"id": number, **_location(place)} for number, place in enumerate(finding.locations[1:], 1)
        ]
    flows = [_flow(each, finding) for each in finding.evidence if isinstance(each, PermissionPathEvidence)]
    if flows:
        result["codeFlows"] = flows
    if waived:
        result["suppressions"] = [_suppression(finding)] if finding.waiver else []
    return result


def _flow(path: PermissionPathEvidence, finding: Finding) -> dict[str, Any]:
    """A permission path as a code flow: viewers show it step by step. Grants have no place of their own here."""
    place = _location(finding.locations[0]) if finding.locations else {}
    steps = []
    for step in path.steps:
        grants = "".join(f"; by {grant.binding}, {grant.role}: {grant.rule}" for grant in step.grants)
        text = f"{step.subject} {step.how}: {step.target}{grants}"
        steps.append({"location": {**place, "message": {"text": text}}})
    return {"threadFlows": [{"locations": steps}]}


def _location(place: Location) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri(place.file)}}
    if place.line:
        physical["region"] = {"startLine": place.line, "startColumn": max(place.column, 1)}
    return {"physicalLocation": physical}


def _suppression(finding: Finding) -> dict[str, Any]:
    waiver = finding.waiver
    if waiver is None:
        return {}
    in_source = waiver.source.startswith(("comment", "annotation"))
    return {
        "kind": "inSource" if in_source else "external",
        "status": "accepted",
        "justification": f"{waiver.reason} ({waiver.source})",
    }


def _invocation(result: ScanResult, cut: int) -> dict[str, Any]:
    notices = [_notice(f"{error.where}: {error.message}", "input", file=error.source) for error in result.errors]
    notices += [_notice(f"not judged: {what} needs rendering", "input", file=path) for path, what in result.unrendered]
    for status in result.statuses:
        if status.state in (RuleState.ERROR, RuleState.NOT_JUDGED):
            notices.append(_notice(f"{status.state}: {status.reason}", "rule", rule=status.rule))
    if cut:
        notices.append(_notice(f"{cut} findings of the least risk are left out: the file is full", "limit"))
    return {
        "executionSuccessful": result.complete,
        "toolExecutionNotifications": notices,
        "properties": {"complete": result.complete, "kubernetesVersion": str(result.version)},
    }


def _notice(text: str, kind: str, file: str = "", rule: str = "") -> dict[str, Any]:
    notice: dict[str, Any] = {
        "level": "error",
        "descriptor": {"id": kind},
        "message": {"text": text.removeprefix(": ")},
    }
    if file:
        notice["locations"] = [{"physicalLocation": {"artifactLocation": {"uri": uri(file)}}}]
    if rule:
        notice["associatedRule"] = {"id": rule}
    return notice
