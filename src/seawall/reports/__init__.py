"""Telling people and programs what was found; formats are imported when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seawall.engine import ScanResult
    from seawall.reports.view import View

#: The formats of a scan, each a module of this package, in the order in which they are documented.
FORMATS = ("terminal", "json", "html", "sarif", "junit", "markdown", "csv", "github", "gitlab")


def render(name: str, result: ScanResult, view: View) -> Iterable[bytes]:
    """A result in one of the formats, a part at a time."""
    parts: Iterable[bytes] = import_module(f"seawall.reports.{name}").render(result, view)
    return parts
