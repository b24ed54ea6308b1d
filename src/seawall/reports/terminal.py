"""The report for people at a terminal: grouped findings with the offending line, as good compilers show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from seawall.model.finding import FieldEvidence, Finding, FindingStatus, RenderedEvidence, Severity
from seawall.model.rule import REGISTRY, Rule, Scope
from seawall.reports.excerpt import Excerpts, mark, printable
from seawall.reports.places import first_place

if TYPE_CHECKING:
    from seawall.engine import ScanResult
    from seawall.reports.view import View

Paint = Callable[[str, str], str]

_STYLES = {
    Severity.CRITICAL: "1;97;41",
    Severity.HIGH: "1;31",
    Severity.MEDIUM: "1;33",
    Severity.LOW: "1;34",
    Severity.INFO: "1;36",
}
_BOLD, _DIM, _GREEN = "1", "2", "32"


def render(result: ScanResult, view: View) -> Iterator[bytes]:
    """The report, a piece of text at a time."""
    return (text.encode("utf-8", "replace") for text in _pieces(result, view))


def _pieces(result: ScanResult, view: View) -> Iterator[str]:
    paint = _painter(view.colour)
    rules = {rule.id: rule for rule in result.rules}
    secret: set[tuple[str, int]] = set()
    hidden: set[tuple[str, int]] = set()
    for finding in result.findings:
        if _holds_secret(finding, rules[finding.rule]):
            # A command holds its secret anywhere, and not behind a sign that tells.
            lines = hidden if finding.resource.kind == "Dockerfile" else secret
            lines.update((place.file, place.line) for place in finding.locations)
    excerpts = Excerpts(result.texts, secret, hidden)
    shown = result.findings[: view.limit] if view.limit else result.findings
    for title, group in _groups(shown, view, rules):
        yield f"{paint(printable(title), _BOLD)}\n"
        for finding in group:
            yield from _finding(finding, rules[finding.rule], view, paint, excerpts)
        yield "\n"
    left = len(result.findings) - len(shown)
    if left:
        yield paint(f"{left} more findings are not shown: --limit 0 shows all, --format html=FILE a page\n\n", _DIM)
    yield from _summary(result, paint)


def _painter(colour: bool) -> Paint:
    return (lambda text, style: f"\x1b[{style}m{text}\x1b[0m") if colour else (lambda text, style: text)


def _holds_secret(finding: Finding, rule: Rule) -> bool:
    """Whether the line of a finding is masked: it is about a secret, or of a kubeconfig and its value is not told."""
    if rule.scope is Scope.SECRET:
        return True
    field = next((each for each in finding.evidence if isinstance(each, FieldEvidence)), None)
    return finding.resource.kind == "Config" and (field is None or field.value is None)


def _groups(findings: list[Finding], view: View, rules: dict[str, Rule]) -> Iterator[tuple[str, list[Finding]]]:
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        if view.group_by == "rule":
            title = f"{finding.rule}: {rules[finding.rule].title}"
        else:
            file = first_place(finding).file
            title = f"{finding.resource} ({file})" if file else str(finding.resource)
        groups.setdefault(title, []).append(finding)
    yield from groups.items()


def _finding(finding: Finding, rule: Rule, view: View, paint: Paint, excerpts: Excerpts) -> Iterator[str]:
    label = paint(f"{finding.severity}", _STYLES[finding.severity])
    subject = f" {finding.resource}:" if view.group_by == "rule" else ""
    until = f", until {finding.waiver.expires}" if finding.waiver and finding.waiver.expires else ""
    waived = f" (waived: {finding.waiver.reason}{until})" if finding.waiver else ""
    yield f"  {label}[{finding.rule}]{printable(subject)} {printable(finding.message)}{printable(waived)}\n"
    rendered = next((each for each in finding.evidence if isinstance(each, RenderedEvidence)), None)
    for number, place in enumerate(finding.locations):
        gutter = " " * len(str(place.line))
        guess = "about " if rendered is not None and rendered.likely and not number else ""
        where = f"{place.file}:{place.line}:{place.column}" if place.line else place.file
        yield f"  {gutter} {paint('-->', _DIM)} {guess}{printable(where)}  "
        yield f"{paint(printable(place.path), _DIM)}\n"
        line = excerpts.line(place.file, place.line)
        if line is not None:
            text, start, length = mark(line, place.column, view.width - len(gutter) - 6)
            carets = paint("^" * length, _STYLES[finding.severity])
            yield f"  {place.line} {paint('|', _DIM)} {text}\n"
            yield f"  {gutter} {paint('|', _DIM)} {' ' * start}{carets}\n"
    if rendered is not None and rendered.values:
        yield f"    {paint('values:', _GREEN)} set by {printable(', '.join(rendered.values))}\n"
    if finding.risk_terms:
        why = "; ".join(term.reason for term in finding.risk_terms)
        yield f"    {paint('risk:', _GREEN)} {finding.risk} of 100: {printable(why)}\n"
    yield f"    {paint('mend:', _GREEN)} {rule.remediation}\n"


def _summary(result: ScanResult, paint: Paint) -> Iterator[str]:
    opened = Counter(finding.severity for finding in result.findings if finding.status is FindingStatus.OPEN)
    waived = sum(finding.status is FindingStatus.WAIVED for finding in result.findings)
    counts = ", ".join(
        paint(f"{opened[severity]} {severity}", _STYLES[severity]) for severity in Severity if opened[severity]
    )
    objects = len(result.inventory.resources)
    yield f"{paint('Found', _BOLD)} {counts or 'nothing'} in {objects} objects of {printable(_sources(result))}, "
    yield f"judged at Kubernetes {result.version}.{f' {waived} waived.' if waived else ''}\n"
    if result.skipped:
        reasons = ", ".join(f"{count} {reason}" for reason, count in result.skipped.most_common())
        yield f"Skipped: {reasons}.\n"
    if result.findings:
        worst = result.findings[0].rule
        scopes = {rule.id: rule.scope for rule in result.rules}
        own = scopes.get(worst) is Scope.ADMISSION and REGISTRY.get(worst) is None
        given = ", with the --config and --policy of this run," if own else ""
        yield paint(f"`seawall rules show {worst}`{given} tells why and how to mend.\n", _DIM)


def _sources(result: ScanResult) -> str:
    """What was read: how many files, which cluster and snapshots."""
    names = [f"{result.files} files"] if result.files else []
    for path, kind in result.kinds.items():
        if kind == "cluster":
            clusters = (resource.ref.cluster for resource in result.inventory.resources if resource.live)
            names.append(f"the cluster {next(clusters, '')}".rstrip())
        elif kind in ("snapshot", "snapshot-of-manifests", "probe", "machine"):
            names.append(path)
    return " and ".join(names) or "0 files"
