"""The ends of connections as bits: classes of pods that no policy tells apart, ranges of addresses, domains.

A set of ends is an int; AND and OR of sets of thousands of ends cost less than a microsecond.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import lru_cache

from msgspec import Struct

from seawall.analysis.network.form import (
    AddressRange,
    AddressSet,
    Direction,
    DomainSet,
    NodeSet,
    Peer,
    PodSet,
    Policy,
    Requirement,
    Rule,
    Selector,
)
from seawall.analysis.network.ranges import EVERYWHERE, format_range, pieces
from seawall.analysis.network.world import NAME_LABEL, Pod, World, addresses_of
from seawall.model.reach import End, EndKind

#: Stands for the ingress controller, of which nothing is known but that it runs in the cluster.
CONTROLLER = End("{ingress-controller}", EndKind.CONTROLLER)
GATEWAY = End("{gateway}", EndKind.CONTROLLER)
_CONTROLLER_NAMESPACE = "ingress-controller-ns"


class PodClass(Struct, gc=False):
    """Pods that no policy can tell apart; ``members`` are the numbers of their workloads."""

    namespace: str
    labels: dict[str, str]
    named: dict[str, tuple[str, int]]
    host_network: bool
    addresses: tuple[AddressRange, ...]
    fact: Hashable
    members: list[int]
    pods: int = 0


def bits(value: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    while value:
        low = value & -value
        yield low.bit_length() - 1
        value ^= low


def spread(value: int) -> Sequence[int]:
    """As :func:`bits`, in time linear in the length also where most are set."""
    if value.bit_count() * 24 < value.bit_length():
        return list(bits(value))
    return [index for index, digit in enumerate(reversed(bin(value)[2:])) if digit == "1"]


class Ends:
    """Numbers every end that the policies tell apart, and finds the ends that a peer means.

    ``fact`` gives what else classes are told by (identity in a mesh); ``by_address`` lets address blocks of
    NetworkPolicies match pods too, as some network plugins do.
    """

    def __init__(
        self,
        world: World,
        policies: Sequence[Policy],
        *,
        fact: Callable[[Pod], Hashable] | None = None,
        by_address: bool = False,
        outside: Iterable[AddressRange] = (),
    ) -> None:
        self.world = world
        self.by_address = by_address
        self._nodes = world.nodes() if _mentions_nodes(policies) else []
        self.domains = _domains(policies)
        self.classes: list[PodClass] = []
        self.workload_classes: list[int] = [0] * len(world.workloads)
        self._classify(policies, fact)
        self.namespaces = {**world.namespaces, _CONTROLLER_NAMESPACE: {NAME_LABEL: _CONTROLLER_NAMESPACE}}
        self._index()
        self._number_outside(policies, tuple(outside))
        self.ns_bits = lru_cache(maxsize=None)(self._ns_bits)
        self.peer = lru_cache(maxsize=None)(self._peer)

    def _classify(self, policies: Sequence[Policy], fact: Callable[[Pod], Hashable] | None) -> None:
        keys, names = _used_keys(policies), _used_port_names(policies)
        with_addresses = self.by_address or any(
            isinstance(peer, AddressSet) and peer.covers_pods for peer in _peers(policies)
        )
        known: dict[Hashable, int] = {}
        for number, workload in enumerate(self.world.workloads):
            for pod in workload.pods:
                labels = tuple(sorted((k, v) for k, v in pod.labels.items() if k in keys))
                named = tuple(item for item in pod.named_ports if item[0] in names)
                addresses = addresses_of(pod) if with_addresses else ()
                told = fact(pod) if fact is not None else None
                key = (pod.namespace, labels, named, pod.host_network, addresses, told)
                index = known.get(key)
                if index is None:
                    index = known[key] = len(self.classes)
                    ports = {name: (protocol, port) for name, protocol, port in named}
                    self.classes.append(
                        PodClass(pod.namespace, dict(labels), ports, pod.host_network, addresses, told, [])
                    )
                found = self.classes[index]
                found.pods += pod.count
                if not found.members or found.members[-1] != number:
                    found.members.append(number)
                self.workload_classes[number] |= 1 << index

    def _index(self) -> None:
        by_ns: dict[str, list[int]] = {}
        by_label: dict[tuple[str, str], list[int]] = {}
        by_key: dict[str, list[int]] = {}
        host: list[int] = []
        for index, each in enumerate(self.classes):
            by_ns.setdefault(each.namespace, []).append(index)
            for item in each.labels.items():
                by_label.setdefault(item, []).append(index)
                by_key.setdefault(item[0], []).append(index)
            if each.host_network:
                host.append(index)
        self.controller = len(self.classes)
        by_ns.setdefault(_CONTROLLER_NAMESPACE, []).append(self.controller)
        self._by_ns = {key: _set(items) for key, items in by_ns.items()}
        self._by_label = {key: _set(items) for key, items in by_label.items()}
        self._by_key = {key: _set(items) for key, items in by_key.items()}
        self.host = _set(host)
        self.real_pods = (1 << self.controller) - 1
        #: Pods that selectors can mean: all but those in the node's network.
        self.pods = ((1 << (self.controller + 1)) - 1) & ~self.host

    def _number_outside(self, policies: Sequence[Policy], more: tuple[AddressRange, ...]) -> None:
        self.size = self.controller + 1
        self.outside: dict[Direction, list[AddressRange]] = {}
        self._first: dict[tuple[Direction, int], int] = {}
        self._starts: dict[tuple[Direction, int], list[int]] = {}
        self._outside_bits: dict[Direction, int] = {}
        self.ranges: dict[int, AddressRange] = {}
        extra = [(each,) for each in more]
        for direction in Direction:
            sets = [*_address_sets(policies, direction, self._nodes), *extra]
            start = self.size
            versions = (4, 6) if any(each.version == 6 for ranges in sets for each in ranges) else (4,)
            for version in versions:
                found = pieces(sets, version)
                self._first[direction, version] = self.size
                self._starts[direction, version] = [each.first for each in found]
                for each in found:
                    self.ranges[self.size] = each
                    self.size += 1
            self._outside_bits[direction] = (1 << self.size) - (1 << start)
        self.sources_outside = self._outside_bits[Direction.INGRESS]
        self.targets_outside = self._outside_bits[Direction.EGRESS]
        self._domain_start = self.size
        self.size += len(self.domains)
        self.domain_bits = (1 << self.size) - (1 << self._domain_start)

    def end(self, index: int) -> End:
        """The end of an index that is no class of pods."""
        if index == self.controller:
            return CONTROLLER
        if index >= self._domain_start:
            return End(f"{self.domains[index - self._domain_start]}[Domain]", EndKind.DOMAIN)
        return End(f"{format_range(self.ranges[index])}[External]", EndKind.OUTSIDE)

    def at_address(self, version: int, address: int, direction: Direction) -> int | None:
        """The number of the range that holds an outside address, or None."""
        starts = self._starts.get((direction, version))
        return None if starts is None else self._first[direction, version] + bisect_right(starts, address) - 1

    def _ns_bits(self, selector: Selector) -> int:
        found = 0
        for name, labels in self.namespaces.items():
            if name in self._by_ns and matches(selector, labels):
                found |= self._by_ns[name]
        return found

    def select(self, pods: PodSet) -> int:
        """The classes of pods that are meant; never those in their node's network."""
        found = self.pods
        found &= self._by_ns.get(pods.namespace, 0) if pods.namespace is not None else self.ns_bits(pods.namespaces)
        for term in pods.pods:
            if not found:
                break
            found &= self._term(term)
        return found

    def _term(self, term: Requirement) -> int:
        if term.operator == "Exists":
            return self._by_key.get(term.key, 0)
        if term.operator == "DoesNotExist":
            return self.pods & ~self._by_key.get(term.key, 0)
        found = 0
        for value in term.values:
            found |= self._by_label.get((term.key, value), 0)
        return found if term.operator == "In" else self.pods & ~found

    def _peer(self, peer: Peer, direction: Direction) -> int:
        if isinstance(peer, PodSet):
            return self.select(peer)
        if isinstance(peer, DomainSet):
            return _set(
                [self._domain_start + i for i, name in enumerate(self.domains) if covers_domain(peer.names, name)]
            )
        if isinstance(peer, NodeSet):
            ranges = tuple(each for labels, found in self._nodes if matches(peer.nodes, labels) for each in found)
            return self.addresses(ranges, direction)
        found = self.addresses(peer.ranges, direction)
        if EVERYWHERE[4] in peer.ranges:
            found |= self.domain_bits
        if peer.covers_pods or self.by_address:
            found |= self._pods_at(peer.ranges)
        return found

    def addresses(self, ranges: Iterable[AddressRange], direction: Direction) -> int:
        """The outside ranges that lie in these addresses."""
        found = 0
        for each in ranges:
            starts = self._starts.get((direction, each.version))
            if starts is None:
                continue
            first = self._first[direction, each.version]
            low, high = bisect_left(starts, each.first), bisect_right(starts, each.last)
            found |= (1 << (first + high)) - (1 << (first + low))
        return found

    def _pods_at(self, ranges: tuple[AddressRange, ...]) -> int:
        """Pods whose address lies in the ranges. Where it is unknown, only a range of all IPv4 is sure to hold it."""
        everything = EVERYWHERE[4] in ranges
        found = (1 << self.controller) & self.pods if everything else 0
        for index, each in enumerate(self.classes):
            if each.host_network:
                continue
            if _overlap(each.addresses, ranges) or (everything and not each.addresses):
                found |= 1 << index
        return found


