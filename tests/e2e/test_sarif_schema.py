"""SARIF output against the OASIS schema, which ``make ci`` takes from an npm package."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validators

from tests.conftest import REPOSITORY, Run

SCHEMA = REPOSITORY / ".tools" / "sarif-2.1.0.json"


@pytest.fixture(scope="module")
def schema() -> Any:
    """The schema of SARIF 2.1.0."""
    if not SCHEMA.exists() and not os.environ.get("SEAWALL_E2E"):
        pytest.skip("no SARIF schema; `make e2e-setup` fetches it")
    return json.loads(SCHEMA.read_text())


def test_sarif_is_valid(run: Run, schema: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [")
    (tmp_path / "wrong.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {hostPID: 3}\n")
    (tmp_path / "waived.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {hostPID: true} # seawall: ignore[host-pid] fine\n"
    )
    done = run("scan", str(REPOSITORY / "examples"), str(tmp_path), "--profile", "all", "--format", "sarif")
    log = json.loads(done.stdout)
    errors = validators.validator_for(schema)(schema).iter_errors(log)
    assert [f"{error.json_path}: {error.message[:200]}" for error in errors] == []
    assert len(log["runs"][0]["results"]) > 100
