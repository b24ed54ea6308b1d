"""A plan of pools: posed, solved, written as patches, and proved by applying them and judging the estate anew."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from seawall.analysis.isolation import Blast, World
from seawall.analysis.isolation.planning.patches import moves, patches, places_of_pods, taint_of
from seawall.analysis.isolation.planning.problem import Problem, build_problem
from seawall.analysis.isolation.planning.solve import NoSolver, Solution, solve
from seawall.analysis.isolation.scheduling import kept_off, takes
from seawall.engine.isolation import Isolation
from seawall.engine.standing import standing_for
from seawall.model.finding import ResourceRef
from seawall.model.isolation import Patch, Plan, Pool, Total
from seawall.model.resource import Inventory, Resource, namespace_of
from seawall.model.views import to_view

__all__ = ["BadPool", "NoSolver", "PlanOptions", "make_plan", "merge"]

#: What lies where untrusted code runs: none of it may grow by a plan.
_EXPOSED = {
    "mixed": "nodes with sensitive and untrusted workloads",
    "exposed_secrets": "Secrets on nodes with untrusted workloads",
    "exposed_tokens": "tokens on nodes with untrusted workloads",
    "exposed_strong": "strong rights on nodes with untrusted workloads",
    "exposed_sensitive": "sensitive workloads on nodes with untrusted workloads",
}


class BadPool(Exception):
    """A pool that makes no sense; the message says why."""


class PlanOptions(Struct, frozen=True):
    """``pools`` are levels (``sensitive``) or ``NAME=NS``, ``NAME=NS/WORKLOAD``; the solver has ``seconds`` of
    deterministic time."""

    pools: tuple[str, ...] = ("sensitive", "untrusted")
    seconds: float = 20.0
    seed: int = 1


def make_plan(isolation: Isolation, options: PlanOptions) -> Plan:
    """A plan for what was read.

    Raises:
        BadPool: a pool makes no sense.
        NoSolver: OR-Tools is not installed.
    """
    world = isolation.world
    if world is None:
        return _without("no answer", isolation.problem, Blast(World(Inventory(()))).total([]))
    pools = chosen_pools(world, options.pools)
    before = _total(world)
    if world.placement != "bound":
        return _without("no answer", "a plan moves pods: give a cluster or a snapshot with pods on nodes", before)
    problem = build_problem(world, pools)
    if not problem.nodes:
        reason = "there is no node that could join a pool: none was read with its room and free of taints of pools"
        return _without("no answer", reason, before)
    if not any(item.pool for item in problem.items):
        return _without("nothing to do", "no workload that can move belongs to a pool", before)
    solution = solve(problem, options.seconds, options.seed)
    if solution.state != "found":
        return structs.replace(_without(solution.state, solution.reason, before), stays=tuple(_stays(world, pools)))
    return _proved(isolation, world, problem, solution, before, pools)


def _without(state: str, reason: str, before: Total) -> Plan:
    return Plan(state, reason, (), (), (), before, None)


def chosen_pools(world: World, wanted: Sequence[str]) -> dict[str, set[str]]:
    """The units, by label, of each pool that was asked for; the first that asks for a unit has it.

    Raises:
        BadPool: a pool has no name or no workloads.
    """
    found: dict[str, set[str]] = {}
    taken: set[str] = set()
    for text in wanted:
        name, given, where = text.partition("=")
        if given:
            units = {u.label for u in world.units if where in (u.namespace, u.label.rpartition("[")[0], u.label)}
        elif name in ("sensitive", "untrusted"):
            units = {unit.label for unit in world.units if world.judgement(unit).level == name}
        else:
            raise BadPool(f"--pool {text}: write sensitive, untrusted, NAME=NAMESPACE or NAME=NAMESPACE/WORKLOAD")
        if not name or (given and not units):
            raise BadPool(f"--pool {text}: {'the pool has no name' if not name else f'{where!r} names no workload'}")
        found.setdefault(name, set()).update(units - taken)
        taken |= units
    return {name: units for name, units in found.items() if units}


def _total(world: World) -> Total:
    blast = Blast(world)
    return blast.total(blast.rows("node"))


def _stays(world: World, pools: Mapping[str, set[str]]) -> Iterator[str]:
    """Pods of pools that nothing moves."""
    for name, labels in pools.items():
        for unit in (world.units.by_label[label] for label in sorted(labels)):
            if unit.daemon:
                yield f"{unit.label} of pool {name} is on every node that takes it"
            elif any(pod.fixed for pod in unit.pods):
                yield f"{unit.label} of pool {name} has pods that no controller makes anew: move them by hand"


def _proved(
    isolation: Isolation,
    world: World,
    problem: Problem,
    solution: Solution,
    before: Total,
    pools: Mapping[str, set[str]],
) -> Plan:
    changes = list(patches(world, problem, solution, pools))
    after_world = _applied(isolation, world, problem, solution, changes)
    after = _total(after_world)
    proof, wrong = _check(world, after_world, problem, solution)
    worse = _worse(before, after)
    if wrong or worse:
        return _without("no answer", wrong or f"{worse}{_advice(world, pools)}", before)
    made = {name: sorted(node for node, pool in solution.pools.items() if pool == name) for name in pools}
    told = (Pool(name, tuple(nodes), tuple(sorted(pools[name]))) for name, nodes in made.items())
    return Plan(
        "found", "", tuple(told), tuple(moves(problem, solution)), tuple(changes), before, after,
        tuple(proof), tuple(_stays(world, pools)),
    )  # fmt: skip


def _worse(before: Total, after: Total) -> str:
    """What would lie more open than before; empty where nothing does."""
    grown = [
        f"{title} from {getattr(before, name)} to {getattr(after, name)}"
        for name, title in _EXPOSED.items()
        if getattr(after, name) > getattr(before, name)
    ]
    return f"the plan found is not proposed, for it would raise the number of {', of '.join(grown)}" if grown else ""


def _advice(world: World, pools: Mapping[str, set[str]]) -> str:
    """How to ask so that untrusted workloads are kept apart; the first pool that asks for one has it."""
    if any(world.judgement(unit).level == "untrusted" for unit in world.units) and "untrusted" not in pools:
        return "; put --pool untrusted before the others, so that untrusted workloads get nodes of their own"
    return ""


def _applied(
    isolation: Isolation, world: World, problem: Problem, solution: Solution, changes: Sequence[Patch]
) -> World:
    """The world with the patches applied, and each pod made anew on the node that the plan has for it."""
    by_ref: dict[ResourceRef, Patch] = {each.resource: each for each in changes}
    places = places_of_pods(problem, solution)
    of_pod = {
        (unit.namespace, pod.name): by_ref.get(unit.resource.ref) for unit in world.units for pod in unit.pods
    }  # fmt: skip
    resources: list[Resource] = []
    for resource in isolation.inventory.resources:
        change: dict[str, Any] | None = None
        if resource.kind is not None and resource.kind.name == "Pod":
            key = (namespace_of(resource), resource.ref.name)
            patch = of_pod.get(key)
            if key in places or patch is not None:
                change = {"spec": {**(_spec_of(patch) if patch is not None else {})}}
                change["spec"] |= {"nodeName": places[key]} if key in places else {}
        elif resource.ref in by_ref:
            change = by_ref[resource.ref].patch
        resources.append(_changed(resource, change) if change else resource)
    inventory = Inventory(resources, isolation.inventory.unread)
    world = World(inventory, standing_for(inventory, isolation.version), isolation.options, isolation.version)
    world.leave_out_unread()
    return world


def _spec_of(patch: Patch) -> dict[str, Any]:
    """What a patch of a workload does to the spec of its pods."""
    change: Any = patch.patch
    while "template" in change.get("spec", {}) or "jobTemplate" in change.get("spec", {}) or "template" in change:
        change = change["template"] if "template" in change else next(iter(change["spec"].values()))
    spec: dict[str, Any] = dict(change["spec"])
    return spec


def _changed(resource: Resource, change: dict[str, Any]) -> Resource:
    raw = copy.deepcopy(resource.raw)
    merge(raw, change)
    kind = resource.kind
    view, problems = to_view(raw, kind.view) if kind is not None else (None, [])
    made = Resource(
        resource.ref, uid=resource.uid, kind=kind, view=view, origin=resource.origin, problems=problems
    )  # fmt: skip
    made.hold(raw)
    return made


def merge(target: dict[str, Any], change: Mapping[str, Any]) -> None:
    """A strategic merge of maps; the lists that our patches hold (taints, tolerations) replace, as in Kubernetes."""
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = copy.deepcopy(value)


def _check(before: World, after: World, problem: Problem, solution: Solution) -> tuple[list[str], str]:
    """What holds in the world after, looked at without the solver; and what does not (empty: all does)."""
    for item in problem.items:
        unit = after.units.by_label[item.unit.label]
        for pod in unit.pods:
            facts = after.nodes.get(pod.node)
            old = next((each.node for each in item.pods if each.name == pod.name), pod.node)
            if facts is None or (old != pod.node and not takes(unit.demand, facts.name, facts.labels, facts.taints)):
                return [], f"{unit.label} would not be put on {pod.node}: the plan is not proposed"
    pool_of = {item.unit.label: item.pool for item in problem.items}
    made = {pool for pool in solution.pools.values() if pool}
    for unit in after.units:
        for pool in made if not unit.daemon and unit.label in pool_of else ():
            node = next(facts for facts in after.nodes.values() if solution.pools.get(facts.name) == pool)
            if pool_of[unit.label] != pool and takes(unit.demand, node.name, node.labels, node.taints):
                return [], f"{unit.label} could still be put in the pool {pool}: the plan is not proposed"
    lost = [
        unit.label
        for unit in after.units
        for name in (unit.nodes if unit.daemon else ())
        if solution.pools.get(name) and kept_off(unit.demand.tolerations, [taint_of(solution.pools[name])])
    ]
    if lost:
        return [], f"{lost[0]} would be kept off a pool that it runs in: the plan is not proposed"
    count = sum(item.count for item in problem.items)
    return [
        f"each of {count} pods that controllers make is on a node that takes it, with room for what it requests",
        "no workload of another pool, or of none, can be put in a pool; DaemonSets keep their nodes",
        f"judged anew with the patches applied: {len(before.units.by_label)} workloads on {len(after.nodes)} nodes",
    ], ""
