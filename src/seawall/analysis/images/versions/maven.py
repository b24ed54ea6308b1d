"""Versions of Maven's artifacts, as ComparableVersion and Maven's "Version Order Specification" order them.

That order is not transitive: ``1-gradle`` is newer than ``1``, ``1`` newer than ``1.0.rc``, and that newer than
``1-gradle``. So versions are compared pair by pair, and no plain tuple can stand for one.
"""

from __future__ import annotations

import re
from functools import total_ordering
from itertools import zip_longest
from typing import NamedTuple

_SEPARATORS = re.compile(r"([.-])")
_RUNS = re.compile(r"[0-9]+|[^0-9]+")
_RANKS = {"alpha": 0, "beta": 1, "milestone": 2, "rc": 3, "cr": 3, "snapshot": 4, "sp": 6}
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_RELEASE_WORDS = frozenset({"ga", "final", "release"})
_RELEASE, _UNKNOWN = 5, 7


class _Token(NamedTuple):
    """A part of a version: after a dot or a dash, a number or (``number`` is -1) a qualifier with its rank."""

    dot: bool
    number: int
    rank: int
    word: str

    @property
    def void(self) -> bool:
        """Whether it says nothing where it ends a version."""
        return self.number == 0 or (self.number < 0 and self.rank == _RELEASE)


def _token(prefix: str, text: str, digit_follows: bool) -> _Token:
    dot = prefix == "."
    if not text or (text.isascii() and text.isdigit()):
        return _Token(dot, int(text or 0), 0, "")
    word = _SHORT.get(text, text) if digit_follows else text
    if word in _RELEASE_WORDS:
        return _Token(dot, -1, _RELEASE, "")
    rank = _RANKS.get(word, _UNKNOWN)
    return _Token(dot, -1, rank, word if rank == _UNKNOWN else "")


def _tokens(version: str) -> list[_Token]:
    """The parts; a change between digits and others is a dash. What is void before a dash and at the end is gone."""
    tokens: list[_Token] = []
    prefix = "."
    for part in _SEPARATORS.split(version.lower()):
        if part in (".", "-"):
            prefix = part
            continue
        runs = _RUNS.findall(part) or [""]
        for index, run in enumerate(runs):
            token = _token("-" if index else prefix, run, index + 1 < len(runs))
            if not token.dot:
                _trim(tokens)
            tokens.append(token)
    _trim(tokens)
    return tokens


def _trim(tokens: list[_Token]) -> None:
    while len(tokens) > 1 and tokens[-1].void:
        tokens.pop()


def _against_end(token: _Token) -> int:
    """How a part stands to the end of the other version."""
    if token.number >= 0:
        return 1 if token.number or not token.dot else 0
    return (token.rank > _RELEASE) - (token.rank < _RELEASE)


def _class(token: _Token) -> int:
    """``.qualifier``, ``-qualifier``, ``-number``, ``.number``."""
    if token.number < 0:
        return 0 if token.dot else 1
    return 3 if token.dot else 2


def _compare(one: _Token | None, other: _Token | None) -> int:
    if one is None or other is None:
        return _against_end(one) if one is not None else -_against_end(other) if other is not None else 0
    if one.dot != other.dot:
        return _class(one) - _class(other)
    first, second = one[1:], other[1:]
    return (first > second) - (first < second)


@total_ordering
class _Order:
    """The parts of a version, compared pair by pair."""

    __slots__ = ("tokens",)

    def __init__(self, version: str) -> None:
        self.tokens = _tokens(version)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Order) and not self._against(other)

    def __lt__(self, other: _Order) -> bool:
        return self._against(other) < 0

    def _against(self, other: _Order) -> int:
        for one, another in zip_longest(self.tokens, other.tokens):
            if one != another and (order := _compare(one, another)):
                return order
        return 0


def maven(version: str) -> tuple[_Order]:
    """A version in Maven's order."""
    return (_Order(version.strip()),)
