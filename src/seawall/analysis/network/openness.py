"""What is open where there are policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

from seawall.analysis.network.ends import spread
from seawall.analysis.network.facts import METADATA_SERVICE, counts
from seawall.analysis.network.form import Direction
from seawall.analysis.network.index import Index
from seawall.analysis.network.reach import Reach
from seawall.analysis.network.shared import LEAST_REACHED, SPREADERS, Known, by_namespace, is_api_server, network
from seawall.analysis.network.world import Workload
from seawall.model.resource import Inventory

#: Of all other workloads, the share that a spreader reaches.
_SHARE = 0.8


class Policed:
    """Asks the index. Where a plugin's own policies are in use, which are not read, nothing is said to be open."""

    def __init__(self, inventory: Inventory, reach: Reach | None = None) -> None:
        self.reach = reach if reach is not None else network(inventory)
        self.unread = self.reach.world.unread
        self.count = len(self.reach.world.workloads)
        self._foreign = {resource.ref.namespace or "" for resource in self.reach.lowered.foreign}

    def _is_foreign(self, workload: Workload) -> bool:
        return "" in self._foreign or workload.namespace in self._foreign

    def unheld(self) -> list[Known]:
        """Workloads with pods that no policy selects in any direction."""
        index = self.reach.index

        def test(bit: int) -> bool:
            return not any(index.selecting[direction][bit] for direction in Direction)

        return [known for known, workload in self._with(test) if not self._is_foreign(workload)]

    def open_to_cluster(self) -> list[list[Known]]:
        """Namespaces of which every workload takes connections from any pod on any port."""
        index = self.reach.index
        everyone = index.ends.pods & index.ends.real_pods

        def test(bit: int) -> bool:
            full = [ends for mask, ends in index.let_in(bit) if mask == index.ports.all]
            return not full or bool(everyone & ~full[0])

        closed = {known.namespace for known, _ in self._with(test)}
        found = [known for known, workload in self._with(lambda bit: True) if not self._is_foreign(workload)]
        return by_namespace(known for known in found if known.namespace not in closed)

    def spreaders(self) -> list[tuple[Known, int]]:
        """The workloads that reach most others, worst first, where that is most of a cluster."""
        if self.count <= LEAST_REACHED:
            return []
        reaches, _ = counts(self.reach)
        least = max(LEAST_REACHED, (self.count - 1) * _SHARE)
        found = [
            (-count, _known(workload))
            for workload, count in zip(self.reach.world.workloads, reaches, strict=True)
            if count >= least and not workload.host_network
        ]
        return [(known, -count) for count, known in sorted(found, key=lambda f: (f[0], f[1].label))[:SPREADERS]]

    def reaching_metadata(self) -> list[list[Known]]:
        """Workloads that reach the metadata service."""
        return self._reaching([self.reach.index.ends.at_address(4, METADATA_SERVICE, Direction.EGRESS)], 80, any)

    def reaching_kubelets(self) -> list[list[Known]]:
        """Workloads that reach the kubelet of any node that is known."""
        addresses = [each for _, found in self.reach.world.nodes() for each in found]
        ends = self.reach.index.ends
        bits = {ends.at_address(each.version, each.first, Direction.EGRESS) for each in addresses}
        return self._reaching(sorted(bit for bit in bits if bit is not None), 10250, any)

    def reaching_api_server(self) -> list[list[Known]]:
        """Workloads that reach an address of the API server that is known."""
        ends, found = self.reach.index.ends, []
        for version, address, port in api_server_addresses(self.reach.inventory):
            bit = ends.at_address(version, address, Direction.EGRESS)
            found += self._reaching([bit] if bit is not None else [], port, any)
        return by_namespace({each.label: each for group in found for each in group}.values())

    def reaching_everywhere(self) -> list[list[Known]]:
        """Workloads that reach every public IPv4 address on some port."""
        index = self.reach.index
        return self._reaching([b for b in spread(index.ends.targets_outside) if _is_public(index, b)], None, all)

    def _reaching(
        self, targets: list[int | None] | list[int], port: int | None, need: Callable[[list[bool]], bool]
    ) -> list[list[Known]]:
        index = self.reach.index
        mask = index.ports.all if port is None else index.ports.mask("TCP", port, port)
        bits = [bit for bit in targets if bit is not None]

        def test(bit: int) -> bool:
            return bool(bits) and need([bool(index.allowed(bit, target) & mask) for target in bits])

        return by_namespace(known for known, _ in self._with(test))

    def _with(self, test: Callable[[int], bool]) -> list[tuple[Known, Workload]]:
        """Workloads with a class of pods, not in their node's network, of which something holds."""
        known: dict[int, bool] = {}
        found: list[tuple[Known, Workload]] = []
        for number, workload in enumerate(self.reach.world.workloads):
            for bit in self.reach.bits(number):
                if self.reach.index.ends.host >> bit & 1:
                    continue
                if bit not in known:
                    known[bit] = test(bit)
                if known[bit]:
                    found.append((_known(workload), workload))
                    break
        return found


def api_server_addresses(inventory: Inventory) -> list[tuple[int, int, int]]:
    """The addresses (version, number) and ports in the Endpoints or EndpointSlices of the Service ``kubernetes``."""
    found: dict[tuple[int, int, int], None] = {}
    for resource in inventory.resources:
        if is_api_server(resource):
            for text, port in _endpoints(resource.raw):
                try:
                    address = ip_address(text)
                except ValueError:
                    continue
                found[address.version, int(address), port] = None
    return list(found)


def _endpoints(raw: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for holder in [raw, *_dicts(raw.get("subsets"))]:
        addresses = [each.get("ip") for each in _dicts(holder.get("addresses"))]
        for each in _dicts(holder.get("endpoints")):
            listed = each.get("addresses")
            addresses += listed if isinstance(listed, list) else []
        for port in _dicts(holder.get("ports")):
            number = port.get("port")
            yield from ((a, number) for a in addresses if isinstance(a, str) and type(number) is int)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _known(workload: Workload) -> Known:
    return Known(workload.label, workload.namespace, workload.resource)


def _is_public(index: Index, bit: int) -> bool:
    """Whether a range is of IPv4 and holds public addresses: large ones do, of others the ends are looked at."""
    each = index.ends.ranges[bit]
    if each.version != 4:
        return False
    wide = each.last - each.first >= 1 << 24
    return wide or any(ip_address(number).is_global for number in (each.first, each.last))
