"""Workflow commands of GitHub Actions: each finding becomes an annotation on its line.

Source: GitHub's documentation, "Workflow commands for GitHub Actions". A step shows ten annotations of each level, so
the worst come first; ``--format sarif`` has room for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.model.finding import Finding, FindingStatus, Severity
from seawall.reports.excerpt import printable
from seawall.reports.places import first_place, repository_path

if TYPE_CHECKING:
    from seawall.engine import ScanResult
    from seawall.model.rule import Rule
    from seawall.reports.view import View

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}


def render(result: ScanResult, view: View) -> Iterator[bytes]:
    """A command a line: problems of the run, open findings, then waived ones."""
    rules = {rule.id: rule for rule in result.rules}
    for reason in result.reasons():
        yield f"::error title=Seawall is incomplete::{_data(reason)}\n".encode("utf-8", "replace")
    for finding in sorted(result.findings, key=lambda finding: finding.status is not FindingStatus.OPEN):
        yield _command(finding, rules[finding.rule]).encode("utf-8", "replace")


def _command(finding: Finding, rule: Rule) -> str:
    place, waiver = first_place(finding), finding.waiver
    level = "notice" if waiver else _LEVELS[finding.severity]
    properties = [f"file={_property(repository_path(place.file))}"] if place.file else []
    if place.line:
        properties += [f"line={place.line}", f"col={max(place.column, 1)}"]
    state = "waived" if waiver else str(finding.severity)
    properties.append(f"title={_property(f'{rule.title} ({state}, {rule.id})')}")
    ending = f"Waived: {waiver.reason} ({waiver.source})" if waiver else f"How to mend: {rule.remediation}"
    message = f"{printable(f'{finding.resource}: {finding.message}')}\n{ending}"
    return f"::{level} {','.join(properties)}::{_data(message)}\n"


def _data(text: str) -> str:
    lines = (printable(line).replace("%", "%25") for line in text.split("\n"))
    return "%0A".join(lines)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
