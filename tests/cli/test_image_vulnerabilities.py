"""``seawall image`` with the database of advisories, on the command line."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from tests.analysis.images.made import database, osv
from tests.conftest import Run

FIXED = [{"introduced": "0"}, {"fixed": "2.0"}]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def sbom(tmp_path: Path) -> Path:
    component = {"type": "library", "bom-ref": "a", "name": "thing", "version": "1.0", "purl": "pkg:pypi/thing@1.0"}
    path = tmp_path / "app.cdx.json"
    path.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]}))
    return path


@pytest.fixture
def db(tmp_path: Path) -> Path:
    severity = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
    database(tmp_path / "db", [osv("CVE-2024-1", "PyPI", "thing", FIXED, severity=severity)]).close()
    return tmp_path / "db"


def test_findings_and_exit_codes(run: Run, sbom: Path, db: Path) -> None:
    done = run("image", str(sbom), f"--db={db}", "--format", "json")
    assert done.returncode == 1, done.stderr
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["evidence"][0]["vulnerabilities"] == ["CVE-2024-1"]
    assert run("image", str(sbom), f"--db={db}", "--fail-on", "none").returncode == 0
    assert "CVE-2024-1 in thing 1.0 (fixed in 2.0)" in run("image", str(sbom), f"--db={db}").stdout


def test_vex_out_waives_when_it_is_read(run: Run, sbom: Path, db: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    run("image", str(sbom), f"--db={db}", "--format", f"openvex={file}")
    document = json.loads(file.read_text())
    document["statements"][0].update(status="not_affected", justification="component_not_present")
    file.write_text(json.dumps(document))
    done = run("image", str(sbom), f"--db={db}", "--vex", str(file), "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["findings"][0]["status"] == "waived"


def test_explain(run: Run, sbom: Path, db: Path) -> None:
    done = run("image", "explain", "CVE-2024-1", str(sbom), f"--db={db}")
    assert done.returncode == 0, done.stderr
    assert "thing 1.0 (fixed in 2.0)" in done.stdout
    assert "thing 2.0: removes 1  <- mends it" in done.stdout
    document = json.loads(run("image", "explain", "CVE-2024-1", str(sbom), f"--db={db}", "--format", "json").stdout)
    assert document["upgrades"][0]["removes"] == ["CVE-2024-1"]
    schema = json.loads((files("seawall.reports") / "schemas" / "imageexplain.v1.json").read_text())
    jsonschema.validate(document, schema)
    document = json.loads(run("image", "explain", "CVE-2", str(sbom), f"--db={db}", "--format", "json").stdout)
    jsonschema.validate(document, schema)
    assert document["vulnerability"] is None
    assert "is not among its vulnerabilities" in run("image", "explain", "CVE-2", str(sbom), f"--db={db}").stdout
    assert run("image", "explain", "CVE-2024-1", f"--db={db}").returncode == 2


def test_nothing_to_judge_by(run: Run, sbom: Path, tmp_path: Path) -> None:
    done = run("image", str(sbom), f"--db={tmp_path / 'none'}")
    assert done.returncode == 2
    assert "there is no database" in done.stderr
    done = run("image", str(tmp_path / "none.json"), "--vulnerabilities", f"--db={tmp_path / 'none'}")
    assert done.returncode == 2
    (tmp_path / "bad.json").write_text("{}")
    database(tmp_path / "db").close()
    done = run("image", str(sbom), f"--db={tmp_path / 'db'}", "--vex", str(tmp_path / "bad.json"))
    assert done.returncode == 2
    assert "neither OpenVEX nor CycloneDX nor CSAF" in done.stderr
    done = run("image", str(sbom), f"--db={tmp_path / 'db'}")
    assert done.returncode == 2
    assert "the database holds no advisories of PyPI" in done.stderr


def test_waivers_of_files(run: Run, sbom: Path, db: Path, tmp_path: Path) -> None:
    config = tmp_path / "own.yaml"
    config.write_text("waivers: [{rule: vulnerable-package, reason: a test, select: {kind: Image}}]\n")
    done = run("image", str(sbom), f"--db={db}", "--config", str(config), "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["findings"][0]["waiver"]["reason"] == "a test"
