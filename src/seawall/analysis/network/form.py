"""The one form into which every kind of network policy is brought: tiers of policies with ordered rules.

A dialect (NetworkPolicy, AdminNetworkPolicy, ...) is a function from an object to a :class:`Policy`; everything after
that knows no dialect.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

from msgspec import Struct

from seawall.model.paths import Path
from seawall.model.resource import Resource


class Direction(StrEnum):
    """Which end of a connection a rule is for."""

    INGRESS = "ingress"
    EGRESS = "egress"


class Action(StrEnum):
    """What a rule does with a connection that it matches; pass leaves the rest of its tier out."""

    ALLOW = "allow"
    DENY = "deny"
    PASS = "pass"  # noqa: S105 - an action


class Tier(IntEnum):
    """The order in which policies are asked. In the middle tier a policy denies what none of its kind allows."""

    ADMIN = 0
    NAMESPACE = 1
    BASELINE = 2


class Requirement(Struct, frozen=True, gc=False):
    """A term of a selector; ``operator`` is In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()


#: Every term must hold; no terms select everything.
Selector = tuple[Requirement, ...]


class PodSet(Struct, frozen=True, gc=False):
    """Pods of one namespace, or (``namespace`` None) of the namespaces that a selector picks."""

    namespace: str | None
    namespaces: Selector
    pods: Selector


class AddressRange(Struct, frozen=True, order=True, gc=False):
    """Addresses ``first`` to ``last`` (inclusive) of an IP version, as numbers."""

    version: int
    first: int
    last: int


class AddressSet(Struct, frozen=True, gc=False):
    """Addresses. ``covers_pods`` says that pods with such addresses are meant too."""

    ranges: tuple[AddressRange, ...]
    covers_pods: bool


class NodeSet(Struct, frozen=True, gc=False):
    """The addresses of nodes."""

    nodes: Selector


class DomainSet(Struct, frozen=True, gc=False):
    """Hosts by name; ``*.`` stands for one or more labels."""

    names: tuple[str, ...]


Peer = PodSet | AddressSet | NodeSet | DomainSet


class PortMatch(Struct, frozen=True, gc=False):
    """Ports of a protocol, or (``name`` set) the container port of that name.

    ``protocol`` None takes that of the container port; only named ports have it.
    """

    protocol: str | None
    first: int = 0
    last: int = 0
    name: str = ""


class Rule(Struct, frozen=True, gc=False):
    """One rule: ``peers`` None is everyone, ``ports`` None every port. ``path`` is where it stands in the object."""

    action: Action
    peers: tuple[Peer, ...] | None
    ports: tuple[PortMatch, ...] | None
    path: Path
    name: str = ""


class Policy(Struct, frozen=True, gc=False):
    """A policy. Rules of a direction are None where the policy leaves it alone; () isolates and allows nothing.

    ``subject`` None selects no pod: it could not be understood.
    """

    resource: Resource
    tier: Tier
    priority: int
    subject: PodSet | None
    ingress: tuple[Rule, ...] | None
    egress: tuple[Rule, ...] | None

    @property
    def title(self) -> str:
        """How it is called: kind, namespace and name."""
        return str(self.resource.ref)

    def rules(self, direction: Direction) -> tuple[Rule, ...] | None:
        """Its rules of a direction; None where it leaves the direction alone."""
        return self.ingress if direction is Direction.INGRESS else self.egress


class Problem(Struct, frozen=True, gc=False):
    """A part of a policy that could not be understood, and what was made of it."""

    resource: Resource
    path: Path
    message: str


#: What is added to a problem: an unreadable part never opens anything that it was not meant to.
CLOSED = "read as allowing nothing"
