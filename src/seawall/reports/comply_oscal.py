"""Compliance as OSCAL assessment results (JSON, OSCAL 1.1.3): a finding a control, an observation a piece of evidence.

Ids are made from what they name, so that two reports of one run are equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from seawall.engine.complyreport import (
    AttestationEvidence,
    ControlReport,
    Evidence,
    FactsEvidence,
    FindingEvidence,
    Report,
)
from seawall.findings.controls import Status
from seawall.reports.comply import evidence_line
from seawall.reports.excerpt import printable

OSCAL = "1.1.3"
_NAMESPACE = "https://seawall.dev/ns/oscal"
#: Only these are met; what was not looked at is not satisfied, and its reason tells why.
_SATISFIED = (Status.PASS, Status.ATTESTED)
_REASONS = {Status.PASS: "pass", Status.FAIL: "fail"}


def render(report: Report) -> Iterator[bytes]:
    """The document."""
    yield msgspec.json.encode({"assessment-results": _document(report)}) + b"\n"


def _document(report: Report) -> dict[str, Any]:
    framework = report.framework
    key = f"{framework.id} {framework.digest} {report.judged}"
    plan = _uuid(key, "plan")
    return {
        "uuid": _uuid(key, "document"),
        "metadata": {
            "title": _line(f"Seawall: {framework.title}"),
            "last-modified": report.judged,
            "version": report.judged,
            "oscal-version": OSCAL,
        },
        "import-ap": {"href": f"#{plan}"},
        "results": [_result(report, key)],
        "back-matter": {
            "resources": [
                {
                    "uuid": plan,
                    "title": "Method",
                    "description": "Seawall judged the inputs that the result names by the checks of each control.",
                }
            ]
        },
    }


def _result(report: Report, key: str) -> dict[str, Any]:
    observations: list[dict[str, Any]] = []
    findings = [_finding(report, control, key, observations) for control in report.controls]
    inputs = [_line(f"{each.path} ({each.kind}) {each.collected} {each.sha256}") for each in report.inputs]
    result: dict[str, Any] = {
        "uuid": _uuid(key, "result"),
        "title": _line(report.framework.title),
        "description": _line(f"Score {report.score()} percent. Judged from: {'; '.join(inputs)}"),
        "start": report.judged,
        "end": report.judged,
        "props": _props(
            {
                "tool-version": report.tool,
                "complete": str(report.complete).lower(),
                "framework-sha256": report.framework.digest,
                "kubernetes-version": report.kubernetes_version,
            }
        ),
        "reviewed-controls": {
            "control-selections": [{"include-controls": [{"control-id": _token(c.id)} for c in report.controls]}]
        },
        "findings": findings,
    }
    return result | ({"observations": observations} if observations else {})


def _finding(report: Report, control: ControlReport, key: str, observations: list[dict[str, Any]]) -> dict[str, Any]:
    own = f"{key} {control.id}"
    related = []
    for number, each in enumerate(control.evidence):
        found = _observation(report, control, each, _uuid(own, f"observation {number}"))
        observations.append(found)
        related.append({"observation-uuid": found["uuid"]})
    status = {
        "state": "satisfied" if control.status in _SATISFIED else "not-satisfied",
        "reason": _REASONS.get(control.status, "other"),
    }
    finding: dict[str, Any] = {
        "uuid": _uuid(own, "finding"),
        "title": _line(f"{control.id} {control.title}"),
        "description": _line(control.reason or f"The control is answered: {control.status}"),
        "props": _props({"status": control.status.value, "automation": control.automation.value}),
        "target": {"type": "objective-id", "target-id": _token(control.id), "status": status},
    }
    return finding | ({"related-observations": related} if related else {})


def _observation(report: Report, control: ControlReport, each: Evidence, uuid: str) -> dict[str, Any]:
    told = _told(each)
    collected = each.collected if isinstance(each, FactsEvidence) and _DATE.match(each.collected) else report.judged
    method = "EXAMINE" if isinstance(each, AttestationEvidence) else "TEST"
    return {
        "uuid": uuid,
        "description": told,
        "props": _props({"control": control.id, "evidence": str(msgspec.to_builtins(each)["type"])}),
        "methods": [method],
        "types": ["finding" if isinstance(each, FindingEvidence) else "control-objective"],
        "relevant-evidence": [{"description": told}],
        "collected": collected,
    }


_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)\Z")


def _told(each: Evidence) -> str:
    if isinstance(each, AttestationEvidence):
        files = ", ".join(f"{path} (SHA-256 {digest})" for path, digest in each.files.items())
        return _line(f"{each.by} attested on {each.date} until {each.until}: {each.text} {files}")
    if isinstance(each, FactsEvidence):
        return _line(f"{each.node}: {each.rule}: {each.verdict} {each.reason} {'; '.join(each.seen)} in {each.source}")
    return _line(evidence_line(each) or f"Looked at: {msgspec.to_builtins(each)}")


def _props(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "ns": _NAMESPACE, "value": _line(value)} for name, value in values.items() if value.strip()]


def _line(text: str) -> str:
    """One line without spaces at its ends, as OSCAL's strings must be."""
    return " ".join(printable(text).split()) or "-"


def _token(control: str) -> str:
    """A control's id as OSCAL writes ids: letters, digits, dots, dashes; none begins with a digit."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", control)
    return safe if safe[:1].isalpha() else f"_{safe}"


def _uuid(key: str, name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{_NAMESPACE}/{key}/{name}"))