def matches(selector: Selector, labels: dict[str, str]) -> bool:
    """Whether labels are selected; NotIn and DoesNotExist hold where the key is absent."""
    for term in selector:
        if term.operator in ("In", "NotIn"):
            if (labels.get(term.key) in term.values) != (term.operator == "In"):
                return False
        elif (term.key in labels) != (term.operator == "Exists"):
            return False
    return True


def covers_domain(names: Iterable[str], domain: str) -> bool:
    """Whether a name, or all names that a wildcard stands for, are among some names and wildcards."""
    return any(
        name == domain or (name.startswith("*.") and domain.removeprefix("*").endswith(name[1:])) for name in names
    )


def _overlap(addresses: Iterable[AddressRange], ranges: Sequence[AddressRange]) -> bool:
    return any(r.version == a.version and r.first <= a.first <= r.last for a in addresses for r in ranges)


def _set(items: Iterable[int]) -> int:
    """The bits of some numbers; linear, where OR-ing one by one would be quadratic."""
    numbers = list(items)
    if len(numbers) < 64:
        found = 0
        for number in numbers:
            found |= 1 << number
        return found
    buffer = bytearray(max(numbers) // 8 + 1)
    for number in numbers:
        buffer[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(buffer, "little")


def _rules(policies: Iterable[Policy], direction: Direction | None = None) -> Iterator[Rule]:
    for policy in policies:
        for each in Direction:
            if direction is None or each is direction:
                yield from policy.rules(each) or ()


def _peers(policies: Iterable[Policy], direction: Direction | None = None) -> Iterator[Peer]:
    for rule in _rules(policies, direction):
        yield from rule.peers or ()


def _mentions_nodes(policies: Iterable[Policy]) -> bool:
    return any(isinstance(peer, NodeSet) for peer in _peers(policies))


def _domains(policies: Iterable[Policy]) -> list[str]:
    return sorted({name for peer in _peers(policies) if isinstance(peer, DomainSet) for name in peer.names})


def _used_keys(policies: Iterable[Policy]) -> frozenset[str]:
    """The keys of pod labels that any policy looks at."""
    sets = [policy.subject for policy in policies if policy.subject is not None]
    sets += [peer for peer in _peers(policies) if isinstance(peer, PodSet)]
    return frozenset(term.key for each in sets for term in each.pods)


def _used_port_names(policies: Iterable[Policy]) -> frozenset[str]:
    return frozenset(match.name for rule in _rules(policies) for match in rule.ports or () if match.name)


def _address_sets(
    policies: Iterable[Policy],
    direction: Direction,
    nodes: Sequence[tuple[dict[str, str], tuple[AddressRange, ...]]],
) -> list[tuple[AddressRange, ...]]:
    found: dict[tuple[AddressRange, ...], None] = {}
    for peer in _peers(policies, direction):
        if isinstance(peer, AddressSet):
            found[peer.ranges] = None
        elif isinstance(peer, NodeSet):
            found.update(dict.fromkeys((each,) for labels, own in nodes if matches(peer.nodes, labels) for each in own))
    return list(found)
