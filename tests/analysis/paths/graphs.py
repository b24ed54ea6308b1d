"""Small random attack graphs."""

from __future__ import annotations

import random

from seawall.model.attack import AttackGraph, Place, PlaceKind, Removable, Step
from seawall.model.finding import ResourceRef


def random_graph(rng: random.Random, places: int, steps: int, removables: int = 5) -> AttackGraph:
    """Steps between random places that need none, one or two of the removables."""
    every = [
        Step(
            rng.randrange(places),
            rng.randrange(places),
            "endpoint-exploit",
            "",
            rng.choice([0.2, 0.5, 1.0]),
            tuple(sorted(rng.sample(range(removables), rng.choice([0, 1, 1, 2])))),
        )
        for _ in range(steps)
    ]
    named = [Place(PlaceKind.CONTAINER, str(number)) for number in range(places)]
    return AttackGraph(
        named, every, [Removable(str(n), ResourceRef("v1", "Pod", str(n)), ()) for n in range(removables)]
    )
