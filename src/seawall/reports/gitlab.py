"""GitLab's Code Quality report: findings become annotations of a merge request.

Source: GitLab's documentation, "Code Quality", section "Import Code Quality results from a CI/CD job".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.model.finding import Finding, Severity
from seawall.reports.places import first_place, repository_path

if TYPE_CHECKING:
    from seawall.engine import ScanResult
    from seawall.model.rule import Rule
    from seawall.reports.view import View

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}


def render(result: ScanResult, view: View) -> Iterator[bytes]:
    """A list of violations; what makes a run incomplete is among them, so that it cannot be overlooked."""
    rules = {rule.id: rule for rule in result.rules}
    encode = msgspec.json.Encoder().encode
    entries = [_problem(reason) for reason in result.reasons()]
    entries += [_entry(finding, rules[finding.rule]) for finding in result.findings]
    yield b"["
    for number, entry in enumerate(entries):
        yield (b",\n" if number else b"") + encode(entry)
    yield b"]\n"


def _entry(finding: Finding, rule: Rule) -> dict[str, Any]:
    place, waiver = first_place(finding), finding.waiver
    said = f"{rule.title}: {finding.resource}: {finding.message}"
    if waiver:
        said += f" (waived: {waiver.reason}, {waiver.source})"
    return {
        "description": said,
        "check_name": finding.rule,
        "fingerprint": finding.fingerprint,
        "severity": "info" if waiver else _SEVERITIES[finding.severity],
        "location": {"path": repository_path(place.file), "lines": {"begin": max(place.line, 1)}},
        "categories": ["Security"],
        "content": {"body": f"{rule.why}\n\nHow to mend: {rule.remediation}"},
    }


def _problem(reason: str) -> dict[str, Any]:
    from hashlib import sha256

    return {
        "description": f"Seawall's run is incomplete: {reason}",
        "check_name": "seawall-incomplete",
        "fingerprint": sha256(reason.encode("utf-8", "replace")).hexdigest()[:32],
        "severity": "blocker",
        "location": {"path": "seawall", "lines": {"begin": 1}},
        "categories": ["Security"],
    }
