"""What a pod is known by: the outermost of its owners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from seawall.model.resource import Inventory, Resource


class Owned(Struct, frozen=True):
    """The outermost owner that is in the inventory; ``kind`` and ``name`` are those of an owner that is not in it."""

    resource: Resource
    kind: str
    name: str
    missing_owner: bool


def owned_by(resource: Resource, inventory: Inventory) -> Owned:
    """What the pods of a workload are known by. A Node is no owner: it runs static pods.

    Raises:
        InvalidField: its metadata cannot be read.
    """
    # Bounded: chains of owners can loop.
    for _ in range(8):
        found = inventory.owner_of(resource)
        if found is None or found is resource:
            break
        resource = found
    owner = resource.owner
    if owner is not None and owner.kind != "Node":
        return Owned(resource, owner.kind or "Pod", owner.name or resource.ref.name, True)
    return Owned(resource, resource.kind.name if resource.kind else resource.ref.kind, resource.ref.name, False)
