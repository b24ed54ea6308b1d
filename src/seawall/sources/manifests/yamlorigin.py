"""Where objects of YAML documents come from, and how their text is found again once it was let go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from seawall.model.finding import Location
from seawall.model.paths import Path, format_path
from seawall.sources.manifests.yamltext import Marks, parse_documents, place_in


class YamlOrigin(Struct, gc=False):
    """An object of a YAML document.

    ``text`` is the document's own text, which begins at ``line`` (from 0) of the file. ``document`` counts documents
    within it (``...`` can end one), ``item`` is its place in a list, empty for none. ``marks`` are held only while it
    is judged; ``start`` is where the object begins.
    """

    file: str
    unit: str
    text: str
    line: int
    document: int
    item: Path
    marks: Marks | None
    start: tuple[int, int]

    def read(self) -> dict[str, Any]:
        """The original object, parsed again."""
        value = parse_documents(self.text)[self.document].value
        return self._pick(value)

    def _pick(self, value: Any) -> dict[str, Any]:
        for step in self.item:
            value = value[step]
        found: dict[str, Any] = value
        return found

    def locate(self, paths: Sequence[Path]) -> list[Location]:
        """Where fields stand."""
        if not any(paths):
            line, column = self.start
            return [Location(self.file, self.line + line + 1, column + 1, "") for _ in paths]
        marks = self.marks
        if marks is None:
            marks = marks_at(parse_documents(self.text)[self.document].marks, self.item)
        places = [(path, *place_in(marks, path)) for path in paths]
        return [
            Location(self.file, self.line + line + 1, column + 1, format_path(path)) for path, line, column in places
        ]


def marks_at(marks: Marks | None, place: Path) -> Marks | None:
    """The marks of what stands at a place in a document."""
    for step in place:
        child = marks.children.get(step) if marks is not None else None
        marks = child[2] if child is not None else None
    return marks
