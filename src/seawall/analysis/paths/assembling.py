"""The attack graph of an inventory, put together from its parts."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from seawall.analysis.paths.building import Draft
from seawall.analysis.paths.credentials import (
    accounts_of,
    add_cloud_identities,
    add_credentials,
    add_secrets,
    secret_place,
    secret_ways,
    token_ways,
)
from seawall.analysis.paths.entrances import add_entrances, add_neighbours
from seawall.analysis.paths.escapes import add_escapes
from seawall.analysis.paths.hubs import Hubs
from seawall.analysis.paths.images import add_images, pull_secrets
from seawall.analysis.paths.inputs import Inputs
from seawall.analysis.paths.nodes import add_nodes, control_plane, node_objects
from seawall.analysis.paths.permissions import Permissions
from seawall.analysis.paths.processes import add_shared_processes
from seawall.analysis.paths.services import (
    add_anonymous,
    add_metadata,
    add_open_kubelets,
    add_open_services,
    add_unrestricted_kubelets,
)
from seawall.analysis.paths.settings import Settings, Way
from seawall.analysis.paths.storage import Cluster, add_claims, add_volumes, host_volumes
from seawall.analysis.paths.units import Box, Unit, units_of
from seawall.model.access import Subject
from seawall.model.attack import ADMIN, OUTSIDE, AttackGraph, Place
from seawall.model.kube.base import InvalidField
from seawall.model.owners import owned_by
from seawall.model.resource import Inventory, Resource, namespace_of

#: What lets one read a node's logs through its kubelet, or those of a pod through the API server.
_LOG_DEEDS = ("read logs of nodes", "read logs of pods", "proxy to nodes")


def build_graph(inputs: Inputs) -> AttackGraph:
    """The graph; its notes tell what could not be read.

    Raises:
        NotRead: workloads were not read.
    """
    draft, inventory = Draft(), inputs.inventory
    draft.place(OUTSIDE)
    draft.place(ADMIN)
    found, notes = units_of(inventory)
    draft.notes.update(dict.fromkeys(notes))
    units = {unit.label: unit for unit in found}
    boxes = [box for unit in found for box in unit.boxes()]
    accounts = accounts_of(inventory)
    add_secrets(draft, inventory)
    for box in boxes:
        add_credentials(draft, box, accounts)
        add_escapes(draft, box)
    add_cloud_identities(draft, accounts, inventory)
    hubs = Hubs(draft, boxes, inputs.accounts, _Pods(inventory), inputs.open)
    permissions = Permissions(draft, inputs, hubs)
    permissions.add()
    nodes = node_objects(inventory)
    on = _OnNodes(draft, boxes, accounts, inputs.any_token)
    readers = {unit.account: permissions.ways_to(_LOG_DEEDS, unit.account) for unit in found}
    cluster = Cluster(control_plane(nodes), on.tokens, readers, host_volumes(inventory))
    for box in boxes:
        add_volumes(draft, box, cluster)
    add_claims(draft, found)
    add_shared_processes(draft, found)
    add_nodes(draft, found, nodes, on.requested, on.secrets)
    add_entrances(draft, units, inputs)
    add_neighbours(draft, units, inputs)
    add_anonymous(draft, boxes, permissions.anonymous())
    add_metadata(draft, units, nodes, inputs)
    add_open_kubelets(draft, boxes, [r for r in inventory.resources if r.ref.kind == "KubeletConfiguration"])
    add_open_services(draft, units, inputs)
    add_unrestricted_kubelets(draft, found)
    add_images(draft, units, accounts, inputs)
    hubs.fill()
    return draft.graph()


class _OnNodes:
    """What pods have, by the node that they are on: tokens, those that the kubelet may request, and Secrets."""

    def __init__(self, draft: Draft, boxes: list[Box], accounts: dict[Subject, Resource], any_token: bool) -> None:
        self.tokens: dict[Place, list[tuple[Subject, Way]]] = defaultdict(list)
        self.requested = defaultdict[Place, list[tuple[Subject, Way]]](list) if any_token else self.tokens
        self.secrets: dict[Place, list[tuple[Place, Way]]] = defaultdict(list)
        for box in boxes:
            settings, unit = Settings(draft, box), box.unit
            tokens = [(unit.account, way) for way in token_ways(settings, accounts)]
            secrets = list(secret_ways(settings))
            secrets += [(secret_place(unit.namespace, name), Way()) for name in sorted(pull_secrets(unit, accounts))]
            for node in unit.nodes:
                self.tokens[node] += tokens
                self.secrets[node] += secrets
                if any_token:
                    self.requested[node].append((unit.account, Way()))


class _Pods:
    """The workloads of the pods of a name, as (namespace, label); looked up when a role first names one."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def __call__(self, name: str) -> list[tuple[str, str]]:
        return self._by_name.get(name, [])

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for pod in self._inventory.of_kind("Pod"):
            try:
                owned = owned_by(pod, self._inventory)
            except InvalidField:
                continue  # told of among the units
            label = f"{namespace_of(pod)}/{owned.name}[{owned.kind}]"
            found.setdefault(pod.ref.name, []).append((namespace_of(pod), label))
        return found


__all__ = ["Unit", "build_graph"]
