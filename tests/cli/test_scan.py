"""The command line's contract: exit codes, formats, selection, and what is said when a run is incomplete."""

from __future__ import annotations

import json
import os
import stat
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.conftest import REPOSITORY, Run

BAD = """\
apiVersion: v1
kind: Pod
metadata:
  name: bad
  namespace: shop
spec:
  containers:
    - name: app
      image: registry.example.com/app:1
      securityContext:
        privileged: true
"""
QUIET = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\ndata: {colour: blue}\n"


def test_findings_exit_1_and_name_their_place(run: Run) -> None:
    done = run("scan", "-", stdin=BAD.encode())
    assert done.returncode == 1
    assert "critical[privileged-container]" in done.stdout
    assert "<stdin>:11:9" in done.stdout
    assert "11 |         privileged: true" in done.stdout
    assert "^^^^^^^^^^" in done.stdout


def test_clean_exits_0(run: Run) -> None:
    assert run("scan", "-", stdin=QUIET.encode()).returncode == 0


@pytest.mark.parametrize(("floor", "code"), [("critical", 1), ("none", 0)])
def test_fail_on(run: Run, floor: str, code: int) -> None:
    assert run("scan", "-", "--fail-on", floor, stdin=BAD.encode()).returncode == code


def test_fail_on_above_what_was_found(run: Run) -> None:
    done = run("scan", "-", "--skip-rule", "CKV_K8S_16", "--fail-on", "critical", stdin=BAD.encode())
    assert done.returncode == 0


def test_nothing_to_judge_exits_2(run: Run, tmp_path: Path) -> None:
    done = run("scan", str(tmp_path))
    assert done.returncode == 2
    assert "nothing to judge" in done.stderr
    assert "in 0 objects of 0 files" in done.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["scan"], "required"),
        (["scan", "x", "--format", "nope"], "there is no format 'nope'"),
        (["scan", "-", "--format", "json", "--format", "html"], "only one format"),
        (["scan", "-", "--rule", "privileged-containr"], "did you mean 'privileged-container'"),
        (["scan", "-", "--kubernetes-version", "new"], "not a Kubernetes version"),
        (["scan", "cluster", "--offline"], "--offline opens no socket"),
        (["scan", "no/such/file"], "cannot be read"),
        (["nope"], "there is no command 'nope'"),
    ],
)
def test_wrong_usage_exits_2_in_one_line(run: Run, args: list[str], message: str) -> None:
    done = run(*args, stdin=BAD.encode())
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_json_keeps_to_its_schema(scan_json: Any) -> None:
    schema = json.loads((REPOSITORY / "src/seawall/reports/schemas/findings.v1.json").read_text())
    code, document = scan_json(str(REPOSITORY / "examples"), "--fail-on", "none")
    assert code in (0, 2)
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["findings"]
    fingerprints = [finding["fingerprint"] for finding in document["findings"]]
    assert len(set(fingerprints)) == len(fingerprints)
    assert {finding["rule"] for finding in document["findings"]} <= set(document["rules"])
    assert {status["rule"] for status in document["statuses"]} >= set(document["rules"])


def test_a_finding_in_json(scan_json: Any) -> None:
    _, document = scan_json("-", "--rule", "KSV017", stdin=BAD.encode())
    (finding,) = document["findings"]
    assert finding["rule"] == "privileged-container"
    assert finding["resource"] == {
        "cluster": None,
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "shop",
        "name": "bad",
    }
    path = "spec.containers[0].securityContext.privileged"
    assert finding["locations"] == [{"file": "<stdin>", "line": 11, "column": 9, "path": path}]
    assert finding["evidence"] == [{"type": "field", "path": path, "value": True}]
    assert document["rules"]["privileged-container"]["controls"]["pss"] == ["baseline"]
    assert list(document["rules"]) == ["privileged-container"]


@pytest.mark.parametrize("alias", ["KSV-0017", "AVD-KSV-0017", "ksv017", "C-0057", "kube-linter:privileged-container"])
def test_rules_by_peers_ids(scan_json: Any, alias: str) -> None:
    _, document = scan_json("-", "--rule", alias, stdin=BAD.encode())
    assert [finding["rule"] for finding in document["findings"]] == ["privileged-container"]


def test_wrong_types_are_errors_and_hide_nothing(scan_json: Any) -> None:
    text = BAD.replace("name: app", "name: app\n      stdin: maybe").replace("spec:", "spec:\n  hostPID: 'yes'")
    code, document = scan_json("-", stdin=text.encode())
    assert code == 2
    assert document["summary"]["complete"] is False
    assert {e["where"] for e in document["errors"]} == {"7:3", "10:7"}
    assert "privileged-container" in {finding["rule"] for finding in document["findings"]}
    states = {status["rule"]: status["state"] for status in document["statuses"]}
    assert states["host-pid"] == "not-judged"
    assert states["privileged-container"] == "ok"


