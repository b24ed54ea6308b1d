"""Markdown for merge requests and job summaries: counts, the findings in a table, how to mend, what is missing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.model.finding import Finding, FindingStatus, Severity
from seawall.reports.excerpt import many, printable
from seawall.reports.places import first_place, repository_path

if TYPE_CHECKING:
    from seawall.engine import ScanResult
    from seawall.reports.view import View

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&])")


def render(result: ScanResult, view: View) -> Iterator[bytes]:
    """The page, a line at a time; ``view.limit`` bounds the findings in the table."""
    return (f"{line}\n".encode("utf-8", "replace") for line in _lines(result, view))


def _lines(result: ScanResult, view: View) -> Iterator[str]:
    opened = Counter(finding.severity for finding in result.findings if finding.status is FindingStatus.OPEN)
    waived = [finding for finding in result.findings if finding.status is FindingStatus.WAIVED]
    yield "# Seawall"
    yield ""
    counts = ", ".join(f"**{opened[severity]} {severity}**" for severity in Severity if opened[severity])
    objects = many(len(result.inventory.resources), "object")
    yield f"Found {counts or 'nothing'} in {objects} of {many(result.files, 'file')},"
    yield f"judged at Kubernetes {result.version}.{f' {len(waived)} waived.' if waived else ''}"
    reasons = result.reasons()
    if reasons:
        yield from ("", f"> **The run is incomplete**: {len(reasons)} problems.", ">")
        yield from (f"> - {_text(reason)}" for reason in reasons[:20])
        if len(reasons) > 20:
            yield f"> - and {len(reasons) - 20} more"
    yield from _table(result, view)
    yield from _waived(waived, view)


def _table(result: ScanResult, view: View) -> Iterator[str]:
    findings = result.open_findings()
    shown = findings[: view.limit] if view.limit else findings
    if not shown:
        return
    yield from ("", "| severity | what | object | place |", "|---|---|---|---|")
    yield from (_row(finding) for finding in shown)
    if len(shown) < len(findings):
        yield from ("", f"{len(findings) - len(shown)} more findings are not shown; `--limit 0` shows all.")
    rules = {rule.id: rule for rule in result.rules}
    yield from ("", "<details><summary>How to mend</summary>", "")
    for rule in dict.fromkeys(finding.rule for finding in shown):
        yield f"- **{rule}**: {_text(rules[rule].remediation)}"
    yield from ("", "</details>")


def _row(finding: Finding) -> str:
    return (
        f"| {finding.severity} | {_text(finding.message)} ({_code(finding.rule)}) | {_code(str(finding.resource))} "
        f"| {_place(finding)} |"
    )


def _place(finding: Finding) -> str:
    place = first_place(finding)
    return _code(f"{repository_path(place.file)}:{place.line}" if place.line else place.file)


def _waived(findings: list[Finding], view: View) -> Iterator[str]:
    if not findings:
        return
    yield from ("", f"<details><summary>{len(findings)} waived</summary>", "")
    yield from ("| rule | object | place | reason | source |", "|---|---|---|---|---|")
    for finding in findings[: view.limit] if view.limit else findings:
        reason, source = (finding.waiver.reason, finding.waiver.source) if finding.waiver else ("", "")
        yield (
            f"| {_code(finding.rule)} | {_code(str(finding.resource))} | {_place(finding)} | {_text(reason)} "
            f"| {_text(source)} |"
        )
    if view.limit and len(findings) > view.limit:
        yield from ("", f"{len(findings) - view.limit} more are not shown.")
    yield from ("", "</details>")


def _text(text: str) -> str:
    """Text that stays text: no markup, no line break, and no mention of a person."""
    flat = " ".join(printable(text).split())
    return _SPECIAL.sub(r"\\\1", flat).replace("@", "@\u200b")


def _code(text: str) -> str:
    """A code span; what would end it or the table's cell is replaced."""
    flat = " ".join(printable(text).split()).replace("`", "'").replace("|", "\\|")
    return f"`{flat}`" if flat else ""
