"""Frameworks as data: all that are built in are sound, and broken ones are refused with their place."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from seawall.analysis.nodes import catalogue
from seawall.engine.catalogue import load_all_rules
from seawall.engine.config import ConfigError
from seawall.engine.frameworks import Framework, UnknownFramework, framework, judged_by, names, read_framework
from seawall.engine.gap import gap
from seawall.findings.controls import Automation
from seawall.model.rule import Scope
from tests.conftest import REPOSITORY

#: What the rules behind the sections of CIS Kubernetes may be about.
_CIS_TOPICS = {
    "5.1": {Scope.RBAC, Scope.SERVICE_ACCOUNT, Scope.WORKLOAD, Scope.CONTROL_PLANE},
    "5.2": {Scope.WORKLOAD, Scope.NAMESPACE, Scope.ADMISSION},
    "5.3": {Scope.NETWORK},
    "5.4": {Scope.SECRET},
    "5.6": {Scope.WORKLOAD, Scope.NAMESPACE, Scope.ADMISSION},
    "5.7": {Scope.WORKLOAD, Scope.NAMESPACE, Scope.ADMISSION},
}


def each() -> list[Framework]:
    return [framework(name) for name in names()]


@pytest.mark.parametrize("found", each(), ids=names())
def test_ids_are_unique_and_every_control_can_be_answered(found: Framework) -> None:
    ids = [control.data.id for control in found.controls]
    assert len(set(ids)) == len(ids)
    registry = load_all_rules()
    for control in found.controls:
        data = control.data
        assert data.title and data.why, data.id
        assert all(registry.get(name) is not None for name in (*control.needed, *control.further))
        if data.automation is Automation.AUTOMATIC:
            assert control.needed or data.engines, f"{data.id} is automatic and nothing can fail it"
        else:
            assert data.attest or data.steps, f"{data.id}: nobody is told what to attest"


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("cis-k8s")])
def test_rules_of_cis_sections_are_about_their_topic(name: str) -> None:
    registry = load_all_rules()
    for control in framework(name).controls:
        allowed = _CIS_TOPICS.get(".".join(control.data.id.split(".")[:2]))
        if allowed is None:
            allowed = {Scope.CONTROL_PLANE, Scope.NODE, Scope.SERVICE_ACCOUNT, Scope.ADMISSION, Scope.SECRET}
        rules = [rule for rule_id in control.needed if (rule := registry.get(rule_id)) is not None]
        assert {rule.scope for rule in rules} <= allowed, control.data.id


def test_cis_comes_from_the_benchmarks_alone() -> None:
    for name, benchmark in catalogue().benchmarks.items():
        found = framework(name)
        assert found.title == benchmark.title
        written = {c.id for check in catalogue().checks.values() for c in check.controls if c.framework == name}
        written |= {c.id for manual in catalogue().manual for c in manual.controls if c.framework == name}
        assert {control.data.id for control in found.controls} == written


def test_nist_800_190_is_whole_and_says_no_more_than_can_be_automated() -> None:
    file = REPOSITORY.parent / "shared" / "reference" / "nist_800_190.csv"
    if not file.is_file():
        pytest.skip(f"no reference at {file}")
    with file.open(encoding="utf-8") as stream:
        reference = {row["id"]: row["automatable"] for row in csv.DictReader(stream)}
    found = {control.data.id: control.data.automation for control in framework("nist-800-190").controls}
    assert set(found) == set(reference) and len(found) == 24
    for control, possible in reference.items():
        if possible == "partial":
            assert found[control] is Automation.PARTIAL
        if possible == "attest":
            assert found[control] is Automation.ATTESTED


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_pod_security_has_every_rule_of_its_level(level: str) -> None:
    tagged = {r.id for r in load_all_rules() for c in r.controls if c.framework == "pss" and c.id == level}
    own = {name for control in framework(f"pss-{level}").controls for name in control.needed}
    if level == "restricted":
        own -= {name for control in framework("pss-baseline").controls for name in control.needed}
    assert own == tagged


def test_no_rule_of_the_nsa_guide_is_left_out() -> None:
    found = framework("nsa-cisa")
    tagged = {(c.id, rule.id) for rule in load_all_rules() for c in rule.controls if c.framework == "nsa-cisa"}
    used = {(control.data.id, name) for control in found.controls for name in (*control.needed, *control.further)}
    assert tagged <= used


def test_what_a_scan_cannot_judge_is_no_rule_of_a_scan() -> None:
    registry = load_all_rules()
    expected = {
        "privileged-container": "scan",
        "apiserver-anonymous-auth": "facts",
        "vulnerable-package": "images",
        "registry-plain-http": "registry",
        "audit-policy-gaps": "files",
        "cloud-no-rbac": "cloud",
        "endpoint-etcd-open": "probe",
    }
    for name, by in expected.items():
        rule = registry.get(name)
        assert rule is not None and judged_by(rule) == by, name


OWN = """schema: seawall.framework/v1
id: house
title: House rules
controls:
  - id: H1
    title: No privileged containers
    why: They are the node.
    automation: automatic
    topics: [workload]
    rules: [privileged-container]
