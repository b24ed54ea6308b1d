"""Of every resource: is it reached from outside, and which targets are reached from it? For risk, among others."""

from __future__ import annotations

from msgspec import Struct

from seawall.analysis.paths.asking import places_named
from seawall.analysis.paths.walk import leading_to
from seawall.engine.paths import TARGETS
from seawall.model.attack import OUTSIDE, AttackGraph, Place, PlaceKind
from seawall.model.finding import ResourceRef


class ResourceReach(Struct, frozen=True):
    """Of a resource: whether it is reached from outside, and which targets are reached from it."""

    from_outside: bool
    targets: tuple[Place, ...]


class ReachOfResources:
    """For every workload, service account, node, Secret and namespace: is it reached from outside, and what from it.

    All of it is worked out once; asking is cheap.
    """

    def __init__(self, graph: AttackGraph, targets: str = TARGETS) -> None:
        self._places = graph.places
        outside = graph.number(OUTSIDE)
        self._held = graph.reach([outside]) if outside is not None else set()
        self._goals, self._masks = leading_to(graph, places_named(graph, targets))
        self._by_ref: dict[tuple[str, str, str], list[int]] = {}
        for number, place in enumerate(graph.places):
            key = _key_of(place)
            if key is not None:
                self._by_ref.setdefault(key, []).append(number)

    def __call__(self, ref: ResourceRef) -> ResourceReach:
        """The answer for a resource; one that is not in the graph is reached by nothing and leads nowhere."""
        namespace = (ref.namespace or "default") if ref.kind not in ("Node", "Namespace") else ""
        numbers = self._by_ref.get((ref.kind, namespace, ref.name), [])
        mask = 0
        for number in numbers:
            mask |= self._masks[number]
        reached = [goal for bit, goal in enumerate(self._goals) if mask >> bit & 1 and goal not in numbers]
        return ResourceReach(not self._held.isdisjoint(numbers), tuple(self._places[goal] for goal in reached))


def _key_of(place: Place) -> tuple[str, str, str] | None:
    """Kind, namespace and name of the object that a place is of."""
    if place.kind in (PlaceKind.WORKLOAD, PlaceKind.CONTAINER):
        kind, name, *_ = place.name.split("/")
        return kind, place.namespace, name
    if place.kind is PlaceKind.IDENTITY and place.name.startswith("ServiceAccount "):
        return "ServiceAccount", place.namespace, place.name.partition(" ")[2]
    if place.kind in (PlaceKind.NODE, PlaceKind.SECRET, PlaceKind.NAMESPACE) and place.name not in ("", "*"):
        kind = {PlaceKind.NODE: "Node", PlaceKind.SECRET: "Secret"}.get(place.kind, "Namespace")
        return kind, place.namespace, place.name
    return None
