"""The smallest cut against a brute-force oracle over every set of grants."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from seawall.analysis.paths.cut import CutBudgetError, smallest_cut
from seawall.analysis.paths.walk import Edge, Graph


def pairs(graph: Graph, without: frozenset[str]) -> set[tuple[int, int]]:
    return {(entry, goal) for entry in (0, 1) for goal in graph.reach(entry, without) & {5, 6}}


@pytest.mark.parametrize("seed", range(80))
def test_agrees_with_every_set_of_grants(seed: int) -> None:
    rng = random.Random(seed)
    edges = [Edge(rng.randrange(7), rng.randrange(7), 1.0, rng.choice(["", *"abcde"])) for _ in range(18)]
    graph = Graph(7, edges)
    stay = pairs(graph, frozenset(graph.grants))
    sizes = range(len(graph.grants) + 1)
    least = next(n for n in sizes for some in combinations(graph.grants, n) if pairs(graph, frozenset(some)) == stay)
    cut = smallest_cut(graph, (0, 1), (5, 6))
    assert cut.uncuttable == stay
    assert len(cut.grants) == least
    assert pairs(graph, cut.grants) == stay


def test_says_when_the_budget_is_spent() -> None:
    with pytest.raises(CutBudgetError, match="within 1 walks"):
        smallest_cut(Graph(2, [Edge(0, 1, 1.0, "a")]), (0,), (1,), budget=1)
