"""The attack graph: places that an attacker can hold, steps between them, and what can be removed to stop a step.

The analysis of paths builds it; those of isolation and risk, and the engine, ask it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Any

from msgspec import Struct

from seawall.model.finding import ResourceRef, Severity
from seawall.model.paths import Path


class PlaceKind(StrEnum):
    """What an attacker can hold."""

    OUTSIDE = "outside"
    ENDPOINT = "endpoint"
    WORKLOAD = "workload"
    CONTAINER = "container"
    IDENTITY = "identity"
    PERMISSION = "permission"
    NODE = "node"
    VOLUME = "volume"
    SECRET = "secret"  # noqa: S105 - a kind's name
    IMAGE = "image"
    NAMESPACE = "namespace"
    CLOUD = "cloud-identity"
    ADMIN = "cluster-admin"


class Place(Struct, frozen=True, gc=False, order=True):
    """A place, told from others by its kind, namespace and name.

    A workload is named ``KIND/NAME``, a container ``KIND/NAME/CONTAINER``, an identity ``ServiceAccount NAME`` (with
    its namespace), ``User NAME`` or ``Group NAME``. A node without a name stands for nodes that are not known, where
    workloads run of which no pod was read; one named ``*`` for a node of the attacker's choice. A workload stands for
    what its pods hold, which root of a node has of those that run there; to be in a container of it is more, as it may
    be left for any node on which pods of it run.
    """

    kind: PlaceKind
    name: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        if self.kind in (PlaceKind.OUTSIDE, PlaceKind.ADMIN):
            return str(self.kind)
        if self.kind is PlaceKind.NODE and self.name in ("", "*"):
            return "any node" if self.name else "a node that is not known"
        if self.kind is PlaceKind.PERMISSION:
            return f"{self.name} in {self.namespace}" if self.namespace else self.name
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"


OUTSIDE = Place(PlaceKind.OUTSIDE)
ADMIN = Place(PlaceKind.ADMIN)
ANY_NODE = Place(PlaceKind.NODE, "*")
UNKNOWN_NODE = Place(PlaceKind.NODE)


class StepKind(Struct, frozen=True):
    """A kind of step: what it needs, how likely it succeeds (0 to 1], who told of it, and the rule that finds it.

    ``severity`` is of the step alone; ``rule`` is the id of the rule whose finding mends it (empty: there is none);
    ``peers`` are KubeHound's names of it; ``source`` is documentation or a published attack.
    """

    id: str
    title: str
    needs: str
    source: str
    likelihood: float
    severity: Severity
    rule: str = ""
    peers: str = ""
    removable: str = ""


class Trace(Struct, frozen=True, gc=False):
    """Where a step comes from: an object, a field of it, and a note."""

    resource: ResourceRef
    path: Path = ()
    note: str = ""


class PatchOperation(Struct, frozen=True, gc=False):
    """One operation of a JSON patch (RFC 6902); ``value`` counts for ``add`` and ``replace``."""

    op: str
    path: str
    value: Any = None


class Removable(Struct, frozen=True, gc=False):
    """A grant or a setting whose removal stops every step that needs it.

    ``what`` says it in words, ``patch`` is the change of ``resource``; ``rule`` is the id of the rule that finds it.
    """

    what: str
    resource: ResourceRef
    path: Path
    patch: tuple[PatchOperation, ...] = ()
    rule: str = ""


class Step(Struct, frozen=True, gc=False):
    """A step between two places by number; it needs all of its ``removables`` (numbers too).

    ``kind`` is the id of a :class:`StepKind`; ``how`` tells this step in words.
    """

    source: int
    target: int
    kind: str
    how: str
    likelihood: float = 1.0
    removables: tuple[int, ...] = ()
    traces: tuple[Trace, ...] = ()


class AttackGraph:
    """Places, steps and removables by number; ``out`` has the steps that leave a place, ``targets`` where they lead."""

    def __init__(
        self, places: Sequence[Place], steps: Iterable[Step], removables: Sequence[Removable], notes: Sequence[str] = ()
    ) -> None:
        self.places = tuple(places)
        self.removables = tuple(removables)
        self.notes = tuple(notes)
        self.out: list[list[Step]] = [[] for _ in self.places]
        self.targets: list[list[int]] = [[] for _ in self.places]
        into = [0] * len(self.places)
        for step in steps:
            self.out[step.source].append(step)
            self.targets[step.source].append(step.target)
            into[step.target] += 1
        #: The place with the most pairs of a step to it and one from it.
        self.busiest = max(range(len(into)), key=lambda place: into[place] * len(self.out[place]), default=-1)
        self._numbers = {place: number for number, place in enumerate(self.places)}

    @cached_property
    def needing(self) -> dict[int, set[int]]:
        """For each removable the places that steps leave which need it."""
        found: dict[int, set[int]] = {}
        for step in self.steps():
            for removable in step.removables:
                found.setdefault(removable, set()).add(step.source)
        return found

    def number(self, place: Place) -> int | None:
        """The number of a place; None where it is not in the graph."""
        return self._numbers.get(place)

    def of_kind(self, kind: PlaceKind) -> list[int]:
        """The places of a kind, by number."""
        return [number for number, place in enumerate(self.places) if place.kind is kind]

    def steps(self) -> Iterable[Step]:
        """All steps."""
        return (step for steps in self.out for step in steps)

    def reach(self, entries: Iterable[int], without: frozenset[int] = frozenset()) -> set[int]:
        """The places that are held after those of ``entries``, which are among them, with removables taken away."""
        seen = set(entries)
        todo = list(seen)
        while todo:
            for step in self.out[todo.pop()]:
                if step.target not in seen and (not without or without.isdisjoint(step.removables)):
                    seen.add(step.target)
                    todo.append(step.target)
        return seen
