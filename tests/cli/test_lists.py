"""Lists as JSON: rules, mistakes in configuration, frameworks; each holds to its published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.conftest import REPOSITORY, Run

SCHEMAS = REPOSITORY / "src/seawall/reports/schemas"


def valid(text: str) -> Any:
    document = json.loads(text)
    name, version = document["schema"].removeprefix("seawall.").split("/")
    jsonschema.validate(document, json.loads((SCHEMAS / f"{name}.{version}.json").read_text()))
    return document


@pytest.mark.parametrize(
    "words",
    [
        ("rules", "list"),
        ("rules", "show", "KSV017"),
        ("comply", "list"),
        ("comply", "show", "nist-800-190"),
        ("comply", "show", "pss-baseline", "privileged"),
        ("comply", "gap", "nsa-cisa", "pss-baseline"),
    ],
)
def test_lists(words: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    done = run(*words, "--format", f"json={tmp_path / 'out.json'}", "--format", "terminal")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == run(*words).stdout != ""
    assert valid((tmp_path / "out.json").read_text()) == valid(run(*words, "--format", "json").stdout)
    wrong = run(*words, "--format", "html")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "there is no format 'html'" in wrong.stderr


def test_a_rule_by_another_tools_id(run: Run) -> None:
    found = valid(run("rules", "show", "CKV_K8S_16", "--format", "json").stdout)["rules"]
    assert "privileged-container" in found
    assert found["privileged-container"]["remediation"]


def test_mistakes_in_configuration(run: Run, tmp_path: Path) -> None:
    (tmp_path / "seawall.yaml").write_text("profil: strict\n")
    done = run("config", "check", "--format", "json", cwd=tmp_path)
    assert done.returncode == 2
    (problem,) = valid(done.stdout)["problems"]
    assert (problem["line"], problem["path"]) == (1, "profil")
    assert run("config", "check", cwd=tmp_path).stdout.endswith("seawall.yaml: 1 mistake\n")
    (tmp_path / "seawall.yaml").write_text("profile: strict\n")
    assert valid(run("config", "check", "--format", "json", cwd=tmp_path).stdout)["problems"] == []


def test_every_schema_that_is_written_is_published() -> None:
    """Of files that people write, and of the inside of a snapshot, other documents tell."""
    import re

    written = {
        name
        for file in (REPOSITORY / "src").rglob("*.py")
        for name in re.findall(r"\"seawall\.([a-z-]+/v[0-9]+)\"", file.read_text(encoding="utf-8"))
    }
    published = {file.name.removesuffix(".json").replace(".v", "/v") for file in SCHEMAS.glob("*.json")}
    assert written - published <= {"dev/v1", "attestations/v1", "framework/v1", "snapshot/v1"}
    assert len(written) > 20
