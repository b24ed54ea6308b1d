"""The problem of a plan: which pods may move where, what they need, and what must stay together or apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from seawall.analysis.isolation.nodes import NodeFacts
from seawall.analysis.isolation.scheduling import UNSCHEDULABLE, any_term, takes
from seawall.analysis.isolation.units import PodPlace, Unit
from seawall.analysis.isolation.world import World
from seawall.model.kube.base import LabelSelector
from seawall.model.kube.pod import PodSpec
from seawall.model.kube.quantities import milli_of

HOSTNAME = "kubernetes.io/hostname"
#: The pool of all that is in no other.
REST = ""


class Spread(Struct, frozen=True):
    """Pods of ``items`` differ by at most ``skew`` between the domains of a label. ``everywhere``: domains count that
    have only nodes whose taints keep the pods off (nodeTaintsPolicy Ignore, which is usual)."""

    key: str
    skew: int
    items: tuple[int, ...]
    everywhere: bool = True


class Apart(Struct, frozen=True):
    """A pod of ``item`` shares no domain of a label with (another) pod of ``others``."""

    key: str
    item: int
    others: tuple[int, ...]


class Together(Struct, frozen=True):
    """A pod of ``item`` is in a domain of a label where one of ``others`` is."""

    key: str
    item: int
    others: tuple[int, ...]


class Item(Struct):
    """Pods of a unit that are alike: what each needs, by resource in thousandths, and the nodes that take them."""

    unit: Unit
    pool: str
    needs: dict[str, int]
    eligible: frozenset[str]
    now: dict[str, int]
    pods: list[PodPlace]

    @property
    def count(self) -> int:
        """How many pods."""
        return len(self.pods)


class Problem(Struct):
    """``nodes`` can join pools; ``free`` is their room beside what stays; ``fixed`` the pools that pods which stay
    belong to."""

    pools: tuple[str, ...]
    nodes: list[NodeFacts]
    free: dict[str, dict[str, int]]
    items: list[Item]
    fixed: dict[str, set[str]]
    spreads: list[Spread]
    aparts: list[Apart]
    togethers: list[Together]

    def domain(self, node: NodeFacts, key: str) -> str:
        """The domain of a node; a node is its own where it has no hostname label."""
        return node.labels.get(key, node.name if key == HOSTNAME else "")


def build_problem(world: World, pools: Mapping[str, set[str]]) -> Problem:
    """The problem of parting a world's units; ``pools`` names the units (by label) of each."""
    pool_of = {label: name for name, labels in pools.items() for label in labels}
    nodes = [facts for facts in world.nodes.values() if _can_join(facts)]
    free = {facts.name: dict(facts.room) for facts in nodes}
    fixed: dict[str, set[str]] = {facts.name: set() for facts in nodes}
    items: list[Item] = []
    for unit in world.units:
        needs = pod_needs(unit.spec, _overhead(world, unit))
        pool = pool_of.get(unit.label, REST)
        groups: dict[bytes, list[PodPlace]] = {}
        for pod in unit.pods:
            if pod.node not in free:
                continue
            if unit.daemon or pod.fixed:
                _take(free[pod.node], needs)
                if not unit.daemon and (pool or not _is_system(world, unit)):
                    fixed[pod.node].add(pool)
            else:
                groups.setdefault(msgspec.json.encode(pod.volumes), []).append(pod)
        items += [_item(unit, pool, needs, pods, nodes) for pods in groups.values()]
    return Problem(
        (REST, *pools), nodes, free, items, fixed,
        list(_spreads(items)), [*_aparts(items, world), *_host_ports(items)], list(_togethers(items, world)),
    )  # fmt: skip


def _can_join(facts: NodeFacts) -> bool:
    """Nodes that were read, that pods are put on, and that nobody has set apart already."""
    return (
        facts.resource is not None
        and not facts.control_plane
        and not facts.dedicating
        and UNSCHEDULABLE not in facts.taints
        and bool(facts.room)
    )


def _is_system(world: World, unit: Unit) -> bool:
    from seawall.analysis.isolation.sensitivity import SYSTEM

    return world.tenant(unit) == SYSTEM


def _item(unit: Unit, pool: str, needs: dict[str, int], pods: list[PodPlace], nodes: Sequence[NodeFacts]) -> Item:
    now: dict[str, int] = {}
    for pod in pods:
        now[pod.node] = now.get(pod.node, 0) + 1
    volumes = pods[0].volumes
    eligible = frozenset(
        facts.name
        for facts in nodes
        if takes(unit.demand, facts.name, facts.labels, facts.taints)
        and all(any_term(terms, facts.name, facts.labels) for terms in volumes)
    )
    # Where pods are now they can stay, whatever has changed since they were put there.
    return Item(unit, pool, needs, eligible | now.keys(), now, pods)


def _take(free: dict[str, int], needs: Mapping[str, int]) -> None:
    for name, amount in needs.items():
        if name in free:
            free[name] -= amount


