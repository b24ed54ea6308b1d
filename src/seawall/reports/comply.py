"""Compliance for people and programs: terminal, JSON (``seawall.comply/v1``), CSV and JUnit."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib import import_module
from typing import Any

import msgspec

from seawall.engine.complyreport import SCHEMA, ControlReport, FactsEvidence, FindingEvidence, Report, SetEvidence
from seawall.engine.frameworks import Control, Framework
from seawall.engine.gap import Gap
from seawall.findings.controls import Automation, Status
from seawall.reports.csv import csv_line
from seawall.reports.excerpt import printable
from seawall.reports.junit import quote

FORMATS = ("terminal", "json", "html", "csv", "junit", "oscal", "pdf")
_TOLD = 3
_WORDS = {Status.FAIL: "FAIL"}


def render(name: str, report: Report) -> Iterator[bytes]:
    """A report in one of the formats."""
    own = {"terminal": terminal, "json": document, "csv": table, "junit": junit}
    if name in own:
        yield from own[name](report)
    else:
        yield from import_module(f"seawall.reports.comply_{name}").render(report)


def document(report: Report) -> Iterator[bytes]:
    """The JSON document."""
    yield msgspec.json.encode(plain(report)) + b"\n"


def plain(report: Report) -> dict[str, Any]:
    """The document as plain values."""
    framework = report.framework
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "tool": {"name": "seawall", "version": report.tool},
        "framework": {
            "id": framework.id,
            "title": framework.title,
            "version": framework.version,
            "mapping": framework.mapping,
            "source": framework.source,
            "sha256": framework.digest,
        },
        "judged": report.judged,
        "inputs": report.inputs,
        "summary": {
            "complete": report.complete,
            "controls": len(report.controls),
            "statuses": report.counts(),
            "score": report.score(),
            "kubernetesVersion": report.kubernetes_version,
            "trend": report.trend,
            "owners": report.owners(),
        },
        "controls": report.controls,
        "notes": report.notes,
        "errors": report.errors,
    }
    return found


def terminal(report: Report) -> Iterator[bytes]:
    """Every control, a line each, with what made it fail."""
    yield from (f"{printable(line)}\n".encode("utf-8", "replace") for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    framework = report.framework
    yield f"{framework.title} ({framework.id}){', a mapping' if framework.mapping else ''}"
    section = None
    for control in report.controls:
        if control.section != section:
            section = control.section
            yield ""
            yield section or "Controls"
        word = _WORDS.get(control.status, control.status.value)
        yield f"  {word:<12} {control.id:<10} {control.title}"
        if control.reason:
            yield f"{'':>26}{control.reason}"
        if control.status is Status.FAIL:
            for each in control.evidence[:_TOLD]:
                if told := evidence_line(each):
                    yield f"{'':>26}{told}"
    yield ""
    yield from summary_lines(report)


def summary_lines(report: Report) -> Iterator[str]:
    """The score, the counts, the trend and the owners."""
    counts = ", ".join(f"{number} {name}" for name, number in report.counts().items() if number)
    yield f"{report.score()} % of {len(report.controls)} controls pass or are attested: {counts}"
    if report.trend is not None:
        yield f"{report.trend.change:+} since the earlier run ({report.trend.previous} %)"
        for word, controls in (("mended", report.trend.mended), ("broken", report.trend.broken)):
            if controls:
                yield f"  {word}: {', '.join(controls)}"
    for owner, numbers in list(report.owners().items())[:10]:
        yield f"  {owner}: {numbers['controls']} failed controls, {numbers['findings']} findings"


def evidence_line(each: object) -> str:
    """A finding, a failed fact or a set of signatures in one line; empty for other evidence."""
    if isinstance(each, FindingEvidence):
        place = f"{each.file}:{each.line}" if each.line else each.file
        where = f"{place} {each.path}".strip()
        waived = f" (waived: {each.waiver})" if each.waiver else ""
        return f"{each.resource}: {each.message} [{each.rule}]{f' at {where}' if where else ''}{waived}"
    if isinstance(each, FactsEvidence) and each.verdict == "fail":
        return f"{each.node}: {each.reason} [{each.rule}] in {each.source} of {each.collected}"
    if isinstance(each, SetEvidence):
        return each.told()
    return ""


def table(report: Report) -> Iterator[bytes]:
    """A line a control; cells that a spreadsheet would run are defused."""
    columns = ("framework", "control", "section", "title", "automation", "status", "severity", "reason", "checks",
               "findings", "owners")  # fmt: skip
    yield csv_line(columns)
    for each in report.controls:
        checks = " ".join(f"{check.id}={check.state}" for check in each.checks)
        findings = sum(check.findings for check in each.checks)
        yield csv_line(
            (report.framework.id, each.id, each.section, each.title, each.automation, each.status, each.severity,
             each.reason, checks, findings, " ".join(each.owners))
        )  # fmt: skip


def junit(report: Report) -> Iterator[bytes]:
    """JUnit XML: a suite for the framework, a case a control; what was not checked is skipped, never passed."""
    cases = [_case(report.framework.id, control) for control in report.controls]
    cases += [
        f"    <testcase classname={quote('inputs')} name={quote(problem)}>"
        f"<error message={quote(problem)}/></testcase>\n"
        for problem in report.problems
    ]
    failures = sum(control.status is Status.FAIL for control in report.controls)
    skipped = sum(control.status in _SKIPPED for control in report.controls)
    counts = f'tests="{len(cases)}" failures="{failures}" errors="{len(report.problems)}" skipped="{skipped}" time="0"'
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="seawall" {counts}>\n'.encode()
    yield f"  <testsuite name={quote(report.framework.title)} {counts}>\n".encode("utf-8", "replace")
    yield "".join(cases).encode("utf-8", "replace")
    yield b"  </testsuite>\n</testsuites>\n"


_SKIPPED = (Status.PARTIAL, Status.NOT_CHECKED, Status.WAIVED, Status.MANUAL)


def _case(framework: str, control: ControlReport) -> str:
    inner = ""
    if control.status is Status.FAIL:
        told = "\n".join([printable(line) for each in control.evidence[:_TOLD] if (line := evidence_line(each))])
        inner = f"<failure message={quote(control.reason)}>{escape(told, quote=False)}</failure>"
    elif control.status in _SKIPPED:
        inner = f"<skipped message={quote(f'{control.status}: {control.reason}')}/>"
    name = quote(f"{control.id} {control.title}")
    return f"    <testcase classname={quote(f'seawall.{framework}')} name={name}>{inner}</testcase>\n"


COLOURS = {
    Status.PASS: "#2e8b57",
    Status.ATTESTED: "#5aa9a0",
    Status.WAIVED: "#d9a441",
    Status.PARTIAL: "#e0bd6a",
    Status.FAIL: "#c0392b",
    Status.MANUAL: "#8fa3b0",
    Status.NOT_CHECKED: "#c3ced6",
}


def listing(frameworks: list[Framework]) -> Iterator[str]:
    """The frameworks, and how far each can be judged."""
    head = f"{'framework':<26} {'controls':>8} " + " ".join(f"{each.value:>9}" for each in Automation) + "  title"
    yield head + "\n"
    for each in frameworks:
        counts = coverage(each)
        numbers = " ".join(f"{counts[name.value]:>9}" for name in Automation)
        yield f"{each.id:<26} {len(each.controls):>8} {numbers}  {printable(each.title)}\n"


def coverage(framework: Framework) -> dict[str, int]:
    """How many controls are of each kind of automation."""
    found = dict.fromkeys((each.value for each in Automation), 0)
    for control in framework.controls:
        found[control.data.automation.value] += 1
    return found


def framework_page(framework: Framework) -> str:
    """A framework as a page of the documentation: each control with what is behind it."""
    lines = [f"# {framework.title}", "", framework.about]
    if framework.mapping:
        lines += ["", "This is a mapping: its controls were not written for Kubernetes."]
    lines += ["", *(f"- <{link}>" for link in framework.references)]
    for control in framework.controls:
        data = control.data
        lines += ["", f"## {data.id} {data.title}", "", f"{data.automation.value}. {data.why}"]
        if control.needed:
            links = ", ".join(f"[{name}](../rules/{name}.md)" for name in control.needed)
            lines += ["", f"Needed for a pass: {links}."]
        if control.further:
            lines += ["", f"Counts where it finds something: {', '.join(control.further)}."]
        if data.engines:
            lines += ["", f"Engine absent: {', '.join(data.engines)}."]
        if data.attest:
            lines += ["", f"People attest: {data.attest}"]
        lines += [""] * bool(data.steps) + [f"{number}. {step}" for number, step in enumerate(data.steps, 1)]
    return "\n".join(lines) + "\n"


def explained(framework: Framework, control: Control) -> Iterator[str]:
    """A control in our words, with everything behind it."""
    data = control.data
    lines = [f"{framework.id} {data.id}: {data.title}", f"{data.section}; {data.automation}", "", data.why]
    lines += ["", "checks, all of them needed for a pass:"] * bool(control.needed)
    lines += [f"  {name}" for name in control.needed]
    lines += ["", "further checks, which count where they find something:"] * bool(control.further)
    lines += [f"  {name}" for name in control.further]
    lines += [f"engine absent: {name}" for name in data.engines]
    lines += ["", f"people attest: {data.attest}"] * bool(data.attest)
    lines += [f"  {number}. {step}" for number, step in enumerate(data.steps, 1)]
    yield from (f"{printable(line)}\n" for line in lines)


def shown(framework: Framework) -> Iterator[str]:
    """A framework's controls, a line each."""
    yield f"{printable(framework.title)}\n{printable(framework.about)}\n"
    for control in framework.controls:
        data = control.data
        yield f"  {data.id:<10} {data.automation:<10} {printable(data.title)}\n"


def gaps(first: Framework, second: Framework, found: list[Gap]) -> Iterator[str]:
    """What the second asks beyond the first."""
    yield printable(f"{len(found)} of {len(second.controls)} controls of {second.id} ask more than {first.id}") + "\n"
    for each in found:
        yield f"  {each.id:<10} {printable(each.title)}\n"
        if each.beyond:
            yield f"{'':>13}checks: {printable(', '.join(each.beyond))}\n"
        if each.asks:
            yield f"{'':>13}people: {printable(each.asks)}\n"
