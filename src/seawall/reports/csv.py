"""Comma-separated values (RFC 4180), a line a finding; cells that a spreadsheet would run as a formula are defused."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.model.finding import Finding
from seawall.reports.excerpt import printable
from seawall.reports.places import first_place

if TYPE_CHECKING:
    from seawall.engine import ScanResult
    from seawall.model.rule import Rule
    from seawall.reports.view import View

COLUMNS = (
    "severity", "rule", "title", "status", "risk", "confidence", "cluster", "namespace", "kind", "name", "file", "line",
    "column", "path", "message", "remediation", "waiver_reason", "waiver_source", "fingerprint",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(result: ScanResult, view: View) -> Iterator[bytes]:
    """The table, a line at a time."""
    rules = {rule.id: rule for rule in result.rules}
    yield csv_line(COLUMNS)
    for finding in result.findings:
        yield csv_line(_cells(finding, rules[finding.rule]))


def _cells(finding: Finding, rule: Rule) -> tuple[str | int, ...]:
    ref, place, waiver = finding.resource, first_place(finding), finding.waiver
    return (
        finding.severity, finding.rule, rule.title, finding.status, finding.risk, finding.confidence, ref.cluster or "",
        ref.namespace or "", ref.kind, ref.name, place.file, place.line, place.column, place.path, finding.message,
        rule.remediation, waiver.reason if waiver else "", waiver.source if waiver else "", finding.fingerprint,
    )  # fmt: skip


def csv_line(cells: tuple[str | int, ...]) -> bytes:
    """A line of cells, ended."""
    buffer = io.StringIO()
    safe = [f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in cells]
    csv.writer(buffer).writerow([printable(cell) if isinstance(cell, str) else cell for cell in safe])
    return buffer.getvalue().encode("utf-8", "replace")
