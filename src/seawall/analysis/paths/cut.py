"""The smallest set of grants that cuts all paths.

One grant may hold many steps, so this is a minimum label cut (NP-hard), not a plain minimum cut: a bounded search tree
takes a path that is left and tries each grant on it, at depth one, two and so on; the first cut found is a smallest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct

from seawall.analysis.paths.walk import Graph


class Cut(Struct, frozen=True):
    """The grants to remove, and the pairs of entry and target that stay whatever is removed."""

    grants: frozenset[str]
    uncuttable: frozenset[tuple[int, int]]


class CutBudgetError(Exception):
    """The search took more walks than it was allowed: no smallest cut is known."""


def smallest_cut(graph: Graph, entries: Iterable[int], targets: Collection[int], budget: int = 100_000) -> Cut:
    """A smallest cut of all pairs that can be cut. Raises ``CutBudgetError`` after ``budget`` walks."""
    goals, everything = frozenset(targets), frozenset(graph.grants)
    starts = sorted(set(entries))
    fixed = {entry: goals & graph.reach(entry, everything) for entry in starts}
    walks = 0

    def search(removed: frozenset[str], depth: int) -> frozenset[str] | None:
        nonlocal walks
        walks += 1
        if walks > budget:
            raise CutBudgetError(f"no smallest cut within {budget} walks; ask for fewer entries or targets")
        held = next((h for e in starts if (h := _held(graph, e, goals - fixed[e], removed)) is not None), None)
        if held is None:
            return removed
        for grant in sorted(held) if depth else ():
            if (found := search(removed | {grant}, depth - 1)) is not None:
                return found
        return None

    pairs = frozenset((entry, goal) for entry, stay in fixed.items() for goal in stay)
    for depth in range(len(everything) + 1):
        if (found := search(frozenset(), depth)) is not None:
            return Cut(found, pairs)
    raise AssertionError("removing every grant cuts every pair that is not fixed")


def _held(graph: Graph, entry: int, goals: frozenset[int], removed: frozenset[str]) -> set[str] | None:
    """The grants on one path from ``entry`` to one of ``goals``; None when no path is left."""
    came: dict[int, tuple[int, str]] = {entry: (entry, "")}
    todo = [entry]
    for place in todo:
        if place in goals:
            grants: set[str] = set()
            while place != entry:
                place, grant = came[place]
                grants.add(grant)
            return grants - {""}
        for edge in graph.out[place]:
            if edge.target not in came and edge.grant not in removed:
                came[edge.target] = (place, edge.grant)
                todo.append(edge.target)
    return None
