"""``seawall secrets``: exit codes, formats, waivers, rules of one's own, and messages for what makes no sense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.secrets.images import oci_image
from tests.analysis.secrets.test_scanner import GITHUB
from tests.conftest import Run

PASSWORD = "Zk39dk!kdPq"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "app.env").write_text(f"T={GITHUB}\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SEAWALL_CACHE", str(tmp_path / "cache"))
    return folder


def findings(out: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(out)["findings"]
    return found


def test_exit_codes_and_what_is_shown(project: Path, run: Run) -> None:
    done = run("secrets", "scan", ".")
    assert done.returncode == 1 and "secret-in-file" in done.stdout and "ghp_..., 40 characters" in done.stdout
    assert GITHUB not in done.stdout + done.stderr and "********" in done.stdout
    assert run("secrets", "scan", ".", "--fail-on", "none").returncode == 0
    (project / "app.env").write_text("T=1\n")
    assert run("secrets", "scan", ".").returncode == 0
    assert run("secrets", "scan", "missing").returncode == 2


def test_a_waiver_by_path(project: Path, run: Run) -> None:
    waiver = "waivers:\n  - rule: secret-in-file\n    reason: a canary\n    select:\n      path: '*.env'\n"
    (project / "seawall.yaml").write_text(waiver)
    done = run("secrets", "scan", ".", "--format", "json")
    assert [each["status"] for each in findings(done.stdout)] == ["waived"], done.stdout + done.stderr
    assert done.returncode == 0


def test_logs_of_standard_input(run: Run) -> None:
    done = run("secrets", "logs", "-", "--format", "json", stdin=f"x password={PASSWORD}\n".encode())
    assert [each["rule"] for each in findings(done.stdout)] == ["secret-in-log"] and PASSWORD not in done.stdout


def test_rules_of_ones_own(project: Path, run: Run) -> None:
    (project / "own.toml").write_text(
        "[[rules]]\nid = 'ours'\nregex = '''T=(\\w+)'''\n[[rules]]\nid = 'b'\nregex = '(a+)+'\n"
    )
    done = run("secrets", "scan", "app.env", "--rules", "own.toml", "--format", "json")
    (found,) = findings(done.stdout)
    assert [each["detector"] for each in found["evidence"] if each["type"] == "secret"] == ["ours"]
    assert "own.toml: rules[1] (b): the pattern is not supported" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("scan", ".", "--rules", "none.toml"), "none.toml cannot be read"),
        (("scan", ".", "--issuer", "github=http://x"), "give --verify too"),
        (("scan", ".", "--verify", "--issuer", "nobody=http://x"), "no ISSUER=URL"),
        (("scan", ".", "--max-size", "0"), "1 at least"),
        (("git", "."), "git"),
        (("git", ".", "--rev=-x"), "no revision"),
        (("logs", "none.log"), "none.log cannot be read"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_line(project: Path, run: Run, arguments: tuple[str, ...], says: str) -> None:
    done = run("secrets", *arguments)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


def test_images_with_secrets(project: Path, run: Run) -> None:
    oci_image(
        project / "image", [{"a.env": f"T={GITHUB}\n".encode()}], {"config": {"Env": [f"DB_PASSWORD={PASSWORD}"]}}
    )
    done = run("image", f"oci-dir:{project / 'image'}", "--secrets", "--format", "json")
    assert done.returncode == 1
    assert {each["rule"] for each in findings(done.stdout)} == {"secret-in-image"} and len(findings(done.stdout)) == 2
    assert GITHUB not in done.stdout and PASSWORD not in done.stdout
