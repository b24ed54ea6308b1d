"""Walks over the attack graph: who reaches what, the shortest and the likeliest path.

Dijkstra's algorithm (1959) on the negated logarithm of the likelihoods finds the likeliest path, the shortest among
equals.
"""

from __future__ import annotations

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
    members = around(onward, pivot)
    inside = bytearray(len(masks))
    for place in members:
        inside[place] = 1
    steps = {place: onward[place] for place in range(len(onward)) if onward[place] and not inside[place]}
    steps[pivot] = list({target for place in members for target in onward[place] if not inside[target]})
    places = [pivot if inside[start] else start for start in starts]
    for bit, place in enumerate(places):
        masks[place] |= 1 << bit
    order = todo = _first_first(steps, places, inside, pivot)
    rank: dict[int, int] = {}
    while todo:
        changed: set[int] = set()
        for place in todo:
            mask = masks[place]
            for target in steps.get(place, ()):
                if inside[target]:
                    target = pivot
                known = masks[target]
                if mask | known != known:
                    masks[target] = mask | known
                    changed.add(target)
            changed.discard(place)
        if changed and not rank:
            rank = {place: number for number, place in enumerate(order)}
        todo = sorted(changed, key=rank.__getitem__)
    for place in members:
        masks[place] = masks[pivot]
    return masks


def _first_first(steps: Mapping[int, Sequence[int]], starts: Iterable[int], inside: bytearray, pivot: int) -> list[int]:
    """The places that are reached, each before those that it leads to, except on cycles; a cycle's are the pivot."""
    seen: set[int] = set()
    order: list[int] = []
    for start in starts:
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(steps.get(start, ())))]
        while stack:
            place, ahead = stack[-1]
            for other in ahead:
                if inside[other]:
                    other = pivot
                if other not in seen:
                    seen.add(other)
                    stack.append((other, iter(steps.get(other, ()))))
                    break
            else:
                order.append(place)
                stack.pop()
    return order[::-1]


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


def around(onward: Sequence[Sequence[int]], pivot: int) -> list[int]:
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


def pairs(
    graph: AttackGraph, entries: Iterable[int], targets: Iterable[int], without: frozenset[int]
) -> set[tuple[int, int]]:
    """The pairs of an entry and another place among the targets that it reaches, with removables taken away."""
    goals = frozenset(targets)
    return {(e, g) for e in set(entries) for g in goals & graph.reach((e,), without) if e != g}
