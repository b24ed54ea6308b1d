"""Walks against a brute-force oracle that enumerates every simple path."""

from __future__ import annotations

import random
from collections.abc import Iterator
from math import isclose, prod

import pytest

from seawall.analysis.paths.walk import Edge, Graph


def simple(edges: list[Edge], at: int, goal: int, seen: frozenset[int]) -> Iterator[list[Edge]]:
    if at == goal:
        yield []
        return
    for edge in edges:
        if edge.source == at and edge.target not in seen:
            for rest in simple(edges, edge.target, goal, seen | {edge.target}):
                yield [edge, *rest]


@pytest.mark.parametrize("seed", range(60))
def test_agrees_with_every_simple_path(seed: int) -> None:
    rng = random.Random(seed)
    edges = [
        Edge(rng.randrange(6), rng.randrange(6), rng.choice([0.2, 0.5, 1.0]), rng.choice(["", "a", "b", "c"]))
        for _ in range(rng.randrange(4, 12))
    ]
    graph = Graph(6, edges)
    expected = dict.fromkeys(graph.grants, 0)
    for entry in (0, 1):
        for goal in (4, 5):
            paths = list(simple(edges, entry, goal, frozenset((entry,))))
            assert (goal in graph.reach(entry)) == bool(paths)
            found = graph.likeliest(entry, goal)
            assert (found is None) == (not paths)
            if found is not None:
                best = max(prod(edge.likelihood for edge in path) for path in paths)
                assert isclose(prod(edge.likelihood for edge in found), best)
            for grant in graph.grants:
                expected[grant] += bool(paths) and all(any(e.grant == grant for e in path) for path in paths)
    assert graph.losses((0, 1), (4, 5)) == expected


@pytest.mark.parametrize("edge", [Edge(0, 2), Edge(-1, 0), Edge(0, 1, 0.0), Edge(0, 1, float("nan"))])
def test_refuses_a_broken_edge(edge: Edge) -> None:
    with pytest.raises(ValueError):
        Graph(2, [edge])
