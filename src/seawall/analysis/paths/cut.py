"""The smallest set of removables that cuts all paths.

One removable may stop many steps, and a step may need several, so this is a minimum label cut (NP-hard), not a plain
minimum cut. It is found as an implicit hitting set (Chandrasekaran, Karp and others, 2011): a smallest set that hits
what is known of paths so far is tried; a path that it leaves is added to what is known; the first that leaves none is a
smallest cut. What hits is found by branch and bound, below by disjoint sets.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct

from seawall.model.attack import AttackGraph, Removable, Step

Sets = Sequence[frozenset[int]]


class Cut(Struct, frozen=True):
    """The removables to remove, and the pairs of entry and target that stay whatever is removed.

    ``at_least`` is how many any cut needs: it is smallest where that is their number.
    """

    removables: frozenset[int]
    uncuttable: frozenset[tuple[int, int]]
    at_least: int

    @property
    def smallest(self) -> bool:
        """Whether it is known that no smaller set cuts all."""
        return len(self.removables) == self.at_least


class _SpentError(Exception):
    """Branch and bound took more branches than it was allowed."""


class _Group(Struct, frozen=True):
    """Entries that can be cut from the same targets."""

    entries: tuple[int, ...]
    goals: frozenset[int]


def smallest_cut(graph: AttackGraph, entries: Iterable[int], targets: Collection[int], budget: int = 200_000) -> Cut:
    """A smallest cut of all pairs that can be cut; within ``budget`` branches, or else a small one.

    Where several would do, what takes least from who uses it is preferred: verbs of a rule before a whole binding.
    """
    everything, goals = frozenset(range(len(graph.removables))), frozenset(targets)
    groups: dict[frozenset[int], list[int]] = {}
    stay: set[tuple[int, int]] = set()
    for entry in sorted(set(entries)):
        fixed = goals & graph.reach((entry,), everything)
        stay.update((entry, goal) for goal in fixed if goal != entry)
        groups.setdefault(goals - fixed - {entry}, []).append(entry)
    wanted = [_Group(tuple(each), left) for left, each in groups.items() if left]
    known: list[frozenset[int]] = []
    cost = [_cost(each) for each in graph.removables]
    at_least = 0
    while True:
        try:
            chosen = _hit(known, budget, cost)
            at_least = len(chosen)
        except _SpentError:
            chosen = _greedy(known, cost)
            at_least = max(at_least, _disjoint(known))
        fresh = _left_over(graph, wanted, chosen)
        if not fresh:
            return Cut(chosen, frozenset(stay), at_least)
        known = _minimal((*known, *fresh))


def _left_over(graph: AttackGraph, wanted: list[_Group], chosen: frozenset[int]) -> list[frozenset[int]]:
    """What paths need that a set leaves: several that have nothing in common, as far as there are."""
    found: list[frozenset[int]] = []
    removed = chosen
    for group in wanted:
        while (needs := _fewest(graph, group, removed)) is not None:
            found.append(needs)
            removed = removed | needs
    return found


def _fewest(graph: AttackGraph, group: _Group, removed: frozenset[int]) -> frozenset[int] | None:
    """What a path from an entry to a goal needs, that with the fewest needs of its steps; None where there is none."""
    cost = dict.fromkeys(group.entries, 0)
    came: dict[int, Step] = {}
    queue = deque((entry, 0) for entry in group.entries)
    while queue:
        place, paid = queue.popleft()
        if paid > cost[place]:
            continue
        if place in group.goals:
            return _needs(came, place)
        for step in graph.out[place]:
            new = paid + len(step.removables)
            if cost.get(step.target, new + 1) <= new or not removed.isdisjoint(step.removables):
                continue
            cost[step.target] = new
            came[step.target] = step
            # Costs are small whole numbers; a place that costs nothing more goes first.
            (queue.appendleft if new == paid else queue.append)((step.target, new))
    return None


def _needs(came: dict[int, Step], place: int) -> frozenset[int]:
    found: set[int] = set()
    while place in came:
        found.update(came[place].removables)
        place = came[place].source
    return frozenset(found)


def _minimal(sets: Iterable[frozenset[int]]) -> list[frozenset[int]]:
    """Those that hold no other: who hits the others hits them."""
    kept: list[frozenset[int]] = []
    for each in sorted(set(sets), key=lambda one: (len(one), sorted(one))):
        if not any(other <= each for other in kept):
            kept.append(each)
    return kept


def _disjoint(sets: Sets) -> int:
    """How many of the sets, taken small ones first, have nothing in common: as many are needed at least."""
    seen: set[int] = set()
    count = 0
    for each in sorted(sets, key=len):
        if seen.isdisjoint(each):
            seen |= each
            count += 1
    return count


def _cost(removable: Removable) -> int:
    """How much else goes with it: 0 for verbs of a rule and settings, more for bindings, tokens and what pods read."""
    if removable.resource.kind in ("Role", "ClusterRole"):
        return 0
    if removable.resource.kind in ("RoleBinding", "ClusterRoleBinding"):
        return 1
    named = {step for step in removable.path if isinstance(step, str)}
    return 2 if named & {"automountServiceAccountToken", "env", "envFrom"} or not removable.rule else 0


def _greedy(sets: Sets, cost: Sequence[int]) -> frozenset[int]:
    """A small set that hits all: what is in most of the rest first; then what turned out not to be needed goes."""
    chosen: list[int] = []
    left = list(sets)
    while left:
        counts = Counter(removable for each in left for removable in each)
        best = max(counts, key=lambda removable: (counts[removable], -cost[removable], -removable))
        chosen.append(best)
        left = [each for each in left if best not in each]
    for each in tuple(chosen):
        rest = frozenset(chosen) - {each}
        if all(not rest.isdisjoint(one) for one in sets):
            chosen.remove(each)
    return frozenset(chosen)


def _hit(sets: Sets, budget: int, cost: Sequence[int]) -> frozenset[int]:
    """A smallest set that hits all sets."""
    best = _greedy(sets, cost)
    branches = 0

    def search(left: list[frozenset[int]], chosen: frozenset[int], barred: frozenset[int]) -> None:
        nonlocal best, branches
        branches += 1
        if branches > budget:
            raise _SpentError
        if len(chosen) + _disjoint(left) >= len(best):
            return
        if not left:
            best = chosen
            return
        counts = Counter(removable for each in left for removable in each)
        smallest = min(left, key=len)
        tried: set[int] = set()
        for removable in sorted(smallest - barred, key=lambda one: (-counts[one], cost[one], one)):
            rest = [each - barred - tried for each in left if removable not in each]
            if all(rest):
                search(rest, chosen | {removable}, barred | tried)
            tried.add(removable)

    search(list(sets), frozenset(), frozenset())
    return best
