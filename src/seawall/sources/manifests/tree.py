"""YAML and JSON text as nodes with the spans that they take in it, for edits that leave everything else alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.sources.manifests.libyaml import (
    AliasEvent,
    CParser,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)


class Node:
    """A node of a document: the offsets in code points where its text begins and ends.

    ``kind`` is scalar, alias, mapping or sequence. Of a block collection ``end`` is the end of its last entry, without
    the comments and blank lines after it. ``column`` is that of its first character. Keys of a mapping are in ``keys``.
    """

    __slots__ = ("children", "column", "end", "event", "flow", "keys", "kind", "start")

    def __init__(self, kind: str, event: Any, shift: int) -> None:
        self.kind = kind
        self.event = event
        self.start: int = event.start_mark.index + shift
        self.end: int = event.end_mark.index + shift
        self.column: int = event.start_mark.column
        self.flow = bool(getattr(event, "flow_style", False))
        self.keys: list[Node] = []
        self.children: list[Node] = []

    @property
    def shared(self) -> bool:
        """Whether it has an anchor or a tag of its own."""
        return self.event.anchor is not None or getattr(self.event, "tag", None) is not None

    def child(self, step: str | int) -> Node | None:
        """The value of a key (the last of that name counts), or an item of a list."""
        if isinstance(step, int):
            return self.children[step] if self.kind == "sequence" and step < len(self.children) else None
        for key, value in zip(reversed(self.keys), reversed(self.children), strict=True):
            if key.kind == "scalar" and key.event.value == step:
                return value
        return None

    def walk(self) -> Iterator[Node]:
        """This node and all below it, keys too, as they stand in the text."""
        yield self
        if self.keys:
            for key, value in zip(self.keys, self.children, strict=True):
                yield from key.walk()
                yield from value.walk()
        else:
            for item in self.children:
                yield from item.walk()


def document_node(text: str, number: int) -> Node | None:
    """The root node of the document of that number, from 0; None where there is none.

    The text must have been read before by ``parse_documents``, which bounds its depth.

    Raises:
        YAMLError: it is not YAML.
    """
    # libyaml does not count a byte order mark.
    shift = 1 if text.startswith("\ufeff") else 0
    parser = CParser(text)
    try:
        while type(event := parser.get_event()) is not StreamEndEvent:
            if type(event) is DocumentStartEvent:
                if number == 0:
                    return _node(parser, parser.get_event(), shift)
                number -= 1
        return None
    finally:
        parser.dispose()


def _node(parser: Any, event: Any, shift: int) -> Node:
    kind = type(event)
    if kind is ScalarEvent:
        return Node("scalar", event, shift)
    if kind is AliasEvent:
        return Node("alias", event, shift)
    if kind is MappingStartEvent:
        node = Node("mapping", event, shift)
        while type(inner := parser.get_event()) is not MappingEndEvent:
            node.keys.append(_node(parser, inner, shift))
            node.children.append(_node(parser, parser.get_event(), shift))
    else:
        node = Node("sequence", event, shift)
        while type(inner := parser.get_event()) is not SequenceEndEvent:
            node.children.append(_node(parser, inner, shift))
    node.end = inner.end_mark.index + shift if node.flow or not node.children else node.children[-1].end
    return node


def comments_in(text: str, start: int, end: int, node: Node) -> list[str]:
    """The comments between two offsets, without their white space; ``#`` within a scalar of ``node`` is none."""
    leaves = [leaf for leaf in node.walk() if leaf.kind in ("scalar", "alias") and leaf.end > start]
    found: list[str] = []
    at = start
    for leaf in leaves:
        if leaf.start >= end:
            break
        found += _comments(text, at, leaf.start)
        if leaf.event.__class__ is ScalarEvent and leaf.event.style in ("|", ">"):
            header = text.find("\n", leaf.start, leaf.end)
            found += _comments(text, leaf.start, header if header >= 0 else leaf.end)
        at = max(at, leaf.end)
    return found + _comments(text, at, end)


def _comments(text: str, start: int, end: int) -> list[str]:
    found: list[str] = []
    while (mark := text.find("#", start, end)) >= 0:
        newline = text.find("\n", mark, end)
        stop = newline if newline >= 0 else end
        if mark == 0 or text[mark - 1] in " \t\r\n":
            found.append(text[mark:stop].rstrip())
            start = stop
        else:
            start = mark + 1
    return found