def test_several_formats_in_one_run(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    page = tmp_path / "out.html"
    done = run(
        "scan", "-", "--format", "terminal", "--format", f"json={out}", "--format", f"html={page}", stdin=BAD.encode()
    )
    assert done.returncode == 1
    assert json.loads(out.read_text())["schema"] == "seawall.findings/v1"
    assert page.read_text().lower().startswith("<!doctype html>")
    assert "privileged-container" in done.stdout


def test_a_secret_is_never_shown(run: Run, tmp_path: Path) -> None:
    text = BAD.replace(
        "      securityContext:",
        "      env:\n        - name: DB_PASSWORD\n          value: hunter2-correct-horse\n      securityContext:",
    )
    for name in ("terminal", "json", "html"):
        done = run("scan", "-", "--format", name, stdin=text.encode())
        assert "literal-secret-in-env" in done.stdout
        assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["scan", "isolation", "paths"])
def test_of_an_input_that_cannot_be_read_only_that_is_told(run: Run, tmp_path: Path, command: str) -> None:
    done = run(command, str(tmp_path / "nosuch.yaml"))
    assert done.returncode == 2
    assert "nosuch.yaml" in done.stderr
    assert "found: name" not in done.stderr
    assert "the whole cluster falls" not in done.stdout


def test_charts_and_overlays_that_cannot_be_rendered_are_one_line_and_exit_2(run: Run, tmp_path: Path) -> None:
    for folder, name in (("chart", "Chart.yaml"), ("overlay", "kustomization.yaml")):
        (tmp_path / folder / "sub").mkdir(parents=True)
        (tmp_path / folder / name).write_text("name: x\n")
    (tmp_path / "chart" / "sub" / "pod.yaml").write_text(BAD)
    (tmp_path / "ok.yaml").write_text(QUIET)
    done = run("scan", str(tmp_path), "--helm", "/nonexistent/helm", "--kustomize", "/nonexistent/kustomize")
    assert done.returncode == 2
    assert done.stderr.count("not judged: needs rendering") == 2
    assert "privileged" not in done.stdout


def test_a_walk_counts_what_it_skips(scan_json: Any, tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "pod.yaml").write_text(BAD)
    (tmp_path / "ci.yaml").write_text("jobs: {}\n")
    (tmp_path / "readme.md").write_text("hello")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    code, document = scan_json(str(tmp_path))
    assert code == 1
    assert document["summary"]["resources"] == 1
    skipped = document["summary"]["skipped"]
    assert skipped["not Kubernetes (no apiVersion and kind)"] == 1
    assert skipped["not a regular file"] == 1
    assert sum(skipped.values()) == 5


