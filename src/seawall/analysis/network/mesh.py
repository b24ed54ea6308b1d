"""Service meshes: which connections they refuse, encrypt and authenticate, beside what network policies say.

Sources: Istio's reference of PeerAuthentication and AuthorizationPolicy, Linkerd's of Server, AuthorizationPolicy,
MeshTLSAuthentication and NetworkAuthentication. Conditions on requests (methods, paths, hosts, tokens) cannot be
decided for a connection: a rule with some may still allow, and refuses nothing for sure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from seawall.analysis.network.ends import bits
from seawall.analysis.network.form import Problem, Selector
from seawall.analysis.network.index import Index, Parts
from seawall.analysis.network.mesh_istio import Istio
from seawall.analysis.network.mesh_linkerd import Linkerd
from seawall.analysis.network.parts import Reader
from seawall.analysis.network.world import Pod
from seawall.model.kube.base import InvalidField
from seawall.model.reach import Connection, EndKind, Link, Note
from seawall.model.resource import Inventory, Resource

_KINDS = (
    "PeerAuthentication",
    "AuthorizationPolicy",
    "LinkerdServer",
    "LinkerdAuthorizationPolicy",
    "MeshTLSAuthentication",
    "NetworkAuthentication",
)
_OLD_LINKERD = "ServerAuthorization"


class Identity(NamedTuple):
    """What a mesh knows a pod by: mesh (istio, linkerd or none), account, labels, Linkerd's default policy, ports."""

    mesh: str
    account: str
    labels: tuple[tuple[str, str], ...]
    default: str
    ports: tuple[tuple[str, str, int], ...]


class Mesh:
    """The mesh objects of an inventory; ``present`` tells whether there are any, or pods that are in a mesh."""

    def __init__(self, inventory: Inventory) -> None:
        self.problems: list[Problem] = []
        self.notes: list[Note] = []
        objects: dict[str, list[tuple[Resource, Reader]]] = {kind: [] for kind in _KINDS}
        for kind in _KINDS:
            objects[kind] = [(resource, Reader(resource)) for resource in inventory.of_kind(kind)]
        self._namespaces: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
        for resource in inventory.namespaces():
            metadata = resource.raw.get("metadata")
            metadata = metadata if isinstance(metadata, dict) else {}
            self._namespaces[resource.ref.name] = (_texts(metadata.get("labels")), _texts(metadata.get("annotations")))
        self.istio = Istio(objects["PeerAuthentication"], objects["AuthorizationPolicy"], self.notes)
        self.linkerd = Linkerd(
            objects["LinkerdServer"],
            objects["LinkerdAuthorizationPolicy"],
            objects["MeshTLSAuthentication"],
            objects["NetworkAuthentication"],
        )
        for found in objects.values():
            for _, reader in found:
                self.problems += reader.problems
        self.problems += [
            Problem(r, (), "policies of this kind are not read: the answer leaves them out")
            for r in inventory.resources
            if r.ref.kind == _OLD_LINKERD and r.ref.api_version.startswith("policy.linkerd.io")
        ]
        self._keys = frozenset(term.key for selector in self._selectors() for term in selector)
        self._workloads = inventory.workloads()
        marked = any(_marks(labels, notes) for labels, notes in self._namespaces.values())
        self.present = marked or any(objects.values()) or any(_injected(r) for r in self._workloads)

    def _selectors(self) -> Iterator[Selector]:
        yield from self.istio.selectors()
        yield from self.linkerd.selectors()

    def ports(self) -> tuple[tuple[str, int, int], ...]:
        """The ports that mesh policies tell from others."""
        named = {port for resource in self._workloads for port in _named_ports(resource)}
        return (*self.istio.ports(), *self.linkerd.ports(sorted(named)))

    def fact(self, pod: Pod) -> Identity:
        """What the mesh tells pods apart by."""
        namespace_labels, namespace_notes = self._namespaces.get(pod.namespace, ({}, {}))
        notes = _annotations(pod)
        mesh = "" if pod.host_network else _mesh_of(pod, notes, namespace_labels, namespace_notes)
        labels = tuple(sorted((k, v) for k, v in pod.labels.items() if k in self._keys))
        key = "config.linkerd.io/default-inbound-policy"
        default = notes.get(key) or namespace_notes.get(key) or "" if mesh == "linkerd" else ""
        return Identity(mesh, pod.account, labels, default, pod.named_ports if mesh == "linkerd" else ())

    def gate(self, index: Index, target: int) -> Parts | None:
        """From where the proxy of a target accepts connections."""
        identity = self._identity(index, target)
        if identity is None or not identity.mesh:
            return None
        layer = self.istio if identity.mesh == "istio" else self.linkerd
        return layer.gate(index, target)

    def _identity(self, index: Index, bit: int) -> Identity | None:
        found = index.ends.classes[bit].fact if bit < len(index.ends.classes) else None
        return found if isinstance(found, Identity) else None

    def link(self, connection: Connection, index: Index, numbers: tuple[int | None, int | None]) -> Link:
        """Whether a connection is encrypted and both ends are known to each other, on every port of it.

        ``numbers`` are those of the two workloads, None for other ends.
        """
        if connection.source.type is EndKind.CONTROLLER:
            return Link.UNKNOWN
        if numbers[0] is None or numbers[1] is None:
            return Link.PLAIN
        classes = index.ends.workload_classes
        links = {
            self._link(index, a, b, connection) for a in bits(classes[numbers[0]]) for b in bits(classes[numbers[1]])
        }
        return links.pop() if len(links) == 1 else Link.OPTIONAL if Link.PLAIN not in links else Link.PLAIN

    def _link(self, index: Index, source: int, target: int, connection: Connection) -> Link:
        first, second = self._identity(index, source), self._identity(index, target)
        if first is None or second is None or not first.mesh or first.mesh != second.mesh:
            return Link.PLAIN
        if second.mesh == "linkerd":
            return Link.MUTUAL_TLS
        return self.istio.link(index, target, connection.ports)

    def word(self, index: Index, source: int, target: int, mask: int) -> str:
        """What the mesh says of one connection; empty where it says nothing."""
        identity = self._identity(index, target)
        if identity is None or not identity.mesh:
            return ""
        parts = self.gate(index, target)
        name = "Istio" if identity.mesh == "istio" else "Linkerd"
        if parts is None or any(m & mask and ends >> source & 1 for m, ends in parts):
            return f"{name} accepts the connection"
        layer = self.istio if identity.mesh == "istio" else self.linkerd
        return f"{name} refuses the connection: {layer.why(index, source, target, mask)}"


