"""``seawall diff`` and ``scan --baseline``: what is new, what is gone, what nobody knows."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.conftest import REPOSITORY, Run
from tests.sources.test_git import git

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: shop}}
spec:
{fields}  containers:
    - {{name: app, image: "registry.example.com/app:1"}}
"""


def pod(name: str, **fields: bool) -> str:
    return POD.format(name=name, fields="".join(f"  {key}: {str(value).lower()}\n" for key, value in fields.items()))


@pytest.fixture
def states(tmp_path: Path) -> Path:
    """Two folders: the pod ``web`` loses hostPID and gains hostNetwork; ``db`` keeps hostIPC, in another file."""
    for name, files in {
        "before": {"web.yaml": pod("web", hostPID=True), "db.yaml": pod("db", hostIPC=True)},
        "after": {"all.yaml": f"# moved\n{pod('db', hostIPC=True)}---\n{pod('web', hostNetwork=True)}"},
    }.items():
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text)
    return tmp_path


RULES = ("--rule", "host-pid", "--rule", "host-ipc", "--rule", "host-network")


def diff(run: Run, *args: str, cwd: Path | None = None) -> tuple[int, dict[str, Any]]:
    done = run("diff", *args, "--format", "json", cwd=cwd)
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    schema = json.loads((REPOSITORY / "src/seawall/reports/schemas/diff.v1.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    return done.returncode, document


def rules(document: dict[str, Any]) -> dict[str, list[str]]:
    return {
        kind: sorted(finding["rule"] for finding in document[kind]) for kind in ("new", "fixed", "unchanged", "unknown")
    }


EXPECTED = {"new": ["host-network"], "fixed": ["host-pid"], "unchanged": ["host-ipc"], "unknown": []}


def results(run: Run, folder: Path, out: Path, *args: str) -> str:
    run("scan", str(folder), *(args or RULES), "--format", f"json={out}")
    return str(out)


def test_folders(run: Run, states: Path) -> None:
    code, document = diff(run, str(states / "before"), str(states / "after"), *RULES)
    assert code == 1
    assert rules(document) == EXPECTED
    assert document["summary"]["new"]["high"] == 1 and document["summary"]["complete"] is True
    assert set(document["rules"]) == {"host-network", "host-pid", "host-ipc"}


def test_results_and_folders_mix(run: Run, states: Path) -> None:
    old = results(run, states / "before", states / "old.json")
    new = results(run, states / "after", states / "new.json")
    for before in (old, str(states / "before")):
        for after in (new, str(states / "after")):
            assert rules(diff(run, before, after, *RULES)[1]) == EXPECTED
    assert diff(run, old, old)[0] == 0
    assert diff(run, old, new, "--fail-on", "critical")[0] == 0
    assert diff(run, old, new, "--fail-on", "none")[0] == 0


def test_the_terminal(run: Run, states: Path) -> None:
    done = run("diff", str(states / "before"), str(states / "after"), *RULES)
    assert done.returncode == 1
    line = (states / "after" / "all.yaml").read_text().splitlines().index("  hostNetwork: true") + 1
    assert "+ high[host-network] Pod shop/web: " in done.stdout and f"all.yaml:{line}:3" in done.stdout
    assert "- high[host-pid] Pod shop/web: " in done.stdout
    assert "1 new, 1 fixed, 1 unchanged." in done.stdout


def test_revisions(run: Run, states: Path) -> None:
    git(states, "init", "-q", "-b", "main")
    git(states, "add", "-A")
    git(states, "commit", "-qm", "one")
    for file in (states / "before").iterdir():
        file.unlink()
    (states / "before" / "x.yaml").write_text((states / "after" / "all.yaml").read_text())
    code, document = diff(run, "git:HEAD:before", "before", *RULES, cwd=states)
    assert (code, rules(document)) == (1, EXPECTED)
    assert document["before"]["kind"] == "revision"
    assert document["fixed"][0]["locations"][0]["file"] == "HEAD:./before/web.yaml"
    code, document = diff(run, "git:main", "git:HEAD", *RULES, cwd=states)
    assert code == 0 and len(document["unchanged"]) == 4


def test_a_rule_that_was_not_run_fixes_nothing(run: Run, states: Path) -> None:
    old = results(run, states / "before", states / "old.json")
    new = results(run, states / "after", states / "new.json", "--rule", "host-network")
    found = rules(diff(run, old, new)[1])
    assert found == {"new": ["host-network"], "fixed": [], "unchanged": [], "unknown": ["host-ipc", "host-pid"]}


def test_incomplete_states_exit_2(run: Run, states: Path) -> None:
    (states / "after" / "broken.yaml").write_text("a: [")
    code, document = diff(run, str(states / "before"), str(states / "after"), *RULES)
    assert code == 2 and document["after"]["reasons"]
    new = results(run, states / "after", states / "new.json")
    assert diff(run, str(states / "before"), new, *RULES)[0] == 2


@pytest.mark.parametrize("text", ['{"schema":"seawall.findings/v1"}', '{"schema":"seawall.findings/v1", "x": ['])
def test_broken_results(run: Run, states: Path, text: str) -> None:
    (states / "bad.json").write_text(text)
    done = run("diff", str(states / "bad.json"), str(states / "after"))
    assert done.returncode == 2
    assert "holds no whole seawall.findings/v1 document" in done.stderr and "Traceback" not in done.stderr


def test_an_overlay_more_changes_no_finding(run: Run, states: Path) -> None:
    """An object that is there twice has other fingerprints than one that is there once: still the same findings."""
    for name in ("dev", "prod"):
        (states / "two" / name).mkdir(parents=True)
        (states / "two" / name / "web.yaml").write_text(pod("web", hostPID=True))
    (states / "one" / "dev").mkdir(parents=True)
    (states / "one" / "dev" / "web.yaml").write_text(pod("web", hostPID=True))
    found = rules(diff(run, str(states / "one"), str(states / "two"), *RULES)[1])
    assert found == {"new": ["host-pid"], "fixed": [], "unchanged": ["host-pid"], "unknown": []}


def baseline(run: Run, folder: Path, file: str, *args: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    done = run("scan", str(folder), *RULES, "--baseline", file, "--format", "json", *args)
    return done, json.loads(done.stdout) if done.stdout else {}


def test_a_baseline_lets_only_new_findings_count(run: Run, states: Path) -> None:
    old = results(run, states / "before", states / "old.json")
    assert baseline(run, states / "before", old)[0].returncode == 0
    done, document = baseline(run, states / "after", old)
    assert done.returncode == 1
    status = {finding["rule"]: (finding["status"], finding["waiver"]) for finding in document["findings"]}
    assert status["host-network"] == ("open", None)
    waiver = {"reason": f"known before: in {old}", "source": "baseline", "owner": None, "expires": None}
    assert status["host-ipc"] == ("waived", waiver)
    assert "1 findings of the baseline" in done.stderr and "are gone" in done.stderr


def test_at_a_terminal_what_the_baseline_knows_hides_nothing_new(run: Run, states: Path) -> None:
    old = results(run, states / "before", states / "old.json")
    done = run("scan", str(states / "after"), *RULES, "--baseline", old, "--limit", "1")
    assert "[host-network]" in done.stdout
    assert "[host-ipc]" not in done.stdout
    assert "1 finding of the baseline not shown" in done.stdout


def test_a_baseline_of_a_baseline_keeps_what_it_knew(run: Run, states: Path) -> None:
    old = results(run, states / "before", states / "old.json")
    again = results(run, states / "before", states / "again.json", *RULES, "--baseline", old)
    assert baseline(run, states / "before", again)[0].returncode == 0


def test_a_waiver_that_ends_is_not_hidden_by_a_baseline(run: Run, states: Path) -> None:
    file = states / "before" / "web.yaml"
    text = file.read_text()
    file.write_text(text.replace("hostPID: true", "hostPID: true  # seawall: ignore[host-pid] until Friday"))
    old = results(run, states / "before", states / "old.json")
    file.write_text(text)
    done, document = baseline(run, states / "before", old)
    assert done.returncode == 1
    assert [finding["rule"] for finding in document["findings"] if finding["status"] == "open"] == ["host-pid"]


@pytest.mark.parametrize(
    ("text", "message"), [(None, "cannot be read"), ("{}", "holds no results"), ("", "no results")]
)
def test_a_baseline_that_is_none(run: Run, states: Path, text: str | None, message: str) -> None:
    file = states / "base.json"
    if text is not None:
        file.write_text(text)
    done, _ = baseline(run, states / "before", str(file))
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
