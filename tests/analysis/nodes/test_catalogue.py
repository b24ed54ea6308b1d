"""The catalogue is whole, strict and in our own words."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from seawall.analysis.nodes import DataError, catalogue, in_order
from seawall.analysis.nodes.catalogue import read_benchmarks, read_file
from seawall.analysis.nodes.settings import read_settings, settings
from seawall.engine.catalogue import load_all_rules, load_rules
from seawall.engine.controls import controls_of, policy_rules
from seawall.model.finding import Severity
from seawall.model.version import parse_version

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "catalogue.csv"
#: Ids of checks that ask for the opposite of the control that they are listed with.
OPPOSITE = {"KCV-0003"}
#: How many controls each section has, by benchmark.
SECTIONS = {
    "cis-k8s-1.10": {
        **{"1.1": 21, "1.2": 29, "1.3": 7, "1.4": 2, "2": 7, "3.1": 3, "3.2": 2, "4.1": 10, "4.2": 13, "4.3": 1},
        **{"5.1": 13, "5.2": 13, "5.3": 2, "5.4": 2, "5.5": 1, "5.7": 4},
    },
    "cis-k8s-1.11": {
        **{"1.1": 21, "1.2": 30, "1.3": 7, "1.4": 2, "2": 7, "3.1": 3, "3.2": 2, "4.1": 10, "4.2": 15, "4.3": 1},
        **{"5.1": 13, "5.2": 13, "5.3": 2, "5.4": 2, "5.5": 1, "5.6": 4},
    },
    "cis-k8s-1.12": {
        **{"1.1": 21, "1.2": 30, "1.3": 7, "1.4": 2, "2": 7, "3.1": 3, "3.2": 2, "4.1": 10, "4.2": 14, "4.3": 1},
        **{"5.1": 13, "5.2": 12, "5.3": 2, "5.4": 2, "5.5": 1, "5.6": 4},
    },
}


@pytest.mark.parametrize("benchmark", SECTIONS)
def test_every_control_is_there_once(benchmark: str) -> None:
    checks, manual = controls_of(benchmark)
    wanted = {f"{section}.{n}" for section, count in SECTIONS[benchmark].items() for n in range(1, count + 1)}
    assert set(checks) | set(manual) == wanted
    assert not set(checks) & set(manual)
    sections = catalogue().benchmarks[benchmark].sections
    assert {name.rpartition(".")[0] for name in wanted} <= set(sections)


def test_a_control_is_of_one_manual_entry() -> None:
    seen = [
        (control.framework, control.id)
        for manual in catalogue().manual
        for control in manual.controls
        if control.framework in catalogue().benchmarks
    ]
    assert len(seen) == len(set(seen))


def reference_rows() -> list[dict[str, str]]:
    if not REFERENCE.is_file():
        pytest.skip("the reference catalogue is not at hand")
    with REFERENCE.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("minor", [10, 11, 12])
def test_controls_of_the_reference_have_the_aliases_that_it_gives(minor: int) -> None:
    registry = load_all_rules()
    for row in reference_rows():
        control = row[f"cis_1_{minor}"]
        if not control or control.startswith("5."):
            continue
        checks, manual = controls_of(f"cis-k8s-1.{minor}")
        assert control in checks or control in manual, row
        if control in checks:
            missing = {name for name in row["trivy"].split() if not registry.find(name)}
            assert missing <= OPPOSITE, f"{control}: {missing}"


def _rule(name: str) -> Any:
    rule = load_all_rules().get(name)
    assert rule is not None, f"the catalogue names a rule {name!r} that does not exist"
    return rule


def test_checks_are_rules_and_agree_with_them_on_controls() -> None:
    manifest_rules = load_rules()
    for name, check in catalogue().checks.items():
        rule = _rule(name)
        if check.words is None:
            assert name in {each.id for each in manifest_rules}
            ours = {(each.framework, each.id) for each in check.controls}
            theirs = {(each.framework, each.id) for each in rule.controls}
            assert ours <= theirs, f"{name}: the rule knows nothing of {ours - theirs}"
        else:
            assert manifest_rules.get(name) is None
            assert rule.controls == check.controls


def test_own_words_are_told_well() -> None:
    for name, check in catalogue().checks.items():
        if check.words is None:
            continue
        words = check.words
        assert words.severity in Severity
        assert not words.title.endswith("."), name
        for text in (words.why, words.remediation):
            assert text.endswith("."), f"{name}: {text}"
            assert text == " ".join(text.split()), name


def test_manual_controls_say_what_to_do_and_what_to_record() -> None:
    for manual in catalogue().manual:
        data = manual.data
        assert data.steps, data.title
        assert data.record, data.title
        assert all(len(step) > 30 and step.endswith(".") for step in data.steps), data.steps
        assert all(each.name and len(each.what) > 15 for each in data.record), data.record
        assert data.why.endswith("."), data.title


def test_every_policy_control_is_answered_by_rules() -> None:
    registry = load_all_rules()
    for manual in catalogue().manual:
        for control in manual.controls:
            if manual.data.policy and control.framework in catalogue().benchmarks:
                assert policy_rules(registry, control.framework, control.id), control


def _texts() -> Iterator[str]:
    for check in catalogue().checks.values():
        if check.words is not None:
            yield from (check.words.title, check.words.why, check.words.remediation)
        yield check.fix.note
    for manual in catalogue().manual:
        yield from (manual.data.title, manual.data.why, *manual.data.steps)


def test_no_text_is_in_the_manner_of_the_benchmarks() -> None:
    """Their titles all begin alike, and so do their parts."""
    parts = ("ensure that", "or more restrictive", "minimize the", "argument is set", "(automated)", "(manual)")
    assert [text for text in _texts() if any(part in text.lower() for part in parts)] == []


def test_control_ids_are_put_in_order() -> None:
    assert sorted(["1.2.10", "1.2.9", "2.1", "1.10.1"], key=in_order) == ["1.2.9", "1.2.10", "1.10.1", "2.1"]


GOOD = {
    "rule": "apiserver-profiling",
    "controls": "cis:1.2.15",
    "test": {"setting": "kube-apiserver/profiling", "eq": False},
    "examples": {"bad": []},
}


def read(**changes: Any) -> None:
    import msgspec

    data = msgspec.yaml.encode({"base": "kubeadm", "checks": [{**GOOD, **changes}]})
    read_file("x.yaml", data, catalogue().benchmarks)


def test_a_good_check_is_read() -> None:
    read()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tset": {}}, "unknown field `tset`"),
        ({"controls": "cis-none:1"}, "of no benchmark"),
        ({"controls": "nonsense"}, "framework:id"),
        ({"test": []}, "Expected `object`"),
        ({"test": {}}, "a test has one of"),
        ({"test": {"setting": "kube-apiserver/profling", "eq": False}}, "has no 'kube-apiserver/profling'"),
        ({"test": {"setting": "kube-apiserver/profiling"}}, "needs an operator"),
        ({"test": {"setting": "kube-apiserver/profiling", "equals": False}}, "no operator 'equals'"),
        ({"test": {"setting": "kube-apiserver/profiling", "eq": "maybe"}}, "neither true nor false"),
        ({"test": {"setting": "kube-apiserver/profiling", "gt": 1}}, "needs a number"),
        ({"test": {"setting": "kube-apiserver/profiling", "set": "yes please"}}, "takes true or false"),
        ({"test": {"setting": "kube-apiserver/profiling", "fact": "layout", "eq": 1}}, "has one of"),
        ({"test": {"gate": "kubelet/NoSuchGate", "eq": True}}, "no gate"),
        ({"test": {"fact": "dokcer.info", "set": True}}, "facts have no 'dokcer.info'"),
        ({"test": {"fact": "host.name.first", "set": True}}, "nothing within"),
        ({"test": {"fact": "layout", "regex": "(a+)+"}}, "repeats a repetition"),
        ({"test": {"fact": "layout", "regex": "a*b*c*"}}, "more than 2 times"),
        ({"test": {"fact": "layout", "regex": r"(?=a)a"}}, "looks around"),
        ({"test": {"fact": "layout", "regex": r"(a)\1"}}, "refers back"),
        ({"test": {"fact": "layout", "regex": "("}}, "no pattern"),
        ({"test": {"fact": "layout", "type": "colour", "eq": 1}}, "does not fit"),
        ({"test": {"setting": "kube-apiserver/profiling", "type": "int", "eq": 1}}, "does not fit"),
        ({"test": {"file": {"place": "pki.of.mine"}, "owner": "root:root"}}, "no place"),
        ({"test": {"file": {"path": "/a", "place": "pki"}, "owner": "root:root"}}, "by one of"),
        ({"test": {"file": {"paht": "/a"}, "owner": "root:root"}}, "a file is given by"),
        ({"test": {"file": {"path": "/a"}}}, "a file needs an operator"),
        ({"test": {"file": {"path": "/a"}, "mode": "600"}}, "'mode' does not belong here"),
        ({"test": {"file": {"path": "/a"}, "mode-at-most": 600}}, "octal digits"),
        ({"test": {"file": {"path": "/a"}, "mode-at-most": "689"}}, "octal digits"),
        ({"test": {"file": {"path": "/a"}, "owner": "root"}}, "user:group"),
        ({"test": {"file": {"path": "/a"}, "exists": 1}}, "takes true or false"),
        ({"test": {"file": {"drop-ins": "nothing"}, "exists": True}}, "drop-ins takes"),
        ({"test": {"all": []}}, "a list of tests"),
        ({"test": {"not": {"fact": "layout", "eq": "a"}, "then": 1}}, "'then' does not belong here"),
        ({"test": {"if": {"fact": "layout", "eq": "a"}}}, "needs a then"),
        ({"test": {"each": "mounts"}}, "needs a must"),
        ({"test": {"some": "mounts"}}, "needs a where"),
        ({"test": {"each": {"files": 1}, "must": {"item": ".", "eq": 1}}}, "a list is a fact"),
        ({"test": {"document": {"named-by": "kubelet/no"}, "eq": 1}}, "has no 'kubelet/no'"),
        ({"test": {"document": "x", "eq": 1}}, "a document is given as"),
        ({"fix": {"set": {"kubelet/no": 1}}}, "fix: the table of settings has no"),
        ({"words": {"title": "x", "severity": "bad", "why": "", "remediation": ""}}, "Invalid enum value"),
    ],
)
def test_data_that_is_not_understood_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=re.escape(told)):
        read(**changes)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"x: {settings: {a: {type: colour}}}", "no type 'colour'"),
        (b"x: {settings: {a: {type: bool, default: maybe}}}", "the default"),
        (b"x: {settings: {a: {default-since: {noon: 1}}}}", "not a Kubernetes version"),
        (b"x: {settings: {a: {flags: a}}}", "unknown field"),
        (b"x: [", "x.yaml"),
    ],
)
def test_settings_that_are_not_understood_are_refused(text: bytes, told: str) -> None:
    with pytest.raises(DataError, match=re.escape(told)):
        read_settings("x.yaml", text)


def test_versions_of_benchmarks_are_checked() -> None:
    with pytest.raises(DataError, match="not a Kubernetes version"):
        read_benchmarks("x.yaml", b"a: {title: A, kind: kubernetes, sections: {}, versions: [noon, '1.2']}")


def test_versions_do_not_overlap() -> None:
    ranges = sorted(
        each.versions for each in catalogue().benchmarks.values() if each.kind == "kubernetes" and each.versions
    )
    assert all(one[0] <= one[1] for one in ranges)
    assert all(one[1] < two[0] for one, two in pairwise(ranges))
    assert ranges[0][0] == parse_version("1.28")


def test_every_setting_has_a_way_to_be_given() -> None:
    for component, table in settings().items():
        for name, setting in table.settings.items():
            assert setting.flags(name) or setting.config, f"{component}/{name}"
