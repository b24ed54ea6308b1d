"""Walks over the attack graph: who reaches what, the shortest and the likeliest path, the exact loss of a removable.

Dijkstra's algorithm (1959) on the negated logarithm of the likelihoods finds the likeliest path, the shortest among
equals. What every path to a place needs is the greatest solution of equations over sets of removables (Kildall, 1973):
as adding a set goes through intersections, it is exactly what lies on all paths.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from heapq import heappop, heappush
from math import log

from seawall.model.attack import AttackGraph, Step

_NOTHING: frozenset[int] = frozenset()


def reached_by(graph: AttackGraph, entries: Iterable[int]) -> tuple[list[int], list[int]]:
    """The entries, and for each place a bit for every one of them that reaches it (the first has the lowest bit)."""
    starts = sorted(set(entries))
    masks = [0] * len(graph.places)
    queue: deque[int] = deque()
    queued = bytearray(len(graph.places))
    for bit, start in enumerate(starts):
        masks[start] |= 1 << bit
        queue.append(start)
        queued[start] = 1
    targets = [list({step.target for step in steps}) for steps in graph.out]
    while queue:
        place = queue.popleft()
        queued[place] = 0
        mask = masks[place]
        for target in targets[place]:
            known = masks[target]
            if mask | known != known:
                masks[target] = mask | known
                if not queued[target]:
                    queued[target] = 1
                    queue.append(target)
    return starts, masks


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


class Backwards:
    """The part of a graph that entries reach, with its steps by target."""

    def __init__(self, graph: AttackGraph, entries: Iterable[int]) -> None:
        self.entries = sorted(set(entries))
        self.reached = graph.reach(self.entries)
        back: dict[int, dict[int, set[frozenset[int]]]] = {}
        for place in self.reached:
            for step in graph.out[place]:
                back.setdefault(step.target, {}).setdefault(place, set()).add(frozenset(step.removables))
        #: For each place, what steps to it need, by where they come from: a step that needs nothing makes others moot.
        self.into: dict[int, list[tuple[int, tuple[frozenset[int], ...]]]] = {
            target: [(source, (_NOTHING,) if _NOTHING in needs else tuple(needs)) for source, needs in sources.items()]
            for target, sources in back.items()
        }

    def needed(self, target: int) -> dict[int, frozenset[int]]:
        """For each place that reaches the target, the removables that every path from it needs."""
        found: dict[int, frozenset[int]] = {target: _NOTHING}
        queue = deque((target,))
        while queue:
            place = queue.popleft()
            after = found[place]
            for source, needs in self.into.get(place, ()):
                known = found.get(source)
                if known is not None and not known:
                    continue
                each = after | needs[0] if needs[0] else after
                for other in needs[1:]:
                    each &= after | other
                if known is not None:
                    each = known & each
                    if len(each) == len(known):
                        continue
                found[source] = each
                queue.append(source)
        return found


class Losses:
    """How many pairs of an entry and a target there are, and for each removable exactly how many vanish without it."""

    def __init__(self, graph: AttackGraph, entries: Iterable[int], targets: Iterable[int]) -> None:
        back = Backwards(graph, entries)
        self.pairs = 0
        self.of: dict[int, int] = {}
        #: Pairs that no removal ends.
        self.targets: dict[int, int] = {}
        for target in sorted(set(targets)):
            if target not in back.reached:
                continue
            needed = back.needed(target)
            count = 0
            for entry in back.entries:
                if entry == target or entry not in needed:
                    continue
                count += 1
                for removable in needed[entry]:
                    self.of[removable] = self.of.get(removable, 0) + 1
            if count:
                self.targets[target] = count
                self.pairs += count


def pairs(
    graph: AttackGraph, entries: Iterable[int], targets: Iterable[int], without: frozenset[int]
) -> set[tuple[int, int]]:
    """The pairs of an entry and another place among the targets that it reaches, with removables taken away."""
    goals = frozenset(targets)
    return {(e, g) for e in set(entries) for g in goals & graph.reach((e,), without) if e != g}
