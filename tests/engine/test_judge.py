"""The test that rules share, and what becomes of them where it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seawall.engine.judge import Judge
from seawall.model.finding import RuleState, Severity
from seawall.model.kube.base import InvalidField
from seawall.model.resource import Resource
from seawall.model.rule import Hit, Hits, Rule, Scope
from seawall.model.version import NEWEST
from seawall.sources.manifests.load import load_stdin

POD = b"apiVersion: v1\nkind: Pod\nmetadata:\n  name: cart\nspec:\n  containers:\n  - name: cart\n    image: cart:1\n"


def says_so(subject: Any, context: Any) -> Hits:
    """A check that always fires."""
    yield Hit("so it is")


def rule_with(when: Callable[[Any], object] | None, on: str) -> Rule:
    """A rule that fires on everything that its test lets pass."""
    return Rule(
        id="always",
        title="t",
        severity=Severity.LOW,
        scope=Scope.WORKLOAD,
        on=(on,),
        check=says_so,
        why="w.",
        remediation="r.",
        control_list="",
        aliases=(),
        references=(),
        when=when,
    )


def state_of(rule: Rule) -> tuple[int, RuleState]:
    """How often a rule fired on a pod, and its state."""
    judge = Judge([rule], NEWEST)
    (resource,) = load_stdin(POD)
    assert isinstance(resource, Resource)
    hits = judge.judge(resource)
    (status,) = judge.statuses([rule], lambda _: "")
    return len(hits), status.state


def invalid(subject: Any) -> bool:
    """A test that meets a field of the wrong type."""
    raise InvalidField(("spec",))


@pytest.mark.parametrize("on", ["pod", "container"])
@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (None, (1, RuleState.OK)),
        (lambda subject: True, (1, RuleState.OK)),
        (lambda subject: False, (0, RuleState.OK)),
        (invalid, (1, RuleState.OK)),  # the rule itself finds out whether it reads that field
        (lambda subject: 1 // 0, (0, RuleState.ERROR)),
    ],
)
def test_a_rule_is_called_where_its_test_says_so(
    on: str, when: Callable[[Any], object] | None, expected: tuple[int, RuleState]
) -> None:
    assert state_of(rule_with(when, on)) == expected
