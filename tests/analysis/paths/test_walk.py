"""Walks against a brute-force oracle that enumerates every simple path."""

from __future__ import annotations

import random
from collections.abc import Iterator
from math import isclose, prod

import pytest

from seawall.analysis.paths import needs
from seawall.analysis.paths.needs import Losses
from seawall.analysis.paths.walk import best_paths, count_pairs, leading_to, pairs, reached_by
from seawall.model.attack import AttackGraph, Step
from tests.analysis.paths.graphs import random_graph


def simple(graph: AttackGraph, at: int, goal: int, seen: frozenset[int]) -> Iterator[list[Step]]:
    if at == goal:
        yield []
        return
    for step in graph.out[at]:
        if step.target not in seen:
            for rest in simple(graph, step.target, goal, seen | {step.target}):
                yield [step, *rest]


@pytest.mark.parametrize("large", [0, 5_000])
@pytest.mark.parametrize("seed", range(80))
def test_agrees_with_every_simple_path(seed: int, large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "_LARGE", large)
    monkeypatch.setattr(needs, "_SMALL_CORE", 0 if large == 0 else 200)
    rng = random.Random(seed)
    graph = random_graph(rng, places=6, steps=rng.randrange(4, 14))
    starts, masks = reached_by(graph, (0, 1))
    every = {(e, g): list(simple(graph, e, g, frozenset((e,)))) for e in (0, 1) for g in (4, 5)}
    for (entry, goal), paths in every.items():
        assert bool(masks[goal] >> starts.index(entry) & 1) == bool(paths)
        for likeliest in (True, False):
            found = best_paths(graph, (entry,), (4, 5), likeliest).get(goal)
            assert (found is None) == (not paths)
            if found is not None:
                odds = prod(step.likelihood for step in found)
                if likeliest:
                    assert isclose(odds, max(prod(step.likelihood for step in path) for path in paths))
                else:
                    assert len(found) == min(map(len, paths))
                    assert isclose(
                        odds, max(prod(s.likelihood for s in path) for path in paths if len(path) == len(found))
                    )
    goals, leading = leading_to(graph, (4, 5))
    for (entry, goal), paths in every.items():
        assert bool(leading[entry] >> goals.index(goal) & 1) == bool(paths)
    losses = Losses(graph, (0, 1), (4, 5))
    held = {pair for pair, paths in every.items() if paths}
    assert losses.pairs == len(held)
    assert pairs(graph, (0, 1), (4, 5), frozenset()) == held
    for removable in range(len(graph.removables)):
        gone = sum(all(any(removable in s.removables for s in path) for path in every[pair]) for pair in held)
        assert losses.of.get(removable, 0) == gone
        assert len(held) - len(pairs(graph, (0, 1), (4, 5), frozenset((removable,)))) == gone
        assert len(held) - count_pairs(graph, (0, 1), (4, 5), frozenset((removable,))) == gone


@pytest.mark.parametrize("core", [0, 10**9])
@pytest.mark.parametrize("seed", range(150))
def test_losses_are_what_walking_again_finds(seed: int, core: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On larger graphs with many cycles, with cores as one place and without."""
    monkeypatch.setattr(needs, "_LARGE", 0)
    monkeypatch.setattr(needs, "_SMALL_CORE", core)
    rng = random.Random(seed)
    places = rng.randrange(5, 40)
    graph = random_graph(rng, places, rng.randrange(places, 5 * places), removables=8)
    entries, targets = range(rng.randrange(1, 4)), range(places - rng.randrange(1, 6), places)
    losses = Losses(graph, entries, targets)
    for without in (frozenset[int](), *(frozenset((each,)) for each in range(8))):
        left = len(pairs(graph, entries, targets, without))
        assert count_pairs(graph, entries, targets, without) == left
        assert losses.pairs - sum(losses.of.get(each, 0) for each in without) == left
