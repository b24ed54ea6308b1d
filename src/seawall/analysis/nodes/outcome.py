"""What a check says of a node: in order, not in order, not applicable, or not known; and what it saw."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """The four things that a check can say; only the first two are judgements."""

    PASS = "pass"  # noqa: S105 - a verdict's name
    FAIL = "fail"
    NOT_JUDGED = "not-judged"
    NOT_APPLICABLE = "not-applicable"


class Seen(NamedTuple):
    """A fact that counted: its place in the document, its value as text, where it stands on the node, what it says.

    ``wanted`` is what the fact must be, in words; ``operator`` the test it was put to, ``target`` the mode or owner
    that a file should have.
    """

    path: str
    value: str
    file: str
    says: str
    wanted: str = ""
    operator: str = ""
    target: str = ""


class Outcome(NamedTuple):
    """A verdict, the facts that led to it, and for those that are no judgement the reason."""

    verdict: Verdict
    seen: tuple[Seen, ...] = ()
    reason: str = ""


class NotKnown(Exception):
    """A fact that would be needed was not had; the message says why."""


class NotHere(Exception):
    """What the check is about is not on this node; the message says what."""


def all_of(outcomes: Iterable[Outcome]) -> Outcome:
    """All must hold: a failure counts before what is not known, and what does not apply counts only alone."""
    found = list(outcomes)
    for verdict in (Verdict.FAIL, Verdict.NOT_JUDGED, Verdict.PASS):
        those = [each for each in found if each.verdict is verdict]
        if those:
            return _merged(verdict, those)
    return _merged(Verdict.NOT_APPLICABLE, found)


def any_of(outcomes: Iterable[Outcome]) -> Outcome:
    """One must hold: what is not known counts before a failure."""
    found = list(outcomes)
    for verdict in (Verdict.PASS, Verdict.NOT_JUDGED, Verdict.FAIL):
        those = [each for each in found if each.verdict is verdict]
        if those:
            return _merged(verdict, those)
    return _merged(Verdict.NOT_APPLICABLE, found)


def opposite(outcome: Outcome) -> Outcome:
    """It must not hold."""
    if outcome.verdict is Verdict.PASS:
        return outcome._replace(verdict=Verdict.FAIL)
    if outcome.verdict is Verdict.FAIL:
        return outcome._replace(verdict=Verdict.PASS)
    return outcome


def _merged(verdict: Verdict, outcomes: list[Outcome]) -> Outcome:
    seen = tuple(dict.fromkeys(place for each in outcomes for place in each.seen))
    reasons = list(dict.fromkeys(each.reason for each in outcomes if each.reason))
    return Outcome(
        verdict, seen, "; ".join(reasons[:3]) + (f" and {len(reasons) - 3} more" if len(reasons) > 3 else "")
    )
