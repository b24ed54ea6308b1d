"""Profiles choose the rules of a run; seawall.yaml defines own ones."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from seawall.engine import load_rules
from seawall.engine.selection import PROFILES, Selection, select_rules
from seawall.model.finding import Severity
from seawall.model.version import NEWEST
from tests.conftest import REPOSITORY, Run

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec:\n  hostPID: true\n"


def chosen(profile: str) -> set[str]:
    left_out = select_rules(load_rules(), Selection(profile=profile), NEWEST).left_out
    return {rule for rule, reason in left_out.items() if not reason}


def test_profiles_build_on_each_other() -> None:
    assert chosen("default") < chosen("strict") < chosen("all") == {rule.id for rule in load_rules()}
    assert chosen("pss-baseline") < chosen("pss-restricted") < chosen("default")


def test_conventions_are_not_in_the_default_profile() -> None:
    loud = {Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM}
    assert [rule.id for rule in load_rules() if not PROFILES["strict"](rule, NEWEST) and rule.severity in loud] == []


def run_with(run: Run, folder: Path, config: str, *args: str) -> tuple[int, str, dict[str, str]]:
    (folder / "seawall.yaml").write_text(config)
    done = run("scan", "-", "--format", "json", *args, stdin=POD.encode(), cwd=folder)
    found = json.loads(done.stdout)["findings"] if done.stdout else []
    return done.returncode, done.stderr, {f["rule"]: f["severity"] for f in found}


def test_an_own_profile(run: Run, tmp_path: Path) -> None:
    config = "profile: ours\nprofiles:\n  ours:\n    extends: none\n    enable: [KSV010, host-ipc]\n"
    code, _, found = run_with(run, tmp_path, config)
    assert (code, found) == (1, {"host-pid": "high"})


def test_own_profiles_extend_and_set_severities(run: Run, tmp_path: Path) -> None:
    config = """\
profiles:
  base: {extends: pss-baseline}
  ours: {extends: base, disable: [host-ipc], severity: {CKV_K8S_17: low}}
"""
    code, _, found = run_with(run, tmp_path, config, "--profile", "ours")
    assert (code, found) == (0, {"host-pid": "low"})


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("profile: nope\n", "no profile is called 'nope'; choose from default, strict, all"),
        ("profiles: {a: {extends: b}, b: {extends: a}}\nprofile: a\n", "extends itself"),
        ("profiles: {a: {enable: [host-pidd]}}\nprofile: a\n", "did you mean 'host-pid'"),
        (
            "profiles:\n  a:\n    enabled: [host-pid]\n",
            "seawall.yaml:3:5: profiles.a.enabled: there is no such key; did you mean `enable`?",
        ),
        ("rules: []\n", "seawall.yaml:1:1: rules: there is no such key"),
        ("profile: [a]\n", "seawall.yaml:1:1: profile: must be text, not a list"),
        ("profile: a\nprofile: b\n", "seawall.yaml:2:1: the key is given twice"),
        ("profile: {\n", "seawall.yaml:2:1"),
        ("a: 1\n---\nb: 1\n", "must hold one document"),
    ],
)
def test_mistakes_are_explained_in_one_line(run: Run, tmp_path: Path, config: str, said: str) -> None:
    code, stderr, _ = run_with(run, tmp_path, config)
    assert code == 2
    assert said in stderr
    assert stderr.count("\n") == 1


def test_a_named_configuration_must_exist(run: Run, tmp_path: Path) -> None:
    done = run("scan", "-", "--config", "none.yaml", stdin=POD.encode(), cwd=tmp_path)
    assert done.returncode == 2
    assert "none.yaml cannot be read" in done.stderr


def test_the_published_schema_agrees() -> None:
    schema = json.loads((REPOSITORY / "docs/schema/config.v1.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    good = "profile: ours\nprofiles: {ours: {extends: strict, disable: [host-pid], severity: {host-ipc: low}}}"
    assert list(validator.iter_errors(yaml.safe_load(good))) == []
    assert list(validator.iter_errors(yaml.safe_load("profiles: {a: {enabled: []}}")))
    assert list(validator.iter_errors(yaml.safe_load("profiles: {a: {severity: {x: loud}}}")))
