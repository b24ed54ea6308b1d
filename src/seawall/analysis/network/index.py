"""Which connections the policies let pass, for all pairs of ends at once.

Pods selected by the same policies form a group; what a group lets in or out is computed once, as a few sets of ends
by the ports that they may use. A connection passes where the source's group lets it out and the target's lets it in.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import lru_cache

from msgspec import Struct

from seawall.analysis.network.atoms import PortAtoms
from seawall.analysis.network.ends import Ends, PodClass, spread
from seawall.analysis.network.form import Action, AddressRange, Direction, Policy, PortMatch, Rule, Tier
from seawall.analysis.network.world import Pod, World

#: Sets of ends by the ports that they may use; the sets are disjoint, ends that may use none are left out.
Parts = tuple[tuple[int, int], ...]
#: What gates further, after the policies: for a class of targets, sets of sources by port. None gates nothing.
Gate = Callable[["Index", int], Parts | None]

_ROWS_AT_HAND = 2048


class Options(Struct, frozen=True):
    """``by_address``: address blocks of NetworkPolicies match pods too. ``ports`` and ``outside`` are told apart in
    any case; ``fact`` and ``gate`` are those of a service mesh."""

    by_address: bool = False
    ports: tuple[tuple[str, int, int], ...] = ()
    outside: tuple[AddressRange, ...] = ()
    fact: Callable[[Pod], Hashable] | None = None
    gate: Gate | None = None


class Index:
    """The policies of a cluster, ready to be asked."""

    def __init__(self, world: World, policies: Iterable[Policy], options: Options | None = None) -> None:
        self.options = options or Options()
        self.world = world
        self.policies = sorted(policies, key=_order)
        self.ends = Ends(
            world,
            self.policies,
            fact=self.options.fact,
            by_address=self.options.by_address,
            outside=self.options.outside,
        )
        self.ports = PortAtoms(self._cuts())
        self.subjects = [self.ends.select(p.subject) if p.subject is not None else 0 for p in self.policies]
        self._named_targets = lru_cache(maxsize=None)(self._find_named_targets)
        self._effects: dict[tuple[int, tuple[tuple[str, str, int], ...]], list[tuple[int, int]]] = {}
        self.selecting = {direction: self._selecting(direction) for direction in Direction}
        self._free: Parts = ((self.ports.all, (1 << self.ends.size) - 1),)
        self._out: dict[tuple[int, ...], Parts] = {}
        self._in: dict[Hashable, Parts] = {}
        self._entries: list[list[dict[int, int]]] | None = None
        #: Sources that are let out and in alike share one row.
        self._rows: dict[Hashable, Parts] = {}

    def _cuts(self) -> Iterator[tuple[str, int, int]]:
        yield from self.options.ports
        names: set[str] = set()
        for policy in self.policies:
            for direction in Direction:
                for rule in policy.rules(direction) or ():
                    for match in rule.ports or ():
                        if match.name:
                            names.add(match.name)
                        else:
                            yield match.protocol or "TCP", match.first, match.last
        for each in self.ends.classes:
            for name, (protocol, port) in each.named.items():
                if name in names:
                    yield protocol, port, port

    def _selecting(self, direction: Direction) -> list[tuple[int, ...]]:
        """For each class (and the controller) the policies that select it in a direction, in order."""
        found: list[list[int]] = [[] for _ in range(self.ends.controller + 1)]
        for number, policy in enumerate(self.policies):
            if policy.rules(direction) is not None:
                for index in spread(self.subjects[number]):
                    found[index].append(number)
        return [tuple(each) for each in found]

    # What a rule means: sets of ends by ports.

    def effect(self, rule: Rule, direction: Direction, target: PodClass | None) -> list[tuple[int, int]]:
        """The ends that a rule matches, by the ports it matches there. ``target`` is the class of an ingress rule."""
        names = tuple(match.name for match in rule.ports or () if match.name)
        named = () if target is None else tuple((name, *target.named[name]) for name in names if name in target.named)
        key = (id(rule), named)
        found = self._effects.get(key)
        if found is None:
            found = self._effects[key] = self._work_out(rule, direction, target)
        return found

    def _work_out(self, rule: Rule, direction: Direction, target: PodClass | None) -> list[tuple[int, int]]:
        if rule.peers is None:
            peers = (1 << self.ends.size) - 1
        else:
            peers = 0
            for peer in rule.peers:
                peers |= self.ends.peer(peer, direction)
        if not peers:
            return []
        if rule.ports is None:
            return [(self.ports.all, peers)]
        fixed = 0
        by_target: list[tuple[int, int]] = []
        for match in rule.ports:
            if match.name and direction is Direction.EGRESS:
                by_target += [(mask, peers & ends) for mask, ends in self._named_targets(match)]
            else:
                fixed |= self.ports.match(match, target.named if target is not None else {})
        return [(mask, ends) for mask, ends in [(fixed, peers), *by_target] if mask and ends]

    def _find_named_targets(self, match: PortMatch) -> list[tuple[int, int]]:
        found: dict[int, int] = {}
        for index, each in enumerate(self.ends.classes):
            mask = self.ports.match(match, each.named)
            if mask:
                found[mask] = found.get(mask, 0) | 1 << index
        return list(found.items())

    # What a group lets in or out.

    def let_out(self, source: int) -> Parts:
        """Where an end may send, as far as the policies on it say; a host-network or outside end anywhere."""
        if source > self.ends.controller:
            return self._free
        policies = self.selecting[Direction.EGRESS][source]
        found = self._out.get(policies)
        if found is None:
            found = self._out[policies] = self._combine(policies, Direction.EGRESS, None)
        return found

    def let_in(self, target: int) -> Parts:
        """From where an end may receive, as far as the policies (and a mesh) on it say."""
        if target >= self.ends.controller:
            return self._free
        key = self._group(target)
        found = self._in.get(key)
        if found is None:
            policies = self.selecting[Direction.INGRESS][target]
            found = self._combine(policies, Direction.INGRESS, self.ends.classes[target])
            gate = self.options.gate(self, target) if self.options.gate is not None else None
            found = self._in[key] = found if gate is None else _intersect(found, gate)
        return found

    def _group(self, target: int) -> Hashable:
        """What classes of targets must share to let in the same."""
        each = self.ends.classes[target]
        policies = self.selecting[Direction.INGRESS][target]
        named = tuple(sorted(each.named.items())) if policies else ()
        return policies, named, (each.namespace, target) if self.options.gate is not None else None

    def allowed_by(self, policies: tuple[int, ...], direction: Direction, end: int) -> dict[int, int]:
        """What some policies alone let a class of pods receive or send: ends by the ports that they may use."""
        target = self.ends.classes[end] if direction is Direction.INGRESS else None
        return dict(self._combine(policies, direction, target))

    def _combine(self, policies: tuple[int, ...], direction: Direction, target: PodClass | None) -> Parts:
        everything = self.ports.all
        #: (allowed, decided, passed on to the next tier) -> ends
        states: dict[tuple[int, int, int], int] = {(0, 0, 0): (1 << self.ends.size) - 1}
        isolated = False
        tier = None
        for number in policies:
            policy = self.policies[number]
            if policy.tier is not tier:
                states = _merge(((allow, decided, 0), ends) for (allow, decided, _), ends in states.items())
                tier = policy.tier
            isolated = isolated or tier is Tier.NAMESPACE
            if isolated and tier is Tier.BASELINE:
                break
            for rule in policy.rules(direction) or ():
                for mask, ends in self.effect(rule, direction, target):
                    states = _apply(states, rule.action, mask, ends, tier)
        found: dict[int, int] = {}
        for (allow, decided, _), ends in states.items():
            mask = allow if isolated else allow | (everything & ~decided)
            if mask:
                found[mask] = found.get(mask, 0) | ends
        return tuple(found.items())

    # All pairs.

    def rows(self) -> Iterator[tuple[int, Parts]]:
        """For each source the targets that it reaches, by ports."""
        for source in self.sources():
            yield source, self.row(source)

    def row(self, source: int) -> Parts:
        """The targets that a source reaches, by ports.

        Host-network ends reach and are reached by everything here: no policy can be relied on to hold them, which
        :meth:`certain` tells.
        """
        if self._entries is None:
            self._entries = self._find_entries()
        outside = bool(self.ends.sources_outside >> source & 1)
        reachable = self.ends.real_pods if outside else self.targets()
        if self.ends.host >> source & 1:
            return ((self.ports.all, reachable),)
        out, entries = self.let_out(source), self._entries[source]
        key = (id(out), tuple(map(id, entries)), outside)
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= _ROWS_AT_HAND:
                self._rows.clear()
            row = self._rows[key] = self._row(out, entries, reachable)
        return row

    def _row(self, out: Parts, entries: list[dict[int, int]], reachable: int) -> Parts:
        host = self.ends.host & reachable
        found: dict[int, int] = {self.ports.all: host} if host else {}
        for entry in entries:
            for in_mask, targets in entry.items():
                here = targets & reachable & ~host
                if not here:
                    continue
                for out_mask, allowed in out:
                    mask = in_mask & out_mask
                    both = here & allowed if mask else 0
                    if both:
                        found[mask] = found.get(mask, 0) | both
        return tuple(found.items())

    def _find_entries(self) -> list[list[dict[int, int]]]:
        """For each source what lets it in: targets by ports, one dict for all sources that are let in alike."""
        by_sources: dict[int, dict[int, int]] = {}
        groups: dict[Hashable, int] = {}
        first: dict[Hashable, int] = {}
        for target in range(self.ends.controller):
            if not self.ends.host >> target & 1:
                key = self._group(target)
                groups[key] = groups.get(key, 0) | 1 << target
                first.setdefault(key, target)
        for key, targets in groups.items():
            for mask, sources in self.let_in(first[key]):
                entry = by_sources.setdefault(sources, {})
                entry[mask] = entry.get(mask, 0) | targets
        free = self.ends.targets_outside | self.ends.domain_bits
        entry = by_sources.setdefault((1 << self.ends.size) - 1, {})
        entry[self.ports.all] = entry.get(self.ports.all, 0) | free
        found: list[list[dict[int, int]]] = [[] for _ in range(self.ends.size)]
        for sources, entry in by_sources.items():
            for source in spread(sources):
                found[source].append(entry)
        return found

    def sources(self) -> Sequence[int]:
        """Every end that can send: pods and outside addresses."""
        return spread(self.ends.real_pods | self.ends.sources_outside)

    def targets(self) -> int:
        """Every end that can receive: pods, outside addresses and domains."""
        return self.ends.real_pods | self.ends.targets_outside | self.ends.domain_bits

    # Single pairs.

    def allowed(self, source: int, target: int) -> int:
        """The ports on which one end reaches another."""
        host = self.ends.host
        if (host >> source | host >> target) & 1:
            return self.ports.all
        return _at(self.let_out(source), target) & _at(self.let_in(target), source)

    def held(self, end: int, direction: Direction) -> bool:
        """Whether any policy selects a class of pods in a direction."""
        return end <= self.ends.controller and bool(self.selecting[direction][end])

    def certain(self, source: int, target: int) -> bool:
        """Whether the answer is exact. With a host-network end it is only where no policy selects the other."""
        host = self.ends.host
        if host >> source & 1:
            return not self.held(target, Direction.INGRESS)
        return not host >> target & 1 or not self.held(source, Direction.EGRESS)


def _order(policy: Policy) -> tuple[int, int, str, str, str]:
    ref = policy.resource.ref
    return policy.tier, policy.priority, ref.namespace or "", ref.name, ref.kind


def _at(parts: Parts, end: int) -> int:
    return next((mask for mask, ends in parts if ends >> end & 1), 0)


def _merge(items: Iterable[tuple[tuple[int, int, int], int]]) -> dict[tuple[int, int, int], int]:
    found: dict[tuple[int, int, int], int] = {}
    for key, ends in items:
        found[key] = found.get(key, 0) | ends
    return found


def _apply(
    states: dict[tuple[int, int, int], int], action: Action, mask: int, ends: int, tier: Tier
) -> dict[tuple[int, int, int], int]:
    """Let a rule decide what is still undecided. Rules of the middle tier only add: its denial comes at its end."""
    found: dict[tuple[int, int, int], int] = {}
    for (allow, decided, passed), here in states.items():
        hit = here & ends
        if not hit:
            found[allow, decided, passed] = found.get((allow, decided, passed), 0) | here
            continue
        new = mask & ~decided & ~passed
        if action is Action.ALLOW:
            key = (allow | new, decided if tier is Tier.NAMESPACE else decided | new, passed)
        elif action is Action.DENY:
            key = (allow, decided | new, passed)
        else:
            key = (allow, decided, passed | new)
        found[key] = found.get(key, 0) | hit
        rest = here & ~ends
        if rest:
            found[allow, decided, passed] = found.get((allow, decided, passed), 0) | rest
    return found


def _intersect(parts: Parts, gate: Parts) -> Parts:
    found: dict[int, int] = {}
    for mask, ends in parts:
        for other, allowed in gate:
            both = ends & allowed
            if mask & other and both:
                found[mask & other] = found.get(mask & other, 0) | both
    return tuple(found.items())