def build_mesh(inventory: Inventory) -> Mesh:
    """Read the mesh objects of an inventory."""
    return Mesh(inventory)


def _texts(value: Any) -> dict[str, str]:
    return {k: v for k, v in value.items() if isinstance(v, str)} if isinstance(value, dict) else {}


def _annotations(pod: Pod) -> dict[str, str]:
    try:
        found: dict[str, str] = pod.template.metadata.annotations
    except InvalidField:
        return {}
    return found


def _named_ports(resource: Resource) -> Iterator[tuple[str, str, int]]:
    try:
        template = resource.template()
        for _, _, container in template.spec.all_containers() if template is not None else ():
            yield from ((p.name, p.protocol or "TCP", p.container_port) for p in container.ports if p.name)
    except InvalidField:
        return


def _marks(labels: dict[str, str], notes: dict[str, str]) -> bool:
    return (
        labels.get("istio-injection") == "enabled"
        or bool(labels.get("istio.io/rev"))
        or labels.get("istio.io/dataplane-mode") == "ambient"
        or notes.get("linkerd.io/inject") in ("enabled", "ingress")
    )


def _injected(resource: Resource) -> bool:
    try:
        return _marked_pod(resource.template())
    except InvalidField:
        return False


def _marked_pod(template: Any) -> bool:
    if template is None:
        return False
    labels, notes = template.metadata.labels, template.metadata.annotations
    return (
        "sidecar.istio.io/inject" in labels
        or "sidecar.istio.io/inject" in notes
        or labels.get("istio.io/dataplane-mode") == "ambient"
        or "linkerd.io/inject" in notes
        or any(container.name in ("istio-proxy", "linkerd-proxy") for _, _, container in template.spec.all_containers())
    )


def _mesh_of(pod: Pod, notes: dict[str, str], namespace: dict[str, str], namespace_notes: dict[str, str]) -> str:
    """Which mesh a pod is in, by its containers, its own marks, else those of its namespace."""
    names = {container.name for _, _, container in pod.template.spec.all_containers()}
    if "istio-proxy" in names:
        return "istio"
    if "linkerd-proxy" in names:
        return "linkerd"
    linkerd = notes.get("linkerd.io/inject", namespace_notes.get("linkerd.io/inject", ""))
    if linkerd in ("enabled", "ingress"):
        return "linkerd"
    mode = pod.labels.get("istio.io/dataplane-mode", namespace.get("istio.io/dataplane-mode", ""))
    said = pod.labels.get("sidecar.istio.io/inject", notes.get("sidecar.istio.io/inject", ""))
    if mode == "ambient" or said == "true":
        return "istio"
    revision = bool(namespace.get("istio.io/rev")) and namespace.get("istio-injection") != "disabled"
    whole = namespace.get("istio-injection") == "enabled" or revision
    return "istio" if whole and said != "false" else ""
