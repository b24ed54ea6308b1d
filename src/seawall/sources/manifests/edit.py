"""Edits of YAML and JSON text that leave every other character as it was.

Text is inserted or a span replaced; nothing is written anew from values. Each edit is read back, and holds only if the
decoded documents are what they were with that edit made: one that would reach other places, through an anchor or a
merge key, or that the layout does not take, is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from seawall.model.paths import Path, format_path, lookup
from seawall.model.remedy import Conflict, Edit, applied
from seawall.sources.manifests.libyaml import YAMLError
from seawall.sources.manifests.removal import Refused, Splice, removal
from seawall.sources.manifests.scalars import resolve_plain
from seawall.sources.manifests.tree import Node, comments_in, document_node
from seawall.sources.manifests.yamltext import Document, SyntaxProblem, parse_documents


class EditRefused(Exception):
    """The text cannot be changed there without touching something else; the message says why."""


def edit_text(text: str, document: int, edits: Sequence[Edit]) -> str:
    """``text`` with the edits made in the document of that number, from 0, in the order given.

    Raises:
        EditRefused: one of them cannot be made alone.
        SyntaxProblem: ``text`` is not readable YAML.
    """
    before = parse_documents(text)
    if document < len(before):
        edits = [edit for edit in edits if not _done(before[document].value, edit)]
    edited = text
    try:
        for edit in edits:
            edited = next(_ways(edited, document, edit))
        if _holds(before, edited, document, edits, text):
            return edited
    except (Refused, Conflict, YAMLError):
        pass
    # Together they do not hold: one by one, each in the first way that does.
    edited = text
    for edit in edits:
        edited = _edit_alone(edited, document, edit)
    return edited


def _done(value: Any, edit: Edit) -> bool:
    there = lookup(value, edit.path)
    if edit.op == "add":
        return isinstance(there, list) and edit.value in there
    return edit.op == "set" and there is not None and json.dumps(there) == json.dumps(edit.value)


def _edit_alone(text: str, document: int, edit: Edit) -> str:
    before = parse_documents(text)
    try:
        for edited in _ways(text, document, edit):
            if _holds(before, edited, document, [edit], text):
                return edited
    except (Refused, Conflict) as problem:
        raise EditRefused(str(problem)) from problem
    shared = "&" in text or "<<" in text
    why = "an anchor or merge key would carry the edit elsewhere" if shared else "the layout does not take the edit"
    raise EditRefused(f"{format_path(edit.path)}: {why}")


def _holds(before: list[Document], edited: str, document: int, edits: Sequence[Edit], text: str) -> bool:
    try:
        after = parse_documents(edited)
    except SyntaxProblem:
        return False
    if len(before) != len(after):
        return False
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        wanted = applied(old.value, edits) if number == document else old.value
        # By type and in order, which == would not tell (1 and True).
        if json.dumps(wanted, sort_keys=True) != json.dumps(new.value, sort_keys=True):
            return False
        if len(old.duplicates) < len(new.duplicates):
            return False
    return not any(edit.op == "remove" for edit in edits) or _keeps_comments(text, edited, document)


def _keeps_comments(text: str, edited: str, document: int) -> bool:
    old, new = document_node(text, document), document_node(edited, document)
    if old is None or new is None:
        return False
    return comments_in(text, 0, len(text), old) == comments_in(edited, 0, len(edited), new)


def _ways(text: str, document: int, edit: Edit) -> Iterator[str]:
    """The texts that an edit may lead to, the best-looking first.

    Raises:
        Refused: there is none.
    """
    root = document_node(text, document)
    if root is None:
        raise Refused("there is no such document")
    for splice in _splices(text, root, edit):
        yield text[: splice.start] + splice.text + text[splice.end :]


def _splices(text: str, root: Node, edit: Edit) -> Iterator[Splice]:
    if edit.op == "remove":
        yield from removal(text, root, edit.path)
        return
    node, key, depth = _descend(root, edit.path)
    rest = edit.path[depth:]
    value = [edit.value] if edit.op == "add" and (rest or _is_null(node)) else edit.value
    for step in reversed(rest[1:] if not _is_null(node) else rest):
        if not isinstance(step, str):
            raise Refused(f"{format_path(edit.path)} is not there")
        value = {step: value}
    layout = _Layout(text, root)
    if _is_null(node) and (rest or isinstance(value, dict | list)):
        yield from layout.fill(node, key, value)
    elif rest:
        if node.kind != "mapping" or not isinstance(rest[0], str):
            raise Refused(f"{format_path(edit.path[:depth])} is no mapping that could take {rest[0]!r}")
        yield from layout.insert(node, rest[0], value)
    elif edit.op == "add":
        yield from _append(layout, node, edit)
    else:
        yield _replace(text, root, node, edit)


def _descend(root: Node, path: Path) -> tuple[Node, Node | None, int]:
    """The deepest node of a path that is there, its key (None for an item), and how many steps lead to it."""
    node, key = root, None
    for depth, step in enumerate(path):
        if node.kind == "alias":
            raise Refused(f"{format_path(path[:depth])} is an alias: the anchor's text stands for several places")
        below = node.child(step)
        if below is None:
            return node, key, depth
        key = node.keys[node.children.index(below)] if node.keys else None
        node = below
    return node, key, len(path)


def _is_json(root: Node) -> bool:
    first = next(iter(root.keys or root.children), root)
    return root.flow and (first.kind != "scalar" or first.event.style == '"')


def _is_null(node: Node) -> bool:
    return (
        node.kind == "scalar" and node.event.implicit[0] and node.event.value in ("", "~", "null") and not node.shared
    )


def _replace(text: str, root: Node, node: Node, edit: Edit) -> Splice:
    path = format_path(edit.path)
    if node.kind == "alias":
        raise Refused(f"{path} is an alias: the anchor's text stands for several places")
    if node.kind != "scalar" or isinstance(edit.value, dict | list):
        raise Refused(f"{path} is not a plain value of its own")
    if node.shared:
        raise Refused(f"{path} has an anchor or a tag, and may stand for several places")
    if node.event.style in ("|", ">"):
        raise Refused(f"{path} is a text of several lines")
    # In JSON, text is always quoted; elsewhere it keeps the quotes that stand there.
    shown = scalar_text(edit.value, '"' if _is_json(root) else node.event.style)
    return Splice(node.start, node.end, shown if node.end > node.start else f" {shown}")


def _append(layout: _Layout, node: Node, edit: Edit) -> Iterator[Splice]:
    if node.kind != "sequence":
        raise Refused(f"{format_path(edit.path)} is {'an alias' if node.kind == 'alias' else 'no list'}")
    values = [child.event.value for child in node.children if child.kind == "scalar"]
    if edit.value in values:
        yield Splice(0, 0, "")
        return
    if node.flow:
        yield layout.into_flow(node, layout.flow_text(edit.value))
        return
    dash = layout.text.rfind("-", 0, node.children[-1].start)
    column = dash - (layout.text.rfind("\n", 0, dash) + 1)
    yield layout.after(node.end, " " * column, f"-{layout.block(edit.value, column, item=True)}")


class _Layout:
    """How the document at hand is written: indentation, line ends, dashes."""

    def __init__(self, text: str, root: Node) -> None:
        self.text = text
        self.is_json = _is_json(root)
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self._root = root
        self._steps: tuple[int, int] | None = None

    @property
    def steps(self) -> tuple[int, int]:
        """By how much mappings, and lists, stand to the right of the key that they belong to; (2, 0) where unseen."""
        if self._steps is None:
            inner = dash = None
            for node in self._root.walk():
                if node.kind == "mapping" and not node.flow:
                    for key, value in zip(node.keys, node.children, strict=True):
                        by = value.column - key.column
                        if value.flow or value.kind in ("scalar", "alias") or value.event.anchor is not None:
                            continue
                        if value.kind == "mapping" and by > 0:
                            inner = inner or by
                        elif value.kind == "sequence" and dash is None and by >= 0:
                            dash = by
            self._steps = (inner or 2, dash or 0)
        return self._steps

    def insert(self, node: Node, key: str, value: Any) -> Iterator[Splice]:
        """Ways to add a key to a mapping that lacks it: after its last entry, after others, before the first."""
        if node.flow:
            name = json.dumps(key) if self._quotes(node) else scalar_text(key, None)
            yield self.into_flow(node, f"{name}: {self.flow_text(value, self._quotes(node))}")
            return
        column = node.keys[0].column
        entry = f"{scalar_text(key, None)}:{self.block(value, column)}"
        for child in reversed(node.children):
            yield self.after(child.end, " " * column, entry)
        start = node.keys[0].start
        yield Splice(start, start, f"{entry}{self.newline}{' ' * column}")

    def fill(self, node: Node, key: Node | None, value: Any) -> Iterator[Splice]:
        """Give a value to a key that has none (or null)."""
        if key is None:
            raise Refused("an empty item of a list cannot be filled")
        if node.end > node.start:
            yield Splice(node.start, node.end, self.flow_text(value))
            return
        line = self.text[self.text.rfind("\n", 0, key.start) + 1 : key.start]
        if not self.is_json and not line.strip(" -"):
            line_end = self._line_end(node.end)
            yield Splice(line_end, line_end, self.block(value, key.column))
        yield Splice(node.start, node.end, f" {self.flow_text(value)}")

    def after(self, end: int, indent: str, entry: str) -> Splice:
        """A line of its own below the line in which something ends (a block scalar ends where the next line begins)."""
        line = self.text.rfind("\n", 0, end) + 1
        if end and not self.text[line:end].strip():
            return Splice(line, line, f"{indent}{entry}{self.newline}")
        stop = self._line_end(end)
        return Splice(stop, stop, f"{self.newline}{indent}{entry}")

    def _line_end(self, at: int) -> int:
        stop = self.text.find("\n", at)
        if stop < 0:
            return len(self.text.rstrip("\r")) if self.newline == "\r\n" else len(self.text)
        return stop - 1 if stop > at and self.text[stop - 1] == "\r" else stop

    def into_flow(self, node: Node, entry: str) -> Splice:
        """Another entry at the end of ``[...]`` or ``{...}``, on a line of its own where the others are."""
        if not node.children:
            opening = self.text.find("{" if node.kind == "mapping" else "[", node.start)
            return Splice(opening + 1, opening + 1, entry)
        first = (node.keys or node.children)[0]
        line = self.text.rfind("\n", node.start, first.start) + 1
        indent = self.text[line : first.start]
        gap = f"{self.newline}{indent}" if line and not indent.strip() else " "
        end = node.children[-1].end
        return Splice(end, end, f",{gap}{entry}")

    def _quotes(self, node: Node) -> bool:
        return self.is_json or any(key.kind == "scalar" and key.event.style == '"' for key in node.keys)

    def flow_text(self, value: Any, quoted: bool = False) -> str:
        """A value on one line."""
        quoted = quoted or self.is_json
        if isinstance(value, dict):
            style = '"' if quoted else None
            inner = (f"{scalar_text(key, style)}: {self.flow_text(each, quoted)}" for key, each in value.items())
            return f"{{{', '.join(inner)}}}"
        if isinstance(value, list):
            return f"[{', '.join(self.flow_text(each, quoted) for each in value)}]"
        return scalar_text(value, '"' if quoted else None)

    def block(self, value: Any, column: int, item: bool = False) -> str:
        """A value as it follows ``key:`` or (``item``) the dash of a list; ``column`` is that of the key or dash."""
        if not isinstance(value, dict | list) or not value:
            return f" {self.flow_text(value)}"
        inner, dash = self.steps
        if isinstance(value, list):
            at = column + 2 if item else column + dash
            entries = [f"-{self.block(each, at, item=True)}" for each in value]
        else:
            at = column + (2 if item else inner)
            entries = [f"{scalar_text(key, None)}:{self.block(each, at)}" for key, each in value.items()]
        start = " " if item else f"{self.newline}{' ' * at}"
        return start + f"{self.newline}{' ' * at}".join(entries)


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-:@=")


def scalar_text(value: Any, style: str | None) -> str:
    """A scalar as it is written, in the quotes of ``style``, or in none where it is read back as it is."""
    if not isinstance(value, str):
        return json.dumps(value)
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    # What begins with a letter, or is a flag, is no number, and no mark of YAML's.
    begins = value[:1].isalpha() or (value[:2] == "--" and value[2:3].isalpha())
    if style != '"' and begins and _PLAIN.issuperset(value) and value[-1] != ":" and resolve_plain(value) == value:
        return value
    # Escapes of JSON beyond the basic plane are pairs, which YAML does not read as one character.
    return json.dumps(value, ensure_ascii=not value.isprintable())
