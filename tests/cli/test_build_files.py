"""Dockerfiles go through `seawall scan` as any other object."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run

SECRET = "Sommer-2026-Berlin"
TEXT = f"""\
FROM node:24
RUN sudo make \\
    && curl -k https://admin:{SECRET}@example.com/install.sh | sh
ENV DB_PASSWORD={SECRET}
COPY . /app
"""


def scan(run: Run, *args: str, stdin: bytes = b"") -> tuple[int, dict[str, Any]]:
    done = run("scan", *args, "--format", "json", stdin=stdin)
    return done.returncode, json.loads(done.stdout)


def places(document: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {
        each["rule"]: (each["locations"][0]["line"], each["locations"][0]["column"]) for each in document["findings"]
    }


def test_a_folder_with_a_build_file_and_a_manifest(run: Run, tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Dockerfile").write_text(TEXT)
    (tmp_path / "space.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
    code, document = scan(run, str(tmp_path))
    assert code == 1
    assert document["summary"]["complete"]
    assert document["summary"]["resources"] == 2
    found = [each for each in document["findings"] if each["resource"]["kind"] == "Dockerfile"]
    assert {each["resource"]["name"] for each in found} == {"web/Dockerfile"}
    assert {each["resource"]["apiVersion"] for each in found} == {"seawall.dev/v1"}
    assert {each["locations"][0]["file"] for each in found} == {str(tmp_path / "web" / "Dockerfile")}
    told = places({"findings": found})
    assert told["build-sudo"] == (2, 5)
    assert told["build-pipes-download"] == (3, 8)
    assert told["build-secret-in-variable"] == (4, 5)
    assert told["build-no-dockerignore"] == (5, 6)
    assert document["rules"]["build-sudo"]["aliases"] == ["DL3004", "DS-0010", "CKV2_DOCKER_1"]


@pytest.mark.parametrize("form", ["terminal", "json", "sarif", "junit", "html", "markdown"])
def test_no_output_has_the_secret(run: Run, tmp_path: Path, form: str) -> None:
    (tmp_path / "Dockerfile").write_text(TEXT)
    done = run("scan", str(tmp_path), "--format", form, "--profile", "all")
    assert "build-secret-in-variable" in done.stdout
    assert SECRET not in done.stdout + done.stderr


def test_standard_input_and_names_that_say_nothing(run: Run, tmp_path: Path) -> None:
    code, document = scan(run, "-", stdin=b"# a\n\nARG X=1\nFROM nginx:latest\n")
    assert "build-latest-tag" in places(document)
    assert "build-no-dockerignore" not in places(document)
    (tmp_path / "image.build").write_text("FROM nginx:latest\n")
    assert "build-latest-tag" in places(scan(run, str(tmp_path / "image.build"))[1])
    assert code == 0


def test_a_broken_build_file_is_exit_2_and_hides_nothing_else(run: Run, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM nginx:latest\nRUN <<EOF\n")
    (tmp_path / "Containerfile").write_text("RUN x\n")
    done = run("scan", str(tmp_path), "--format", "json")
    assert done.returncode == 2
    assert "Dockerfile:2:1: the here-document 'EOF' has no end" in done.stderr
    assert "Containerfile:1:1: is no build file: it has no FROM" in done.stderr
    assert "build-latest-tag" in places(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("comment", "waived"),
    [
        ("# seawall: ignore[build-sudo] base image", {"build-sudo"}),
        ("# seawall: ignore[DL3004, build-cd-in-run] base image", {"build-sudo", "build-cd-in-run"}),
        ("# hadolint ignore=DL3004,DL3003", {"build-sudo", "build-cd-in-run"}),
        ("# hadolint ignore=SC2086", set()),
        ("#trivy:ignore:AVD-DS-0010", {"build-sudo"}),
        ("#trivy:ignore:DS010", {"build-sudo"}),
        ("# checkov:skip=CKV2_DOCKER_1: base image", {"build-sudo"}),
        ("# hadolint global ignore=DL3004", {"build-sudo"}),
    ],
)
def test_comments_waive(run: Run, comment: str, waived: set[str]) -> None:
    for text in (
        f"FROM nginx:1.29\nUSER 1000\n{comment}\nRUN sudo make && cd /x\nRUN date\n",
        f"FROM nginx:1.29\nUSER 1000\nRUN sudo make \\\n  {comment}\n  && cd /x\n",
    ):
        done = run("scan", "-", "--format", "json", "--profile", "all", stdin=text.encode())
        findings = json.loads(done.stdout)["findings"]
        assert {each["rule"] for each in findings if each["status"] == "waived"} == waived
        assert done.stderr == ""


def test_a_comment_before_the_first_instruction_is_for_the_whole_file(run: Run) -> None:
    text = "# seawall: ignore[build-sudo] why\nFROM nginx:1.29\nRUN sudo a\nRUN sudo b\n"
    findings = scan(run, "-", stdin=text.encode())[1]["findings"]
    assert [each["status"] for each in findings if each["rule"] == "build-sudo"] == ["waived"] * 2
    text = "FROM nginx:1.29\n# seawall: ignore[build-sudo] why\nRUN sudo a\nRUN sudo b\n"
    findings = scan(run, "-", stdin=text.encode())[1]["findings"]
    assert sorted(each["status"] for each in findings if each["rule"] == "build-sudo") == ["open", "waived"]


def test_comments_that_cannot_be_followed_are_told(run: Run) -> None:
    done = run("scan", "-", stdin=b"FROM a:1\n# seawall: ignore it\nUSER 1\n# seawall: ignore[build-sudo]\n")
    assert "comment at <stdin>:2 names no rule" in done.stderr
    assert "comment at <stdin>:4 is followed by nothing" in done.stderr


def test_rules_are_chosen_by_peers_names(run: Run) -> None:
    text = b"FROM nginx:latest\nRUN sudo make\nUSER 1\n"
    assert set(places(scan(run, "-", "--rule", "DL3004", stdin=text)[1])) == {"build-sudo"}
    assert "build-sudo" not in places(scan(run, "-", "--skip-rule", "CKV2_DOCKER_1", stdin=text)[1])


def test_fingerprints_outlive_moved_lines_and_new_instructions(run: Run) -> None:
    def prints(text: str) -> dict[str, str]:
        return {each["rule"]: each["fingerprint"] for each in scan(run, "-", stdin=text.encode())[1]["findings"]}

    before = prints("FROM nginx:latest\nRUN sudo make\n")
    after = prints("# a comment\nFROM nginx:latest\nCOPY a /a\n\nRUN sudo make all\n")
    assert before == after


def test_the_context_tells_what_is_copied(run: Run, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM nginx:1.29\nCOPY . /app\nUSER 1\n")
    (tmp_path / ".env").write_text("A=1\n")
    found = places(scan(run, str(tmp_path))[1])
    assert {"build-no-dockerignore", "build-context-secrets"} <= set(found)
    (tmp_path / ".dockerignore").write_text("node_modules\n")
    assert set(places(scan(run, str(tmp_path))[1])) == {"build-context-secrets"}
    (tmp_path / ".dockerignore").write_text(".env*\n")
    assert places(scan(run, str(tmp_path))[1]) == {}


def test_a_scan_of_manifests_loads_nothing_of_it() -> None:
    code = (
        "import sys\nfrom seawall.cli.main import main\n"
        "try:\n    main(['scan', '-'])\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write(' '.join(n for n in sys.modules if 'dockerfile' in n or 'buildfile' in n))\n"
    )
    pod = b"apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"
    done = subprocess.run([sys.executable, "-c", code], input=pod, capture_output=True)
    assert done.stderr.decode().split() == ["seawall.sources.dockerfile", "seawall.sources.dockerfile.names"]


def test_the_docker_benchmark_is_answered_from_build_files(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(f"FROM debian:13\nRUN apt-get update\nENV DB_PASSWORD={SECRET}\nADD a.py /\n")

    def statuses() -> dict[str, str]:
        done = run("comply", "cis-docker-1.7", "--on", str(tmp_path), "--format", "json", "--allow-not-checked")
        controls = json.loads(done.stdout)["controls"]
        return {each["id"]: each["status"] for each in controls if each["id"].startswith("4.")}

    found = statuses()
    assert {key for key, status in found.items() if status == "fail"} == {"4.1", "4.6", "4.7", "4.9", "4.10"}
    assert found["4.11"] == "pass"
    assert found["4.8"] == "manual"
    file.write_text("FROM debian:8\nRUN chmod u+s /usr/bin/x\nUSER 1000\n")
    assert {key for key, status in statuses().items() if status == "fail"} == {"4.4", "4.6", "4.8"}
    file.write_text("FROM debian:13\nCOPY a.py /\nUSER 1000\n")
    assert {key: statuses()[key] for key in ("4.7", "4.9", "4.10", "4.11")} == dict.fromkeys(
        ("4.7", "4.9", "4.10", "4.11"), "pass"
    )
    # Without build files nothing was looked at, and nothing passes.
    file.unlink()
    (tmp_path / "space.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
    assert "pass" not in statuses().values()


def test_policies_of_ones_own_judge_build_files(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("cel_expr_python")
    (tmp_path / "Dockerfile").write_text("FROM registry.example.com/a:1 AS a\nFROM a\nUSER 1\n")
    (tmp_path / "Dockerfile.other").write_text("FROM nginx:1.29\nUSER 1\n")
    (tmp_path / "seawall.yaml").write_text(
        "policies:\n- id: own-base-images\n  match: {kind: Dockerfile}\n  message: not ours\n  severity: high\n"
        "  expression: object.spec.stages.all(s, s.parent >= 0 || s.image.startsWith('registry.example.com/'))\n"
    )
    done = run("scan", ".", "--format", "json", cwd=tmp_path)
    found = json.loads(done.stdout)["findings"]
    assert [(each["rule"], each["resource"]["name"]) for each in found] == [("own-base-images", "Dockerfile.other")]
    assert done.returncode == 1


def test_commands_with_nothing_to_say_of_build_files_pass_them_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("no build file\n")
    (tmp_path / "role.yaml").write_text(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a, namespace: shop}\n"
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\n"
        "subjects: [{kind: User, name: x, apiGroup: rbac.authorization.k8s.io}]\n"
    )
    assert run("access", "matrix", str(tmp_path)).returncode == 0
    assert run("scan", str(tmp_path)).returncode == 2
