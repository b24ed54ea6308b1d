"""Every check of the catalogue passes on its base facts and good examples, and fails on its bad ones."""

from __future__ import annotations

import pytest

from seawall.analysis.nodes import Check, Node, Outcome, Verdict, catalogue
from seawall.analysis.nodes.examples import example_facts

CHECKS = sorted(catalogue().checks.values(), key=lambda check: check.rule)


def judged(check: Check, change: dict[str, object]) -> Outcome:
    """What a check says of its base facts with a change."""
    return check.test(Node(example_facts(check.base, change)), None)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.rule)
def test_good_examples_pass(check: Check) -> None:
    for change in ({}, *check.examples.good):
        outcome = judged(check, change)
        assert outcome.verdict is Verdict.PASS, (change, outcome)
        assert outcome.seen


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.rule)
def test_bad_examples_fail_and_say_where(check: Check) -> None:
    assert check.examples.bad, "a check needs a bad example"
    for change in check.examples.bad:
        outcome = judged(check, change)
        assert outcome.verdict is Verdict.FAIL, (change, outcome)
        assert outcome.seen
        assert all(seen.path and seen.says for seen in outcome.seen), outcome
