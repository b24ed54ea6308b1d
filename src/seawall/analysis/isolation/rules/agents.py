"""Nodes of the control plane, and agents that run on every node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.analysis.isolation.judging import field, listed, settle, world_of
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.analysis.isolation.nodes import NodeFacts
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_TAINTS = "https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"
_GOOD_PRACTICES = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
#: Rights that need a further step, or that only disturb.
_INDIRECT = frozenset(
    ("changes nodes", "changes admission", "makes volumes of the host's paths", "approves certificates")
)


@rule(
    "control-plane-takes-pods",
    title="Node of the control plane takes ordinary pods",
    severity=Severity.MEDIUM,
    scope=Scope.NODE,
    on="inventory",
    why="Whoever breaks out of a pod there has etcd, the CA's keys and with them the cluster.",
    remediation="Taint the node with node-role.kubernetes.io/control-plane:NoSchedule, and move the pods away.",
    controls="mitre-attack:T1611 mitre-attack:T1610",
    references=(_TAINTS,),
    notes="Low where every node is one of the control plane, as in clusters for trying out.",
)
def control_plane_takes_pods(inventory: Inventory, ctx: Context) -> Hits:
    nodes = inventory.of_kind("Node")
    views: list[tuple[Any, Any]] = [(each, each.view) for each in nodes]
    ours = [(each, view) for each, view in views if any(key in view.metadata.labels for key in _CONTROL_PLANE)]
    open_ones = [(each, view) for each, view in ours if not view.spec.unschedulable and not _keeps_off(view)]
    if not open_ones:
        return
    pods: dict[str, list[str]] = {}
    for pod in inventory.of_kind("Pod"):
        template: Any = pod.template()
        if template.spec.node_name and (pod.ref.namespace or "") != "kube-system":
            pods.setdefault(template.spec.node_name, []).append(f"{pod.ref.namespace}/{pod.ref.name}")
    for each, _ in open_ones:
        here = pods.get(each.ref.name, [])
        told = f"; {len(here)} run there now: {listed(here)}" if here else ""
        severity = Severity.LOW if len(ours) == len(nodes) else None
        yield Hit(f"no taint keeps pods off it{told}", "spec.taints", resource=each, severity=severity)


def _keeps_off(view: Any) -> bool:
    return any(
        taint.effect in ("NoSchedule", "NoExecute") and taint.key in _CONTROL_PLANE for taint in view.spec.taints
    )


@rule(
    "daemonset-strong-rights",
    title="Agent that carries strong rights to every node",
    severity=Severity.HIGH,
    scope=Scope.RBAC,
    on="inventory",
    why="Its token lies on every node that it runs on: whoever takes over any one of them, the least important "
    "included, has these rights in the whole cluster.",
    remediation="Give the agent only what it needs of its own node, and the rest to a Deployment on nodes of its own.",
    controls="mitre-attack:T1078 mitre-attack:T1552.007 nsa-cisa:rbac",
    references=(_GOOD_PRACTICES,),
    notes="Rights in the whole cluster count. Tokens that come to every right are told by workload-takes-cluster, "
    "unless in kube-system. Medium for rights that lead on less directly (nodes, admission, volumes).",
)
def daemonset_strong_rights(inventory: Inventory, ctx: Context) -> Hits:
    if not inventory.of_kind("DaemonSet") or not inventory.of_kind("ClusterRoleBinding"):
        return
    world = world_of(ctx)
    for unit in world.units:
        if not unit.daemon or not unit.token or unit.resource.ref.kind != "DaemonSet":
            continue
        rights = world.standing.rights(unit.account)
        if rights.admin and unit.namespace != "kube-system":
            continue
        what = [right.what for right in rights.everywhere]
        if not what and not rights.admin:
            continue
        nodes = [world.nodes[name] for name in unit.nodes if name in world.nodes]
        direct = rights.admin or not _INDIRECT.issuperset(what)
        yield Hit(
            f"its account {unit.account.name!r} {listed(what, 5) if what else 'comes to every right'} in the whole "
            "cluster"
            f"{_spread(nodes)}",
            field(unit, "serviceAccountName"),
            resource=unit.resource,
            severity=None if direct else Severity.MEDIUM,
            related=((rights.grant, "grants it"),) if rights.grant is not None else (),
        )
    settle(world)


def _spread(nodes: list[NodeFacts]) -> str:
    if not nodes:
        return ""
    masters = sum(facts.control_plane for facts in nodes)
    return f", on {len(nodes)} nodes{f', {masters} of the control plane' if masters else ''}"
