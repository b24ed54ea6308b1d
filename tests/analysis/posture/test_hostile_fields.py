"""Fields of the wrong type make a rule `not judged`, or say nothing to it; they never make it fail."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from seawall.engine.catalogue import load_rules
from seawall.engine.judge import Judge
from seawall.engine.worked import STDIN, examples_of
from seawall.model.finding import RuleState
from seawall.model.paths import Path
from seawall.model.resource import Inventory, Resource
from seawall.model.rule import Rule
from seawall.model.version import NEWEST, KubernetesVersion
from seawall.sources.manifests.load import load_stdin

RULES = sorted(load_rules(), key=lambda rule: rule.id)
WRONG: list[Any] = [None, 7, "x", [], {}, [None], [[]], [{"a": 1}], {"a": [1]}]


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a value below apiVersion, kind and the names, outermost first."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        if step not in ("apiVersion", "kind"):
            yield (*at, step)
            yield from paths(item, (*at, step))


def with_value(document: Any, path: Path, value: Any) -> Any:
    """A copy with another value at a path."""
    changed = copy.deepcopy(document)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_wrong_fields_do_not_fail_a_rule(rule: Rule) -> None:
    for example in examples_of(rule.id):
        if example.file != STDIN:
            continue  # no YAML
        documents = [each for each in yaml.safe_load_all(example.text) if each]
        places = [(number, path) for number, each in enumerate(documents) for path in paths(each)]
        for turn, (number, path) in enumerate(places):
            # Each place gets some of the values; together they get all.
            for wrong in (WRONG[turn % len(WRONG)], WRONG[(turn * 5 + 3) % len(WRONG)]):
                changed = [with_value(each, path, wrong) if i == number else each for i, each in enumerate(documents)]
                reasons = failures(rule, example.version or NEWEST, changed)
                assert not reasons, f"{path} = {wrong!r}: {reasons}"


def failures(rule: Rule, version: KubernetesVersion, documents: list[Any]) -> list[str]:
    """Why a rule failed on some objects; empty where it did not."""
    judge = Judge([rule], version)
    resources = []
    for loaded in load_stdin(json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}).encode()):
        if isinstance(loaded, Resource):
            judge.judge(loaded)
            resources.append(loaded)
    list(judge.judge_inventory(Inventory(resources)))
    return [s.reason for s in judge.statuses([rule], lambda _: "") if s.state is RuleState.ERROR]
