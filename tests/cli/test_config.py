"""`seawall config check` explains every mistake with its line; editors find the same with the published schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.engine.config import Config, ConfigError, WaiversFile, parse_text
from seawall.engine.configcheck import shape_problems
from tests.conftest import REPOSITORY, Run

SCHEMAS = REPOSITORY / "docs" / "schema"

GOOD = """\
# yaml-language-server: $schema=config.v1.json
profile: ours
profiles:
  ours: {extends: strict, disable: [host-pid], severity: {host-ipc: low}}
waivers:
  - rule: [privileged-container, CKV_K8S_17]
    reason: the agent reads /proc
    owner: platform
    expires: 2999-01-31
    select: {kind: DaemonSet, namespace: kube-*, labels: {app: agent}, path: deploy/, image: ["a/*"]}
waiving: {forbid: [cluster-admin-binding], forbidSeverities: [critical], requireOwner: true, maxDays: 999999}
"""
#: A mistake, where it is, what is said, and what is suggested; ``editor`` is whether a schema can know it.
BAD: list[tuple[str, str, str, bool]] = [
    ("profil: a\n", "1:1: profil: there is no such key", "did you mean `profile`?", True),
    ("profile: strickt\n", "1:1: profile: no profile is called 'strickt'", "did you mean `strict`?", False),
    ("profiles:\n  a:\n    enable: [host-pidd]\n", "3:14: profiles.a.enable[0]", "did you mean `host-pid`?", False),
    ("profiles:\n  a: {enable: host-pid}\n", "2:7: profiles.a.enable: must be a list", "[host-pid]", True),
    ("profiles: {a: {severity: {host-pid: hgh}}}\n", "must be one of critical", "did you mean `high`?", True),
    ("waivers:\n  - rule: host-pid\n", "2:5: waivers[0]: `reason` is missing", "add `reason:`", True),
    ("waivers: [{rule: a-b, reason: ''}]\n", "waivers[0].reason: must not be empty", "", True),
    ("waivers: [{rule: host-pidd, reason: r}]\n", "no rule is called 'host-pidd'", "`host-pid`", False),
    ("waivers: [{rule: host-pid, reason: r, expires: soon}]\n", "must be a date such as", "", True),
    ("waivers: [{rule: host-pid, reason: r, expires: 2020-01-01}]\n", "the waiver ended on", "remove it", False),
    ("waivers: [{rule: host-pid, reason: r, select: {namespaces: a}}]\n", "no such key", "`namespace`", True),
    ("waivers: {rule: host-pid}\n", "1:1: waivers: must be a list, not a mapping", "", True),
    ("waiving: {maxDays: 0}\n", "waiving.maxDays: must be 1 or more", "", True),
    ("waiving: {requireOwner: 1}\n", "must be true or false, not 1", "", True),
    (
        "waiving: {requireOwner: true}\nwaivers:\n- {rule: host-pid, reason: r}\n",
        "3:3: waivers[0]: the waiver has no owner", "", False,
    ),
]  # fmt: skip


def editor_complains(folder: Path, text: str, schema: str = "config.v1.json") -> bool:
    """Validate as editors and pre-commit do."""
    (folder / "checked.yaml").write_text(text)
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(SCHEMAS / schema), "checked.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 1


def test_a_good_file_passes_both(run: Run, tmp_path: Path) -> None:
    (tmp_path / "seawall.yaml").write_text(GOOD)
    done = run("config", "check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "seawall.yaml: ok\n")
    assert not editor_complains(tmp_path, GOOD)


@pytest.mark.parametrize(("text", "said", "suggested", "editor"), BAD)
def test_mistakes_have_their_line_and_a_suggestion(
    run: Run, tmp_path: Path, text: str, said: str, suggested: str, editor: bool
) -> None:
    (tmp_path / "other.yaml").write_text(text)
    done = run("config", "check", "other.yaml", cwd=tmp_path)
    assert done.returncode == 2
    first = done.stdout.splitlines()[0]
    assert first.startswith("other.yaml:")
    assert said in first
    assert suggested in first
    assert editor_complains(tmp_path, text) is editor


def test_every_mistake_is_told_and_as_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "seawall.yaml").write_text("profil: a\nprofiles: 3\n")
    (tmp_path / "seawall-waivers.yaml").write_text("waivers: []\nprofile: a\n")
    done = run("config", "check", "--format", "json", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert document["files"] == ["seawall.yaml", "seawall-waivers.yaml"]
    lines = [(problem["file"], problem["line"]) for problem in document["problems"]]
    assert lines == [("seawall.yaml", 1), ("seawall.yaml", 2), ("seawall-waivers.yaml", 2)]
    assert editor_complains(tmp_path, "waivers: []\nprofile: a\n", "waivers-file.v1.json")
    assert run("config", "check", cwd=tmp_path / "..").returncode == 2


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["host-pid", "a", "2027-01-31", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "profile",
                    "profiles",
                    "waivers",
                    "rule",
                    "reason",
                    "select",
                    "expires",
                    "waiving",
                    "forbid",
                    "maxDays",
                    "policies",
                    "id",
                    "expression",
                    "match",
                    "kind",
                    "labels",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["profile", "profiles", "waivers", "waiving", "policies", "x"]), VALUES))
def test_the_check_agrees_with_the_reader(value: dict[str, Any]) -> None:
    text = parse_text(json.dumps(value).encode(), "x.yaml")
    assert text is not None
    problems = shape_problems(text, Config, value)
    try:
        msgspec.convert(value, Config)
    except msgspec.ValidationError:
        assert problems
    else:
        assert problems == []


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_told_in_one_line(data: bytes) -> None:
    try:
        text = parse_text(data, "x.yaml")
    except ConfigError as error:
        assert "\n" not in str(error)
        return
    if text is not None:
        assert all("\n" not in str(problem) for problem in shape_problems(text, WaiversFile, text.value))
