"""Workloads with their containers and nodes: what the graph knows of pods, each replica folded into its workload."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from seawall.model.access import Subject
from seawall.model.attack import UNKNOWN_NODE, Place, PlaceKind
from seawall.model.finding import ResourceRef
from seawall.model.kube.base import InvalidField
from seawall.model.kube.pod import Container, PodSpec
from seawall.model.owners import owned_by
from seawall.model.paths import Path, format_path
from seawall.model.resource import Inventory, Resource, namespace_of

#: RuntimeClass handlers, or names where the object was not read, that put a kernel of its own under the pod.
#: Source: the documentation of Kata Containers, gVisor and AWS Firecracker.
_SANDBOXES = ("kata", "gvisor", "runsc", "firecracker", "sysbox-vm", "confidential", "cloud-hypervisor")


#: Fields that no step depends on.
_NOT_READ = frozenset(
    (
        "resources", "liveness_probe", "readiness_probe", "startup_probe", "lifecycle", "affinity", "host_aliases",
        "topology_spread_constraints", "dns_policy", "priority_class_name", "tolerations", "node_selector",
        "seccomp_profile", "se_linux_options", "sysctls",
    )
)  # fmt: skip


class Box(Struct, frozen=True):
    """A container of a workload. ``path`` leads to it in the workload's object."""

    unit: Unit
    place: Place
    path: Path
    container: Container


class Unit(Struct, frozen=True, eq=False):
    """A workload: its object, its pod's spec and where that stands, and the nodes that its pods are bound to."""

    label: str
    place: Place
    resource: Resource
    base: Path
    spec: PodSpec
    labels: dict[str, str]
    nodes: tuple[Place, ...]
    account: Subject
    sandboxed: bool

    @property
    def namespace(self) -> str:
        """Where it runs."""
        return self.place.namespace

    @property
    def ref(self) -> ResourceRef:
        """Its object."""
        return self.resource.ref

    @property
    def in_user_namespace(self) -> bool:
        """Whether its root is nobody on the node."""
        return self.spec.host_users is False

    def boxes(self) -> Iterator[Box]:
        """Its containers. Those that only run at the start are none: they are over when an attacker comes."""
        for field, index, container in self.spec.all_containers():
            if field == "initContainers" and container.restart_policy != "Always":
                continue
            place = Place(PlaceKind.CONTAINER, f"{self.place.name}/{container.name}", self.namespace)
            yield Box(self, place, (*self.base, "spec", field, index), container)


def units_of(inventory: Inventory) -> tuple[list[Unit], list[str]]:
    """The workloads, sorted by label; and what could not be read, a line each."""
    found: dict[str, tuple[Resource, str, str]] = {}
    bound: dict[str, set[str]] = {}
    notes: list[str] = []
    for resource in inventory.workloads():
        if resource.kind is None or resource.kind.name == "PodTemplate":
            continue
        try:
            owned = owned_by(resource, inventory)
            label = f"{namespace_of(resource)}/{owned.name}[{owned.kind}]"
            found.setdefault(label, (owned.resource, owned.kind, owned.name))
            node = resource.template().spec.node_name if resource.kind.name == "Pod" else ""  # type: ignore[union-attr]
        except InvalidField as invalid:
            notes.append(f"{resource.ref}: {format_path(invalid.path)} has the wrong type: no path through it is known")
            continue
        if node:
            bound.setdefault(label, set()).add(node)
    sandboxes = _sandboxes(inventory)
    units: list[Unit] = []
    for label, (top, kind, name) in sorted(found.items()):
        try:
            units.append(_unit(label, top, kind, name, bound.get(label, ()), sandboxes))
        except InvalidField as invalid:
            notes.append(f"{top.ref}: {format_path(invalid.path)} has the wrong type: no path through it is known")
    return units, notes


def _unit(label: str, top: Resource, kind: str, name: str, bound: Any, sandboxes: dict[str, bool]) -> Unit:
    template: Any = top.template()
    spec: PodSpec = template.spec
    _touch(spec)
    nodes = tuple(Place(PlaceKind.NODE, node) for node in sorted(bound)) or (UNKNOWN_NODE,)
    place = Place(PlaceKind.WORKLOAD, f"{kind}/{name}", namespace_of(top))
    account = Subject(
        "ServiceAccount", spec.service_account_name or spec.service_account or "default", namespace_of(top)
    )
    runtime = spec.runtime_class_name or ""
    sandboxed = sandboxes.get(runtime, _is_sandbox(runtime))
    base: Path = top.kind.template if top.kind is not None and top.kind.template is not None else ()
    return Unit(label, place, top, base, spec, template.metadata.labels, nodes, account, sandboxed)


def _touch(value: Any) -> None:
    """Read every field that steps depend on, so that one that cannot be read is known before any step is made.

    Raises:
        InvalidField: there is one.
    """
    if isinstance(value, Struct):
        for name in value.__struct_fields__:
            if name not in _NOT_READ:
                _touch(getattr(value, name))
    elif isinstance(value, tuple):
        for each in value:
            _touch(each)


def _is_sandbox(text: str) -> bool:
    return any(each in text.lower() for each in _SANDBOXES)


def _sandboxes(inventory: Inventory) -> dict[str, bool]:
    """Whether each RuntimeClass that was read is a sandbox, by its handler."""
    found: dict[str, bool] = {}
    for resource in inventory.resources:
        if resource.ref.kind == "RuntimeClass":
            handler = resource.raw.get("handler")
            found[resource.ref.name] = _is_sandbox(handler if isinstance(handler, str) else "")
    return found
