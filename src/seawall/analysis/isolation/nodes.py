"""Nodes as isolation sees them: labels, taints, pool, room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from seawall.analysis.isolation.scheduling import CONTROL_PLANE, HARD, UNSCHEDULABLE, is_dedicating
from seawall.model.kube.base import InvalidField
from seawall.model.kube.node import Taint
from seawall.model.kube.quantities import milli_of
from seawall.model.resource import Inventory, Resource

#: The label by which `isolation plan` makes pools. Kubelets may not set labels of this prefix on themselves: a node
#: that is taken over cannot join a pool to draw its pods.
POOL_LABEL = "node-restriction.kubernetes.io/seawall-pool"
POOL_TAINT = "seawall.dev/pool"
#: Labels that tell a node's pool, ours first.
POOL_LABELS = (
    POOL_LABEL,
    "karpenter.sh/nodepool",
    "karpenter.sh/provisioner-name",
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "alpha.eksctl.io/nodegroup-name",
    "kubernetes.azure.com/agentpool",
    "agentpool",
    "doks.digitalocean.com/node-pool",
    "k8s.scaleway.com/pool-name",
    "oke.oraclecloud.com/pool.name",
    "kops.k8s.io/instancegroup",
)
_ROLE = "node-role.kubernetes.io/"
NO_POOL = "(no pool)"


class NodeFacts(Struct, frozen=True):
    """A node. ``resource`` is None for one that only pods name; then labels, taints and room are not known.

    ``room`` is what pods may have of it, by resource in thousandths; empty where it is not told.
    """

    name: str
    labels: dict[str, str] = {}
    taints: tuple[Taint, ...] = ()
    pool: str = NO_POOL
    control_plane: bool = False
    room: dict[str, int] = {}
    resource: Resource | None = None

    @property
    def hard(self) -> tuple[Taint, ...]:
        """The taints that keep pods off."""
        return tuple(taint for taint in self.taints if taint.effect in HARD)

    @property
    def dedicating(self) -> tuple[Taint, ...]:
        """The hard taints that keep it for somebody."""
        return tuple(taint for taint in self.hard if is_dedicating(taint))


def nodes_of(inventory: Inventory, pool_labels: Sequence[str] = ()) -> dict[str, NodeFacts]:
    """The nodes by name; one that cannot be read in part counts with what could be read.

    Raises:
        NotRead: nodes were not read.
    """
    found: dict[str, NodeFacts] = {}
    for resource in inventory.of_kind("Node"):
        found.setdefault(resource.ref.name, _facts(resource, pool_labels))
    return found


def _facts(resource: Resource, pool_labels: Sequence[str]) -> NodeFacts:
    view: Any = resource.view
    labels = _read(lambda: dict(view.metadata.labels), {})
    taints = _read(lambda: tuple(view.spec.taints), ())
    if _read(lambda: bool(view.spec.unschedulable), False) and UNSCHEDULABLE not in taints:
        taints = (*taints, UNSCHEDULABLE)
    room = _read(lambda: dict(view.status.allocatable or view.status.capacity), {})
    return NodeFacts(
        resource.ref.name,
        labels,
        taints,
        pool_name(labels, pool_labels),
        any(key in labels for key in CONTROL_PLANE),
        milli_of(room),
        resource,
    )


def _read(field: Any, default: Any) -> Any:
    try:
        return field()
    except InvalidField:
        return default


def pool_name(labels: Mapping[str, str], pool_labels: Sequence[str] = ()) -> str:
    """The pool that a node's labels tell, by the labels given, those of clouds, or its role."""
    for key in pool_labels:
        if key in labels:
            return f"{key}={labels[key]}" if labels[key] else key
    if any(key in labels for key in CONTROL_PLANE):
        return "control-plane"
    for key in POOL_LABELS:
        if labels.get(key):
            return labels[key]
    roles = sorted(key.removeprefix(_ROLE) for key in labels if key.startswith(_ROLE))
    return "+".join(roles) or labels.get("kubernetes.io/role", "") or NO_POOL
