"""Pools of nodes: taints, affinities and labels that belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.analysis.isolation.judging import field, is_dedicated_label, keeps_apart, listed, settle, world_of
from seawall.model.finding import Confidence, Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.analysis.isolation.units import Unit
    from seawall.analysis.isolation.world import World
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_TAINTS = "https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"
_ASSIGN = "https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/"
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_RESTRICTION = "node-restriction.kubernetes.io/"
_KINDS = ("Pod", "Deployment", "StatefulSet", "Job", "CronJob", "ReplicaSet", "ReplicationController")


def _tolerating(unit: Unit) -> list[tuple[int, Any]]:
    """The unit's own tolerations that are for taints which keep nodes for somebody."""
    from seawall.model.kube.node import Taint

    return [
        (number, each)
        for number, each in enumerate(unit.spec.tolerations)
        if each.key and keeps_apart(Taint(each.key, each.value, "NoSchedule"))
    ]


def _pinned(unit: Unit) -> bool:
    from seawall.analysis.isolation.world import ANY_NODE, wish

    return wish(unit.demand) != ANY_NODE


@rule(
    "dedicated-taint-without-affinity",
    title="Workload of a pool that may run outside it",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="A toleration only lets pods onto the tainted nodes, it does not keep them there: the scheduler may put the "
    "workload beside those from whom its pool was to part it.",
    remediation="Add a nodeSelector or a required node affinity for the pool's label.",
    controls="mitre-attack:T1611",
    references=(f"{_TAINTS}#example-use-cases", _ASSIGN),
    notes="Taints of the system, of hardware (GPUs, spot instances, architectures), wildcards and namespaces of the "
    "cluster itself are left out. Where nodes were read the taint must be on one of them, and another node without "
    "it must take the workload; else the workload must ask for no label of nodes at all. Medium for sensitive "
    "workloads.",
)
def dedicated_taint_without_affinity(inventory: Inventory, ctx: Context) -> Hits:
    if not any(_has_tolerations(each) for each in inventory.of_kind(*_KINDS)):
        return
    from seawall.analysis.isolation.sensitivity import is_system

    world = world_of(ctx)
    for unit in world.units:
        if unit.daemon or is_system(unit.namespace):
            continue
        for number, toleration in _tolerating(unit):
            elsewhere = _outside(world, unit, toleration)
            if elsewhere is None:
                continue
            where = f"node {elsewhere} without it takes it too" if elsewhere else "it asks for no label of nodes"
            yield Hit(
                f"it tolerates the taint {toleration.key}, and {where}",
                field(unit, "tolerations", number),
                resource=unit.resource,
                severity=Severity.MEDIUM if world.judgement(unit).level == "sensitive" else None,
                confidence=Confidence.HIGH if elsewhere else Confidence.MEDIUM,
            )
            break
    settle(world)


def _has_tolerations(resource: Any) -> bool:
    template = resource.template()
    return template is not None and any(each.key for each in template.spec.tolerations)


def _outside(world: World, unit: Unit, toleration: Any) -> str | None:
    """A node outside the pool that takes the unit; empty where no nodes are known and nothing pins it; else None."""
    from seawall.analysis.isolation.scheduling import takes, tolerates

    known = [facts for facts in world.nodes.values() if facts.resource is not None]
    if not known:
        return None if _pinned(unit) else ""
    if not any(tolerates(toleration, taint) for facts in known for taint in facts.hard):
        return None
    for facts in known:
        kept = any(tolerates(toleration, taint) for taint in facts.hard)
        if not kept and not facts.control_plane and takes(unit.demand, facts.name, facts.labels, facts.taints):
            return facts.name
    return None


@rule(
    "dedicated-affinity-without-taint",
    title="Pool that others may run in",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="An affinity only draws the workload to its nodes, it keeps nobody off them: any pod of the cluster may be "
    "put there, one that an attacker starts included.",
    remediation="Taint the nodes of the pool with NoSchedule, and let the workload tolerate the taint.",
    controls="mitre-attack:T1611",
    references=(f"{_TAINTS}#example-use-cases", _ASSIGN),
    notes="Judged for labels that say that nodes are kept for somebody (dedicated, tenant, team, trust, security and "
    "their like), and for sensitive workloads for every label but those of hardware and places. Where nodes were "
    "read, one of those that it asks for must have no such taint; else the workload must tolerate none. Medium for "
    "sensitive workloads.",
)
def dedicated_affinity_without_taint(inventory: Inventory, ctx: Context) -> Hits:
    if not any(_asks_for_nodes(each) for each in inventory.of_kind(*_KINDS)):
        return
    world = world_of(ctx)
    for unit in world.units:
        sensitive = world.judgement(unit).level == "sensitive"
        key = _dedicated_key(unit, sensitive)
        if key is None:
            continue
        found = _untainted(world, unit)
        if found is None:
            continue
        where = (
            f"node {listed(found)} has no taint that keeps others off" if found else "it tolerates no taint of a pool"
        )
        path = ("nodeSelector", key) if key in unit.spec.node_selector else ("affinity",)
        yield Hit(
            f"it asks for nodes with {key}, and {where}",
            field(unit, *path),
            resource=unit.resource,
            severity=Severity.MEDIUM if sensitive else None,
            confidence=Confidence.HIGH if found else Confidence.MEDIUM,
        )
    settle(world)


