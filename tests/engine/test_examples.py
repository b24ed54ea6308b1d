"""Every rule is told well and has worked examples that hold."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from seawall.engine.catalogue import load_rules
from seawall.engine.judge import Judge, RuleHit
from seawall.engine.worked import Example, example_files, examples_of, load_example, parse_examples
from seawall.model.finding import RuleState
from seawall.model.kube.kinds import modelled_names
from seawall.model.programs import PROGRAMS
from seawall.model.resource import Inventory, Resource
from seawall.model.rule import CONTAINER, DOCUMENT, INVENTORY, OBJECT, POD, Rule
from seawall.model.version import NEWEST, KubernetesVersion

RULES = sorted(load_rules(), key=lambda rule: rule.id)
TARGETS = modelled_names() | PROGRAMS | {CONTAINER, POD, INVENTORY, DOCUMENT, OBJECT}


def judge_example(rules: Iterable[Rule], example: Example) -> list[RuleHit]:
    """What these rules find in YAML documents or a build file; fails where one could not be read or judged."""
    rules = list(rules)
    judge = Judge(rules, example.version or NEWEST)
    hits: list[RuleHit] = []
    resources: list[Resource] = []
    for loaded in load_example(example):
        assert isinstance(loaded, Resource), loaded
        named = loaded.ref.name or loaded.kind is None or "metadata" not in loaded.raw
        assert named, f"{loaded.ref} has no name"
        hits += judge.judge(loaded)
        resources.append(loaded)
    assert resources, "no objects"
    hits += judge.judge_inventory(Inventory(resources))
    ill = [status for status in judge.statuses(rules, lambda _: "") if status.state is not RuleState.OK]
    assert all(status.state is RuleState.SKIPPED for status in ill), ill
    return hits


def shown(example: Example) -> str:
    """The heading of an example."""
    return f"# {example.verdict}" + (f" at {example.version}" if example.version else "")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_examples_hold(rule: Rule) -> None:
    examples = examples_of(rule.id)
    assert {example.verdict for example in examples} == {"bad", "good"}, f"{rule.id} needs a bad and a good example"
    for number, example in enumerate(examples, 1):
        hits = judge_example([rule], example)
        assert bool(hits) == (example.verdict == "bad"), f"section {number} of {rule.id}: {shown(example)}: {hits}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_hits_lead_to_a_place(rule: Rule) -> None:
    for example in examples_of(rule.id):
        for hit in judge_example([rule], example):
            assert hit.hit.message
            assert hit.resource is not None, f"{rule.id} names no resource"
            assert hit.resource.origin.locate([hit.path]), f"{rule.id} leads nowhere: {hit.path}"


def test_no_example_without_a_rule() -> None:
    known = {rule.id for rule in RULES}
    assert sorted(path.name for path in example_files() if path.stem not in known) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rules_are_well_told(rule: Rule) -> None:
    for text in (rule.title, rule.why, rule.remediation):
        assert text
        assert text == " ".join(text.split()), f"stray white space in {text!r}"
    assert not rule.title.endswith(".")
    assert rule.why.endswith(".")
    assert rule.remediation.endswith(".")
    assert [url for url in rule.references if not url.startswith("https://")] == []
    assert rule.on
    assert set(rule.on) <= TARGETS


def test_examples_are_cut_at_headings() -> None:
    text = "# bad\na: 1\n# a comment\n---\nb: 2\n\n# good at 1.24\nc: 3\n"
    assert parse_examples(text) == [
        Example("bad", None, "a: 1\n# a comment\n---\nb: 2\n"),
        Example("good", KubernetesVersion(1, 24), "c: 3\n"),
    ]


def test_a_rule_without_a_file_has_no_examples() -> None:
    assert examples_of("there-is-no-such-rule") == []


@pytest.mark.parametrize("text", ["a: 1\n", "a: 1\n# bad\nb: 2\n", "# bad\n\n# good\na: 1\n", "# bad at noon\na: 1\n"])
def test_malformed_examples_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"before the first|nothing under|not a Kubernetes version"):
        parse_examples(text)
