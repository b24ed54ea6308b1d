"""The pods, namespaces and nodes of an inventory, as far as policies can tell them apart."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from msgspec import Struct

from seawall.analysis.network.form import AddressRange
from seawall.model.kube.base import InvalidField
from seawall.model.kube.pod import PodSpec
from seawall.model.owners import owned_by
from seawall.model.paths import Path
from seawall.model.resource import Inventory, Resource

NAME_LABEL = "kubernetes.io/metadata.name"
#: A label set as a class of pods is told by; and the container ports, by name: (protocol, number).
Labels = tuple[tuple[str, str], ...]
NamedPorts = tuple[tuple[str, str, int], ...]


class Pod(Struct, gc=False):
    """Pods of one workload with the same labels and ports."""

    namespace: str
    labels: dict[str, str]
    named_ports: NamedPorts
    tcp_ports: frozenset[int]
    host_network: bool
    resource: Resource
    template: Any
    account: str = "default"
    count: int = 1


class Workload(Struct, gc=False):
    """What pods are known by: their outermost owner that is known. ``label`` is ``ns/name[Kind]``."""

    label: str
    namespace: str
    name: str
    kind: str
    resource: Resource
    pods: list[Pod]
    missing_owner: bool = False

    @property
    def host_network(self) -> bool:
        """Whether any of its pods has its node's address."""
        return any(pod.host_network for pod in self.pods)


class World(Struct):
    """Everything that connections are between. ``unread`` are the objects that could not be read, with the place."""

    workloads: list[Workload]
    namespaces: dict[str, dict[str, str]]
    namespace_objects: dict[str, Resource]
    inventory: Inventory
    unread: list[tuple[Resource, Path]]

    def nodes(self) -> list[tuple[dict[str, str], tuple[AddressRange, ...]]]:
        """Labels and addresses of each Node."""
        return [_node(r.raw) for r in self.inventory.resources if r.ref.kind == "Node" and r.ref.api_version == "v1"]


def build_world(inventory: Inventory) -> World:
    """Gather the pods of an inventory by workload, and the labels of their namespaces."""
    world = World([], {}, {}, inventory, [])
    for resource in inventory.namespaces():
        name = resource.ref.name
        world.namespace_objects.setdefault(name, resource)
        world.namespaces[name] = {**_labels(resource, world), NAME_LABEL: name}
    found: dict[str, Workload] = {}
    for resource in inventory.workloads():
        if resource.kind is None or resource.kind.name == "PodTemplate":
            continue
        try:
            _add(resource, inventory, found)
        except InvalidField as invalid:
            world.unread.append((resource, invalid.path))
    for resource in inventory.resources:
        if resource.kind is not None and resource.kind.template is not None and resource.view is None:
            world.unread.append((resource, ()))
    world.workloads = [found[label] for label in sorted(found)]
    for workload in world.workloads:
        world.namespaces.setdefault(workload.namespace, {NAME_LABEL: workload.namespace})
    return world


def _labels(resource: Resource, world: World) -> dict[str, str]:
    try:
        return resource.metadata.labels
    except InvalidField as invalid:
        world.unread.append((resource, invalid.path))
        return {}


def _add(resource: Resource, inventory: Inventory, found: dict[str, Workload]) -> None:
    template = resource.template()
    if template is None:
        return
    namespace = resource.ref.namespace or "default"
    owned = owned_by(resource, inventory)
    label = f"{namespace}/{owned.name}[{owned.kind}]"
    workload = found.get(label)
    if workload is None:
        workload = found[label] = Workload(
            label, namespace, owned.name, owned.kind, owned.resource, [], owned.missing_owner
        )
    workload.pods.append(_pod(resource, namespace, template))


def _pod(resource: Resource, namespace: str, template: Any) -> Pod:
    spec: PodSpec = template.spec
    named: dict[str, tuple[str, int]] = {}
    tcp: set[int] = set()
    for field, _, container in spec.all_containers():
        if field == "ephemeralContainers" or (field == "initContainers" and container.restart_policy != "Always"):
            continue
        for port in container.ports:
            protocol = port.protocol or "TCP"
            if port.name:
                named.setdefault(port.name, (protocol, port.container_port))
            if protocol == "TCP":
                tcp.add(port.container_port)
    return Pod(
        namespace,
        template.metadata.labels,
        tuple(sorted((name, *rest) for name, rest in named.items())),
        frozenset(tcp),
        spec.host_network,
        resource,
        template,
        spec.service_account_name or spec.service_account or "default",
    )


def addresses_of(pod: Pod) -> tuple[AddressRange, ...]:
    """The addresses that a Pod object says it has; none for a template."""
    if pod.resource.kind is None or pod.resource.kind.name != "Pod":
        return ()
    status = pod.resource.raw.get("status")
    status = status if isinstance(status, dict) else {}
    listed = status.get("podIPs") if isinstance(status.get("podIPs"), list) else []
    texts = [each.get("ip") for each in listed or () if isinstance(each, dict)] or [status.get("podIP")]
    return _parse(texts)


def _parse(texts: Iterable[Any]) -> tuple[AddressRange, ...]:
    found = []
    for text in texts:
        try:
            address = ip_address(text) if isinstance(text, str) else None
        except ValueError:
            continue
        if address is not None:
            found.append(AddressRange(address.version, int(address), int(address)))
    return tuple(found)


def _node(raw: dict[str, Any]) -> tuple[dict[str, str], tuple[AddressRange, ...]]:
    metadata, status = raw.get("metadata"), raw.get("status")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    listed = status.get("addresses") if isinstance(status, dict) else None
    texts = [each.get("address") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    good = {k: v for k, v in labels.items() if isinstance(v, str)} if isinstance(labels, dict) else {}
    return good, _parse(texts)
