"""Reading an object into its typed view, so that a field of the wrong type spoils nothing but itself.

A wrong field is dropped and the object converted again; in the view it is replaced by a property that raises
:class:`InvalidField` when it is read, so that exactly the rules that depend on it are not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from seawall.model.kube.base import InvalidField, Partial
from seawall.model.paths import Path, lookup, parse_path

#: Past this many wrong fields the object as a whole is not judged.
MAX_WRONG_FIELDS = 32

_PLACE = r" - at `(?:key in )?\$(.*)`\Z"
_EXPECTED = r"(?s)Expected (\w+).*"


class WrongType(msgspec.Struct, frozen=True):
    """A field of the wrong type: where, and what is wrong with it."""

    path: Path
    message: str


def to_view(raw: dict[str, Any], view: type[Any]) -> tuple[Any | None, list[WrongType]]:
    """Convert a decoded object to its view.

    Returns the view (None where nothing could be made of the object) and the fields of the wrong type.
    """
    try:
        return msgspec.convert(raw, view), []
    except msgspec.ValidationError:
        return _convert_in_part(without_nulls(raw), view)


def _convert_in_part(raw: dict[str, Any], view: type[Any]) -> tuple[Any | None, list[WrongType]]:
    problems: list[WrongType] = []
    dropped: list[Path] = []
    while len(problems) <= MAX_WRONG_FIELDS:
        try:
            result = msgspec.convert(raw, view)
        except msgspec.ValidationError as error:
            path, wrong = _wrong_fields(raw, str(error))
            if not path:
                return None, problems or wrong
            problems += wrong
            dropped.append(path)
            _drop(raw, path, re.sub(_EXPECTED, r"\1", wrong[0].message))
        else:
            for path in dropped:
                result = _spoil(result, path)
            return result, problems
    return None, problems


def _wrong_fields(raw: dict[str, Any], message: str) -> tuple[Path, list[WrongType]]:
    """The path to drop, and what to report: for a map of plain values every value of the wrong type."""
    match = re.search(_PLACE, message)
    text = re.sub(_PLACE, "", message).replace("`", "").replace(" | null", "")
    place = match[1] if match else ""
    before, is_map, rest = place.partition("[...]")
    path = parse_path(before.lstrip("."))
    if not is_map:
        return path, [WrongType(path, text)]
    values = lookup(raw, path)
    if rest or not isinstance(values, dict):
        return path, [WrongType(path, text)]
    got = text.rpartition("got ")[2]
    return path, [WrongType((*path, key), text) for key, value in values.items() if _type_name(value) == got]


def _type_name(value: Any) -> str:
    names = {bool: "bool", int: "int", float: "float", str: "str", list: "array", dict: "object", type(None): "null"}
    return names.get(type(value), "")


def without_nulls(value: Any) -> Any:
    """A copy without null fields, which Kubernetes reads as absent; depth is bounded by the loaders."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


_EMPTY = {"object": dict, "array": list, "str": str, "int": int, "bool": bool}


def _drop(raw: Any, path: Path, expected: str) -> None:
    """Take a field away. An item of a list leaves an empty value in its place, so that the others keep theirs."""
    parent = lookup(raw, path[:-1])
    if isinstance(parent, dict):
        parent.pop(path[-1], None)
    elif isinstance(parent, list) and isinstance(path[-1], int):
        parent[path[-1]] = _EMPTY.get(expected, dict)()


def _spoil(view: Any, path: Path) -> Any:
    """The view with the dropped field made to raise when it is read; another one where the field is its own."""
    if isinstance(path[-1], int):
        _mark_partial(view, path)
        return view
    chain = list(_walk(view, path[:-1]))
    owner = chain[-1]
    attribute = _attribute(owner, path[-1]) if isinstance(owner, msgspec.Struct) else None
    if attribute is None:
        return view
    spoiled = _spoiled_class(type(owner), attribute, path)(*msgspec.structs.astuple(owner))
    _replace(chain, path[:-1], spoiled)
    return spoiled if owner is view else view


def _mark_partial(view: Any, path: Path) -> None:
    chain = list(_walk(view, path[:-1]))
    items = chain[-1]
    if isinstance(items, tuple):
        holes = items.holes if isinstance(items, Partial) else frozenset()
        _replace(chain, path[:-1], Partial.of(items, holes | {int(path[-1])}, path))


def _walk(view: Any, path: Path) -> Iterator[Any]:
    yield view
    for step in path:
        if isinstance(step, int):
            view = tuple.__getitem__(view, step) if isinstance(view, tuple) and step < len(view) else None
        elif isinstance(view, msgspec.Struct):
            attribute = _attribute(view, step)
            view = getattr(view, attribute, None) if attribute else None
        elif isinstance(view, dict):
            view = view.get(step)
        yield view


def _replace(chain: list[Any], path: Path, value: Any) -> None:
    """Put a new value at the end of a chain of nested values, making new tuples on the way up."""
    for owner, step in zip(reversed(chain[:-1]), reversed(path), strict=True):
        if isinstance(owner, tuple) and isinstance(step, int):
            items = list(tuple.__iter__(owner))
            items[step] = value
            value = Partial.of(items, owner.holes, owner.path) if isinstance(owner, Partial) else tuple(items)
            continue
        if isinstance(owner, dict):
            owner[step] = value
        elif (attribute := _attribute(owner, step)) is not None:
            msgspec.structs.force_setattr(owner, attribute, value)
        return


def _attribute(view: msgspec.Struct, name: str | int) -> str | None:
    return _attributes(type(view)).get(str(name))


@cache
def _attributes(view: type[msgspec.Struct]) -> dict[str, str]:
    return dict(zip(view.__struct_encode_fields__, view.__struct_fields__, strict=True))


def _spoiled_class(view: type[Any], attribute: str, path: Path) -> type[Any]:
    def read(_self: Any) -> Any:
        raise InvalidField(path)

    return type(view.__name__, (view,), {attribute: property(read)}, frozen=True)
