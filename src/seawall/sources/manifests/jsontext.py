"""JSON: splitting a list into its items without decoding them, finding duplicate keys, and finding places.

A dump of a cluster is one list of many objects. msgspec cuts it into raw items; each is decoded alone, and only an
item with findings is scanned a second time for the places of its fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from json.scanner import make_scanner
from typing import Any

import msgspec

from seawall.model.paths import Path
from seawall.sources.manifests.scalars import MAX_DIGITS
from seawall.sources.manifests.yamltext import MAX_DEPTH, SyntaxProblem

_BYTE = re.compile(r"\(byte (\d+)\)")
_GAP = re.compile(rb"[\s,]*")
_SPACE = re.compile(r"\s*")
_DEEP = f"nested deeper than {MAX_DEPTH} levels"


class Chunk(msgspec.Struct, gc=False):
    """A piece of JSON text with the place where it begins, from 0."""

    text: str
    line: int
    column: int


class _List(msgspec.Struct, gc=False):
    items: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET


def split_list(data: bytes) -> tuple[Chunk, list[msgspec.Raw]] | None:
    """Cut an object with ``items`` into the object without them, and the items; None if it is no such list.

    Raises:
        SyntaxProblem: the text is not JSON.
    """
    try:
        items = msgspec.json.decode(data, type=_List).items
    except msgspec.ValidationError:
        return None
    except (msgspec.DecodeError, RecursionError) as error:
        raise json_problem(data, error) from error
    if not isinstance(items, list) or not items:
        return None
    start = end = _first_item(data, items[0])
    for item in items:
        end = _gap(data, end) + len(memoryview(item))
    return Chunk((data[:start] + data[end:]).decode(), 0, 0), items


_ITEMS_OPEN = re.compile(rb'"items"\s*:\s*\[\s*\Z')


def _first_item(data: bytes, item: msgspec.Raw) -> int:
    """Where the first item begins: its first occurrence right after ``"items": [``."""
    wanted = bytes(item)
    position = data.find(wanted)
    while position >= 0 and not _ITEMS_OPEN.search(data, max(position - 4096, 0), position):
        position = data.find(wanted, position + 1)
    return max(position, 0)


def _gap(data: bytes, position: int) -> int:
    match = _GAP.match(data, position)
    return match.end() if match else position


def item_chunks(data: bytes, items: Sequence[msgspec.Raw]) -> Iterator[tuple[Chunk, int, int]]:
    """The items as text with their places, and their byte offsets and lengths, in order."""
    position = _first_item(data, items[0])
    line, column = _advance(data[:position].decode(), 0, 0)
    for item in items:
        start = _gap(data, position)
        line, column = _advance(data[position:start].decode(), line, column)
        length = len(memoryview(item))
        text = bytes(item).decode()
        yield Chunk(text, line, column), start, length
        line, column = _advance(text, line, column)
        position = start + length


def concatenated(data: bytes) -> Iterator[tuple[Chunk, int, int]]:
    """Objects that stand one after another, with their byte offsets and lengths.

    Raises:
        SyntaxProblem: one of them is not JSON.
    """
    text = data.decode()
    position = _skip_space(text, 0)
    line, column = _advance(text[:position], 0, 0)
    offset = len(text[:position].encode())
    while position < len(text):
        try:
            end = _SCAN(text, position)[1]
        except (ValueError, RecursionError, StopIteration) as error:
            raise SyntaxProblem(f"not JSON: {error}", line + 1, column + 1) from error
        piece = text[position:end]
        length = len(piece.encode())
        yield Chunk(piece, line, column), offset, length
        after = _skip_space(text, end)
        line, column = _advance(text[position:after], line, column)
        offset += len(text[position:after].encode())
        position = after


def _advance(text: str, line: int, column: int) -> tuple[int, int]:
    breaks = text.count("\n")
    return (line + breaks, len(text) - text.rfind("\n") - 1) if breaks else (line, column + len(text))


def json_problem(data: bytes, error: Exception) -> SyntaxProblem:
    """What is wrong with JSON text, and where."""
    if isinstance(error, RecursionError):
        return SyntaxProblem(_DEEP, 1, 1)
    message = str(error)
    found = _BYTE.search(message)
    position = int(found[1]) if found else len(data)
    before = data[:position].decode("utf-8", "replace")
    line, column = _advance(before, 0, 0)
    text = _BYTE.sub("", message).replace("JSON is malformed:", "not JSON:").strip()
    return SyntaxProblem(text, line + 1, column + 1)


#: Told of text that has to be decoded step by step.
_UNKNOWN: Any = object()
_DECODER, _ENCODER = msgspec.json.Decoder(), msgspec.json.Encoder()


def _decode_plain(text: str) -> Any:
    """Decode text without duplicate keys at once; ``_UNKNOWN`` where it may have some, or anything is wrong with it.

    A duplicate key is lost in decoding, and its quotes with it: where the value, encoded anew, has as many as the text,
    there is none. A quote that is written as an escaped code point would upset the count.
    """
    if "\\u0022" in text:
        return _UNKNOWN
    try:
        value = _DECODER.decode(text)
        return value if _ENCODER.encode(value).count(b'"') == text.count('"') else _UNKNOWN
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _UNKNOWN


def decode_chunk(chunk: Chunk) -> tuple[Any, bool]:
    """Decode a chunk; also tells whether any object in it has a duplicate key.

    Raises:
        SyntaxProblem: it is not JSON, or exceeds a bound.
    """
    quick = _decode_plain(chunk.text)
    if quick is not _UNKNOWN:
        return quick, False
    duplicated = False

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal duplicated
        value = dict(found)
        if len(value) != len(found):
            duplicated = True
        return value

    try:
        value = json.loads(chunk.text, object_pairs_hook=pairs, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        line, column = _advance(chunk.text[: error.pos], chunk.line, chunk.column)
        raise SyntaxProblem(f"not JSON: {error.msg}", line + 1, column + 1) from error
    except RecursionError as error:
        raise SyntaxProblem(_DEEP, chunk.line + 1, chunk.column + 1) from error
    except ValueError as error:
        line, column = _advance(chunk.text[: _long_number(chunk.text)], chunk.line, chunk.column)
        raise SyntaxProblem(_value_message(error), line + 1, column + 1) from error
    return value, duplicated


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _value_message(error: ValueError) -> str:
    return f"a number of more than {MAX_DIGITS} digits" if "digits" in str(error) else f"not JSON: {error}"


def _long_number(text: str) -> int:
    found = re.search(rf"\d{{{MAX_DIGITS}}}|NaN|-?Infinity", text)
    return found.start() if found else 0


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


_decoder: Any = json.JSONDecoder()
#: The C decoder's own entry point: (text, position) -> (value, end). Used on text that was decoded before.
_SCAN: Callable[[str, int], tuple[Any, int]] = make_scanner(_decoder)
_SIMPLE_KEY = re.compile(r'"([^"\\]*)"\s*:\s*')
_SEPARATOR = re.compile(r"\s*,?\s*")


def _key(text: str, position: int) -> tuple[str, int]:
    """A key, and where its value begins."""
    match = _SIMPLE_KEY.match(text, position)
    if match is not None:
        return match[1], match.end()
    key, position = _SCAN(text, position)
    return key, _skip_space(text, _skip_space(text, position) + 1)


def _next(text: str, position: int) -> int:
    """Past a separator."""
    match = _SEPARATOR.match(text, position)
    return match.end() if match else position


class _Wanted:
    """A node of the tree of wanted paths: where it was found, its children by step, and whether to walk it whole."""

    __slots__ = ("at", "children", "place", "whole")

    def __init__(self, whole: bool = False) -> None:
        self.at = -1
        self.children: dict[str | int, _Wanted] = {}
        self.place: tuple[int, int] | None = None
        self.whole = whole


def locate(chunk: Chunk, paths: Sequence[Path], value: Any, duplicated: bool) -> dict[Path, tuple[int, int]]:
    """Line and column, from 0, of the deepest existing part of each path.

    ``value`` is the decoded chunk: what it does not hold is not looked for, so that the walk can stop as soon as all
    was seen (not with ``duplicated`` keys, of which the last counts). Only the objects on the way to a path are
    walked; the rest is skipped at the speed of the C decoder.
    """
    root = _Wanted(duplicated)
    for path in paths:
        node, below = root, value
        for step in path:
            kind = type(below)
            if (kind is dict and step in below) or (kind is list and type(step) is int and step < len(below)):
                below = below[step]
            else:
                break
            child = node.children.get(step)
            if child is None:
                child = node.children[step] = _Wanted(duplicated)
            node = child
    root.at = _skip_space(chunk.text, 0)
    _walk(chunk.text, root.at, root)
    return {path: _place_of(chunk, _deepest(root, path)) for path in paths}


def _place_of(chunk: Chunk, node: _Wanted) -> tuple[int, int]:
    if node.place is None:
        node.place = _place(chunk, node.at)
    return node.place


def _deepest(node: _Wanted, path: Path) -> _Wanted:
    for step in path:
        child = node.children.get(step)
        if child is None:
            break
        node = child
    return node


def _place(chunk: Chunk, position: int) -> tuple[int, int]:
    line = chunk.text.count("\n", 0, position)
    if line:
        return chunk.line + line, position - chunk.text.rfind("\n", 0, position) - 1
    return chunk.line, chunk.column + position


def _walk(text: str, position: int, wanted: _Wanted) -> None:
    """Record where the wanted children of the object or list at ``position`` stand; all of them exist.

    Of a duplicate key the last one counts, and a key that is wanted may come again: objects with duplicate keys are
    walked to their end.
    """
    children = wanted.children
    left = len(children)
    is_object = text[position] == "{"
    position = _skip_space(text, position + 1)
    index = 0
    step: str | int
    while left or (is_object and wanted.whole):
        at = position
        if text[position] in "}]":
            return
        if is_object:
            step, position = _key(text, position)
        else:
            step = index
            index += 1
        child = children.get(step)
        if child is not None:
            left -= child.at < 0
            child.at = at
            if child.children and text[position] in "{[":
                _walk(text, position, child)
            if not left and not wanted.whole:
                return
        position = _next(text, _SCAN(text, position)[1])


def duplicate_keys(chunk: Chunk) -> list[tuple[Path, int, int]]:
    """The duplicate keys of a chunk with their places, from 0."""
    duplicates: list[tuple[Path, int]] = []
    _find_duplicates(chunk.text, _skip_space(chunk.text, 0), (), duplicates)
    return [(path, *_place(chunk, position)) for path, position in duplicates]


def _find_duplicates(text: str, position: int, path: Path, duplicates: list[tuple[Path, int]]) -> int:
    opener = text[position]
    if opener not in "{[":
        return _SCAN(text, position)[1]
    position = _skip_space(text, position + 1)
    seen: set[str] = set()
    index = 0
    while text[position] not in "}]":
        step: str | int = index
        if opener == "{":
            at = position
            key, position = _key(text, position)
            if key in seen:
                duplicates.append(((*path, key), at))
            seen.add(key)
            step = key
        position = _next(text, _find_duplicates(text, position, (*path, step), duplicates))
        index += 1
    return position + 1
