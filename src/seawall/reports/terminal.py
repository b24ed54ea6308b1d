"""The report for people at a terminal: grouped findings with the offending line, as good compilers show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from seawall.findings.compare import BASELINE
from seawall.model.finding import FieldEvidence, Finding, FindingStatus, RenderedEvidence, SecretEvidence, Severity
from seawall.model.rule import Rule, Scope
from seawall.reports.excerpt import Excerpts, many, mark, printable
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
        seen = any(isinstance(each, SecretEvidence) for each in finding.evidence)
        if seen or _holds_secret(finding, rules[finding.rule]):
            # A command holds its secret anywhere, and not behind a sign that tells; so does a line of any file.
            lines = hidden if seen or finding.resource.kind == "Dockerfile" else secret
            lines.update((place.file, place.line) for place in finding.locations)
    excerpts = Excerpts(result.texts, secret, hidden)
    told = _told(result.findings)
    shown = told[: view.limit] if view.limit else told
    for title, group in _groups(shown, view, rules):
        yield f"{paint(printable(title), _BOLD)}\n"
        before = ""
        for finding in group:
            why = "; ".join(term.reason for term in finding.risk_terms)
            yield from _finding(finding, rules[finding.rule], view, paint, excerpts)
            yield from _ending(finding, rules[finding.rule], "the same" if why == before else why, paint)
            before = why
        yield "\n"
    left, known = len(told) - len(shown), len(result.findings) - len(told)
    if left:
        more = f"{many(left, 'more finding')} {'is' if left == 1 else 'are'}"
        yield paint(f"{more} not shown: --limit 0 shows all, --format html=FILE a page\n\n", _DIM)
    if known:
        yield paint(f"{many(known, 'finding')} of the baseline not shown: --format html=FILE has all\n\n", _DIM)
    yield from _summary(result, paint)


def _told(findings: list[Finding]) -> list[Finding]:
    """Those to tell, open ones first: of what the baseline knows there is nothing to do, and much."""
    if all(finding.status is FindingStatus.OPEN for finding in findings):
        return findings
    told = [each for each in findings if each.waiver is None or each.waiver.source != BASELINE]
    return sorted(told, key=lambda finding: finding.status is FindingStatus.WAIVED)


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


def _ending(finding: Finding, rule: Rule, why: str, paint: Paint) -> Iterator[str]:
    """The risk, with what makes it (of several findings of an object mostly the same), and what to do."""
    if finding.risk_terms:
        yield f"    {paint('risk:', _GREEN)} {finding.risk} of 100: {printable(why)}\n"
    yield f"    {paint('mend:', _GREEN)} {rule.remediation}\n"


def _summary(result: ScanResult, paint: Paint) -> Iterator[str]:
    opened = Counter(finding.severity for finding in result.findings if finding.status is FindingStatus.OPEN)
    waived = sum(finding.status is FindingStatus.WAIVED for finding in result.findings)
    counts = ", ".join(
        paint(f"{opened[severity]} {severity}", _STYLES[severity]) for severity in Severity if opened[severity]
    )
    yield f"{paint('Found', _BOLD)} {counts or 'nothing'} in {printable(_searched(result))}, "
    yield f"judged at Kubernetes {result.version}.{f' {waived} waived.' if waived else ''}\n"
    if result.skipped:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in result.skipped.most_common())
        yield f"Skipped: {reasons}.\n"
    if result.findings:
        worst = result.findings[0].rule
        own = any(rule.id == worst and not rule.built_in for rule in result.rules)
        given = ", with the --config and --policy of this run," if own else ""
        yield paint(f"`seawall rules show {worst}`{given} tells why and how to mend.\n", _DIM)


def _searched(result: ScanResult) -> str:
    """How much was looked at, and where it came from."""
    number = len(result.inventory.resources)
    if 0 < number == result.files and all(each.ref.kind == "Image" for each in result.inventory.resources):
        return many(number, "image")
    return f"{many(number, 'object')} of {_sources(result)}"


def _sources(result: ScanResult) -> str:
    """What was read: how many files, which cluster and snapshots."""
    names = [many(result.files, "file")] if result.files else []
    for path, kind in result.kinds.items():
        if kind == "cluster":
            clusters = (resource.ref.cluster for resource in result.inventory.resources if resource.live)
            names.append(f"the cluster {next(clusters, '')}".rstrip())
        elif kind in ("snapshot", "snapshot-of-manifests", "probe", "machine"):
            names.append(path)
    return " and ".join(names) or "0 files"
