"""Which workloads stand next to what is reached from outside, and which hardly anything reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from seawall.analysis.network.ends import spread
from seawall.analysis.network.reach import Reach
from seawall.analysis.network.world import Workload
from seawall.model.kube.base import InvalidField


class Nearness:
    """Asks a network, class by class of its pods, who gets to whom in one step on ports that are served."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._served: dict[int, int] = {}
        self._serving = _by_services(reach)

    def served(self, label: str) -> int:
        """The ports that a workload says it listens on, or to which a Service leads; 0 where there is none."""
        number = self._reach.number(label)
        return 0 if number is None else self._ports(number)

    def next_to(self, sources: Iterable[str]) -> dict[str, str]:
        """The workloads that one of these gets to, each with the first that does.

        What uses its node's network is left out of the sources: what policies do about it is up to the plugin.
        """
        first: dict[int, tuple[int, str]] = {}
        # Sources that are let out and in alike share their row.
        seen: set[tuple[int, int]] = set()
        for label in sources:
            for part in self._row(label):
                if part in seen:
                    continue
                seen.add(part)
                mask, targets = part
                for bit in spread(targets):
                    known = first.get(bit)
                    if known is None:
                        first[bit] = (mask, label)
                    elif mask & ~known[0]:
                        first[bit] = (known[0] | mask, known[1])
        found: dict[str, str] = {}
        for number, bit in self._members(first):
            mask, label = first[bit]
            own = self._reach.workload_ends[number].label
            if own != label and mask & self._ports(number):
                found.setdefault(own, label)
        return found

    def among(self, label: str, wanted: Iterable[str]) -> Iterator[str]:
        """Those of the ``wanted`` workloads that a workload gets to, in their order."""
        parts = list(self._row(label))
        for each in wanted:
            number = self._reach.number(each)
            if number is None or each == label:
                continue
            ports = self._ports(number)
            bits = self._reach.bits(number)
            if any(mask & ports and any(targets >> bit & 1 for bit in bits) for mask, targets in parts):
                yield each

    def closed(self) -> frozenset[str]:
        """The workloads to which nothing else in the cluster, nor anything outside, gets by any port."""
        index = self._reach.index
        if not index.policies:
            return frozenset()
        open_to_others = 0
        for source in spread((index.ends.real_pods & ~index.ends.host) | index.ends.sources_outside):
            for _, targets in index.row(source):
                open_to_others |= targets & ~(1 << source)
        return frozenset(
            end.label
            for number, end in enumerate(self._reach.workload_ends)
            if not end.host_network and not any(open_to_others >> bit & 1 for bit in self._reach.bits(number))
        )

    def _row(self, label: str) -> Iterator[tuple[int, int]]:
        number = self._reach.number(label)
        for bit in self._reach.bits(number) if number is not None else ():
            if not self._reach.index.ends.host >> bit & 1:
                yield from self._reach.index.row(bit)

    def _members(self, bits: Iterable[int]) -> Iterator[tuple[int, int]]:
        classes = self._reach.index.ends.classes
        for bit in sorted(bits):
            if bit < len(classes):
                for number in classes[bit].members:
                    yield number, bit

    def _ports(self, number: int) -> int:
        known = self._served.get(number)
        if known is None:
            ports, known = self._reach.index.ports, self._serving.get(number, 0)
            for protocol, port in _declared(self._reach.world.workloads[number]):
                known |= ports.mask(protocol, port, port)
            self._served[number] = known
        return known


def _declared(workload: Workload) -> Iterator[tuple[str, int]]:
    for pod in workload.pods:
        try:
            for _, _, container in pod.template.spec.all_containers():
                for port in container.ports:
                    yield port.protocol or "TCP", port.container_port
        except InvalidField:
            continue


def _by_services(reach: Reach) -> dict[int, int]:
    found: dict[int, int] = {}
    for resource in reach.services.by_name.values():
        for target in reach.services.targets(resource):
            number = reach.number(target.workload.label)
            if number is not None:
                found[number] = found.get(number, 0) | reach.index.ports.mask(*target.port, target.port[1])
    return found
