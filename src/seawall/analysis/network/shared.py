"""What the network rules of one run share. The evaluation is imported only where there are policies to evaluate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from seawall.model.kube.base import InvalidField
from seawall.model.owners import owned_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.analysis.network.reach import Reach
    from seawall.model.paths import Path
    from seawall.model.resource import Inventory, Resource

#: What rules ask for: DNS, the metadata service, the API server, the kubelet.
_PORTS = (
    ("UDP", 53, 53),
    ("TCP", 53, 53),
    ("TCP", 80, 80),
    ("TCP", 443, 443),
    ("TCP", 6443, 6443),
    ("TCP", 10250, 10250),
)
_POLICIES = ("NetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy")
#: Of the workloads that reach most others this many are told, from this many reached on.
SPREADERS, LEAST_REACHED = 5, 10


def has_policies(inventory: Inventory) -> bool:
    """Whether there is any policy to evaluate."""
    return bool(inventory.of_kind(*_POLICIES))


def network(inventory: Inventory) -> Reach:
    """The reach of an inventory, for ``ctx.once``."""
    from seawall.analysis.network.index import Options
    from seawall.analysis.network.reach import Reach

    return Reach(inventory, Options(ports=_PORTS))


def settle(unread: Iterable[tuple[Resource, Path]]) -> None:
    """To be called at the end of a rule: it is not judged everywhere where a pod or namespace could not be read.

    Raises:
        InvalidField: something could not be read.
    """
    for _, path in unread:
        raise InvalidField(path or ("spec",))


class Known(Struct, frozen=True):
    """A workload: how it is written, its namespace, and the object that it is told of."""

    label: str
    namespace: str
    resource: Resource


class Openness(Protocol):
    """What is open, as the rules ask it."""

    unread: list[tuple[Resource, Path]]
    count: int

    def unheld(self) -> list[Known]:
        """Workloads that no policy selects in any direction."""

    def open_to_cluster(self) -> list[list[Known]]:
        """By namespace: all workloads of those of which every one takes connections from any pod on any port."""

    def spreaders(self) -> list[tuple[Known, int]]:
        """The workloads that reach most others, with how many."""

    def reaching_metadata(self) -> list[list[Known]]:
        """By namespace: workloads that reach the metadata service of clouds."""

    def reaching_kubelets(self) -> list[list[Known]]:
        """By namespace: workloads that reach the kubelet of a node that is known."""

    def reaching_api_server(self) -> list[list[Known]]:
        """By namespace: workloads that reach an address of the API server that is known."""

    def reaching_everywhere(self) -> list[list[Known]]:
        """By namespace: workloads that reach every address outside."""


class Unpoliced:
    """Where there is no policy, everything is open but what is in its node's network anyway."""

    def __init__(self, inventory: Inventory) -> None:
        self.unread: list[tuple[Resource, Path]] = []
        found: dict[str, Known] = {}
        hosted: set[str] = set()
        for resource in inventory.workloads():
            if resource.kind is None or resource.kind.name == "PodTemplate":
                continue
            try:
                owned = owned_by(resource, inventory)
                namespace = resource.ref.namespace or "default"
                label = f"{namespace}/{owned.name}[{owned.kind}]"
                found.setdefault(label, Known(label, namespace, owned.resource))
                template = resource.template()
                if template is not None and template.spec.host_network:
                    hosted.add(label)
            except InvalidField as invalid:
                self.unread.append((resource, invalid.path))
        self.count = len(found)
        self._open = [found[label] for label in sorted(found) if label not in hosted]
        self._api_server = any(is_api_server(each) for each in inventory.resources)
        self._nodes = any(each.ref.kind == "Node" for each in inventory.resources)

    def unheld(self) -> list[Known]:
        """Every workload in the pods' network."""
        return self._open

    def open_to_cluster(self) -> list[list[Known]]:
        """Every namespace."""
        return by_namespace(self._open)

    def spreaders(self) -> list[tuple[Known, int]]:
        """The first, as all reach all."""
        return [(each, self.count - 1) for each in self._open[:SPREADERS]] if self.count > LEAST_REACHED else []

    def reaching_metadata(self) -> list[list[Known]]:
        """Every one."""
        return by_namespace(self._open)

    def reaching_kubelets(self) -> list[list[Known]]:
        """Every one, where nodes are known."""
        return by_namespace(self._open) if self._nodes else []

    def reaching_api_server(self) -> list[list[Known]]:
        """Every one, where its addresses are known."""
        return by_namespace(self._open) if self._api_server else []

    def reaching_everywhere(self) -> list[list[Known]]:
        """Every one."""
        return by_namespace(self._open)


def is_api_server(resource: Resource) -> bool:
    """Whether an object tells the addresses of the API server."""
    ref = resource.ref
    return ref.kind in ("Endpoints", "EndpointSlice") and ref.namespace == "default" and ref.name == "kubernetes"


def by_namespace(found: Iterable[Known]) -> list[list[Known]]:
    """Grouped, in the order of the names."""
    groups: dict[str, list[Known]] = {}
    for each in found:
        groups.setdefault(each.namespace, []).append(each)
    return [groups[name] for name in sorted(groups)]


def openness(inventory: Inventory) -> Openness:
    """What is open, for ``ctx.once``; policies of dialects that are not read count as policies."""
    foreign = any(each.ref.kind.endswith("NetworkPolicy") and each.kind is None for each in inventory.resources)
    if not foreign and not has_policies(inventory):
        return Unpoliced(inventory)
    from seawall.analysis.network.openness import Policed

    return Policed(inventory)
