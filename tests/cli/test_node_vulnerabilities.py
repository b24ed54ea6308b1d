"""`seawall node --db`: the packages of a node judged by the database of advisories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.images.made import database, osv
from tests.conftest import Run

FIXED = [{"introduced": "0"}, {"fixed": "1:1.3-2"}]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    severity = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
    database(tmp_path / "db", [osv("CVE-2024-1", "Debian:12", "zlib", FIXED, severity=severity)]).close()
    return tmp_path / "db"


def facts(tmp_path: Path, packages: list[dict[str, Any]] | None) -> Path:
    document = {
        "schema": "seawall.facts/v1", "tool": "0", "collected": "2026-01-01T00:00:00+00:00", "root": "/",
        "host": {"name": "worker-1", "os_id": "debian", "os_version": "12"}, "layout": "unknown",
    }  # fmt: skip
    file = tmp_path / "facts.json"
    file.write_text(json.dumps(document | ({} if packages is None else {"packages": packages})))
    return file


def zlib(version: str) -> list[dict[str, Any]]:
    return [{"type": "deb", "name": "zlib1g", "version": version, "source_name": "zlib", "source_version": version}]


def test_a_vulnerable_package_is_a_finding_on_the_node(run: Run, db: Path, tmp_path: Path) -> None:
    done = run("node", "--facts", str(facts(tmp_path, zlib("1:1.3-1"))), f"--db={db}", "--format", "json")
    document = json.loads(done.stdout)
    [found] = [each for each in document["findings"] if each["rule"] == "vulnerable-host-package"]
    assert (found["resource"]["kind"], found["resource"]["name"]) == ("Node", "worker-1")
    assert found["evidence"][0]["fixed"] == ["1:1.3-2"]
    assert "vulnerable-host-package" in document["rules"]
    assert done.returncode == 1


def test_a_mended_package_is_none(run: Run, db: Path, tmp_path: Path) -> None:
    done = run("node", "--facts", str(facts(tmp_path, zlib("1:1.3-2"))), f"--db={db}", "--format", "json")
    document = json.loads(done.stdout)
    assert not [each for each in document["findings"] if each["rule"] == "vulnerable-host-package"]
    assert {"rule": "vulnerable-host-package", "state": "ok", "reason": ""} in document["statuses"]


def test_facts_without_packages_are_not_judged(run: Run, db: Path, tmp_path: Path) -> None:
    done = run("node", "--facts", str(facts(tmp_path, None)), f"--db={db}")
    assert done.returncode == 2
    assert "the facts list no packages" in done.stderr


def test_without_a_database(run: Run, tmp_path: Path) -> None:
    done = run("node", "--facts", str(facts(tmp_path, [])), f"--db={tmp_path / 'none'}")
    assert done.returncode == 2
    assert "seawall db" in done.stderr
