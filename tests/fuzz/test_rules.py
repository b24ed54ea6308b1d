"""Odd values anywhere in an object never make a rule fail: it is judged, or said not to be."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from seawall.engine.catalogue import load_rules
from seawall.engine.judge import Judge
from seawall.engine.worked import example_files, examples_of, load_example
from seawall.model.finding import RuleState
from seawall.model.paths import Path, lookup
from seawall.model.resource import Inventory, Resource
from seawall.model.version import KubernetesVersion
from seawall.sources.manifests.load import load_stdin

RULES = list(load_rules())
ODD: tuple[Any, ...] = (7, "odd", True, [], {}, [[1]], [{"odd": None}], {"odd": ["x"]}, None)
#: Old enough for PodSecurityPolicies.
VERSION = KubernetesVersion(1, 24)


def objects() -> dict[str, dict[str, Any]]:
    """One example of each kind, the largest."""
    found: dict[str, dict[str, Any]] = {}
    for file in example_files():
        for example in examples_of(file.stem):
            for loaded in load_example(example):
                if isinstance(loaded, Resource) and loaded.kind is not None:
                    best = found.get(loaded.kind.name)
                    if best is None or len(json.dumps(loaded.raw)) > len(json.dumps(best)):
                        found[loaded.kind.name] = copy.deepcopy(loaded.raw)
    return found


OBJECTS = objects()


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every path below a value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        if (*path, step) not in (("apiVersion",), ("kind",)):
            yield (*path, step)
            yield from places(item, (*path, step))


@pytest.mark.parametrize("kind", sorted(OBJECTS))
def test_odd_values_break_no_rule(kind: str) -> None:
    for path in places(OBJECTS[kind]):
        for odd in ODD:
            mutant = copy.deepcopy(OBJECTS[kind])
            lookup(mutant, path[:-1])[path[-1]] = odd
            judge = Judge(RULES, VERSION)
            resources = []
            for loaded in load_stdin(json.dumps(mutant).encode()):
                if isinstance(loaded, Resource):
                    judge.judge(loaded)
                    resources.append(loaded)
            list(judge.judge_inventory(Inventory(resources)))
            failed = [s for s in judge.statuses(RULES, lambda _: "") if s.state is RuleState.ERROR]
            assert failed == [], f"{odd!r} at {path}"
