"""What must stay possible: for each unit and direction the peers and ports, each with the reasons for it."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from msgspec import Struct

from seawall.analysis.network.form import Direction
from seawall.analysis.network.generate.units import Unit
from seawall.analysis.network.world import NAME_LABEL
from seawall.model.reach import MAX_PORT, PROTOCOLS, Note

EVERYWHERE = "0.0.0.0/0"
#: Addresses that are no internet host's: private, shared, link-local.
INSIDE = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")


class Peer(Struct, frozen=True, order=True, gc=False):
    """The other end. ``body`` is not part of its identity; ``unit`` is its number, -1 for what is none."""

    rank: int
    title: str
    unit: int = -1
    cidr: str = ""
    holes: tuple[str, ...] = ()


def unit_peer(unit: Unit) -> Peer:
    """The pods of a unit."""
    return Peer(0, f"{unit.namespace}/{unit.name}", unit.number)


def block(cidr: str, holes: tuple[str, ...] = ()) -> Peer:
    """Addresses outside the cluster."""
    return Peer(3, cidr, cidr=cidr, holes=holes)


def host_block(address: str) -> Peer:
    """One address."""
    return block(str(ip_network(address)))


INTERNET = block(EVERYWHERE, INSIDE)
OUTSIDE = block(EVERYWHERE)
ANYONE = Peer(4, "anyone")

Port = tuple[str, int]
Ports = dict[Port, dict[str, None]]


class Needs:
    """Collects needs. Peers that are neither units nor addresses are told by a title and a plain object."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, Direction], dict[Peer, Ports]] = {}
        self._bodies: dict[str, dict[str, Any]] = {}
        self.notes: dict[Note, None] = {}
        #: What is named but not known, so that nothing could be written for it.
        self.unresolved: dict[str, None] = {}
        #: Units for which there is evidence of any kind.
        self.seen: set[int] = set()

    def named(self, title: str, body: dict[str, Any]) -> Peer:
        """A peer given by selectors."""
        self._bodies[title] = body
        return Peer(1, title)

    def namespace(self, name: str) -> Peer:
        """All pods of a namespace."""
        return self.named(f"namespace {name}", {"namespaceSelector": {"matchLabels": {NAME_LABEL: name}}})

    def any_pod(self) -> Peer:
        """All pods of the cluster."""
        return self.named("every pod", {"namespaceSelector": {}})

    def body(self, peer: Peer) -> dict[str, Any]:
        """The plain object of a peer that is neither a unit nor addresses."""
        return self._bodies[peer.title]

    def add(self, unit: Unit, direction: Direction, peer: Peer, port: Port, reason: str, evidence: bool = True) -> None:
        """Note that a unit needs a peer on a port, and why. Of a port that is none, only the reason is kept."""
        if port[0] not in PROTOCOLS or not 1 <= port[1] <= MAX_PORT:
            self.unresolved[f"{unit.label}: {port[0]} {port[1]} is no port: {reason}"] = None
            return
        ports = self._found.setdefault((unit.number, direction), {}).setdefault(peer, {})
        ports.setdefault(port, {})[reason] = None
        if evidence:
            self.seen.add(unit.number)

    def connect(
        self, source: Unit | Peer, target: Unit | Peer, port: Port, reason: str, target_reason: str | None = None
    ) -> None:
        """Note a connection with those of its ends that are units."""
        if isinstance(source, Unit):
            peer = unit_peer(target) if isinstance(target, Unit) else target
            self.add(source, Direction.EGRESS, peer, port, reason)
        if isinstance(target, Unit):
            peer = unit_peer(source) if isinstance(source, Unit) else source
            self.add(target, Direction.INGRESS, peer, port, reason if target_reason is None else target_reason)

    def of(self, unit: Unit, direction: Direction) -> dict[Peer, Ports]:
        """What a unit needs in a direction."""
        return self._found.get((unit.number, direction), {})

    def note(self, message: str, resource: Any = None) -> None:
        """Say something that a reader must know."""
        self.notes[Note(message, resource)] = None