def _overhead(world: World, unit: Unit) -> dict[str, int]:
    name = unit.spec.runtime_class_name
    found = (
        world.inventory.get("RuntimeClass", None, name)
        if name and "RuntimeClass" not in world.inventory.unread
        else None
    )
    view: Any = found.view if found is not None else None
    return milli_of(view.overhead.pod_fixed) if view is not None else {}


def pod_needs(spec: PodSpec, overhead: Mapping[str, int]) -> dict[str, int]:
    """What the scheduler counts for a pod: containers and sidecars, or the largest init container, and one pod.

    Source: Kubernetes' component-helpers, resource.PodRequests.
    """
    total: dict[str, int] = {}
    for container in spec.containers:
        _add(total, _requests(container))
    sidecars: dict[str, int] = {}
    largest: dict[str, int] = {}
    for container in spec.init_containers:
        own = _requests(container)
        if container.restart_policy == "Always":
            _add(sidecars, own)
            own = dict(sidecars)
        else:
            _add(own, sidecars)
        for name, amount in own.items():
            largest[name] = max(largest.get(name, 0), amount)
    _add(total, sidecars)
    for name, amount in largest.items():
        total[name] = max(total.get(name, 0), amount)
    total |= milli_of(spec.resources.requests)
    _add(total, overhead)
    return {**{name: amount for name, amount in total.items() if amount > 0}, "pods": 1000}


def _requests(container: Any) -> dict[str, int]:
    """Limits count where there is no request."""
    return {**milli_of(container.resources.limits), **milli_of(container.resources.requests)}


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def _matching(items: Sequence[Item], item: Item, selector: Any, namespaces: set[str]) -> tuple[int, ...]:
    """The items of the same pool whose pods a selector selects."""
    try:
        wanted = msgspec.convert(selector, LabelSelector)
    except msgspec.ValidationError:
        return ()
    return tuple(
        number
        for number, other in enumerate(items)
        if other.pool == item.pool and other.unit.namespace in namespaces and wanted.matches(other.unit.labels)
    )


def _spreads(items: Sequence[Item]) -> Iterator[Spread]:
    for item in items:
        for constraint in item.unit.spec.topology_spread_constraints:
            if constraint.get("whenUnsatisfiable") == "DoNotSchedule" and "labelSelector" in constraint:
                found = _matching(items, item, constraint["labelSelector"], {item.unit.namespace})
                skew = constraint.get("maxSkew")
                if found:
                    everywhere = item.pool == REST and constraint.get("nodeTaintsPolicy") != "Honor"
                    key = str(constraint.get("topologyKey"))
                    yield Spread(key, skew if isinstance(skew, int) else 1, found, everywhere)


def _terms(item: Item, what: str) -> Iterator[dict[str, Any]]:
    affinity = item.unit.spec.affinity.get(what)
    listed = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") if isinstance(affinity, dict) else None
    yield from (term for term in listed if isinstance(term, dict)) if isinstance(listed, list) else ()


def _namespaces(term: Mapping[str, Any], item: Item, world: World) -> set[str]:
    named = term.get("namespaces")
    found = {str(each) for each in named} if isinstance(named, list) else set()
    selector = term.get("namespaceSelector")
    if isinstance(selector, dict):
        try:
            wanted = msgspec.convert(selector, LabelSelector)
        except msgspec.ValidationError:
            return found
        return found | {name for name, labels in world.namespaces.items() if wanted.matches(labels)}
    return found or {item.unit.namespace}


def _aparts(items: Sequence[Item], world: World) -> Iterator[Apart]:
    for number, item in enumerate(items):
        for term in _terms(item, "podAntiAffinity"):
            others = _matching(items, item, term.get("labelSelector"), _namespaces(term, item, world))
            if others:
                yield Apart(str(term.get("topologyKey")), number, others)


def _togethers(items: Sequence[Item], world: World) -> Iterator[Together]:
    """A term that the pod itself meets lets a first pod in anywhere, and is left to the scheduler."""
    for number, item in enumerate(items):
        for term in _terms(item, "podAffinity"):
            others = _matching(items, item, term.get("labelSelector"), _namespaces(term, item, world))
            if number not in others:
                yield Together(str(term.get("topologyKey")), number, others)


def _host_ports(items: Sequence[Item]) -> Iterator[Apart]:
    """Pods with the same port of the host are apart, and those of one unit too."""
    users: dict[tuple[int, str], list[int]] = {}
    for number, item in enumerate(items):
        for _, _, container in item.unit.spec.all_containers():
            for port in container.ports:
                taken = port.host_port or (port.container_port if item.unit.spec.host_network else 0)
                if taken:
                    users.setdefault((taken, port.protocol), []).append(number)
    for numbers in users.values():
        for number in dict.fromkeys(numbers):
            same = tuple(other for other in dict.fromkeys(numbers) if items[other].pool == items[number].pool)
            yield Apart(HOSTNAME, number, same)
