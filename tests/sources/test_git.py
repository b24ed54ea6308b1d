"""Revisions of Git repositories: read as they were, without touching the work tree or running anything of theirs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from seawall.sources import scratch
from seawall.sources.git import GitError, export
from tests.conftest import Run

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: shop}}
spec:
  hostPID: {bad}
  containers: [{{name: a, image: "registry.example.com/a:1"}}]
"""


def git(folder: Path, *args: str) -> str:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always", *args]
    return subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if shutil.which("git") is None:
        pytest.skip("no git")
    folder = tmp_path / "repo"
    (folder / "deploy").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "deploy" / "web.yaml").write_text(POD.format(name="web", bad="true"))
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    (folder / "deploy" / "web.yaml").write_text(POD.format(name="web", bad="false"))
    return folder


def test_a_revision_is_read_and_the_work_tree_left_alone(run: Run, repository: Path) -> None:
    assert run("scan", "deploy", "--rule", "host-pid", cwd=repository).returncode == 0
    done = run("scan", "deploy", "--rule", "host-pid", "--git", "HEAD", cwd=repository)
    assert done.returncode == 1, done.stderr
    assert "HEAD:./deploy/web.yaml:5:3" in done.stdout
    assert "5 |   hostPID: true" in done.stdout  # the line of the revision, not of the work tree
    assert git(repository, "status", "--porcelain") == " M deploy/web.yaml\n"


def test_a_path_that_is_gone_is_read_from_its_revision(run: Run, repository: Path) -> None:
    shutil.rmtree(repository / "deploy")
    done = run("scan", "deploy/web.yaml", "--rule", "host-pid", "--git", "main", cwd=repository)
    assert done.returncode == 1, done.stderr
    assert "main:./deploy/web.yaml:5:3" in done.stdout


def test_fingerprints_are_those_of_the_folder(run: Run, repository: Path) -> None:
    git(repository, "checkout", "-q", ".")

    def prints(*args: str) -> list[str]:
        done = run("scan", "deploy", *args, "--format", "json", cwd=repository)
        return sorted(finding["fingerprint"] for finding in json.loads(done.stdout)["findings"])

    assert prints() == prints("--git", "HEAD") != []


@pytest.mark.parametrize(
    ("revision", "path", "message"),
    [
        ("nope", ".", "git: Needed a single revision"),
        ("--help", ".", "is no revision"),
        ("HEAD", "elsewhere", "is not in revision HEAD"),
        ("HEAD", "/", "git:"),
    ],
)
def test_what_cannot_be_read_is_told(run: Run, repository: Path, revision: str, path: str, message: str) -> None:
    done = run("scan", path, f"--git={revision}", cwd=repository)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr


def test_nothing_of_the_repository_runs(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    script.chmod(0o755)
    for name in (
        "core.fsmonitor",
        "filter.x.smudge",
        "filter.x.clean",
        "diff.external",
        "core.sshCommand",
        "core.pager",
    ):
        git(repository, "config", name, str(script))
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "post-index-change", "reference-transaction"):
        shutil.copy(script, hooks / name)
    (repository / ".gitattributes").write_text("*.yaml filter=x export-ignore\n")
    (repository / ".git" / "info" / "attributes").write_text("*.yaml filter=x export-ignore\n")
    trap.unlink(missing_ok=True)
    exported = export(str(repository), "HEAD")
    assert (exported.folder / "deploy" / "web.yaml").read_text() == POD.format(name="web", bad="true")
    assert not trap.exists()
    scratch.clean()


def test_links_stay_within_the_revision(repository: Path) -> None:
    os.symlink("/etc/passwd", repository / "absolute.yaml")
    os.symlink("../../outside.yaml", repository / "deploy" / "up.yaml")
    os.symlink("deploy/web.yaml", repository / "inside.yaml")
    os.symlink("..", repository / "deploy" / "top")
    os.symlink("top/../../outside.yaml", repository / "deploy" / "by-way.yaml")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "links")
    exported = export(str(repository), "HEAD")
    assert not os.path.lexists(exported.folder / "absolute.yaml")
    assert not os.path.lexists(exported.folder / "deploy" / "up.yaml")
    assert not os.path.lexists(exported.folder / "deploy" / "by-way.yaml")
    assert os.readlink(exported.folder / "inside.yaml") == "deploy/web.yaml"
    scratch.clean()


def test_submodules_are_told(run: Run, repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(repository), "other")
    git(repository, "submodule", "add", "-q", str(tmp_path / "other"), "vendored")
    git(repository, "commit", "-qm", "submodule")
    assert export(str(repository), "HEAD").submodules == ("vendored",)
    scratch.clean()
    done = run("scan", ".", "--git", "HEAD", "--format", "json", cwd=repository)
    assert json.loads(done.stdout)["summary"]["skipped"]["a Git submodule (scan its own repository)"] == 1


def test_names_of_any_bytes(repository: Path) -> None:
    odd = 'a b"\n\tü.yaml'
    (repository / odd).write_text("x: y\n")
    (repository / "large.bin").write_bytes(b"\0" * (6 << 20))
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "odd")
    exported = export(str(repository / "deploy"), "HEAD")
    assert (exported.folder / odd).read_text() == "x: y\n"
    assert not (exported.folder / "large.bin").exists()  # of no use to anything that reads manifests
    assert exported.path == "deploy"
    scratch.clean()


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        export(str(tmp_path), "HEAD")
