"""Objects that a tool rendered (Helm, Kustomize), and the way back to the sources that people edit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from seawall.model.finding import Location, RenderedEvidence
from seawall.model.paths import Path
from seawall.model.resource import Origin


class Trace(Struct, frozen=True):
    """Where a field of a rendered object comes from: the place to change first, then others (a values file)."""

    locations: tuple[Location, ...]
    evidence: RenderedEvidence


class Tracer(Protocol):
    """Leads from places of rendered text to the sources. ``file`` stands for the object as a whole."""

    @property
    def file(self) -> str:
        """The template or manifest that the object was rendered from."""

    def trace(self, path: Path, place: Location, raw: dict[str, Any]) -> Trace:
        """The sources of the field at ``path`` of the object ``raw``; it stands at ``place`` in the rendered text."""


class RenderedOrigin:
    """The origin of a rendered object: its own place in the rendered text, and a tracer from there to the sources."""

    __slots__ = ("inner", "tracer", "unit")

    def __init__(self, inner: Origin, unit: str, tracer: Tracer) -> None:
        self.inner = inner
        self.unit = unit
        self.tracer = tracer

    @property
    def file(self) -> str:
        """The template or manifest that the object was rendered from."""
        return self.tracer.file

    def read(self) -> dict[str, Any]:
        """The whole rendered object, decoded anew."""
        return self.inner.read()

    def locate(self, paths: Sequence[Path]) -> list[Location]:
        """Where fields stand in the sources."""
        return [trace.locations[0] for trace in self.traces(paths)]

    def traces(self, paths: Sequence[Path], raw: dict[str, Any] | None = None) -> list[Trace]:
        """Where fields come from, with all that is known of it. ``raw`` is the rendered object, if it is at hand."""
        if raw is None:
            raw = self.read() if any(paths) else {}
        places = self.inner.locate(paths)
        return [self.tracer.trace(path, place, raw) for path, place in zip(paths, places, strict=True)]
