"""One YAML document to plain values and the places where they stand.

libyaml's event stream is read directly: faster than PyYAML's constructors, and depth, aliases and digits can be
bounded before anything is built. Merge keys and aliases behave as in sigs.k8s.io/yaml's goyaml.v2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from seawall.model.paths import Path, format_path
from seawall.sources.manifests.libyaml import (
    AliasEvent,
    CParser,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
    StreamStartEvent,
    YAMLError,
)
from seawall.sources.manifests.scalars import ScalarError, key_text, resolve_plain, resolve_tagged

MAX_DEPTH = 256


class SyntaxProblem(Exception):
    """Text that is not readable YAML or JSON. ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


class Marks(Struct, gc=False):
    """Where a mapping or sequence and its children stand: (line, column) from 0, and the children's marks."""

    line: int
    column: int
    children: dict[str | int, tuple[int, int, Marks | None]]


class Document(Struct, gc=False):
    """A parsed document with the places of its fields and its duplicate keys."""

    value: Any
    marks: Marks | None
    duplicates: list[tuple[Path, int, int]]


class _Anchored(Struct, gc=False):
    value: Any
    marks: Marks | None
    weight: int


def parse_documents(text: str) -> list[Document]:
    """Parse YAML text that holds a document (or several, where ``...`` ends one).

    Raises:
        SyntaxProblem: the text is not YAML, or exceeds a bound.
    """
    try:
        parser = CParser(text)
    except YAMLError as error:
        raise _problem(error, text) from error
    try:
        return _Builder(parser.get_event).stream()
    except YAMLError as error:
        raise _problem(error, text) from error
    finally:
        parser.dispose()


def _problem(error: YAMLError, text: str) -> SyntaxProblem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML")
    if mark is not None:
        return SyntaxProblem(reason, mark.line + 1, mark.column + 1)
    return SyntaxProblem(reason, *place_of_unreadable(text))


def place_of_unreadable(text: str) -> tuple[int, int]:
    """Line and column, from 1, of the first character that YAML does not allow."""
    for index, char in enumerate(text):
        if not (char.isprintable() or char in "\t\n\r\x85\xa0\u2028\u2029\ufeff" or char > "\x9f"):
            return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
    return 1, 1