def _asks_for_nodes(resource: Any) -> bool:
    template = resource.template()
    return template is not None and bool(template.spec.node_selector or template.spec.affinity)


def _dedicated_key(unit: Unit, sensitive: bool) -> str | None:
    from seawall.analysis.isolation.judging import is_of_hardware
    from seawall.analysis.isolation.world import COMMON

    keys = sorted(key for key in unit.demand.label_keys() if key not in COMMON and key not in _CONTROL_PLANE)
    told = [key for key in keys if is_dedicated_label(key)]
    return next(iter(told or ([key for key in keys if not is_of_hardware(key)] if sensitive else [])), None)


def _untainted(world: World, unit: Unit) -> list[str] | None:
    """Nodes of its pool that keep nobody off; empty where no nodes are known and it tolerates no pool's taint."""
    from seawall.analysis.isolation.scheduling import selects

    known = [facts for facts in world.nodes.values() if facts.resource is not None]
    if not known:
        return None if _tolerating(unit) else []
    pool = [facts for facts in known if selects(unit.demand, facts.name, facts.labels)]
    others = sum(not facts.control_plane for facts in known)
    found = [facts.name for facts in pool if not any(map(keeps_apart, facts.hard)) and not facts.control_plane]
    return found if found and len(pool) < others else None


@rule(
    "dedicated-taint-soft",
    title="Taint of a pool that only asks politely",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on="inventory",
    why="PreferNoSchedule keeps pods off while there is room elsewhere: whoever fills the other nodes gets onto these.",
    remediation="Use the effect NoSchedule.",
    controls="mitre-attack:T1610",
    references=(_TAINTS,),
    notes="Taints of the system and of hardware are left out. Told once for all nodes with the taint.",
)
def dedicated_taint_soft(inventory: Inventory, ctx: Context) -> Hits:
    found: dict[str, list[Any]] = {}
    for resource in inventory.of_kind("Node"):
        view: Any = resource.view
        hard = {taint.key for taint in view.spec.taints if taint.effect in ("NoSchedule", "NoExecute")}
        for number, taint in enumerate(view.spec.taints):
            if taint.effect == "PreferNoSchedule" and taint.key not in hard and keeps_apart(taint):
                found.setdefault(str(taint), []).append((resource, number))
    for taint, places in found.items():
        resource, number = places[0]
        names = [each.ref.name for each, _ in places]
        yield Hit(
            f"the taint {taint} of {listed(names)} keeps nobody off", f"spec.taints[{number}].effect", resource=resource
        )


@rule(
    "pool-label-unprotected",
    title="Pool by a label that nodes may give themselves",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="inventory",
    why="A kubelet may set this label on its own Node: whoever takes over any node adds it, and the sensitive pods "
    "come to them.",
    remediation="Label the pool with a key that begins with node-restriction.kubernetes.io/, and select by that.",
    controls="mitre-attack:T1610",
    references=(f"{_ASSIGN}#node-isolation-restriction",),
    notes="Judged for sensitive workloads that ask for nodes which are kept for somebody. The plugin NodeRestriction "
    "of the API server keeps kubelets from labels of that prefix.",
)
def pool_label_unprotected(inventory: Inventory, ctx: Context) -> Hits:
    if not any(_asks_for_nodes(each) for each in inventory.of_kind(*_KINDS)):
        return
    world = world_of(ctx)
    for unit in world.units:
        if world.judgement(unit).level != "sensitive":
            continue
        keys = unit.demand.label_keys()
        if any(key.startswith(_RESTRICTION) for key in keys):
            continue
        dedicated = sorted(filter(is_dedicated_label, keys))
        if dedicated:
            path = ("nodeSelector", dedicated[0]) if dedicated[0] in unit.spec.node_selector else ("affinity",)
            why = world.judgement(unit).reason
            message = f"it is sensitive ({why}) and its nodes are told by {dedicated[0]}"
            yield Hit(message, field(unit, *path), resource=unit.resource)
    settle(world)
