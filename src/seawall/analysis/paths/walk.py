"""Walks over an attack graph: reachability, the likeliest path, and the exact loss of a grant.

Places are the integers from 0 to ``size - 1``. Dijkstra's algorithm (1959) on the negated logarithm of the likelihoods
finds the likeliest path; with equal likelihoods it is the shortest.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from math import log

from msgspec import Struct


class Edge(Struct, frozen=True, gc=False):
    """A step; ``likelihood`` in (0, 1]; ``grant`` is what to remove to mend it, empty when nothing can be."""

    source: int
    target: int
    likelihood: float = 1.0
    grant: str = ""


class Graph:
    """Adjacency lists over ``size`` places. Raises ``ValueError`` on an edge out of range or an unlikely likelihood."""

    def __init__(self, size: int, edges: Iterable[Edge]) -> None:
        self.out: list[list[Edge]] = [[] for _ in range(size)]
        self.grants: set[str] = set()
        for edge in edges:
            if not (0 <= edge.source < size and 0 <= edge.target < size):
                raise ValueError(f"edge {edge.source} -> {edge.target} leaves the graph of {size} places")
            if not 0 < edge.likelihood <= 1:
                raise ValueError(f"likelihood {edge.likelihood} of {edge.source} -> {edge.target} is not in (0, 1]")
            self.out[edge.source].append(edge)
            if edge.grant:
                self.grants.add(edge.grant)

    def reach(self, entry: int, without: frozenset[str] = frozenset()) -> set[int]:
        """The places reached from ``entry``, itself included, when the grants of ``without`` are gone."""
        seen, todo = {entry}, [entry]
        while todo:
            for edge in self.out[todo.pop()]:
                if edge.target not in seen and edge.grant not in without:
                    seen.add(edge.target)
                    todo.append(edge.target)
        return seen

    def likeliest(self, entry: int, target: int) -> list[Edge] | None:
        """The steps of the likeliest path, fewest first among equals; None when there is none."""
        best: dict[int, tuple[float, int]] = {entry: (0.0, 0)}
        came: dict[int, Edge] = {}
        heap = [(0.0, 0, entry)]
        while heap:
            cost, steps, place = heappop(heap)
            if place == target:
                break
            if (cost, steps) > best[place]:
                continue
            for edge in self.out[place]:
                new = (cost - log(edge.likelihood), steps + 1)
                if edge.target not in best or new < best[edge.target]:
                    best[edge.target] = new
                    came[edge.target] = edge
                    heappush(heap, (*new, edge.target))
        if target not in best:
            return None
        path: list[Edge] = []
        while target != entry:
            path.append(came[target])
            target = path[-1].source
        return path[::-1]

    def losses(self, entries: Iterable[int], targets: Iterable[int]) -> dict[str, int]:
        """For each grant the exact number of entry-target pairs that vanish without it, by walking again."""
        goals = frozenset(targets)
        lost = dict.fromkeys(sorted(self.grants), 0)
        for entry in set(entries):
            whole = self.reach(entry)
            used = {edge.grant for place in whole for edge in self.out[place] if edge.grant}
            held = len(goals & whole)
            for grant in used if held else ():
                lost[grant] += held - len(goals & self.reach(entry, frozenset((grant,))))
        return lost
