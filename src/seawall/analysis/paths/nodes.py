"""From a node to everything on it, and from its kubelet to what the Node authorizer lets it have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seawall.analysis.paths.building import Draft
from seawall.analysis.paths.settings import Way
from seawall.analysis.paths.storage import identity, kubelet
from seawall.analysis.paths.units import Unit
from seawall.model.access import Subject
from seawall.model.attack import ADMIN, ANY_NODE, UNKNOWN_NODE, Place, PlaceKind, Trace
from seawall.model.resource import Inventory, Resource

_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_PROVIDERS = {"aws": "aws", "gce": "google", "azure": "azure"}
_GKE_METADATA = "iam.gke.io/gke-metadata-server-enabled"
_NODES_GROUP = Subject("Group", "system:nodes")


def node_objects(inventory: Inventory) -> dict[str, Resource]:
    """The Node objects by name."""
    return {r.ref.name: r for r in inventory.resources if r.ref.kind == "Node" and r.ref.api_version == "v1"}


def control_plane(nodes: dict[str, Resource]) -> frozenset[str]:
    """The nodes that have the role of the control plane."""
    return frozenset(
        name for name, node in nodes.items() if any(label in _part(node.raw, "labels") for label in _CONTROL_PLANE)
    )


def hides_metadata(node: Resource) -> bool:
    """Whether pods that are not on the node's network get a pod's identity of the metadata service, not the node's.

    Source: GKE's documentation, "About Workload Identity Federation for GKE" (metadata server).
    """
    return _part(node.raw, "labels").get(_GKE_METADATA) == "true"


def cloud_of(node: Resource) -> str:
    """The cloud whose machine a node is; empty where none is known."""
    spec = node.raw.get("spec")
    provider = spec.get("providerID") if isinstance(spec, dict) else None
    return _PROVIDERS.get(provider.partition(":")[0], "") if isinstance(provider, str) else ""


def _part(raw: dict[str, Any], name: str) -> dict[str, Any]:
    metadata = raw.get("metadata")
    found = metadata.get(name) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def add_nodes(
    draft: Draft,
    units: Iterable[Unit],
    nodes: dict[str, Resource],
    tokens: dict[Place, list[tuple[Subject, Way]]],
    secrets: dict[Place, list[tuple[Place, Way]]],
) -> None:
    """Every node with its pods, its kubelet, the control plane's keys, and its identity in the cloud.

    ``tokens`` and ``secrets`` are those of pods by node: what the Node authorizer gives the kubelet, and no more.
    """
    on_node: dict[Place, list[Unit]] = {}
    for unit in units:
        for node in unit.nodes:
            on_node.setdefault(node, []).append(unit)
    known = [Place(PlaceKind.NODE, name) for name in sorted(nodes)]
    for node in dict.fromkeys((*known, *on_node)):
        draft.step(ANY_NODE, node, "node-of-choice", f"puts it on {node}")
        for unit in on_node.get(node, ()):
            likely = 0.5 if node == UNKNOWN_NODE else None
            draft.step(node, unit.place, "node-pods", f"a pod of {unit.place.name} runs there", likelihood=likely)
        draft.step(node, kubelet(node), "kubelet-credential", "reads the kubelet's credentials on the node")
        draft.step(kubelet(node), identity(_NODES_GROUP), "account-group", "kubelets are in the group system:nodes")
        for account, way in tokens.get(node, ()):
            _add(draft, node, identity(account), "kubelet-token", "requests a token for a pod on the node", way)
        for secret, way in secrets.get(node, ()):
            _add(draft, node, secret, "kubelet-secret", "reads a Secret of a pod on the node", way)
    leaders = control_plane(nodes)
    for name, resource in nodes.items():
        place = Place(PlaceKind.NODE, name)
        if name in leaders:
            trace = Trace(resource.ref, ("metadata", "labels"), "has the role of the control plane")
            draft.step(place, ADMIN, "control-plane-keys", "reads the keys of the cluster's CA", traces=(trace,))
        cloud = cloud_of(resource)
        if cloud:
            trace = Trace(resource.ref, ("spec", "providerID"))
            role = Place(PlaceKind.CLOUD, f"{cloud}: the identity of node {name}")
            draft.step(place, role, "node-cloud-role", f"takes on the node's identity in {cloud}", traces=(trace,))


def _add(draft: Draft, node: Place, target: Place, kind: str, how: str, way: Way) -> None:
    draft.step(kubelet(node), target, kind, how, removables=way.removables, traces=way.traces)
