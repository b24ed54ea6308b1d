"""The pages for users of other tools: their settings pass the check, their files are taken over, their commands run."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from seawall.engine import load_rules
from tests.conftest import Run
from tests.docs.snippets import BAD, GUIDE, blocks

#: Each page, the file of the other tool that it shows, and whether the last command finds something that counts.
PAGES = {
    "from-trivy.md": (".trivyignore", 0),
    "from-checkov.md": (".checkov.baseline", 0),
    "from-kubescape.md": ("exceptions.json", 0),
    "from-kube-linter.md": (None, 0),
    "from-kyverno.md": (None, 0),
    "from-gatekeeper.md": (None, 0),
}


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_says_works(run: Run, tmp_path: Path, page: str) -> None:
    name, expected = PAGES[page]
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/bad.yaml").write_text(BAD)
    text = (GUIDE / page).read_text()
    if name is not None:
        body = re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]
        (tmp_path / name).write_text(body)
    for settings in blocks(page, "yaml"):
        (tmp_path / "seawall.yaml").write_text(settings)
    codes = []
    for line in "".join(blocks(page, "sh")).splitlines():
        program, *args = shlex.split(line)
        assert program == "seawall"
        done = run(*args, cwd=tmp_path)
        assert "Traceback" not in done.stderr
        codes.append(done.returncode)
    assert codes == [0] * (len(codes) - 1) + [expected], done.stderr


@pytest.mark.parametrize("page", ["from-trivy.md", "from-checkov.md", "from-kubescape.md"])
def test_what_is_taken_over_waives(run: Run, tmp_path: Path, page: str) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/bad.yaml").write_text(BAD)
    body = re.findall(r"^```\w*\n(.*?)^```$", (GUIDE / page).read_text(), re.MULTILINE | re.DOTALL)[0]
    name = PAGES[page][0]
    assert name is not None
    (tmp_path / name).write_text(body)
    assert run("waive", "import", name, cwd=tmp_path).returncode == 0
    done = run("scan", "deploy", "--rule", "host-pid", "--format", "json", cwd=tmp_path)
    assert {each["status"] for each in json.loads(done.stdout)["findings"]} == {"waived"}


@pytest.mark.parametrize("page", PAGES)
def test_ids_that_pages_name_are_known(page: str) -> None:
    names = re.findall(r"\b(?:AVD-KSV-\d+|KSV-\d+|CKV_K8S_\d+|C-\d{4}|kube-linter:[a-z-]+)", (GUIDE / page).read_text())
    assert [name for name in names if not load_rules().find(name)] == []


@pytest.mark.parametrize("page", ["waivers.md", "policies.md", "config.md", "profiles.md"])
def test_settings_that_the_guide_shows_pass_the_check(run: Run, tmp_path: Path, page: str) -> None:
    settings = [block for block in blocks(page, "yaml") if not block.startswith("# bad")]
    for number, block in enumerate(settings):
        (tmp_path / f"settings{number}.yaml").write_text(block)
        done = run("config", "check", f"settings{number}.yaml", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, f"settings{number}.yaml: ok\n")


def test_examples_that_the_guide_shows_pass(run: Run, tmp_path: Path) -> None:
    settings, examples, *_ = blocks("policies.md", "yaml")
    (tmp_path / "seawall.yaml").write_text(settings.partition("  - id: few-replicas")[0])
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/team-label.yaml").write_text(examples)
    done = run("policy", "test", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
