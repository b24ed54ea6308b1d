"""From observed flows to needs: gathered by ends and port, replies and denials told apart, addresses grouped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from msgspec import Struct

from seawall.analysis.network.form import Direction
from seawall.analysis.network.generate.directory import (
    ADDRESS,
    API_SERVER,
    NODE,
    UNKNOWN,
    WORKLOAD,
    Directory,
    Known,
)
from seawall.analysis.network.generate.needs import OUTSIDE, Needs, Peer, Port, block, host_block
from seawall.analysis.network.generate.probes import probe_ports, published_ports
from seawall.analysis.network.generate.units import Unit, Units
from seawall.model.flow import EndRole, FlowRecord, FlowVerdict
from seawall.model.reach import PROTOCOLS, Flow

#: Different flows kept at most; also the answers kept of what ends are.
MAX_FLOWS = 500_000
#: Ports from here on are given to clients by their kernels (Linux: net.ipv4.ip_local_port_range).
EPHEMERAL = 32768
#: Outside addresses that a rule names one by one at most; more are grouped by wider and wider blocks.
MAX_BLOCKS = 64
#: Stands for the address of a machine that is not known, in the replay.
_SOMEWHERE = "192.0.2.1"
_WIDTHS = {4: (32, 24, 16, 8, 0), 6: (128, 64, 48, 32, 0)}


class Seen(Struct, gc=False):
    """How often, and when first and last."""

    count: int = 0
    first: str = ""
    last: str = ""

    def add(self, count: int, first: str, last: str) -> None:
        """Count more of the same."""
        self.count += count
        if first and (not self.first or first < self.first):
            self.first = first
        last = last or first
        if last > self.last:
            self.last = last

    def __str__(self) -> str:
        times = "once" if self.count == 1 else f"{self.count:,} times"
        if not self.first:
            return f"observed {times}"
        when = f"at {self.first}" if self.first == self.last else f"from {self.first} to {self.last}"
        return f"observed {times}, {when}"


Key = tuple[Known, Known, str]


class Observed:
    """Gathers records. ``flows`` are those that passed or may have, ``denied`` those that did not."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.flows: dict[Key, Seen] = {}
        self.denied: dict[Key, Seen] = {}
        self.skipped: Counter[str] = Counter()
        self.overflow = 0

    def add_all(self, records: Iterable[FlowRecord]) -> None:
        """Gather records; what does not count is counted by its reason."""
        for record in records:
            reason = self._add(record)
            if reason:
                self.skipped[reason] += record.count

    def _add(self, record: FlowRecord) -> str:
        if record.protocol not in PROTOCOLS:
            return f"{record.protocol}: policies name only TCP, UDP and SCTP"
        if not record.port:
            return "no port is told"
        if record.reply:
            return "replies"
        resolve = self._directory.resolve
        sources = resolve(record.source, record.protocol, 0)
        targets = resolve(record.target, record.protocol, record.port)
        if record.reply is None and self._answers(record, targets):
            return "replies, by their ports"
        if record.source.role is EndRole.HOST and record.target.role is EndRole.NONE:
            return "from a pod's own node, which always reaches it (health checks)"
        kept = self.denied if record.verdict is FlowVerdict.DENIED else self.flows
        for source in sources:
            for target in targets:
                self._keep(kept, (source, target, record.protocol), record)
        return ""

    def _keep(self, kept: dict[Key, Seen], key: Key, record: FlowRecord) -> None:
        seen = kept.get(key)
        if seen is None:
            if len(kept) >= MAX_FLOWS:
                self.overflow += 1
                return
            seen = kept[key] = Seen()
        seen.add(record.count, record.time, record.last)

    def _answers(self, record: FlowRecord, targets: Iterable[Known]) -> bool:
        """Whether a flow goes from a port that is served to one that only clients have."""
        if not 0 < record.source_port < EPHEMERAL <= record.port:
            return False
        labels = {each.text for each in targets if each.kind == WORKLOAD}
        return not any((record.protocol, record.port) in self._directory.declared(label) for label in labels)


class Placed(Struct, gc=False):
    """What became of the flows: ``checked`` are to be replayed, with how they are written; ``unknown`` have an end
    that is not in the inventory, at a unit that policies will hold."""

    checked: list[tuple[Flow, Key]] = []
    unknown: list[Key] = []
    outside_scope: int = 0
    health: int = 0


