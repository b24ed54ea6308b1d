"""JUnit XML, as Jenkins and GitLab read it: a suite a rule, a case a finding, a passed case where there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from seawall.model.finding import Finding, FindingStatus, RuleState, RuleStatus
from seawall.reports.excerpt import printable
from seawall.reports.places import first_place, repository_path, subject

if TYPE_CHECKING:
    from seawall.engine import ScanResult
    from seawall.model.rule import Rule
    from seawall.reports.view import View

#: Characters that XML 1.0 has no way to write.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Suite:
    """The cases of one rule, and their counts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cases: list[str] = []
        self.failures = self.errors = self.skipped = 0

    def counts(self) -> str:
        return (
            f'tests="{len(self.cases)}" failures="{self.failures}" errors="{self.errors}" skipped="{self.skipped}"'
            ' time="0"'
        )

    def text(self) -> Iterator[str]:
        yield f"  <testsuite name={quote(self.name)} {self.counts()}>\n"
        yield from self.cases
        yield "  </testsuite>\n"


def render(result: ScanResult, view: View) -> Iterator[bytes]:
    """The document, a suite at a time."""
    suites = [*_inputs(result), *_rules(result)]
    total = _Suite("seawall")
    for suite in suites:
        total.cases += suite.cases
        total.failures += suite.failures
        total.errors += suite.errors
        total.skipped += suite.skipped
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="seawall" {total.counts()}>\n'.encode()
    for suite in suites:
        yield "".join(suite.text()).encode("utf-8", "replace")
    yield b"</testsuites>\n"


def _inputs(result: ScanResult) -> Iterator[_Suite]:
    """What could not be read or has to be rendered: errors, so that no green build hides it."""
    problems = [(error.source, f"{error.where}: {error.message}".removeprefix(": ")) for error in result.errors]
    problems += [(path, f"not judged: {what} needs rendering") for path, what in result.unrendered]
    if not result.inventory.resources:
        problems.append(("inputs", "nothing to judge was found"))
    if problems:
        suite = _Suite("inputs")
        for name, message in problems:
            suite.errors += 1
            suite.cases.append(_case("seawall.inputs", name, f"<error message={quote(message)}/>"))
        yield suite


def _rules(result: ScanResult) -> Iterator[_Suite]:
    found: dict[str, list[Finding]] = {}
    for finding in result.findings:
        found.setdefault(finding.rule, []).append(finding)
    rules = {rule.id: rule for rule in result.rules}
    for status in result.statuses:
        if status.state is not RuleState.SKIPPED:
            yield _suite(rules[status.rule], status, found.get(status.rule, []))


def _suite(rule: Rule, status: RuleStatus, findings: list[Finding]) -> _Suite:
    suite = _Suite(rule.id)
    group = f"seawall.{rule.scope}.{rule.id}"
    for finding in findings:
        place = first_place(finding)
        attributes = f" file={quote(repository_path(place.file))}" if place.file else ""
        attributes += f' line="{place.line}"' if place.line else ""
        if finding.status is FindingStatus.OPEN:
            suite.failures += 1
            inner = _failure(rule, finding)
        else:
            suite.skipped += 1
            inner = f"<skipped message={quote(_waived(finding))}/>"
        suite.cases.append(_case(group, f"{subject(finding)} [{finding.fingerprint[:8]}]", inner, attributes))
    if status.state is not RuleState.OK:
        suite.errors += 1
        reason = f"{status.state}: {status.reason}"
        suite.cases.append(_case(group, "the rule itself", f"<error message={quote(reason)}/>"))
    elif not findings:
        suite.cases.append(_case(group, rule.title, ""))
    return suite


def _failure(rule: Rule, finding: Finding) -> str:
    place = first_place(finding)
    lines = [f"{place.file}:{place.line}:{place.column}", finding.message, rule.why, f"How to mend: {rule.remediation}"]
    text = "\n".join(map(printable, lines))
    return f"<failure message={quote(finding.message)} type={quote(finding.severity)}>{_text(text)}</failure>"


def _waived(finding: Finding) -> str:
    return f"waived: {finding.waiver.reason} ({finding.waiver.source})" if finding.waiver else str(finding.status)


def _case(group: str, name: str, inner: str, attributes: str = "") -> str:
    head = f'    <testcase classname={quote(group)} name={quote(name)} time="0"{attributes}'
    return f"{head}>{inner}</testcase>\n" if inner else f"{head}/>\n"


def quote(text: str) -> str:
    return quoteattr(_FORBIDDEN.sub("\ufffd", text))


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", text))
