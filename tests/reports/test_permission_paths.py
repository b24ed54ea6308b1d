"""A way to cluster-admin as evidence: in the JSON contract, in SARIF, and in the scan's own words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

import seawall.reports
from seawall.engine.worked import examples_of
from tests.conftest import Run

SCHEMA = Path(seawall.reports.__file__).parent / "schemas" / "findings.v1.json"


def _scan(run: Run, *formats: str) -> str:
    bad = [each.text for each in examples_of("becomes-cluster-admin") if each.verdict == "bad"][1]
    done = run("scan", "-", "--rule", "becomes-cluster-admin", *formats, stdin=bad.encode())
    assert done.returncode == 1, done.stderr
    return done.stdout


def test_json_holds_the_steps(run: Run) -> None:
    document: dict[str, Any] = json.loads(_scan(run, "--format", "json"))
    jsonschema.validate(document, json.loads(SCHEMA.read_text()), cls=jsonschema.Draft202012Validator)
    jane = next(each for each in document["findings"] if "jane" in each["message"])
    (path,) = [each for each in jane["evidence"] if each["type"] == "permission-path"]
    assert [step["subject"] for step in path["steps"]] == ["User jane", "ServiceAccount shop/ops"]
    assert path["steps"][0]["grants"][0]["rule"] == "create serviceaccounts/token (core) named ops"
    assert path["steps"][-1]["target"] == "cluster-admin"


def test_sarif_holds_a_flow(run: Run) -> None:
    (log,) = json.loads(_scan(run, "--format", "sarif"))["runs"]
    result = next(each for each in log["results"] if "jane" in each["message"]["text"])
    (flow,) = result["codeFlows"]
    steps = flow["threadFlows"][0]["locations"]
    assert len(steps) == 2
    assert steps[0]["location"]["message"]["text"].startswith("User jane requests a token for it")
    assert steps[0]["location"]["physicalLocation"]


def test_the_schema_refuses_a_path_without_steps() -> None:
    schema = json.loads(SCHEMA.read_text())
    part = {"$defs": schema["$defs"], **schema["$defs"]["finding"]["properties"]["evidence"]}
    checks = jsonschema.Draft202012Validator(part)
    assert not checks.is_valid([{"type": "permission-path", "steps": []}])
    assert checks.is_valid([{"type": "field", "path": "x"}, {"type": "of-tomorrow"}])
