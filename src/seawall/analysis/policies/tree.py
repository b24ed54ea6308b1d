"""The syntax tree of an expression, and which facts it asks for.

The tree is the engine's own: a serialised ``cel.expr.CheckedExpr``, read field by field. The engine bounds its depth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from seawall.analysis.policies.cost import fields, messages


class Ident(Struct, frozen=True):
    """A name."""

    name: str


class Select(Struct, frozen=True):
    """``operand.field``; ``tested`` within ``has()`` and behind ``?.``, where absence is an answer."""

    operand: Node
    field: str
    tested: bool


class Call(Struct, frozen=True):
    """A function or operator; what it is called on comes first."""

    function: str
    arguments: tuple[Node, ...]


class Loop(Struct, frozen=True):
    """A comprehension (and ``cel.bind``): ``item`` runs over ``range``, ``result`` is gathered from ``start``. With a
    ``second`` variable, that is the value, and ``item`` the index or key."""

    item: str
    second: str
    range: Node
    result: str
    start: Node
    parts: tuple[Node, ...]


class Parts(Struct, frozen=True):
    """A list, a map, or anything else that holds expressions."""

    items: tuple[Node, ...]


class Text(Struct, frozen=True):
    """A string, or (None) another constant that is not looked at."""

    value: str | None
    null: bool = False


Node = Ident | Select | Call | Loop | Parts | Text
_NOTHING = Parts(())


def parse(data: bytes) -> Node:
    """The tree of a serialised expression."""
    for field, value in fields(data):
        if isinstance(value, bytes) and field in _FORMS:
            made: Node = _FORMS[field](value)
            return made
    return _NOTHING


def _text(data: bytes, number: int) -> str:
    return next((part.decode("utf-8", "replace") for part in messages(data, number)), "")


def _select(data: bytes) -> Node:
    operand = messages(data, 1)
    tested = any(number == 3 and value for number, value in fields(data))
    return Select(parse(operand[0]) if operand else _NOTHING, _text(data, 2), tested)


def _call(data: bytes) -> Node:
    return Call(_text(data, 2), tuple(parse(part) for number in (1, 3) for part in messages(data, number)))


def _struct(data: bytes) -> Node:
    entries = messages(data, 2)
    return Parts(tuple(parse(part) for entry in entries for number in (3, 4) for part in messages(entry, number)))


def _loop(data: bytes) -> Node:
    parts = {
        number: parse(part) for number, part in fields(data) if number in (2, 4, 5, 6, 7) and part.__class__ is bytes
    }
    rest = tuple(parts[number] for number in (5, 6, 7) if number in parts)
    return Loop(_text(data, 1), _text(data, 8), parts.get(2, _NOTHING), _text(data, 3), parts.get(4, _NOTHING), rest)


def _constant(data: bytes) -> Node:
    found = messages(data, 6)
    return (
        Text(found[0].decode("utf-8", "replace")) if found else Text(None, any(field == 1 for field, _ in fields(data)))
    )


_FORMS: Mapping[int, Any] = {
    3: _constant,
    4: lambda data: Ident(_text(data, 1)),
    5: _select,
    6: _call,
    7: lambda data: Parts(tuple(map(parse, messages(data, 1)))),
    8: _struct,
    9: _loop,
}


class Use(Struct, frozen=True):
    """A fact that is asked for: the name and the fields behind it. ``exact`` is false where its absence would be an
    answer (``has()``, ``?.``), and where the whole of it is handed to something else than a field's selection."""

    root: str
    path: tuple[str, ...]
    exact: bool


def uses(node: Node, known: Mapping[str, Use | None] | None = None) -> Iterator[Use]:
    """Every fact that an expression asks for. Names of loops are traced to what they run over."""
    scope = known or {}
    chain = _chain(node, scope)
    if chain is not None:
        yield chain
    elif isinstance(node, Select):
        yield from uses(node.operand, scope)
    elif isinstance(node, Call):
        yield from _of_call(node, scope)
    elif isinstance(node, Loop):
        yield from _of_loop(node, scope)
    elif isinstance(node, Parts):
        for each in node.items:
            yield from uses(each, scope)


def _of_call(node: Call, scope: Mapping[str, Use | None]) -> Iterator[Use]:
    compared = node.function in ("_==_", "_!=_") and any(
        isinstance(each, Text) and each.null for each in node.arguments
    )
    for each in node.arguments:
        chain = _chain(each, scope)
        if not (compared and chain is not None and not chain.path):
            yield from uses(each, scope)


def _of_loop(node: Loop, scope: Mapping[str, Use | None]) -> Iterator[Use]:
    yield from uses(node.range, scope)
    yield from uses(node.start, scope)
    range_ = _chain(node.range, scope)
    inner = {**scope, node.result: _chain(node.start, scope)}
    if node.second:
        inner |= {node.item: None, node.second: range_}
    elif node.item:
        inner[node.item] = range_
    for each in node.parts:
        yield from uses(each, inner)


def _chain(node: Node, scope: Mapping[str, Use | None]) -> Use | None:
    """A name with the fields selected from it; None for anything else, and for names that belong to a loop."""
    if isinstance(node, Ident):
        return scope[node.name] if node.name in scope else Use(node.name, (), True)
    if isinstance(node, Select):
        operand, field, exact = node.operand, node.field, not node.tested
    elif isinstance(node, Call) and node.function in ("_?._", "_[_]", "_[?_]") and len(node.arguments) == 2:
        operand, last = node.arguments
        if not isinstance(last, Text) or last.value is None:
            return None
        field, exact = last.value, node.function == "_[_]"
    else:
        return None
    chain = _chain(operand, scope)
    return None if chain is None else Use(chain.root, (*chain.path, field), chain.exact and exact)