class _Builder:
    """Builds plain values from events; recursion is bounded by MAX_DEPTH."""

    def __init__(self, next_event: Callable[[], Any]) -> None:
        self._next = next_event
        self._anchors: dict[str, _Anchored | None] = {}
        self._duplicates: list[tuple[Path, int, int]] = []
        self._path: list[str | int] = []
        self._nodes = 0
        self._aliased = 0

    def stream(self) -> list[Document]:
        documents: list[Document] = []
        while not isinstance(event := self._next(), StreamEndEvent):
            if isinstance(event, DocumentStartEvent):
                self._anchors, self._duplicates = {}, []
                self._nodes = self._aliased = 0
                value, marks = self._node(self._next(), 0)
                documents.append(Document(value, marks, self._duplicates))
            elif not isinstance(event, DocumentEndEvent | StreamStartEvent):
                raise AssertionError(f"unexpected {event}")
        return documents

    def _node(self, event: Any, depth: int) -> tuple[Any, Marks | None]:
        self._nodes += 1
        kind = type(event)
        if kind is ScalarEvent:
            value = self._scalar(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchored(value, None, 1)
            return value, None
        if kind is AliasEvent:
            return self._alias(event)
        if depth >= MAX_DEPTH:
            raise _at(event, f"nested deeper than {MAX_DEPTH} levels")
        start = self._nodes
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        built = self._mapping(event, depth) if kind is MappingStartEvent else self._sequence(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(built[0], built[1], self._nodes - start + 1)
        return built

    def _scalar(self, event: Any) -> Any:
        try:
            if event.tag is not None and event.tag != "!":
                return resolve_tagged(event.tag, event.value)
            return resolve_plain(event.value) if event.implicit[0] else event.value
        except ScalarError as error:
            raise _at(event, str(error)) from error

    def _alias(self, event: Any) -> tuple[Any, Marks | None]:
        if event.anchor not in self._anchors:
            raise _at(event, f"unknown anchor {event.anchor!r}")
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise _at(event, f"anchor {event.anchor!r} contains itself")
        self._nodes += anchored.weight
        self._aliased += anchored.weight
        if self._aliased > 100 and self._nodes > 1000 and self._aliased / self._nodes > _alias_ratio(self._nodes):
            raise _at(event, "the document contains excessive aliasing")
        return anchored.value, anchored.marks

    def _sequence(self, event: Any, depth: int) -> tuple[list[Any], Marks]:
        items: list[Any] = []
        marks = Marks(event.start_mark.line, event.start_mark.column, {})
        self._path.append(0)
        while type(child := self._next()) is not SequenceEndEvent:
            index = self._path[-1] = len(items)
            mark = child.start_mark
            value, below = self._node(child, depth + 1)
            items.append(value)
            marks.children[index] = (mark.line, mark.column, below)
        self._path.pop()
        return items, marks

    def _mapping(self, event: Any, depth: int) -> tuple[dict[str, Any], Marks]:
        values: dict[str, Any] = {}
        marks = Marks(event.start_mark.line, event.start_mark.column, {})
        own: set[str] = set()
        while type(child := self._next()) is not MappingEndEvent:
            mark = child.start_mark
            if type(child) is ScalarEvent and child.value == "<<" and child.implicit[0]:
                self._merge(self._next(), values, marks, depth)
                continue
            key = self._key(child, depth)
            self._path.append(key)
            if key in own:
                self._duplicates.append((tuple(self._path), mark.line, mark.column))
            own.add(key)
            value, below = self._node(self._next(), depth + 1)
            values[key] = value
            marks.children[key] = (mark.line, mark.column, below)
            self._path.pop()
        return values, marks

    def _key(self, event: Any, depth: int) -> str:
        if type(event) is ScalarEvent and event.anchor is None and event.tag is None and not event.implicit[0]:
            return str(event.value)
        value, _ = self._node(event, depth + 1)
        if isinstance(value, dict | list):
            raise _at(event, "a key must be plain text")
        try:
            return key_text(value)
        except ScalarError as error:
            raise _at(event, str(error)) from error

    def _merge(self, event: Any, values: dict[str, Any], marks: Marks, depth: int) -> None:
        """A ``<<`` key. As in goyaml.v2 it overwrites keys before it; keys after it overwrite it in turn."""
        value, below = self._node(event, depth + 1)
        pairs = [(value, below)]
        if isinstance(value, list) and below is not None:
            pairs = [(item, below.children[index][2]) for index, item in enumerate(value)][::-1]
        for source, source_marks in pairs:
            if not isinstance(source, dict) or source_marks is None:
                raise _at(event, "a merge key needs a mapping or a list of mappings")
            values.update(source)
            marks.children.update(source_marks.children)


def _alias_ratio(nodes: int) -> float:
    """Which share of a document may come from aliases (goyaml.v2: 99% up to 400,000 nodes, 10% from 4,000,000)."""
    low, high = 400_000, 4_000_000
    return 0.99 - 0.89 * (min(max(nodes, low), high) - low) / (high - low)


def _at(event: Any, message: str) -> SyntaxProblem:
    return SyntaxProblem(message, event.start_mark.line + 1, event.start_mark.column + 1)


def place_in(marks: Marks | None, path: Path) -> tuple[int, int]:
    """Line and column, from 0, of the deepest part of a path that exists."""
    if marks is None:
        return 0, 0
    line, column = marks.line, marks.column
    below: Marks | None = marks
    for step in path:
        child = below.children.get(step) if below is not None else None
        if child is None:
            break
        line, column, below = child
    return line, column


def duplicate_note(path: Path) -> str:
    """What is said of a duplicate key."""
    return f"{format_path(path)} is given twice; the last one wins"
