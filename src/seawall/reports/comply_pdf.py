"""Compliance as a PDF for auditors: scope, method, summary with a chart, results by section, exceptions, evidence.

Needs fpdf2 (the extra ``pdf``), which is imported here alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from fpdf import FPDF

from seawall.engine.complyreport import AttestationEvidence, ControlReport, FactsEvidence, ObjectsEvidence, Report
from seawall.findings.controls import Status
from seawall.reports.comply import COLOURS, evidence_line, summary_lines
from seawall.reports.excerpt import printable

_INK, _GREY, _LINE, _BRAND = (18, 34, 45), (90, 107, 120), (214, 223, 229), (11, 95, 138)
_LONGEST = 600
_EXCEPTIONS = (Status.WAIVED, Status.ATTESTED, Status.MANUAL)


def render(report: Report) -> Iterator[bytes]:
    """The document."""
    page = _Document(report)
    page.set_compression(True)
    page.first_page()
    page.results()
    page.exceptions()
    page.annex()
    yield bytes(page.output())


class _Document(FPDF):
    def __init__(self, report: Report) -> None:
        super().__init__(format="A4")
        self.report = report
        self.set_title(_safe(report.framework.title))
        self.set_creator(f"Seawall {report.tool}")
        self.set_margins(18, 16, 18)
        self.set_auto_page_break(True, 18)
        self.add_page()

    def footer(self) -> None:
        """The framework, the time and the page."""
        self.set_y(-13)
        self._font(8, colour=_GREY)
        width = self.epw / 2
        self.cell(width, 5, _safe(f"{self.report.framework.title[:70]}, {self.report.judged}"))
        self.cell(width, 5, f"Page {self.page_no()}", align="R")

    def first_page(self) -> None:
        """Scope, method and summary."""
        report, framework = self.report, self.report.framework
        self._font(20, "B", _BRAND)
        self.multi_cell(0, 9, _safe(framework.title), align="L", new_x="LMARGIN", new_y="NEXT")
        self._text(f"Compliance report by Seawall {report.tool}, judged {report.judged}", _GREY)
        if not report.complete:
            self._text("This run is INCOMPLETE: what could not be read or judged is listed below.", (179, 38, 30))
        self._heading("Summary")
        self._chart()
        for line in summary_lines(report):
            self._text(line)
        self._sections()
        self._heading("Scope")
        for each in report.inputs:
            collected = f", collected {each.collected}" if each.collected else ""
            digest = f", SHA-256 {each.sha256}" if each.sha256 else ""
            self._text(f"{each.path}: {each.kind}{collected}{digest}")
        self._text(f"Kubernetes {report.kubernetes_version}")
        self._heading("Method")
        self._text(
            "Each control is tied to checks over objects of the cluster, facts of nodes and results of other runs. It "
            "passes only where all that it needs was looked at; a failure outweighs what people attest; what was not "
            "looked at is not checked, and counts against the score. The annex holds the evidence."
        )
        version = f", version {framework.version}" if framework.version else ""
        mapping = " It is a mapping: its controls were not written for Kubernetes." if framework.mapping else ""
        self._text(f"Framework {framework.id}{version}, data SHA-256 {framework.digest}.{mapping}")
        for title, lines in (("Not read or not judged", report.problems), ("Notes", report.notes)):
            if lines:
                self._heading(title)
                for line in lines:
                    self._text(line)

    def _chart(self) -> None:
        """One bar of all controls by status, with its legend."""
        counts = self.report.counts()
        self._bar([(COLOURS[status], counts[status.value]) for status in COLOURS], self.l_margin, self.epw, 8)
        self.ln(10)
        self._font(8)
        for status, colour in COLOURS.items():
            if counts[status.value]:
                self.set_fill_color(*_rgb(colour))
                self.rect(self.get_x(), self.get_y() + 0.8, 3, 3, style="F")
                self.set_x(self.get_x() + 4)
                label = f"{status.value} {counts[status.value]}"
                self.cell(self.get_string_width(label) + 5, 5, label)
        self.ln(7)

    def _bar(self, parts: list[tuple[str, int]], x: float, width: float, height: float) -> None:
        total = sum(number for _, number in parts)
        for colour, number in parts:
            if number:
                share = width * number / total
                self.set_fill_color(*_rgb(colour))
                self.rect(x, self.get_y(), share, height, style="F")
                x += share

    def _sections(self) -> None:
        """A bar a section."""
        self.ln(2)
        for section, controls in self._by_section():
            self._font(9)
            self._room(6)
            self.cell(62, 5, _safe(section[:38]))
            counts = [(COLOURS[status], sum(c.status is status for c in controls)) for status in COLOURS]
            self._bar(counts, self.get_x(), self.epw - 62, 4)
            self.ln(6)

    def _by_section(self) -> list[tuple[str, list[ControlReport]]]:
        groups = groupby(self.report.controls, key=lambda control: control.section or "Controls")
        return [(section, list(controls)) for section, controls in groups]

    def results(self) -> None:
        """Every control, by section."""
        self.add_page()
        self._heading("Results")
        for section, controls in self._by_section():
            self._heading(section, 11)
            for control in controls:
                self._control(control)

    def _control(self, control: ControlReport) -> None:
        self._room(13)
        self.set_draw_color(*_LINE)
        self.line(self.l_margin, self.get_y(), self.l_margin + self.epw, self.get_y())
        self.ln(1)
        self._font(9, "B", _rgb(_TEXT[control.status]))
        self.cell(24, 5, control.status.value)
        self._font(9, colour=_INK)
        self.set_left_margin(42)
        self.multi_cell(0, 5, _safe(f"{control.id}  {control.title}"), align="L", new_x="LMARGIN", new_y="NEXT")
        if control.reason:
            self._text(control.reason, _GREY, 8)
        self.set_left_margin(18)
        self.set_x(18)
        self.ln(1)

    def exceptions(self) -> None:
        """What people answered, accepted, or have to answer."""
        found = [control for control in self.report.controls if control.status in _EXCEPTIONS]
        if found:
            self.add_page()
            self._heading("Exceptions, attestations and what people must answer")
            for control in found:
                self._control(control)

    def annex(self) -> None:
        """The evidence behind each answer."""
        self.add_page()
        self._heading("Annex: evidence")
        for control in self.report.controls:
            if control.evidence:
                self._room(14)
                self._font(9, "B", _INK)
                self.multi_cell(0, 5, _safe(f"{control.id}  {control.title}"), align="L", new_x="LMARGIN", new_y="NEXT")
                for each in control.evidence:
                    self._text(_evidence(each), _INK, 7.5)
                if control.more:
                    self._text(f"and {control.more} more findings", _GREY, 7.5)
                self.ln(2)

    def _heading(self, text: str, size: float = 14) -> None:
        self._room(16)
        self.ln(3)
        self._font(size, "B", _BRAND)
        self.multi_cell(0, 7, _safe(text), align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(1)

    def _text(self, text: str, colour: tuple[int, int, int] = _INK, size: float = 9) -> None:
        self._font(size, colour=colour)
        cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        self.multi_cell(0, size * 0.48, _safe(cut), new_x="LMARGIN", new_y="NEXT", align="L")

    def _font(self, size: float, style: str = "", colour: tuple[int, int, int] = _INK) -> None:
        self.set_font("Helvetica", style, size)
        self.set_text_color(*colour)

    def _room(self, height: float) -> None:
        if self.will_page_break(height):
            self.add_page()


_TEXT = {
    Status.PASS: "#0a7040",
    Status.ATTESTED: "#0a7040",
    Status.WAIVED: "#8a5a00",
    Status.PARTIAL: "#8a5a00",
    Status.FAIL: "#b3261e",
    Status.MANUAL: "#4b5c68",
    Status.NOT_CHECKED: "#4b5c68",
}


def _evidence(each: object) -> str:
    if isinstance(each, AttestationEvidence):
        files = "".join(f"; {path} SHA-256 {digest}" for path, digest in each.files.items())
        return f"{each.by} attested on {each.date}, until {each.until}: {each.text}{files} ({each.source})"
    if isinstance(each, FactsEvidence):
        told = each.reason or "; ".join(each.seen)
        return f"{each.node}: {each.verdict}: {told} [{each.rule}] in {each.source} of {each.collected}"
    if isinstance(each, ObjectsEvidence):
        return "Looked at: " + ", ".join(f"{number} {kind}" for kind, number in each.kinds.items())
    return evidence_line(each)


def _safe(text: str) -> str:
    """Text in the alphabet of the fonts that every reader has; other characters become question marks."""
    return printable(text).encode("latin-1", "replace").decode("latin-1").replace("\n", " ")


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
