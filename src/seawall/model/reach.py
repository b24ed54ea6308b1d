"""What can reach what: the results that the network analysis hands to reports and to other analyses."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple, Protocol

from msgspec import Struct

from seawall.model.finding import ResourceRef, SourceError

MAX_PORT = 65535
PROTOCOLS = ("SCTP", "TCP", "UDP")


class PortRange(NamedTuple):
    """Ports ``first`` to ``last`` (inclusive, 1 to 65535) of a protocol."""

    protocol: str
    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


#: The ports of a connection, sorted; every port of every protocol is "all".
Ports = tuple[PortRange, ...]
ALL_PORTS: Ports = tuple(PortRange(protocol, 1, MAX_PORT) for protocol in PROTOCOLS)


def format_ports(ports: Ports) -> str:
    """``All Connections``, or ``TCP 80,8000-8080,UDP 53``."""
    if ports == ALL_PORTS:
        return "All Connections"
    parts = []
    for protocol in PROTOCOLS:
        ranges = [str(each) for each in ports if each.protocol == protocol]
        if ranges:
            parts.append(f"{protocol} {','.join(ranges)}")
    return ",".join(parts) or "No Connections"


class EndKind(StrEnum):
    """What an end of a connection is."""

    WORKLOAD = "workload"
    OUTSIDE = "outside"
    DOMAIN = "domain"
    CONTROLLER = "controller"


class End(Struct, frozen=True, gc=False):
    """An end of a connection: a workload, a range of outside addresses, domain names, or an ingress controller.

    ``label`` is how it is written; ``namespace``, ``name`` and ``kind`` are empty where there is none. The pods of a
    ``host_network`` workload have their node's address: no policy can be relied on to hold them.
    """

    label: str
    type: EndKind
    namespace: str = ""
    name: str = ""
    kind: str = ""
    host_network: bool = False
    pods: int = 0


class Certainty(StrEnum):
    """How sure it is that a connection is as told."""

    EXACT = "exact"
    CNI = "depends-on-cni"


class Link(StrEnum):
    """Whether a service mesh encrypts a connection and authenticates both its ends."""

    MUTUAL_TLS = "mutual-tls"
    OPTIONAL = "optional"
    PLAIN = "plain"
    UNKNOWN = "unknown"


class Connection(Struct, frozen=True, gc=False):
    """A connection that is possible: from, to, on which ports."""

    source: End
    target: End
    ports: Ports
    certainty: Certainty = Certainty.EXACT
    link: Link = Link.PLAIN


class EnforcementState(StrEnum):
    """Whether anything in the cluster makes policies hold."""

    ENFORCED = "enforced"
    NOT_ENFORCED = "not enforced"
    UNKNOWN = "unknown"


class Enforcement(Struct, frozen=True, gc=False):
    """Whether policies are enforced at all, and what says so."""

    state: EnforcementState
    evidence: tuple[str, ...] = ()


class Exposure(Struct, frozen=True, gc=False):
    """A way from outside the cluster to a workload, as a Service, Ingress, Route or Gateway offers it.

    ``open`` tells whether the policies let it through: yes, no, or "depends" where the address that the pods see is up
    to the network plugin and the load balancer.
    """

    via: ResourceRef
    workload: str
    ports: Ports
    open: str
    note: str = ""


class Note(Struct, frozen=True, gc=False):
    """Something that a reader must know of the result; it makes no run incomplete."""

    message: str
    resource: ResourceRef | None = None


class ReachView(Protocol):
    """What another analysis may ask of the network."""

    @property
    def enforcement(self) -> Enforcement:
        """Whether policies hold at all."""

    def ends(self) -> list[End]:
        """Every end, sorted by label."""

    def connections(self) -> Iterator[Connection]:
        """Every possible connection, sorted by source and target, made one at a time."""

    def exposures(self) -> list[Exposure]:
        """The ways in from outside."""

    def errors(self) -> list[SourceError]:
        """What could not be understood."""


class Flow(NamedTuple):
    """A connection that was observed: ends as workload labels (``ns/name[Kind]``) or addresses."""

    source: str
    target: str
    protocol: str
    port: int
