"""The snippets of the pages about CI systems: valid where a schema says so, and their commands run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY, Run
from tests.docs.snippets import BAD, GUIDE, Repository, blocks
from tests.sources.test_git import git

PAGES = ("ci-github.md", "ci-gitlab.md", "ci-jenkins.md", "pre-commit.md")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    if shutil.which("git") is None or shutil.which("bash") is None:
        pytest.skip("no git or no bash")
    return Repository(tmp_path)


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def check(kind: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "snippet.yml"
    file.write_text(text)
    command = [tool("check-jsonschema"), "--builtin-schema", kind, str(file)]
    if kind == "vendor.gitlab-ci":
        command += ["--data-transform", "gitlab-ci"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def run_block(text: str) -> dict[str, Any]:
    """YAML as GitHub reads it: ``on`` is a key and no boolean."""
    value: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - text only
    return value


def steps(workflow: str) -> dict[str, dict[str, Any]]:
    (job,) = run_block(workflow)["jobs"].values()
    return {step.get("name", step.get("uses", "")): step for step in job["steps"]}


def test_github_workflows_are_valid(tmp_path: Path) -> None:
    found = blocks("ci-github.md", "yaml")
    assert len(found) == 2
    for text in found:
        check("vendor.github-workflows", text, tmp_path)
        for step in steps(text).values():
            assert "uses" not in step or re.search(r"@v\d+\Z", step["uses"])


def test_github_scan(repository: Repository) -> None:
    found = steps(blocks("ci-github.md", "yaml")[0])
    summary = repository.folder / "step-summary"
    assert repository.sh(found["Install"]["run"]).returncode == 0
    assert repository.installed.read_text() == "install seawall[helm]\n"
    assert repository.sh(found["Scan"]["run"]).returncode == 0
    repository.write("deploy/bad.yaml", BAD)
    done = repository.sh(found["Scan"]["run"])
    assert done.returncode == 1
    assert re.search(r"^::(error|warning) file=deploy/bad\.yaml,line=5", done.stdout, re.MULTILINE), done.stdout
    sarif = json.loads((repository.folder / found["Keep"]["with"]["sarif_file"]).read_text())
    assert any(result["ruleId"] == "host-pid" for result in sarif["runs"][0]["results"])
    assert repository.sh(found["Summary"]["run"], GITHUB_STEP_SUMMARY=str(summary)).returncode == 0
    assert "host-pid" in summary.read_text()


def test_github_compare(repository: Repository) -> None:
    step = steps(blocks("ci-github.md", "yaml")[1])["Compare"]
    base = step["env"]["BASE"].replace("${{ github.base_ref }}", "main")
    assert "${{" not in base and "${{" not in step["run"]
    assert repository.sh(step["run"], BASE=base).returncode == 0
    repository.write("deploy/bad.yaml", BAD)
    done = repository.sh(step["run"], BASE=base)
    assert done.returncode == 1 and "+ high[host-pid]" in done.stdout


def test_the_extra_that_is_installed_exists() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    for page in PAGES:
        for extra in re.findall(r"pip install '?seawall(?:\[(\w+)\])?", (GUIDE / page).read_text()):
            assert not extra or extra in project["optional-dependencies"]


def test_gitlab_pipelines(repository: Repository, tmp_path: Path) -> None:
    found = blocks("ci-gitlab.md", "yaml")
    assert len(found) == 2
    for text in found:
        check("vendor.gitlab-ci", text, tmp_path)
    repository.write("deploy/bad.yaml", BAD)
    job = run_block(found[0])["seawall"]
    done = repository.sh("\n".join([*job["before_script"], *job["script"]]))
    assert done.returncode == 1
    reports = job["artifacts"]["reports"]
    issues = json.loads((repository.folder / reports["codequality"]).read_text())
    assert any(issue["location"]["path"] == "deploy/bad.yaml" for issue in issues)
    assert "host-pid" in (repository.folder / reports["junit"]).read_text()
    new = run_block(found[1])["seawall-new"]
    commit = git(repository.folder, "rev-parse", "HEAD").strip()
    done = repository.sh("\n".join([*new["before_script"], *new["script"]]), CI_MERGE_REQUEST_DIFF_BASE_SHA=commit)
    assert done.returncode == 1
    document = json.loads((repository.folder / new["artifacts"]["paths"][0]).read_text())
    assert document["summary"]["new"]["high"] == 1


def test_jenkinsfiles(repository: Repository) -> None:
    found = blocks("ci-jenkins.md", "groovy")
    assert len(found) == 2
    for text in found:
        assert all(text.count(a) == text.count(b) for a, b in ("{}", "()", "[]"))
    commands = re.findall(r"""\bsh (?:script: )?(?:'([^']*)'|"([^"$]*)")""", "\n".join(found))
    assert len(commands) == 3
    repository.write("deploy/bad.yaml", BAD)
    codes = [repository.sh(single or double).returncode for single, double in commands]
    assert codes == [0, 1, 1]
    for name in re.findall(r"(?:testResults|pattern|artifacts): '([^']+)'", found[0]):
        assert (repository.folder / name).stat().st_size


