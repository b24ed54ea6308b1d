"""Where in an object a policy is broken, as far as its expression tells."""

from __future__ import annotations

from typing import Any

from seawall.analysis.policies.facts import Program
from seawall.analysis.policies.subject import Subject
from seawall.model.paths import Path


def place_of(program: Program, subject: Subject) -> Path:
    """The field that an expression is about, or the part that all of its fields have in common.

    A path ends at a list: which item it is the expression does not tell. It is one of the object itself, below the
    template for the pod that is made of it.
    """
    places = [_within(subject.raw, path) for path in program.paths]
    if not places:
        return ()
    common = places[0]
    for place in places[1:]:
        common = common[: _shared(common, place)]
    if not subject.template:
        return common
    return (*subject.template, *common) if common[:1] in (("spec",), ("metadata",)) else subject.template


def _shared(one: Path, other: Path) -> int:
    """How many steps are the same."""
    count = 0
    for first, second in zip(one, other, strict=False):
        if first != second:
            break
        count += 1
    return count


def _within(raw: Any, path: tuple[str, ...]) -> Path:
    for index, step in enumerate(path):
        if isinstance(raw, list):
            return path[:index]
        raw = raw.get(step) if isinstance(raw, dict) else None
    return path
