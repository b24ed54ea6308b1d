"""Places, steps and removables while the graph grows."""

from __future__ import annotations

from collections.abc import Iterable

from seawall.analysis.paths.kinds import STEP_KINDS
from seawall.model.attack import AttackGraph, PatchOperation, Place, Removable, Step, Trace
from seawall.model.finding import ResourceRef
from seawall.model.paths import Path


class Draft:
    """A graph that grows; the same place, step or removable twice is one."""

    def __init__(self) -> None:
        self._places: dict[Place, int] = {}
        self._removables: dict[tuple[ResourceRef, Path, str], int] = {}
        self._list: list[Removable] = []
        self._steps: dict[tuple[int, int, str, tuple[int, ...]], Step] = {}
        self.notes: dict[str, None] = {}

    def place(self, place: Place) -> int:
        """The number of a place."""
        number = self._places.get(place)
        if number is None:
            number = self._places[place] = len(self._places)
        return number

    def __contains__(self, place: Place) -> bool:
        return place in self._places

    def places(self) -> list[Place]:
        """All places, by number."""
        return list(self._places)

    def removable(
        self, resource: ResourceRef, path: Path, what: str, rule: str = "", patch: Iterable[PatchOperation] = ()
    ) -> int:
        """The number of what can be removed; ``what`` tells apart several changes of one field."""
        key = (resource, path, what)
        number = self._removables.get(key)
        if number is None:
            number = self._removables[key] = len(self._list)
            self._list.append(Removable(what, resource, path, tuple(patch), rule))
        return number

    def step(
        self,
        source: Place,
        target: Place,
        kind: str,
        how: str,
        *,
        removables: Iterable[int] = (),
        traces: tuple[Trace, ...] = (),
        likelihood: float | None = None,
    ) -> None:
        """Add a step; its likelihood is that of its kind, unless told otherwise.

        Raises:
            KeyError: there is no such kind.
        """
        if source == target:
            return
        needs = tuple(sorted(set(removables)))
        key = (self.place(source), self.place(target), kind, needs)
        if key not in self._steps:
            likely = STEP_KINDS[kind].likelihood if likelihood is None else likelihood
            self._steps[key] = Step(key[0], key[1], kind, how, likely, needs, traces)

    def graph(self) -> AttackGraph:
        """The graph as it is now."""
        return AttackGraph(self.places(), self._steps.values(), self._list, list(self.notes))


def pointer(path: Path) -> str:
    """A path as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
