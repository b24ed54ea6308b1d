"""Compliance as one HTML page: it runs no script, loads nothing, and reads on a phone, in the dark and on paper."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape

from seawall.engine.complyreport import ControlReport, Report
from seawall.reports.comply import COLOURS, evidence_line, summary_lines
from seawall.reports.excerpt import many, printable

#: So many places of a control are shown at once; the others are folded away.
_SHOWN = 5
_STYLE = """:root{color-scheme:light dark;--text:#12222d;--soft:#4b5c68;--page:#f2f6f9;--card:#fff;--line:#d6e0e7;
--good:#0a7040;--bad:#b3261e;--half:#8a5a00}
@media (prefers-color-scheme:dark){:root{--text:#e3ebf1;--soft:#9fb0bc;--page:#0b1117;--card:#151c24;--line:#2b3743;
--good:#6fd6a0;--bad:#ff8a80;--half:#e6bd62}}
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;margin:0;color:var(--text);background:var(--page)}
header{background:linear-gradient(120deg,#071c33,#0d3d66 60%,#0d6480);color:#fff;padding:24px 0}
header p{margin:4px 0 0;color:#dbe8f2}header>div,main{max-width:1080px;margin:auto;padding:0 24px}
h1{font-size:24px;line-height:1.25;margin:0}h2{font-size:18px;margin:28px 0 8px}main{padding-bottom:48px}
.bar{display:flex;height:22px;border-radius:6px;overflow:hidden;margin:22px 0 12px}
.control{display:grid;grid-template-columns:104px 76px minmax(0,1fr);gap:0 12px;background:var(--card);
padding:10px 14px;border:1px solid var(--line);border-top-width:0}
h2+.control{border-top-width:1px;border-radius:10px 10px 0 0}
.control:has(+h2),.control:last-child{border-radius:0 0 10px 10px}h2+.control:has(+h2){border-radius:10px}
.s{font-weight:600}.pass,.attested{color:var(--good)}.fail{color:var(--bad)}.partial,.waived{color:var(--half)}
.manual,.not-checked{color:var(--soft)}.n{color:var(--soft)}.t{font-weight:600}p{margin:0 0 4px}
p,li,summary{overflow-wrap:anywhere}ul{margin:4px 0 0;padding-left:18px;font-size:13px;line-height:1.6}
summary{cursor:pointer;font-size:13px;margin-top:4px;color:var(--soft)}
@media (max-width:640px){header>div,main{padding-left:14px;padding-right:14px}
.control{grid-template-columns:auto 1fr}.control>div{grid-column:1/-1}}
@media print{:root{--text:#000;--soft:#444;--page:#fff;--card:#fff;--line:#ccc;--good:#0a7040;
--bad:#b3261e;--half:#8a5a00}
header{background:none;color:#000;padding:0}header p{color:#000}.control{break-inside:avoid}}
"""


def render(report: Report) -> Iterator[bytes]:
    """The page, a piece at a time."""
    bars = "".join(f".b{n}{{background:{COLOURS[s]};flex:{report.counts()[s.value]}}}" for n, s in enumerate(COLOURS))
    style = _STYLE + bars
    policy = f"default-src 'none'; style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"
    title = _html(report.framework.title)
    yield (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        f"<style>{style}</style></head><body><header><div><h1>{title}</h1>\n"
    ).encode()
    whole = "complete" if report.complete else "INCOMPLETE"
    yield f"<p>Judged {report.judged} by Seawall {report.tool}; {whole}.</p></div></header><main>\n".encode()
    yield from (f"{part}\n".encode("utf-8", "replace") for part in _body(report))
    yield b"</main></body></html>\n"


def _body(report: Report) -> Iterator[str]:
    yield '<div class="bar">' + "".join(f'<div class="b{n}"></div>' for n in range(len(COLOURS))) + "</div>"
    yield "<p>" + "<br>".join(_html(line) for line in summary_lines(report)) + "</p>"
    for title, lines in (("Not read or not judged", report.problems), ("Notes", report.notes)):
        if lines:
            yield f"<h2>{title}</h2>{_list(lines)}"
    yield f"<h2>Inputs</h2>{_list([f'{e.path}: {e.kind} {e.collected} {e.sha256}' for e in report.inputs])}"
    section = None
    for control in report.controls:
        if control.section != section:
            section = control.section
            yield f"<h2>{_html(section or 'Controls')}</h2>"
        yield _control(control)


def _control(control: ControlReport) -> str:
    lines = [line for each in control.evidence if (line := evidence_line(each))]
    told = _list(lines[:_SHOWN]) if lines else ""
    rest = [*lines[_SHOWN:], *([f"and {control.more} more"] if control.more else [])]
    if rest:
        count = len(lines) - _SHOWN + control.more
        told += f"<details><summary>{many(count, 'more place')}</summary>{_list(rest)}</details>"
    reason = f"<p>{_html(control.reason)}</p>" if control.reason else ""
    return (
        f'<section class="control"><span class="s {control.status}">{control.status}</span>'
        f'<span class="n">{_html(control.id)}</span>'
        f'<div><p class="t">{_html(control.title)}</p>{reason}{told}</div></section>'
    )


def _list(lines: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{_html(line)}</li>' for line in lines)}</ul>"


def _html(text: str) -> str:
    return escape(printable(text))
