"""Whether a version is affected, as the OSV schema says it is evaluated, and which version mends it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seawall.analysis.images.versions import InvalidVersion, sort_key
from seawall.model.advisories import Affected, Event

#: Before every version there is.
_ZERO = "0"


def is_affected(affected: Affected, scheme: str, version: str) -> bool:
    """Whether a version is among those enumerated or in one of the ranges.

    Raises:
        InvalidVersion: it is not enumerated, and its scheme, or a range, cannot order it.
    """
    if version in affected.versions:
        return True
    if not affected.ranges:
        return False
    key = sort_key(scheme, version)
    invalid: InvalidVersion | None = None
    for events in affected.ranges:
        try:
            if _in_range(events, scheme, key):
                return True
        except InvalidVersion as error:
            invalid = error
    if invalid is not None:
        raise invalid
    return False


def _in_range(events: tuple[Event, ...], scheme: str, key: Any) -> bool:
    """The latest event that applies decides; they come in any order."""
    latest: Any = None
    inside = limited = below_limit = False
    for kind, text in events:
        if kind == "introduced":
            if text == _ZERO:
                inside = inside or latest is None
                continue
            event = sort_key(scheme, text)
            if event <= key and (latest is None or event >= latest):
                latest, inside = event, True
        elif kind == "limit":
            limited = True
            below_limit = below_limit or text == "*" or key < sort_key(scheme, text)
        else:
            event = sort_key(scheme, text)
            applies = event <= key if kind == "fixed" else event < key
            if applies and (latest is None or event >= latest):
                latest, inside = event, False
    return inside and (below_limit or not limited)


def fixes_of(affected: Affected, scheme: str, version: str) -> list[str]:
    """The fixed versions above this one, the nearest first."""
    try:
        key = sort_key(scheme, version)
    except InvalidVersion:
        return []
    above = []
    for text in _fixed(affected):
        try:
            fixed = sort_key(scheme, text)
        except InvalidVersion:
            continue
        if fixed > key:
            above.append((fixed, text))
    above.sort(key=lambda pair: pair[0])
    return [text for _, text in above]


def _fixed(affected: Affected) -> Iterable[str]:
    return {text for events in affected.ranges for kind, text in events if kind == "fixed"}