"""


def written(tmp_path: Path, text: str) -> str:
    file = tmp_path / "house.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_an_own_framework_is_read(tmp_path: Path) -> None:
    found = read_framework(written(tmp_path, OWN))
    assert found.id == "house" and found.controls[0].needed == ("privileged-container",)
    assert len(found.digest) == 64


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            ("rules: [privileged-container]", "rules: [privileged-contaner]"),
            "H1: there is no rule 'privileged-contaner'",
        ),
        (("rules: [privileged-container]", "rules: []"), "no check that can fail"),
        (("rules: [privileged-container]", "rules: [rbac-escalate]"), "rbac-escalate is about rbac"),
        (("rules: [privileged-container]", 'tags: ["pss:unheard-of"]'), "no rule carries the control"),
        (("rules: [privileged-container]", "engines: [magic]"), "no engine 'magic'"),
        (("automation: automatic", "automation: partial"), "what people attest"),
        (("automation: automatic", "automation: attested"), "what people are to attest is missing"),
        (("automation: automatic", "automation: usually"), "house.yaml:8:5"),
        (("    title: No", "    tittle: No"), "house.yaml:5:5"),
        (("seawall.framework/v1", "seawall.framework/v9"), "house.yaml:1:1"),
        (("id: house", "id: house\nextends: nothing"), "no framework is called 'nothing'"),
        (("controls:\n", "controls:\n  - {id: H1, title: t, why: w, automation: manual, attest: a}\n"), "twice"),
    ],
)
def test_broken_frameworks_are_refused_with_their_place(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    text = OWN.replace(*change, 1)
    assert text != OWN
    with pytest.raises(ConfigError) as error:
        read_framework(written(tmp_path, text))
    assert told in str(error.value)


def test_unknown_frameworks_and_controls_name_those_that_there_are() -> None:
    with pytest.raises(UnknownFramework, match="nist-800-190"):
        framework("../pss-baseline")
    with pytest.raises(UnknownFramework, match=r"4\.1\.1"):
        framework("nist-800-190").get("9.9")


def test_the_restricted_level_asks_beyond_the_baseline_what_it_adds() -> None:
    beyond = gap(framework("pss-baseline"), framework("pss-restricted"))
    assert {each.id for each in beyond} == {
        "volume-types", "privilege-escalation", "non-root", "non-root-user", "seccomp-profile", "drop-capabilities",
        "proc-mount-restricted",
    }  # fmt: skip
    assert gap(framework("pss-restricted"), framework("pss-baseline")) == []


def test_mappings_are_marked_and_answer_nothing_without_people() -> None:
    mappings = {found.id for found in each() if found.mapping}
    assert mappings == {"nist-800-53", "pci-dss-4", "soc-2", "iso-27001-2022", "hipaa"}
    for name in mappings:
        assert {control.data.automation for control in framework(name).controls} == {Automation.PARTIAL}
