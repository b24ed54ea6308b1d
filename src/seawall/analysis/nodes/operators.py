"""The operators of checks: what a value is compared with, and how that is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from seawall.analysis.nodes.values import shown

#: Longer values are not matched against patterns.
_MAX_MATCHED = 4096
_MAX_REPEATS = 2


class Unset:
    """The value of a setting that is neither given nor has a default."""

    def __repr__(self) -> str:
        return "not set"


UNSET = Unset()


class Operator(NamedTuple):
    """A comparison: ``holds(value, wanted)``, what it says of an unset value, and the words for what is wanted.

    ``plural`` operators take a list of values to compare with.
    """

    holds: Callable[[Any, Any], bool]
    unset: bool
    words: str
    plural: bool = False


def _has(value: Any, wanted: Any) -> bool:
    return all(item in value for item in wanted)


def _has_none(value: Any, wanted: Any) -> bool:
    return not any(item in value for item in wanted)


def _matches(value: Any, wanted: Any) -> bool:
    text = str(value)
    if len(text) > _MAX_MATCHED:
        raise ValueError(f"a value of {len(text)} characters is not matched against a pattern")
    return re.fullmatch(wanted, text) is not None


OPERATORS: dict[str, Operator] = {
    "eq": Operator(lambda value, wanted: bool(value == wanted), False, "{}"),
    "noteq": Operator(lambda value, wanted: bool(value != wanted), True, "anything but {}"),
    "gt": Operator(lambda value, wanted: bool(value > wanted), False, "more than {}"),
    "gte": Operator(lambda value, wanted: bool(value >= wanted), False, "{} or more"),
    "lt": Operator(lambda value, wanted: bool(value < wanted), False, "less than {}"),
    "lte": Operator(lambda value, wanted: bool(value <= wanted), False, "{} or less"),
    "has": Operator(_has, False, "to have {}", plural=True),
    "nothave": Operator(_has_none, True, "not to have {}", plural=True),
    "in": Operator(lambda value, wanted: value in wanted, False, "one of {}", plural=True),
    "subset": Operator(lambda value, wanted: set(value) <= set(wanted), False, "nothing but {}", plural=True),
    "regex": Operator(_matches, False, "a value like {}"),
    "set": Operator(lambda value, wanted: bool(wanted) is (value not in ("", (), {}, [])), False, "to be set"),
    "unset": Operator(lambda value, wanted: bool(wanted) is (value in ("", (), {}, [])), True, "not to be set"),
}
#: Operators that look at whether there is a value, not at the value.
PRESENCE = frozenset(("set", "unset"))
#: Operators that need values which can be put in order.
ORDER = frozenset(("gt", "gte", "lt", "lte"))


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that can take more than quadratic time: our patterns meet foreign values.

    Raises:
        ValueError: it repeats a repetition, looks around, refers back, or repeats without bound more than twice.
    """
    try:
        # The parser behind ``re`` has no public name since Python 3.11.
        from re import _parser  # type: ignore[attr-defined]

        parsed = _parser.parse(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no pattern: {error}") from error
    if _unbounded(parsed, pattern) > _MAX_REPEATS:
        raise ValueError(f"{pattern!r} repeats without bound more than {_MAX_REPEATS} times")


def _unbounded(parsed: Any, pattern: str) -> int:
    """How often a pattern repeats without a bound (64 or more counts as none)."""
    count = 0
    for operation, argument in parsed:
        name = str(operation)
        if name in ("ASSERT", "ASSERT_NOT", "GROUPREF", "GROUPREF_EXISTS"):
            raise ValueError(f"{pattern!r} looks around or refers back")
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            inner = _unbounded(argument[2], pattern)
            if argument[1] > 64:
                if inner:
                    raise ValueError(f"{pattern!r} repeats a repetition")
                count += 1
            count += inner
        elif name == "SUBPATTERN":
            count += _unbounded(argument[3], pattern)
        elif name == "ATOMIC_GROUP":
            count += _unbounded(argument, pattern)
        elif name == "BRANCH":
            count += sum(_unbounded(branch, pattern) for branch in argument[1])
    return count


def wanted_words(operator: str, wanted: Any) -> str:
    """What an operator wants, in words."""
    if operator in PRESENCE:
        negative = (operator == "unset") == bool(wanted)
        return "not to be set" if negative else "to be set"
    return OPERATORS[operator].words.format(shown(wanted))
