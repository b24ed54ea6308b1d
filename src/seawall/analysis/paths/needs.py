"""What every path needs, and so the exact loss of a removable: how many pairs vanish without it.

What every path to a place needs is the greatest solution of equations over sets of removables (Kildall, 1973): as
adding what a step needs goes through intersections, it is exactly what lies on all paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from heapq import heappop, heappush

from seawall.analysis.paths.walk import around
from seawall.model.attack import AttackGraph

_NOTHING: frozenset[int] = frozenset()
#: Steps at each place: where they lead (or come from), and what they need.
Edges = Mapping[int, Sequence[tuple[int, frozenset[int]]]]
#: From so many steps on it pays to look for a core.
_LARGE = 5_000
#: Fewer places on cycles through the busiest one are not worth it.
_SMALL_CORE = 200


class Needs:
    """What every path between places needs, along steps or against them.

    Places are looked at in an order in which, as far as cycles let, all that matters to one is known before it: most
    are looked at once, and mostly a few steps tell that a place needs nothing.
    """

    def __init__(self, onward: Edges, into: Edges, starts: Iterable[int]) -> None:
        # Steps that need nothing first: mostly one of them settles a place.
        self._onward, self._into = (
            {place: sorted(steps, key=lambda step: len(step[1])) for place, steps in each.items()}
            for each in (onward, into)
        )
        self._order = last_first(onward, starts)
        self._backwards = self._order[::-1]
        self._early = {place: position for position, place in enumerate(self._order)}
        self._late = {place: -position for position, place in enumerate(self._order)}
        #: Against the order: for each place those before it that a step leads to, forward and backward.
        self._back: dict[bool, dict[int, list[int]]] = {True: {}, False: {}}
        for place, steps in onward.items():
            at = self._early.get(place, -1)
            for other, _ in steps:
                if self._early.get(other, -1) > at >= 0:
                    self._back[True].setdefault(place, []).append(other)
                    self._back[False].setdefault(other, []).append(place)
        # Secrets of a namespace, and nodes, are often reached by way of one place.
        self._settled = lru_cache(maxsize=8)(self._settle)

    def of(self, start: int, forward: bool, ends: Iterable[int]) -> Iterator[tuple[int, frozenset[int]]]:
        """Each of the ends that a start reaches (or that reaches it), with the removables that every path needs."""
        push = self._onward if forward else self._into
        chain: dict[int, frozenset[int]] = {start: _NOTHING}
        base = _NOTHING
        # While all paths go by way of one place, what the rest needs is the same for all of them.
        while len(beside := {other for other, _ in push.get(start, ())}) == 1 and beside.isdisjoint(chain):
            base = base | frozenset.intersection(*(needs for _, needs in push[start]))
            (start,) = beside
            chain[start] = base
        found = self._settled(start, forward)
        for end in ends:
            if end in chain:
                yield end, chain[end]
            elif end in found:
                yield end, found[end] | base

    def _settle(self, start: int, forward: bool) -> dict[int, frozenset[int]]:
        """For every place: one round in order, then those again of which something before them came to need less."""
        pull, push = (self._into, self._onward) if forward else (self._onward, self._into)
        rank, back = (self._late if forward else self._early), self._back[forward]
        found: dict[int, frozenset[int]] = {start: _NOTHING}
        again = set(back.get(start, ()))
        at = self._early.get(start, -1)
        for place in self._backwards[len(self._order) - at :] if forward else self._order[at + 1 :]:
            needs = _common(found, pull.get(place, ()))
            if needs is not None:
                found[place] = needs
                if place in back:
                    again.update(back[place])
        heap = sorted(rank[place] for place in again)
        while heap:
            place = self._order[abs(heappop(heap))]
            again.discard(place)
            known = found.get(place)
            needs = _common(found, pull.get(place, ())) if known != _NOTHING else None
            if needs is None or (known is not None and len(needs) == len(known)):
                continue
            found[place] = needs
            for other, _ in push.get(place, ()):
                if other not in again:
                    again.add(other)
                    heappush(heap, rank[other])
        return found


def _common(found: Mapping[int, frozenset[int]], steps: Iterable[tuple[int, frozenset[int]]]) -> frozenset[int] | None:
    """What is needed by way of all steps to places of which it is known what they need; None where there are none."""
    common: frozenset[int] | None = None
    for other, needs in steps:
        after = found.get(other)
        if after is None:
            continue
        each = after | needs if needs else after
        common = each if common is None else common & each
        if not common:
            break
    return common


def last_first(edges: Edges, starts: Iterable[int]) -> list[int]:
    """The places that are reached from starts, each behind those that it leads to, except on cycles."""
    seen: set[int] = set()
    order: list[int] = []
    for start in starts:
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(edges.get(start, ())))]
        while stack:
            place, steps = stack[-1]
            for other, _ in steps:
                if other not in seen:
                    seen.add(other)
                    stack.append((other, iter(edges.get(other, ()))))
                    break
            else:
                order.append(place)
                stack.pop()
    return order


class Losses:
    """How many pairs of an entry and a target there are, and for each removable exactly how many vanish without it.

    In a large graph a core goes as one place: places among which no single removal ends all paths, so that no removal
    matters there. They are those that a pivot reaches, and that reach it, by paths that have no removable in common.
    """

    def __init__(self, graph: AttackGraph, entries: Iterable[int], targets: Iterable[int]) -> None:
        self._entries = sorted(set(entries))
        reached = graph.reach(self._entries)
        self._targets = sorted(reached.intersection(targets))
        self._onward: dict[int, list[tuple[int, frozenset[int]]]] = {}
        self._core: dict[int, int] = {}
        known: dict[tuple[int, ...], frozenset[int]] = {(): _NOTHING}
        count = 0
        for place in reached:
            for step in graph.out[place]:
                needs = known.get(step.removables)
                if needs is None:
                    needs = known[step.removables] = frozenset(step.removables)
                self._onward.setdefault(place, []).append((step.target, needs))
                count += 1
        if count >= max(_LARGE, 1):
            self._contract(graph)
        self.pairs = 0
        self.of: dict[int, int] = {}
        self._count()

    def _contract(self, graph: AttackGraph) -> None:
        pivot = graph.busiest
        members = set(around(graph.targets, pivot)) if pivot in self._onward else set()
        if len(members) < _SMALL_CORE:
            return
        into = _turned(self._onward)
        every = Needs(self._onward, into, self._entries)
        members = {p for p, needs in every.of(pivot, forward=True, ends=members) if not needs}
        members = {p for p, needs in every.of(pivot, forward=False, ends=members) if not needs}
        self._core = dict.fromkeys(members, pivot)
        onward: dict[int, dict[tuple[int, frozenset[int]], None]] = {}
        for source, steps in self._onward.items():
            source = self._core.get(source, source)
            for target, needs in steps:
                target = self._core.get(target, target)
                if source != target:
                    onward.setdefault(source, {})[target, needs] = None
        self._onward = {source: list(steps) for source, steps in onward.items()}

    def _count(self) -> None:
        """Walk from whichever side has fewer ends."""
        forward = len(self._entries) <= len(self._targets)
        starts = [self._core.get(each, each) for each in self._entries]
        every = Needs(self._onward, _turned(self._onward), starts)
        near, far = (self._entries, self._targets) if forward else (self._targets, self._entries)
        ends = [(each, self._core.get(each, each)) for each in far]
        places = {place for _, place in ends}
        for start in near:
            held = dict(every.of(self._core.get(start, start), forward, places))
            for end, place in ends:
                needs = held.get(place)
                if needs is None or end == start:
                    continue
                self.pairs += 1
                for removable in needs:
                    self.of[removable] = self.of.get(removable, 0) + 1


def _turned(edges: Edges) -> dict[int, list[tuple[int, frozenset[int]]]]:
    found: dict[int, list[tuple[int, frozenset[int]]]] = {}
    for source, steps in edges.items():
        for target, needs in steps:
            found.setdefault(target, []).append((source, needs))
    return found
