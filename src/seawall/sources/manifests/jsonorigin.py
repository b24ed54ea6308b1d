"""Where objects of JSON files come from, and how their text is found again once it was let go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from seawall.model.finding import Location
from seawall.model.paths import Path, format_path
from seawall.sources.manifests.jsontext import Chunk, decode_chunk, locate


class JsonSource(Struct):
    """The bytes of a JSON file: held, or (for a regular file) read again when they are asked for."""

    path: str
    data: bytes | None

    def slice(self, start: int, length: int) -> str:
        """The text between two byte offsets."""
        if self.data is not None:
            return self.data[start : start + length].decode()
        with open(self.path, "rb") as file:
            file.seek(start)
            return file.read(length).decode()


class JsonOrigin(Struct, gc=False):
    """An object of a JSON file: the bytes that hold it, and the place (from 0) where they begin."""

    file: str
    unit: str
    source: JsonSource
    start: int
    length: int
    line: int
    column: int
    text: str | None
    decoded: tuple[Any, bool] | None

    def _chunk(self) -> Chunk:
        text = self.text if self.text is not None else self.source.slice(self.start, self.length)
        return Chunk(text, self.line, self.column)

    def read(self) -> dict[str, Any]:
        """The original object, decoded again."""
        value: dict[str, Any] = decode_chunk(self._chunk())[0]
        return value

    def locate(self, paths: Sequence[Path]) -> list[Location]:
        """Where fields stand; found by a second scan of the object's text."""
        if not any(paths):
            return [Location(self.file, self.line + 1, self.column + 1, "") for _ in paths]
        chunk = self._chunk()
        value, duplicated = self.decoded or decode_chunk(chunk)
        places = locate(chunk, paths, value, duplicated)
        return [Location(self.file, places[path][0] + 1, places[path][1] + 1, format_path(path)) for path in paths]