def test_pre_commit_files_are_valid(tmp_path: Path) -> None:
    for text in blocks("pre-commit.md", "yaml"):
        (tmp_path / "config.yaml").write_text(text)
        subprocess.run([tool("pre-commit"), "validate-config", str(tmp_path / "config.yaml")], check=True)
    manifest = REPOSITORY / ".pre-commit-hooks.yaml"
    subprocess.run([tool("pre-commit"), "validate-manifest", str(manifest)], check=True)
    (hook,) = yaml.safe_load(manifest.read_text())
    extra = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]["helm"]
    assert hook["additional_dependencies"] == extra


def test_the_local_hook_stops_what_is_new(repository: Repository, tmp_path: Path) -> None:
    env = {"PRE_COMMIT_HOME": str(tmp_path / "cache")}
    repository.write(".pre-commit-config.yaml", blocks("pre-commit.md", "yaml")[1])
    repository.write("deploy/known.yaml", BAD.replace("name: bad", "name: known"))
    assert repository.sh(blocks("pre-commit.md", "sh")[0]).returncode == 0
    git(repository.folder, "add", "-A")
    command = f"{tool('pre-commit')} run"
    done = repository.sh(command, **env)
    assert done.returncode == 0, done.stdout + done.stderr
    repository.write("deploy/bad.yaml", BAD)
    git(repository.folder, "add", "-A")
    done = repository.sh(command, **env)
    assert done.returncode == 1
    assert "Failed" in done.stdout and "host-pid" in done.stdout


def test_the_plain_hook_judges_what_is_staged(repository: Repository) -> None:
    hook = repository.folder / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(blocks("pre-commit.md", "sh")[1])
    hook.chmod(0o755)
    commit = "git -c user.name=t -c user.email=t@example.com commit -qm x"
    repository.write("deploy/bad.yaml", BAD)
    repository.write("deploy/fine.yaml", BAD.replace("hostPID: true", "hostPID: false"))
    assert repository.sh(f"git add deploy/fine.yaml && {commit}").returncode == 0
    done = repository.sh(f"git add deploy/bad.yaml && rm deploy/bad.yaml && {commit}")
    assert done.returncode == 1 and "host-pid" in done.stdout + done.stderr


@pytest.mark.skipif(not os.environ.get("SEAWALL_E2E"), reason="installs the hook; set SEAWALL_E2E=1")
def test_the_published_hook(repository: Repository, tmp_path: Path) -> None:
    repository.write("deploy/bad.yaml", BAD)
    repository.commit()
    command = f"{tool('pre-commit')} try-repo {REPOSITORY} seawall --ref HEAD --all-files --verbose"
    done = repository.sh(command, PRE_COMMIT_HOME=str(tmp_path / "cache"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "host-pid" in done.stdout


def test_every_command_of_the_guide_has_its_options(run: Run) -> None:
    """Commands that pages name exist, with each option that is given to them."""
    helps: dict[tuple[str, ...], str] = {}
    for page in sorted(GUIDE.glob("*.md")):
        for command, rest in re.findall(r"\bseawall ([a-z-]+)((?: [^\n`]*)?)", page.read_text()):
            words = (command, *re.findall(r"^ ([a-z-]+)\b", rest))
            if words not in helps:
                done = [run(*words[:length], "--help") for length in range(1, len(words) + 1)]
                helps[words] = "".join(each.stdout for each in done if each.returncode == 0)
            for option in re.findall(r"(?<!\S)(--[a-z][a-z-]*)", rest):
                assert option in helps[words], f"{page.name}: seawall {' '.join(words)} {option}"
