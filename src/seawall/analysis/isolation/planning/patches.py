"""The patches that make a plan true: labels and taints of nodes, selectors and tolerations of workloads."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from seawall.analysis.isolation.nodes import POOL_LABEL, POOL_TAINT
from seawall.analysis.isolation.planning.problem import REST, Problem
from seawall.analysis.isolation.planning.solve import Solution
from seawall.analysis.isolation.scheduling import kept_off
from seawall.analysis.isolation.units import Unit
from seawall.analysis.isolation.world import World
from seawall.model.finding import ResourceRef
from seawall.model.isolation import Move, Patch
from seawall.model.kube.node import Taint
from seawall.model.resource import Resource


def taint_of(pool: str) -> Taint:
    """The taint that keeps others off a pool."""
    return Taint(POOL_TAINT, pool, "NoSchedule")


def patches(world: World, problem: Problem, solution: Solution, pools: Mapping[str, set[str]]) -> Iterator[Patch]:
    """The patches in the order in which they are to be applied: workloads first let themselves in.

    Those that have no pods now (CronJobs) are patched too; what no controller makes anew is not.
    """
    pool_of = {item.unit.label: item.pool for item in problem.items}
    wanted = {label: name for name, labels in pools.items() for label in labels if solution_has(solution, name)}
    pool_of |= {unit.label: wanted.get(unit.label, REST) for unit in world.units if not unit.pods and not unit.daemon}
    made = sorted({pool for pool in solution.pools.values() if pool != REST})
    for unit in world.units:
        pool = pool_of.get(unit.label, REST)
        if pool != REST:
            yield _workload(unit, pool)
        elif unit.daemon:
            tainted = {solution.pools[name] for name in unit.nodes if solution.pools.get(name, REST) != REST}
            if any(kept_off(unit.demand.tolerations, [taint_of(pool)]) for pool in tainted):
                yield _patch(unit, "its pods stay on the nodes of pools", tolerations=[*_own(unit), _toleration("")])
        elif unit.label in pool_of and any(not kept_off(unit.demand.tolerations, [taint_of(each)]) for each in made):
            yield _patch(unit, "it tolerates every taint, and is kept off pools by affinity", affinity=_off_pools(unit))
    for name, pool in sorted(solution.pools.items()):
        if pool != REST:
            yield _node(world, name, pool)


def solution_has(solution: Solution, pool: str) -> bool:
    """Whether a pool has nodes."""
    return pool in solution.pools.values()


def _node(world: World, name: str, pool: str) -> Patch:
    facts = world.nodes[name]
    resource = facts.resource
    if resource is None:
        raise ValueError(f"{name} was not read")
    taints = [_plain(key=t.key, value=t.value, effect=t.effect) for t in (*facts.taints, taint_of(pool))]
    patch = {"metadata": {"labels": {POOL_LABEL: pool}}, "spec": {"taints": taints}}
    commands = (
        f"kubectl label node {name} {POOL_LABEL}={pool}",
        f"kubectl taint node {name} {POOL_TAINT}={pool}:NoSchedule",
    )
    return Patch(resource.ref, f"joins the pool {pool}", patch, commands)


def _workload(unit: Unit, pool: str) -> Patch:
    selector = {POOL_LABEL: pool}
    return _patch(
        unit, f"belongs to the pool {pool}", nodeSelector=selector, tolerations=[*_own(unit), _toleration(pool)]
    )


def _patch(unit: Unit, why: str, **spec: Any) -> Patch:
    kind = unit.resource.kind
    change: dict[str, Any] = {"spec": spec}
    for step in reversed((kind.template if kind is not None else None) or ()):
        change = {str(step): change}
    return Patch(unit.resource.ref, why, change, (_command(unit.resource.ref, change),))


def _command(ref: ResourceRef, change: dict[str, Any]) -> str:
    group, _, version = ref.api_version.rpartition("/")
    kind = f"{ref.kind.lower()}.{version}.{group}" if group else ref.kind.lower()
    where = ["-n", ref.namespace] if ref.namespace else []
    told = msgspec.json.encode(change).decode()
    return shlex.join(["kubectl", "patch", kind, ref.name, *where, "--type=strategic", "-p", told])


def _own(unit: Unit) -> list[dict[str, Any]]:
    """The tolerations of the owner's template; lists of tolerations are replaced as a whole by a patch."""
    found = value_at(unit.resource, "tolerations")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _toleration(pool: str) -> dict[str, Any]:
    if not pool:
        return {"key": POOL_TAINT, "operator": "Exists", "effect": "NoSchedule"}
    return {"key": POOL_TAINT, "operator": "Equal", "value": pool, "effect": "NoSchedule"}


def _off_pools(unit: Unit) -> dict[str, Any]:
    """The affinity of the owner's template, with nodes of pools left out of each of its terms."""
    found = value_at(unit.resource, "affinity")
    affinity = copy.deepcopy(found) if isinstance(found, dict) else {}
    node = affinity.setdefault("nodeAffinity", {})
    required = node.setdefault("requiredDuringSchedulingIgnoredDuringExecution", {"nodeSelectorTerms": [{}]})
    for term in required.get("nodeSelectorTerms") or ():
        term.setdefault("matchExpressions", []).append({"key": POOL_LABEL, "operator": "DoesNotExist"})
    return affinity


def value_at(resource: Resource, field: str) -> Any:
    """A field of the original pod spec."""
    template = (resource.kind.template if resource.kind is not None else None) or ()
    return resource.value_at((*template, "spec", field))


def _plain(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


def moves(problem: Problem, solution: Solution) -> Iterator[Move]:
    """The pods that move, by where from and where to."""
    for number, item in enumerate(problem.items):
        after = solution.places[number]
        sources = {name: count - min(count, after.get(name, 0)) for name, count in sorted(item.now.items())}
        targets = {name: count - min(count, item.now.get(name, 0)) for name, count in sorted(after.items())}
        for source, out in sources.items():
            for target in targets:
                count = min(out, targets[target])
                if count:
                    out -= count
                    targets[target] -= count
                    yield Move(item.unit.label, source, target, count)


def places_of_pods(problem: Problem, solution: Solution) -> Mapping[tuple[str, str], str]:
    """The node of each pod (namespace, name) after the plan; pods stay where they can."""
    found: dict[tuple[str, str], str] = {}
    for number, item in enumerate(problem.items):
        left = dict(solution.places[number])
        waiting = []
        for pod in item.pods:
            if left.get(pod.node, 0):
                left[pod.node] -= 1
                found[item.unit.namespace, pod.name] = pod.node
            else:
                waiting.append(pod)
        free = [name for name, count in sorted(left.items()) for _ in range(count)]
        found.update({(item.unit.namespace, pod.name): name for pod, name in zip(waiting, free, strict=True)})
    return found