class Placer:
    """Turns what was gathered into needs."""

    def __init__(self, directory: Directory, units: Units, needs: Needs, width: int | None = None) -> None:
        self._directory, self._units, self._needs, self._width = directory, units, needs, width
        self._blocks: dict[tuple[int, Direction, Port], dict[str, Seen]] = {}
        self._published = published_ports(directory.services)
        self._probes: dict[str, frozenset[int]] = {}
        self.placed = Placed([], [])

    def place(self, observed: Observed) -> Placed:
        """Needs for every flow that has a unit at an end."""
        for key, seen in observed.flows.items():
            self._one(key, seen)
        for (number, direction, port), addresses in self._blocks.items():
            unit = self._units.all[number]
            for peer, reason in self._grouped(unit, direction, port, addresses):
                self._needs.add(unit, direction, peer, port, reason)
        return self.placed

    def _one(self, key: Key, seen: Seen) -> None:
        source, target, protocol = key
        a, b = self._unit(source), self._unit(target)
        if a is None and b is None:
            self.placed.outside_scope += 1
            return
        if source.kind == NODE and target.kind == WORKLOAD and self._is_health_check(target):
            self.placed.health += 1
            return
        if UNKNOWN in (source.kind, target.kind):
            self.placed.unknown.append(key)
            return
        port = (protocol, target.port)
        if a is not None and b is not None:
            self._needs.connect(a, b, port, str(seen))
        elif a is not None:
            self._outward(a, Direction.EGRESS, target, port, seen)
        elif b is not None:
            self._outward(b, Direction.INGRESS, source, port, seen)
        for first in [source.text] if a is not None else self._machines(source):
            for second in [target.text] if b is not None else self._machines(target):
                flow = Flow(first or _SOMEWHERE, second or _SOMEWHERE, protocol, target.port)
                self.placed.checked.append((flow, key))

    def _unit(self, end: Known) -> Unit | None:
        return self._units.of.get(end.text) if end.kind == WORKLOAD else None

    def _outward(self, unit: Unit, direction: Direction, other: Known, port: Port, seen: Seen) -> None:
        """A need of addresses: outside ones, nodes', the API server's, those of pods in their node's network."""
        if other.kind == ADDRESS:
            found = self._blocks.setdefault((unit.number, direction, port), {}).setdefault(other.address, Seen())
            found.add(seen.count, seen.first, seen.last)
            return
        what = {NODE: "a node", API_SERVER: "the API server"}.get(other.kind, f"{other.text} (in its node's network)")
        for address in self._machines(other):
            peer = host_block(address) if address else OUTSIDE
            self._needs.add(unit, direction, peer, port, f"{what}: {seen}")

    def _machines(self, other: Known) -> list[str]:
        """The addresses that an end may have; an empty one where none is known."""
        if other.address or other.kind == WORKLOAD:
            return [other.address] if other.address else sorted(self._directory.nodes) or [""]
        known = self._directory.control_plane if other.kind == API_SERVER else self._directory.nodes
        return sorted(known) or [""]

    def _is_health_check(self, target: Known) -> bool:
        label = target.text
        if label not in self._probes:
            unit = self._units.of.get(label)
            workloads = [w for w in unit.workloads if w.label == label] if unit is not None else []
            self._probes[label] = frozenset(port for w in workloads for port in probe_ports(w))
        return target.port in self._probes[label] and (label, target.port) not in self._published

    def _grouped(
        self, unit: Unit, direction: Direction, port: Port, addresses: dict[str, Seen]
    ) -> Iterator[tuple[Peer, str]]:
        for version in (4, 6):
            own = {text: seen for text, seen in addresses.items() if (":" in text) == (version == 6)}
            if own:
                yield from self._blocks_of(unit, direction, port, own, version)

    def _blocks_of(
        self, unit: Unit, direction: Direction, port: Port, own: dict[str, Seen], version: int
    ) -> Iterator[tuple[Peer, str]]:
        asked = self._width if self._width is not None and version == 4 else _WIDTHS[version][0]
        found: dict[str, list[Seen]] = {}
        used = asked
        for used in (asked, *(each for each in _WIDTHS[version] if each < asked)):
            found = {}
            for text, seen in own.items():
                found.setdefault(str(ip_network(f"{text}/{used}", strict=False)), []).append(seen)
            if len(found) <= MAX_BLOCKS:
                break
        if used != asked:
            side = "from" if direction is Direction.INGRESS else "to"
            self._needs.note(
                f"{unit.label}: {len(own)} outside addresses {side} which connections on {port[0]} {port[1]} were seen "
                f"are grouped by /{used}"
            )
        for cidr, group in sorted(found.items()):
            total = Seen()
            for seen in group:
                total.add(seen.count, seen.first, seen.last)
            many = f"{len(group)} addresses, " if len(group) > 1 else ""
            yield block(cidr), f"{many}{total}"


def describe(key: Key) -> str:
    """``shop/web[Deployment] => shop/cart[Deployment] : TCP 8080``."""
    source, target, protocol = key
    return f"{_named(source)} => {_named(target)} : {protocol} {target.port}"


def _named(end: Known) -> str:
    if end.kind == NODE:
        return f"node {end.address}".strip()
    if end.kind == API_SERVER:
        return f"API server {end.address}".strip()
    return end.text
