"""The smallest cut against a brute-force oracle over every set of removables."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from seawall.analysis.paths.cut import smallest_cut
from seawall.analysis.paths.walk import pairs
from tests.analysis.paths.graphs import random_graph


@pytest.mark.parametrize("seed", range(120))
def test_agrees_with_every_set_of_removables(seed: int) -> None:
    graph = random_graph(random.Random(seed), places=7, steps=18)
    every = frozenset(range(len(graph.removables)))
    stay = pairs(graph, (0, 1), (5, 6), every)
    sizes = range(len(every) + 1)
    least = next(
        n for n in sizes for some in combinations(every, n) if pairs(graph, (0, 1), (5, 6), frozenset(some)) == stay
    )
    cut = smallest_cut(graph, (0, 1), (5, 6))
    assert cut.uncuttable == stay
    assert len(cut.removables) == least
    assert cut.smallest
    assert pairs(graph, (0, 1), (5, 6), cut.removables) == stay


@pytest.mark.parametrize("seed", range(40))
def test_cuts_all_the_same_when_the_budget_is_spent(seed: int) -> None:
    graph = random_graph(random.Random(seed), places=12, steps=50, removables=12)
    stay = pairs(graph, (0, 1), (10, 11), frozenset(range(12)))
    cut = smallest_cut(graph, (0, 1), (10, 11), budget=0)
    assert pairs(graph, (0, 1), (10, 11), cut.removables) == stay
    assert cut.at_least <= len(smallest_cut(graph, (0, 1), (10, 11)).removables) <= len(cut.removables)
