"""The answer for a whole inventory: every possible connection, sorted, made one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from msgspec.structs import replace

from seawall.analysis.network.ends import CONTROLLER, GATEWAY, spread
from seawall.analysis.network.index import Index, Options, Parts
from seawall.analysis.network.lower import Lowered, lower
from seawall.analysis.network.services import Services, Target
from seawall.analysis.network.world import Workload, World, build_world
from seawall.model.reach import Certainty, Connection, End, EndKind, Ports
from seawall.model.resource import Inventory

#: Whether an end is asked for.
Wanted = Callable[[End], bool]


def _every(end: End) -> bool:
    return True


class Reach:
    """Everything that an inventory says of its network, ready to be asked."""

    def __init__(self, inventory: Inventory, options: Options | None = None, lowered: Lowered | None = None) -> None:
        self.inventory = inventory
        self.world: World = build_world(inventory)
        self.lowered = lowered if lowered is not None else lower(inventory.resources)
        self.services = Services(self.world)
        self.entries = list(self.services.entries())
        options = options or Options()
        self.index = Index(self.world, self.lowered.policies, replace(options, ports=options.ports + self._ports()))
        self.workload_ends = [_end(workload) for workload in self.world.workloads]
        self._numbers = {workload.label: number for number, workload in enumerate(self.world.workloads)}
        self._sorted: list[tuple[End, int]] = self._sort_ends()
        self._place = {number: at for at, (_, number) in enumerate(self._sorted)}
        self._expand = lru_cache(maxsize=64)(self._expand_row)

    def _ports(self) -> tuple[tuple[str, int, int], ...]:
        """The ports that services lead to, which connections by way of them must tell from others."""
        found = {
            (target.port[0], target.port[1], target.port[1])
            for resource in self.services.by_name.values()
            for target in self.services.targets(resource)
        }
        return tuple(sorted(found))

    def _sort_ends(self) -> list[tuple[End, int]]:
        """Ends by their label, each with its workload's number or, for other ends, the complement of its bit."""
        ends = self.index.ends
        found = [(end, number) for number, end in enumerate(self.workload_ends)]
        found += [
            (ends.end(bit), ~bit) for bit in spread(ends.sources_outside | ends.targets_outside | ends.domain_bits)
        ]
        return sorted(found, key=lambda item: item[0].label)

    def ends(self) -> list[End]:
        """Every end, sorted by label."""
        return list({end.label: end for end, _ in self._sorted}.values())

    def number(self, label: str) -> int | None:
        """The number of the workload of that label, or None."""
        return self._numbers.get(label)

    def number_at(self, at: int) -> int:
        """The number of the end at a place in the order of labels: negative for ends that are no workloads."""
        return self._sorted[at][1]

    def labels_of(self, label: str) -> list[dict[str, str]]:
        """The labels of the pods of a workload."""
        number = self._numbers.get(label)
        return [] if number is None else [pod.labels for pod in self.world.workloads[number].pods]

    def connections(self, source: Wanted = _every, target: Wanted = _every) -> Iterator[Connection]:
        """Every possible connection between different ends, sorted by source and target label."""
        wanted = [target(end) for end, _ in self._sorted]
        can_send = self.index.ends.sources_outside
        for end, number in self._sorted:
            if (number < 0 and not can_send >> ~number & 1) or not source(end):
                continue
            for at, mask in self.targets_of(number):
                if wanted[at] and self._sorted[at][1] != number:
                    yield self._connection((end, number), self._sorted[at], mask)
        for controller in (GATEWAY, CONTROLLER):
            if source(controller):
                yield from (each for each in self.by_controller(controller) if target(each.target))

    def targets_of(self, number: int) -> list[tuple[int, int]]:
        """What a workload (by number) or outside range reaches: places in the order of labels, and ports."""
        rows = [self.index.row(bit) for bit in self.bits(number)]
        if len(rows) == 1:
            return self._expand(rows[0])
        found: dict[int, int] = {}
        for row in rows:
            for at, mask in self._expand(row):
                found[at] = found.get(at, 0) | mask
        return sorted(found.items())

    def label(self, number: int) -> str:
        """How a workload (by number) or another end (by the complement of its bit) is written."""
        return self.workload_ends[number].label if number >= 0 else self.index.ends.end(~number).label

    def bits(self, number: int) -> list[int]:
        """The classes of a workload's pods, or the bit of another end."""
        return [~number] if number < 0 else list(spread(self.index.ends.workload_classes[number]))

    def _expand_row(self, row: Parts) -> list[tuple[int, int]]:
        classes = self.index.ends.classes
        found: dict[int, int] = {}
        for mask, targets in row:
            for bit in spread(targets):
                numbers = classes[bit].members if bit < len(classes) else (~bit,)
                for number in numbers:
                    at = self._place[number]
                    found[at] = found.get(at, 0) | mask
        return sorted(found.items())

    def _connection(self, source: tuple[End, int], target: tuple[End, int], mask: int) -> Connection:
        certainty = Certainty.EXACT
        if (source[0].host_network or target[0].host_network) and not self._certain(source[1], target[1]):
            certainty = Certainty.CNI
        return Connection(source[0], target[0], self.index.ports.ports(mask), certainty)

    def _certain(self, source: int, target: int) -> bool:
        return all(self.index.certain(a, b) for a in self.bits(source) for b in self.bits(target))

    def between(self, source: int, target: int) -> int:
        """The ports on which one workload or outside end (by number, as in the sorted ends) reaches another."""
        mask = 0
        for a in self.bits(source):
            for b in self.bits(target):
                mask |= self.index.allowed(a, b)
        return mask

    # By way of an ingress controller or a gateway.

    def by_controller(self, controller: End) -> Iterator[Connection]:
        """What a controller reaches by the Ingresses, Routes or Gateway routes that name services."""
        found: dict[int, int] = {}
        for target in self.controller_targets(controller):
            if target.declared:
                number = self._numbers[target.workload.label]
                found[number] = found.get(number, 0) | self.index.ports.mask(*target.port, target.port[1])
        for number in sorted(found):
            mask = found[number] & self.from_controller(number)
            if mask:
                held = self.workload_ends[number].host_network
                certainty = Certainty.CNI if held else Certainty.EXACT
                yield Connection(controller, self.workload_ends[number], self.index.ports.ports(mask), certainty)

    def controller_targets(self, controller: End) -> Iterator[Target]:
        """Where the Ingresses and the like that a controller serves lead."""
        wanted = "gateway" if controller is GATEWAY else "ingress"
        for entry in self.entries:
            for backend in entry.backends if entry.controller == wanted else ():
                service = self.services.by_name.get((backend.namespace, backend.service))
                if service is not None:
                    yield from self.services.targets(service, backend.port)

    def from_controller(self, number: int) -> int:
        """The ports on which a pod of which only its being in the cluster is known reaches a workload."""
        mask = 0
        for bit in self.bits(number):
            mask |= self.index.allowed(self.index.ends.controller, bit)
        return mask

    def ports(self, mask: int) -> Ports:
        """What a set of ports means."""
        return self.index.ports.ports(mask)


def _end(workload: Workload) -> End:
    return End(
        workload.label,
        EndKind.WORKLOAD,
        workload.namespace,
        workload.name,
        workload.kind,
        workload.host_network,
        sum(pod.count for pod in workload.pods),
    )
