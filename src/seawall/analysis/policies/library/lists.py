"""Functions on lists and sets, and what loops with two variables make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

from seawall.analysis.policies.library.formatting import seconds
from seawall.analysis.policies.library.marked import TYPES
from seawall.analysis.policies.library.table import Function, members, plain

_MOST = 100_000


def equal(one: Any, other: Any) -> bool:
    """Whether CEL takes two values to be equal: numbers across their types, truth values for themselves."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict):
        same = isinstance(other, dict) and one.keys() == other.keys()
        return same and all(equal(each, other[key]) for key, each in one.items())
    return bool(one == other)


def _in(item: Any, items: list[Any]) -> bool:
    return any(equal(item, each) for each in items)


def _distinct(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if not _in(item, found):
            found.append(item)
    return found


def _slice(items: list[Any], start: int, end: int) -> list[Any]:
    if not 0 <= start <= end <= len(items):
        raise ValueError(f"{start} to {end} is not within the length {len(items)}")
    return items[start:end]


def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise ValueError("the depth is negative")
    found: list[Any] = []
    for item in items:
        found += _flatten(item, depth - 1) if isinstance(item, list) and depth else [item]
    return found


def _index(items: list[Any], item: Any) -> int:
    return next((index for index, each in enumerate(items) if equal(each, item)), -1)


def _last_index(items: list[Any], item: Any) -> int:
    return next((index for index in reversed(range(len(items))) if equal(items[index], item)), -1)


def _range(count: int) -> list[int]:
    if not 0 <= count <= _MOST:
        raise ValueError(f"a range of {count} is too large")
    return list(range(count))


def _best(choose: Callable[..., int]) -> Callable[[list[Any]], int]:
    """The index of the least or the greatest item: an item itself might be of a type that Python cannot give."""

    def best(items: list[Any]) -> int:
        if not items:
            raise ValueError("the list is empty")
        return choose(range(len(items)), key=items.__getitem__)

    return best


def _order(keys: list[Any]) -> list[int]:
    """The indices of keys from the least to the greatest."""
    return sorted(range(len(keys)), key=keys.__getitem__)


def _seconds(items: list[timedelta]) -> str:
    return seconds(sum(items, timedelta()))


def _pairs(items: list[Any]) -> dict[Any, Any]:
    """What ``transformMap`` makes: of each key the new value."""
    return dict(items)


def _entries(items: list[Any]) -> dict[Any, Any]:
    """What ``transformMapEntry`` makes."""
    made: dict[Any, Any] = {}
    for entry in items:
        if not isinstance(entry, dict):
            raise ValueError("transformMapEntry needs a map of each item")
        for key, value in entry.items():
            if key in made:
                raise ValueError(f"insert failed: key {key!r} already exists")
            made[key] = value
    return made


_ITEMS = ("string", "int", "double", "bool", "map", "list", "uint", "bytes", "timestamp", "duration", *TYPES)


def functions() -> Iterator[Function]:
    """All functions on lists and sets."""
    yield from members(
        (
            ("distinct", "list", "list", _distinct),
            ("flatten", "list", "list", _flatten),
            ("flatten", "list int", "list", _flatten),
            ("isSorted", "list", "bool", lambda items: all(a <= b for a, b in pairwise(items))),
            ("max", "list", "dyn", max),
            ("min", "list", "dyn", min),
            ("reverse", "list", "list", lambda items: items[::-1]),
            ("slice", "list int int", "list", _slice),
            ("sort", "list", "list", sorted),
            ("sum", "list", "dyn", sum),
            *[("indexOf", f"list {kind}", "int", _index) for kind in _ITEMS],
            *[("lastIndexOf", f"list {kind}", "int", _last_index) for kind in _ITEMS],
        )
    )
    yield from plain(
        (
            ("lists.range", "int", "list", _range),
            ("sets.contains", "list list", "bool", lambda one, other: all(_in(item, one) for item in other)),
            ("sets.intersects", "list list", "bool", lambda one, other: any(_in(item, one) for item in other)),
            ("sets.equivalent", "list list", "bool", _equivalent),
            ("kubernetes.max", "list", "int", _best(max)),
            ("kubernetes.min", "list", "int", _best(min)),
            ("kubernetes.order", "list", "list", _order),
            ("kubernetes.seconds", "list", "string", _seconds),
            ("kubernetes.transformMap", "list", "map", _pairs),
            ("kubernetes.transformMapEntry", "list", "map", _entries),
        )
    )


def _equivalent(one: list[Any], other: list[Any]) -> bool:
    return all(_in(item, one) for item in other) and all(_in(item, other) for item in one)
