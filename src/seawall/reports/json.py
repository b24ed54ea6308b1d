"""The JSON contract, ``seawall.findings/v1``; its schema lies in ``schemas/findings.v1.json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from seawall import __version__
from seawall.model.finding import FindingStatus, Severity

if TYPE_CHECKING:
    from seawall.engine import ScanResult
    from seawall.model.rule import Rule
    from seawall.model.version import KubernetesVersion
    from seawall.reports.view import View

SCHEMA = "seawall.findings/v1"
_BATCH = 500


def render(result: ScanResult, view: View) -> Iterator[bytes]:
    """The document in parts, so that a large one is never whole in memory."""
    encode = msgspec.json.Encoder().encode
    head = {
        "schema": SCHEMA,
        "tool": {"name": "seawall", "version": __version__},
        "inputs": [_input(path, result.kinds[path]) for path in result.inputs],
        "summary": summary(result),
    }
    yield encode(head)[:-1] + b',"findings":['
    findings = result.findings
    for start in range(0, len(findings), _BATCH):
        yield (b"," if start else b"") + encode(findings[start : start + _BATCH])[1:-1]
    tail = {
        "rules": {rule.id: rule_details(rule, result.version) for rule in rules_that_ran(result)},
        "statuses": result.statuses,
        "errors": [{"source": e.source, "where": e.where, "message": e.message} for e in result.errors],
        "notes": result.notes,
    }
    if result.sets:
        tail["sets"] = result.sets
    yield b"]," + encode(tail)[1:] + b"\n"


def _input(path: str, kind: str) -> dict[str, str]:
    """How an input was read; of a snapshot that tells no more than manifests, that too."""
    plain, of, made = kind.partition("-of-")
    return {"path": path, "kind": plain, **({"of": made} if of else {})}


def rules_that_ran(result: ScanResult) -> list[Rule]:
    """The rules that judged something, or tried to; also those that are told as skipped for a part of the inputs."""
    ran = {status.rule for status in result.statuses if status.state != "skipped"}
    ran |= {finding.rule for finding in result.findings}
    return [rule for rule in result.rules if rule.id in ran]


def summary(result: ScanResult) -> dict[str, Any]:
    """Counts of what was read, found and waived."""
    opened = Counter(finding.severity for finding in result.findings if finding.status is FindingStatus.OPEN)
    return {
        "complete": result.complete,
        "files": result.files,
        "resources": len(result.inventory.resources),
        "skipped": dict(result.skipped),
        "unrendered": [{"path": path, "what": what} for path, what in result.unrendered],
        "findings": {str(severity): opened[severity] for severity in Severity},
        "waived": sum(finding.status is FindingStatus.WAIVED for finding in result.findings),
        "kubernetesVersion": str(result.version),
    }


def rule_details(rule: Rule, version: KubernetesVersion) -> dict[str, Any]:
    """What a report tells of a rule; controls as in force at the version."""
    return {
        "title": rule.title,
        "severity": rule.severity,
        "scope": rule.scope,
        "aliases": list(rule.aliases),
        "controls": rule.controls_at(version),
        "why": rule.why,
        "remediation": rule.remediation,
        "references": list(rule.references),
    }
