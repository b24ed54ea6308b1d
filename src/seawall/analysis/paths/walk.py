"""Walks over the attack graph: who reaches what, the shortest and the likeliest path, the exact loss of a removable.

Dijkstra's algorithm (1959) on the negated logarithm of the likelihoods finds the likeliest path, the shortest among
equals. What every path to a place needs is the greatest solution of equations over sets of removables (Kildall, 1973):
as adding a set goes through intersections, it is exactly what lies on all paths.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from math import log

from seawall.model.attack import AttackGraph, Step

_NOTHING: frozenset[int] = frozenset()


def reached_by(
    graph: AttackGraph, entries: Iterable[int], without: frozenset[int] = _NOTHING
) -> tuple[list[int], list[int]]:
    """The entries, and for each place a bit for every one of them that reaches it (the first has the lowest bit).

    Steps that need any of ``without`` do not count. Places that reach each other have the same bits: those around the
    place with the most ways through it go as one.
    """
    starts = sorted(set(entries))
    onward = graph.targets if not without else _left(graph, without)
    return starts, _spread(onward, starts, graph.busiest)


def leading_to(graph: AttackGraph, targets: Iterable[int]) -> tuple[list[int], list[int]]:
    """The targets, and for each place a bit for every one of them that it reaches (the first has the lowest bit)."""
    goals = sorted(set(targets))
    back: list[list[int]] = [[] for _ in graph.places]
    for place, others in enumerate(graph.targets):
        for other in others:
            back[other].append(place)
    return goals, _spread(back, goals, graph.busiest)


def _spread(onward: Sequence[Sequence[int]], starts: Sequence[int], pivot: int) -> list[int]:
    """For each place the bits of the starts that reach it."""
    masks = [0] * len(onward)
    if not starts:
        return masks
    members = _around(onward, pivot)
    inside = bytearray(len(masks))
    for place in members:
        inside[place] = 1
    leaving = {target for place in members for target in onward[place] if not inside[target]}
    queue: deque[int] = deque()
    for bit, start in enumerate(starts):
        start = pivot if inside[start] else start
        masks[start] |= 1 << bit
        queue.append(start)
    while queue:
        place = queue.popleft()
        mask = masks[place]
        for target in leaving if place == pivot else onward[place]:
            target = pivot if inside[target] else target
            known = masks[target]
            if mask | known != known:
                masks[target] = mask | known
                queue.append(target)
    for place in members:
        masks[place] = masks[pivot]
    return masks


def _left(graph: AttackGraph, without: frozenset[int]) -> list[list[int]]:
    """Where steps lead that need nothing of a set."""
    found = list(graph.targets)
    for place in {place for removable in without for place in graph.needing.get(removable, ())}:
        found[place] = [step.target for step in graph.out[place] if without.isdisjoint(step.removables)]
    return found


def count_pairs(
    graph: AttackGraph, entries: Iterable[int], targets: Iterable[int], without: frozenset[int] = _NOTHING
) -> int:
    """How many pairs of an entry and another place among the targets that it reaches there are."""
    starts, masks = reached_by(graph, entries, without)
    own = {start: 1 << bit for bit, start in enumerate(starts)}
    return sum((masks[target] & ~own.get(target, 0)).bit_count() for target in set(targets))


def _around(onward: Sequence[Sequence[int]], pivot: int) -> list[int]:
    """The places that the pivot reaches and that reach it."""
    ahead = _flood(onward, pivot)
    back: list[list[int]] = [[] for _ in onward]
    for place, targets in enumerate(onward):
        if ahead[place]:
            for target in targets:
                back[target].append(place)
    behind = _flood(back, pivot)
    return [place for place in range(len(onward)) if ahead[place] and behind[place]]


def _flood(edges: Sequence[Sequence[int]], start: int) -> bytearray:
    seen = bytearray(len(edges))
    seen[start] = 1
    todo = [start]
    while todo:
        for other in edges[todo.pop()]:
            if not seen[other]:
                seen[other] = 1
                todo.append(other)
    return seen


def best_paths(
    graph: AttackGraph, entries: Iterable[int], targets: Collection[int], likeliest: bool
) -> dict[int, list[Step]]:
    """For each target that is reached the likeliest path, or the one of fewest steps, from any entry.

    Among equally likely paths it is the shortest, among the shortest the likeliest. An entry is no target of itself.
    """
    best: dict[int, tuple[float, float]] = {}
    came: dict[int, Step] = {}
    heap: list[tuple[float, float, int]] = []
    for entry in sorted(set(entries)):
        best[entry] = (0.0, 0.0)
        heappush(heap, (0.0, 0.0, entry))
    left = {target for target in targets if target not in best}
    while heap and left:
        first, second, place = heappop(heap)
        if (first, second) > best[place]:
            continue
        left.discard(place)
        for step in graph.out[place]:
            unlikely = -log(step.likelihood)
            new = (first + unlikely, second + 1) if likeliest else (first + 1, second + unlikely)
            if step.target not in best or new < best[step.target]:
                best[step.target] = new
                came[step.target] = step
                heappush(heap, (*new, step.target))
    return {target: _path(came, target) for target in targets if target in came}


def _path(came: dict[int, Step], target: int) -> list[Step]:
    path: list[Step] = []
    while target in came:
        path.append(came[target])
        target = path[-1].source
    return path[::-1]


#: Steps at each place: where they lead (or come from), and what they need.
Edges = Mapping[int, Sequence[tuple[int, frozenset[int]]]]
#: From so many steps on it pays to look for a core.
_LARGE = 5_000


def needed(edges: Edges, start: int) -> dict[int, frozenset[int]]:
    """For each place that is reached from a start along edges, the removables that every path there needs."""
    found: dict[int, frozenset[int]] = {start: _NOTHING}
    queue, queued = deque((start,)), {start}
    while queue:
        place = queue.popleft()
        queued.discard(place)
        after = found[place]
        for other, needs in edges.get(place, ()):
            known = found.get(other)
            if known is None:
                found[other] = after | needs
            elif not known:
                continue
            else:
                both = known & (after | needs)
                if len(both) == len(known):
                    continue
                found[other] = both
            if other not in queued:
                queued.add(other)
                queue.append(other)
    return found


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
            self._contract()
        self.pairs = 0
        self.of: dict[int, int] = {}
        self._count()

    def _contract(self) -> None:
        into = _turned(self._onward)
        pivot = max(into, key=lambda place: len(into[place]) * len(self._onward.get(place, ())))
        ahead, behind = needed(self._onward, pivot), needed(into, pivot)
        self._core = dict.fromkeys((p for p, needs in ahead.items() if not needs and not behind.get(p, (p,))), pivot)
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
        edges: Edges = self._onward if forward else _turned(self._onward)
        near, far = (self._entries, self._targets) if forward else (self._targets, self._entries)
        ends = [(each, self._core.get(each, each)) for each in far]
        for start in near:
            held = needed(edges, self._core.get(start, start))
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


def pairs(
    graph: AttackGraph, entries: Iterable[int], targets: Iterable[int], without: frozenset[int]
) -> set[tuple[int, int]]:
    """The pairs of an entry and another place among the targets that it reaches, with removables taken away."""
    goals = frozenset(targets)
    return {(e, g) for e in set(entries) for g in goals & graph.reach((e,), without) if e != g}
