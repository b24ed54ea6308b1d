"""What an expression can cost at most, told from its syntax tree before it ever runs.

As in Kubernetes' estimator a comprehension costs its body times the length of its list, and lists of unknown length
count with an assumed one. The tree is the engine's own: a serialised ``cel.expr.CheckedExpr``, read field by field.
"""

from __future__ import annotations

from collections.abc import Iterator

#: The length taken for a list that is not written out, and the cost up to which an expression is taken. Policies that
#: are in use nest three such loops around a dozen steps, which Kubernetes takes; four are a mistake.
ASSUMED_LENGTH, LIMIT = 50, 10_000_000
_DEAR = {"matches": 10, "find": 10, "findAll": 20, "format": 10, "sort": 100, "distinct": 100, "flatten": 100,
         "kubernetes.order": 100}  # fmt: skip

_IDENT, _SELECT, _CALL, _LIST, _STRUCT, _LOOP = 4, 5, 6, 7, 8, 9
#: The fields of each form of an expression that hold expressions; those of a loop are read by name.
_INNER = {_SELECT: (1,), _CALL: (1, 3), _LIST: (1,)}


def fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a message in protobuf's wire format."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
        elif key & 7 == 2:
            size, at = _varint(data, at)
            yield key >> 3, data[at : at + size]
            at += size
        else:
            at += 8 if key & 7 == 1 else 4


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def messages(data: bytes, number: int) -> list[bytes]:
    """The fields of that number that are messages or text."""
    return [value for field, value in fields(data) if field == number and isinstance(value, bytes)]


def tree_of(serialised: bytes) -> bytes:
    """The expression in what the engine serialises (an ``Any`` around a ``CheckedExpr``)."""
    return messages(messages(serialised, 2)[0], 4)[0]


def cost(expression: bytes) -> int:
    """The estimated cost of an expression; bounded by its size, so that it ends."""
    for form, body in fields(expression):
        if not isinstance(body, bytes):
            continue
        if form == _LOOP:
            return _loop(body)
        if form == _STRUCT:
            entries = messages(body, 2)
            return 1 + sum(cost(part) for entry in entries for number in (3, 4) for part in messages(entry, number))
        if form in _INNER:
            name = next((part.decode() for part in messages(body, 2)), "") if form == _CALL else ""
            return _DEAR.get(name, 1) + sum(cost(part) for number in _INNER[form] for part in messages(body, number))
    return 1


def _loop(body: bytes) -> int:
    parts = {number: part for number, part in fields(body) if isinstance(part, bytes)}
    range_ = parts.get(2, b"")
    literal = messages(range_, _LIST)
    length = len(messages(literal[0], 1)) if literal else ASSUMED_LENGTH
    inside = sum(cost(parts[number]) for number in (5, 6) if number in parts)
    return cost(range_) + length * inside + sum(cost(parts[number]) for number in (4, 7) if number in parts)
