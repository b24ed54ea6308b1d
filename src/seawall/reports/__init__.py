"""Telling people and programs what was found; formats are imported when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seawall.engine import ScanResult
    from seawall.reports.view import View

#: A format: the parts of its text, for a result seen through a view.
Format = Callable[["ScanResult", "View"], Iterable[bytes]]


def _terminal(result: ScanResult, view: View) -> Iterable[bytes]:
    from seawall.reports.terminal import render

    return (line.encode("utf-8", "replace") for line in render(result, view))


def _json(result: ScanResult, view: View) -> Iterable[bytes]:
    from seawall.reports.json import render

    return render(result)


def _html(result: ScanResult, view: View) -> Iterable[bytes]:
    from seawall.reports.html import render
    from seawall.reports.json import render as render_json

    return [render(b"".join(render_json(result))).encode()]


#: The formats by name, in the order in which they are documented.
FORMATS: Mapping[str, Format] = {"terminal": _terminal, "json": _json, "html": _html}
