"""What the rules of one run share; the world is built when a rule first needs it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from seawall.model.kube.base import InvalidField
from seawall.model.paths import Path
from seawall.model.rule import Context

if TYPE_CHECKING:
    from seawall.analysis.isolation.blast import Blast
    from seawall.analysis.isolation.units import Unit
    from seawall.analysis.isolation.world import World
    from seawall.model.kube.node import Taint
    from seawall.model.resource import Inventory

#: Keys of taints and labels that say what a node has or when it goes, and not whose it is.
_OF_HARDWARE = re.compile(
    r"gpu|tpu|neuron|habana|spot|preempt|scalesetpriority|capacity|arch\b|arm64|CriticalAddonsOnly|not-ready|startup|"
    r"uninitialized|windows|\bos\b|virtual-kubelet|instance|disk|storage|zone|region|hostname",
    re.IGNORECASE,
)
#: Words of labels by which nodes are kept for somebody.
_KEPT = re.compile(r"dedicated|tenant|team|isolat|sensitiv|restricted|secur|complian|pci|trust|customer", re.IGNORECASE)
#: Labels and taints of nodes whose value is a tenant.
TENANT_KEYS = frozenset(
    ("tenant", "team", "owner", "customer", "dedicated", "dedicated-to", "dedicatedto", "namespace")
)


class _Shared:
    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.world: World | None = None
        self.blast: Blast | None = None


def world_of(ctx: Context) -> World:
    """The world that is judged.

    Raises:
        NotRead: nodes, workloads or accounts were not read.
        InvalidField: a workload could not be read.
    """
    from seawall.analysis.isolation.world import World

    shared = ctx.once(_Shared)
    if shared.world is None:
        shared.world = World(ctx.inventory, ctx.of_others("standing"), version=ctx.version)
    return shared.world


def blast_of(ctx: Context) -> Blast:
    """What falls in the world that is judged."""
    from seawall.analysis.isolation.blast import Blast

    shared = ctx.once(_Shared)
    if shared.blast is None:
        shared.blast = Blast(world_of(ctx))
    return shared.blast


def settle(world: World) -> None:
    """To be called at the end of a rule: it is not judged everywhere where a workload could not be read.

    Raises:
        InvalidField: one could not be.
    """
    for _, invalid in world.units.unread:
        raise invalid


def may_mistrust(inventory: Inventory) -> bool:
    """Whether anything could make a workload untrusted: a way in, a level that was given, a program that runs code of
    others. Asked first, as building the world costs a tenth of a large scan."""
    from seawall.analysis.isolation.sensitivity import GIVEN, runs_code

    if inventory.unread:
        return True
    for resource in inventory.resources:
        kind = resource.ref.kind
        if kind in ("Service", "Ingress") or kind.endswith("Route"):
            return True
    try:
        for resource in (*inventory.namespaces(), *inventory.workloads()):
            told: list[Any] = [resource.metadata]
            if (template := resource.template()) is not None:
                told.append(template.metadata)
                if any(runs_code(container.image) for container in template.spec.containers):
                    return True
            if any(GIVEN in each.labels or GIVEN in each.annotations for each in told):
                return True
    except InvalidField:
        return True
    return False


def field(unit: Unit, *path: str | int) -> Path:
    """The path of a field of the pod template in the object that a unit is told of."""
    kind = unit.resource.kind
    return (*((kind.template if kind is not None else None) or ()), "spec", *path)


def keeps_apart(taint: Taint) -> bool:
    """Whether a taint is there to keep nodes for somebody, by its key."""
    from seawall.analysis.isolation.scheduling import is_dedicating

    return is_dedicating(taint) and not _OF_HARDWARE.search(taint.key)


def is_of_hardware(key: str) -> bool:
    """Whether a label says what a node has, or where it is."""
    return bool(_OF_HARDWARE.search(key))


def is_dedicated_label(key: str) -> bool:
    """Whether a label of nodes says that they are kept for somebody."""
    return bool(_KEPT.search(key)) and not _OF_HARDWARE.search(key)


def listed(names: list[str], most: int = 3) -> str:
    """A few names, and how many more."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
