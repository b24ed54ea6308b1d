"""From a field of a rendered object to the template line and the values keys that made it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from seawall.model.finding import Location, RenderedEvidence
from seawall.model.paths import Path, format_path
from seawall.model.rendered import Trace
from seawall.sources.helm.marks import Place, place_of
from seawall.sources.helm.template import Action, Template
from seawall.sources.helm.values import ValuesFile, keys_of, place_of_key


class Sources(Struct):
    """What the tracers of one chart share.

    ``templates`` are numbered as in marks, ``shown`` their names as people see them, ``owners`` the values scope of
    each and the file with its own defaults. ``given`` are the values files that were named, the last one first.
    """

    unit: str
    templates: list[Template]
    shown: list[str]
    values: dict[str, Any]
    given: list[ValuesFile]
    defaults: dict[Path, ValuesFile]


class TemplateTracer(Struct):
    """Leads from the rendered text of one template to the sources. ``places`` has one entry a rendered line."""

    file: str
    sources: Sources
    scope: Path
    places: list[Place | None]
    hook: str | None = None

    def trace(self, path: Path, place: Location, raw: dict[str, Any]) -> Trace:
        """The template line, and the values keys where they can be told."""
        source = place_of(self.places, place.line - 1) if place.line else None
        if source is None:
            first = Location(self.file, 1, 1, format_path(path))
            return Trace((first,), RenderedEvidence("helm", self.sources.unit, True, hook=self.hook))
        template = self.sources.templates[source.file]
        column = _column(template.line_text(source.line), path)
        first = Location(self.sources.shown[source.file], source.line, column, format_path(path))
        keys = self._keys(template.speaking(source.line), path, raw)
        locations = [first, *(found for key in keys if (found := self._place(key)) is not None)]
        names = tuple(dict.fromkeys(format_path(self._full(key)) for key in keys))
        evidence = RenderedEvidence("helm", self.sources.unit, not source.certain, names, self.hook)
        return Trace(tuple(dict.fromkeys(locations)), evidence)

    def _keys(self, actions: list[Action], path: Path, raw: dict[str, Any]) -> list[Path]:
        if not path:
            return []
        values: Any = self.sources.values
        for step in self.scope:
            values = values.get(step, {}) if isinstance(values, dict) else {}
        own: dict[str, Any] = values if isinstance(values, dict) else {}
        return [key for action in actions for key in keys_of(action, path, raw, own)]

    def _full(self, key: Path) -> Path:
        return key if key[:1] == ("global",) else (*self.scope, *key)

    def _place(self, key: Path) -> Location | None:
        """Where the value comes from: the last file given that sets it, else the outermost chart with a default.

        For a key that none of them sets, where the map stands that it belongs into.
        """
        full = self._full(key)
        candidates = [place_of_key(file, full) for file in self.sources.given]
        for depth in range(len(self.scope) + 1):
            file_of = self.sources.defaults.get(self.scope[:depth])
            inner = key if key[:1] == ("global",) else (*self.scope[depth:], *key)
            if file_of is not None:
                steps, found = place_of_key(file_of, inner)
                candidates.append((steps + len(full) - len(inner), found))
        there = [(steps, found) for steps, found in candidates if found is not None]
        return max(there, key=lambda candidate: candidate[0])[1] if there else None


def _column(text: str, path: Path) -> int:
    """Where on a template line the field begins: at its key, else at the first thing on the line."""
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    at = text.find(f"{key}:") if key else -1
    return (at if at >= 0 else len(text) - len(text.lstrip())) + 1
