"""How functions are told to the engine: by a table of names, types and what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

#: What does the work. The engine tells a ValueError as an error of the expression.
Do = Callable[..., Any]


class Function(Struct, frozen=True):
    """An overload: called on its first parameter if ``member``; types by the names that the environment knows."""

    name: str
    member: bool
    parameters: tuple[str, ...]
    result: str
    do: Do


#: Name, parameters, result, and what does the work.
Row = tuple[str, str, str, Do]


def members(rows: Sequence[Row]) -> Iterator[Function]:
    """Functions that are called on their first parameter."""
    for name, parameters, result, do in rows:
        yield Function(name, True, tuple(parameters.split()), result, do)


def plain(rows: Sequence[Row]) -> Iterator[Function]:
    """Functions that are called alone."""
    for name, parameters, result, do in rows:
        yield Function(name, False, tuple(parameters.split()), result, do)


def holds(make: Do) -> Callable[..., bool]:
    """Whether something can be made of what is given."""

    def can(*given: Any) -> bool:
        try:
            make(*given)
        except ValueError:
            return False
        return True

    return can