def test_exclude_and_gitignore(scan_json: Any, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pod.yaml").write_text(BAD.replace("name: bad", f"name: {name}"))
    (tmp_path / "b" / ".gitignore").write_text("*.yaml\n")

    def names(*args: str) -> set[str]:
        _, document = scan_json(str(tmp_path), *args)
        return {finding["resource"]["name"] for finding in document["findings"]}

    assert names() == {"a", "b", "c"}
    assert names("--exclude", "a/") == {"b", "c"}
    assert names("--exclude", "**/pod.yaml", "--exclude", "!c/pod.yaml") == {"c"}
    assert names("--gitignore") == {"a", "c"}


def test_a_named_fifo_is_read(run: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(BAD))
    writer.start()
    done = run("scan", str(pipe))
    writer.join()
    assert done.returncode == 1
    assert "privileged-container" in done.stdout


def test_dev_stdin(run: Run) -> None:
    assert run("scan", "/dev/stdin", stdin=BAD.encode()).returncode == 1


def test_an_unreadable_directory(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ok.yaml").write_text(BAD)
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0)
    try:
        if os.access(locked, os.R_OK):
            pytest.skip("this user reads every directory")
        done = run("scan", str(tmp_path))
    finally:
        locked.chmod(stat.S_IRWXU)
    assert done.returncode == 2
    assert "locked: the directory cannot be read" in done.stderr
    assert "privileged-container" in done.stdout


def test_keep_going_lifts_unreadable_inputs_only(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ok.yaml").write_text(BAD)
    (tmp_path / "broken.yaml").write_text("a: [")
    assert run("scan", str(tmp_path)).returncode == 2
    done = run("scan", str(tmp_path), "--keep-going")
    assert done.returncode == 1
    assert "incomplete" in done.stderr
    (tmp_path / "chart").mkdir()
    (tmp_path / "chart" / "Chart.yaml").write_text("name: x\n")
    assert run("scan", str(tmp_path), "--keep-going").returncode == 2


def test_fingerprints_survive_moves_and_reordering(scan_json: Any, tmp_path: Path) -> None:
    def prints(text: str, name: str) -> set[str]:
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.yaml").write_text(text)
        _, document = scan_json(str(folder))
        return {finding["fingerprint"] for finding in document["findings"]}

    other = "    - name: b\n      image: x:1\n"
    one = prints(BAD + other, "one")
    head, _, containers = BAD.partition("  containers:\n")
    two = prints(f"# moved\n\n{head}  containers:\n{other}{containers}", "two")
    assert one == two


def test_one_name_in_two_folders(scan_json: Any, tmp_path: Path) -> None:
    for name in ("dev", "prod"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pod.yaml").write_text(BAD)
    _, document = scan_json(str(tmp_path), "--rule", "privileged-container")
    prints = [finding["fingerprint"] for finding in document["findings"]]
    assert len(set(prints)) == 2


def test_colour_only_where_it_is_wanted(run: Run) -> None:
    assert "\x1b[" not in run("scan", "-", stdin=BAD.encode()).stdout


def test_hostile_names_do_not_steer_the_terminal(run: Run) -> None:
    text = BAD.replace("name: bad", 'name: "\\e[31mred\\u202e"')
    assert "\x1b" not in run("scan", "-", stdin=text.encode()).stdout


def test_what_makes_the_risk_is_told_once_an_object(run: Run) -> None:
    service = (
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: db}\n"
        "spec: {type: LoadBalancer, selector: {app: db}, ports: [{port: 80}]}\n"
    )
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: db, labels: {app: db}}\n"
        "spec: {containers: [{name: db, image: 'postgres:17'}]}\n"
    )
    done = run("scan", "-", stdin=(pod + service).encode())
    risks = [line.partition(" of 100: ")[2] for line in done.stdout.splitlines() if line.strip().startswith("risk:")]
    assert "reached from outside by Service db" in risks[2]
    assert risks.count("the same") > 5
    assert all(before != after for before, after in pairwise(risks) if after != "the same")


def test_group_by_rule_and_limit(run: Run) -> None:
    done = run("scan", "-", "--group-by", "rule", "--limit", "1", stdin=BAD.encode())
    assert "privileged-container: Container runs privileged" in done.stdout
    assert "more findings are not shown" in done.stdout


def test_rules_list_and_show(run: Run) -> None:
    listing = run("rules", "list")
    assert listing.returncode == 0
    assert "privileged-container" in listing.stdout
    page = run("rules", "show", "AVD-KSV-0017")
    assert "# privileged-container" in page.stdout
    assert "Bad example" in page.stdout
    assert run("rules", "show", "nope").returncode == 2
    assert json.loads(run("rules", "list", "--format", "json").stdout)["schema"] == "seawall.rules/v1"


def test_owned_pods_tell_only_what_differs(scan_json: Any) -> None:
    template = {"spec": {"containers": [{"name": "app", "image": "x:1", "securityContext": {"privileged": True}}]}}
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "controller": True, "uid": "1"}
    sidecar = {"name": "proxy", "image": "p:1", "securityContext": {"privileged": True}}
    pod_spec = {"containers": [*template["spec"]["containers"], sidecar]}
    items: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web-1", "namespace": "shop", "ownerReferences": [owner]},
            "spec": pod_spec,
        },
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "orphan", "namespace": "shop", "ownerReferences": [{**owner, "name": "gone"}]},
            "spec": pod_spec,
        },
    ]
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    _, found = scan_json("-", "--rule", "privileged-container", stdin=document.encode())
    places = sorted((f["resource"]["name"], f["locations"][0]["path"].split(".security")[0]) for f in found["findings"])
    assert places == [
        ("orphan", "spec.containers[0]"),
        ("orphan", "spec.containers[1]"),
        ("web", "spec.template.spec.containers[0]"),
        ("web-1", "spec.containers[1]"),
    ]


def test_what_is_named_twice_is_judged_once(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "bad.yaml").write_text(BAD)
    once = json.loads(run("scan", "--format", "json", "a", cwd=tmp_path).stdout)
    for words in (["a", "a"], ["a", "a/b"], ["a", "./a/b/bad.yaml"], ["a", "a/../a"]):
        twice = json.loads(run("scan", "--format", "json", *words, cwd=tmp_path).stdout)
        assert twice["summary"]["resources"] == 1
        assert [each["fingerprint"] for each in twice["findings"]] == [each["fingerprint"] for each in once["findings"]]
    both = run("scan", "--format", "json", "-", "-", stdin=BAD.encode())
    assert json.loads(both.stdout)["summary"]["files"] == 1
