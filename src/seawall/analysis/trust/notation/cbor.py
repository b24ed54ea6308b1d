"""As much of CBOR (RFC 8949) as COSE signatures need: definite lengths, no floats, bounded depth and size.

Small and strict instead of a library: libraries make objects of tags (dates, regular expressions, shared references)
that a hostile signature could choose. Tests compare it with one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from seawall.analysis.trust.errors import Invalid

_MOST_DEPTH, _MOST_ITEMS = 8, 1000
_SIMPLE = {20: False, 21: True, 22: None}


class Tagged(NamedTuple):
    """A value with its tag."""

    tag: int
    value: Any


def read_cbor(data: bytes) -> Any:
    """The one value that the bytes hold.

    Raises:
        Invalid: they hold something else, or more.
    """
    value, end = _value(data, 0, 0)
    if end != len(data):
        raise Invalid("the signature has bytes after its end")
    return value


def _value(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    if depth > _MOST_DEPTH:
        raise Invalid("the signature is nested too deeply")
    major, number, at = _head(data, at)
    if major == 0:
        return number, at
    if major == 1:
        return -1 - number, at
    if major in (2, 3):
        return _string(data, at, number, major == 3)
    if major == 4:
        return _items(data, at, number, depth)
    if major == 5:
        return _map(data, at, number, depth)
    if major == 6:
        value, at = _value(data, at, depth + 1)
        return Tagged(number, value), at
    if number not in _SIMPLE:
        raise Invalid("the signature holds a kind of CBOR that is not supported")
    return _SIMPLE[number], at


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    if at >= len(data):
        raise Invalid("the signature is cut short")
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    if low < 24:
        return major, low, at
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(low, 0)
    if not size or major == 7:
        raise Invalid("the signature holds a kind of CBOR that is not supported")
    if at + size > len(data):
        raise Invalid("the signature is cut short")
    return major, int.from_bytes(data[at : at + size], "big"), at + size


def _string(data: bytes, at: int, length: int, text: bool) -> tuple[Any, int]:
    if at + length > len(data):
        raise Invalid("the signature is cut short")
    found = data[at : at + length]
    try:
        return found.decode() if text else found, at + length
    except UnicodeDecodeError as error:
        raise Invalid("the signature holds text that is no UTF-8") from error


def _items(data: bytes, at: int, count: int, depth: int) -> tuple[list[Any], int]:
    if count > _MOST_ITEMS:
        raise Invalid("the signature holds too many items")
    found = []
    for _ in range(count):
        value, at = _value(data, at, depth + 1)
        found.append(value)
    return found, at


def _map(data: bytes, at: int, count: int, depth: int) -> tuple[dict[Any, Any], int]:
    if count > _MOST_ITEMS:
        raise Invalid("the signature holds too many items")
    found: dict[Any, Any] = {}
    for _ in range(count):
        key, at = _value(data, at, depth + 1)
        if not isinstance(key, int | str) or isinstance(key, bool) or key in found:
            raise Invalid("the signature has a header twice, or one without a name")
        found[key], at = _value(data, at, depth + 1)
    return found, at
