"""Remedies: what an analysis knows to change so that a finding of a rule goes away.

A remedy only proposes. Whether the finding goes, and nothing else changes, the engine finds out by judging anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from msgspec import Struct

from seawall.model.finding import Change
from seawall.model.paths import Path, format_path, lookup


class Edit(Struct, frozen=True):
    """One step: see :class:`seawall.model.finding.Change`."""

    op: Literal["set", "add", "remove"]
    path: Path
    value: Any = None

    def told(self) -> Change:
        """The form in which it stands in findings."""
        return Change(self.op, format_path(self.path), self.value)


class Proposal(Struct, frozen=True):
    """Steps that should mend a finding; ``caution`` says what they can break, empty where they are safe."""

    edits: tuple[Edit, ...]
    caution: str = ""


class Site(Struct, frozen=True):
    """Where a rule fired: the whole decoded object, and the path in it."""

    raw: dict[str, Any]
    path: Path

    @property
    def value(self) -> Any:
        """What stands at the path; None for nothing."""
        return lookup(self.raw, self.path)

    def at(self, path: Path) -> Any:
        """What stands at another path of the object."""
        return lookup(self.raw, path)


#: Proposes a fix for one hit of a rule, or None where there is no local one.
Remedy = Callable[[Site], Proposal | None]


class Conflict(Exception):
    """Edits that cannot be applied to an object; the message says where."""


def in_order(edits: Iterable[Edit]) -> list[Edit]:
    """Edits of several fixes in an order in which all paths stay those of the object before; each once.

    Removals come last, later items of a list first.
    """
    once: list[Edit] = []
    for edit in edits:
        if edit not in once:
            once.append(edit)
    kept = [edit for edit in once if edit.op != "remove"]
    return kept + sorted((e for e in once if e.op == "remove"), key=lambda e: _sortable(e.path), reverse=True)


def _sortable(path: Path) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, step) for step in path]


def applied(value: Any, edits: Iterable[Edit]) -> Any:
    """A copy of a decoded object with the edits made, in the order given. Nothing of it is shared with the original.

    Raises:
        Conflict: an edit leads through something that is neither a mapping nor a list, or removes what is not there.
    """
    value = _unshared(value)
    for edit in edits:
        _apply(value, edit)
    return value


def _unshared(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unshared(each) for key, each in value.items()}
    return [_unshared(each) for each in value] if isinstance(value, list) else value


def _apply(root: Any, edit: Edit) -> None:
    at = root
    for place, step in enumerate(edit.path[:-1]):
        if isinstance(at, dict) and isinstance(step, str):
            if at.get(step) is None and edit.op != "remove":
                at[step] = {}
            at = at.get(step)
        elif isinstance(at, list) and isinstance(step, int) and step < len(at):
            at = at[step]
        else:
            raise Conflict(f"{format_path(edit.path[: place + 1])} leads nowhere")
    last = edit.path[-1]
    there = isinstance(at, list) and isinstance(last, int) and last < len(at)
    if not there and not (isinstance(at, dict) and isinstance(last, str)):
        raise Conflict(f"{format_path(edit.path)} leads nowhere")
    if edit.op == "remove":
        if not there and last not in at:
            raise Conflict(f"{format_path(edit.path)} is not there")
        del at[last]
    elif edit.op == "set":
        at[last] = _unshared(edit.value)
    else:
        _add(at, last, edit)


def _add(at: Any, last: str | int, edit: Edit) -> None:
    items = lookup(at, (last,))
    if items is None:
        at[last] = [_unshared(edit.value)]
    elif not isinstance(items, list):
        raise Conflict(f"{format_path(edit.path)} is no list")
    elif edit.value not in items:
        items.append(_unshared(edit.value))
