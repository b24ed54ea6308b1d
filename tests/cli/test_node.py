"""``seawall node``: facts are collected, read again, judged, and keep to their schema."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seawall.reports.facts import schema
from tests.conftest import REPOSITORY, Run
from tests.sources.host.trees import KUBEADM, plant


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return plant(tmp_path / "root", KUBEADM)


def collected(run: Run, root: Path, file: Path) -> dict[str, Any]:
    done = run("node", "collect", "--root", str(root), "-o", str(file))
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def test_facts_keep_to_their_schema_and_are_for_their_owner_alone(run: Run, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    document = collected(run, root, file)
    jsonschema.validate(document, json.loads(schema()), cls=jsonschema.Draft202012Validator)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert document["schema"] == "seawall.facts/v1" and document["layout"] == "kubeadm"


def test_this_machine_keeps_to_the_schema(run: Run) -> None:
    done = run("node", "collect")
    assert done.returncode == 0
    jsonschema.validate(json.loads(done.stdout), json.loads(schema()), cls=jsonschema.Draft202012Validator)


def test_the_published_schema_is_that_of_the_model(run: Run) -> None:
    published = (REPOSITORY / "src/seawall/reports/schemas/facts.v1.json").read_bytes()
    assert published == schema(), "write it anew: seawall node schema > src/seawall/reports/schemas/facts.v1.json"
    assert run("node", "schema").stdout.encode() == schema()


def test_an_audit_of_facts_says_what_an_audit_of_the_host_says(run: Run, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    collected(run, root, file)
    here = run("node", "--root", str(root), "--format", "json")
    there = run("node", "audit", "--facts", str(file), "--format", "json")
    first, second = ({finding["rule"] for finding in json.loads(each.stdout)["findings"]} for each in (here, there))
    assert first == second and "kubelet-anonymous-auth" not in first
    assert "apiserver-audit-policy" in first or "apiserver-profiling" in first


def test_a_change_on_the_host_changes_the_verdict(run: Run, root: Path) -> None:
    def failing() -> set[str]:
        done = run("node", "--root", str(root), "--format", "json")
        return {finding["rule"] for finding in json.loads(done.stdout)["findings"]}

    (root / "etc/kubernetes/admin.conf").chmod(0o600)
    before = failing()
    (root / "etc/kubernetes/admin.conf").chmod(0o644)
    config = root / "var/lib/kubelet/config.yaml"
    config.write_text(config.read_text().replace("enabled: false", "enabled: true"))
    assert failing() - before == {"admin-kubeconfig-mode", "kubelet-anonymous-auth"}


def test_what_could_not_be_read_makes_the_audit_incomplete(run: Run, root: Path) -> None:
    (root / "var/lib/kubelet/config.yaml").write_text("a: [")
    done = run("node", "--root", str(root))
    assert done.returncode == 2
    assert "is not YAML" in done.stderr and "incomplete" in done.stderr


def test_nodeinfo_is_read_as_facts(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "info.json"
    info = {"kubeletAnonymousAuthArgumentSet": {"values": ["true"]}}
    file.write_text(json.dumps({"kind": "NodeInfo", "type": "worker", "metadata": {"name": "n1"}, "info": info}))
    done = run("node", "--facts", str(file), "--format", "json")
    assert [finding["rule"] for finding in json.loads(done.stdout)["findings"]] == ["kubelet-anonymous-auth"]


def test_a_scan_judges_nodeinfo_among_manifests(scan_json: Any, tmp_path: Path) -> None:
    info = {"kubeletAnonymousAuthArgumentSet": {"values": ["true"]}, "adminConfFilePermissions": {"values": [644]}}
    node = {"apiVersion": "v1", "kind": "NodeInfo", "type": "master", "metadata": {"name": "n1"}, "info": info}
    (tmp_path / "node.json").write_text(json.dumps(node))
    (tmp_path / "odd.yaml").write_text("apiVersion: v1\nkind: NodeInfo\ninfo: 3\n")
    (tmp_path / "pod.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostPID: true}\n")
    code, document = scan_json(str(tmp_path))
    found = {(each["rule"], each["resource"]["name"]) for each in document["findings"]}
    assert {("kubelet-anonymous-auth", "n1"), ("admin-kubeconfig-mode", "n1"), ("host-pid", "p")} <= found
    assert "admin-kubeconfig-mode" in document["rules"]
    # What a NodeInfo does not tell is not judged.
    assert code == 2 and document["summary"]["complete"] is False
    assert [each["message"] for each in document["errors"]] == ["a NodeInfo without info"]


BAD = [
    ("", "holds nothing"),
    ("{}", "it has no schema"),
    ('{"schema": "seawall.facts/v9"}', "seawall.facts/v9"),
    ('{"schema": "seawall.facts/v1"}', "missing required field"),
    ("[" * 100_000, "holds no facts"),
    ("\x00\xff", "holds no facts"),
]


@pytest.mark.parametrize(("content", "message"), BAD)
def test_files_without_facts_are_told(run: Run, tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    done = run("node", "--facts", str(file))
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert str(file) in done.stderr and message in done.stderr


def test_wrong_usage_says_what_to_do(run: Run, tmp_path: Path) -> None:
    for arguments, message in (
        (("node", "collect", "--root", str(tmp_path / "none")), "--root"),
        (("node", "--facts", "x", "--root", "/host"), "leave out --root"),
        (("node", "fix"), "--plan"),
        (("node", "--benchmark", "none"), "no benchmark is called"),
        (("node", "collect", "-o", str(tmp_path / "no" / "file")), "cannot be written"),
    ):
        done = run(*arguments)
        assert done.returncode == 2 and message in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


def test_options_before_the_subcommand_count(run: Run, root: Path) -> None:
    done = run("node", "--root", str(root), "collect")
    assert json.loads(done.stdout)["root"] == str(root)
    again = run("node", "--root", "/none", "audit", "--root", str(root), "--benchmark", "cis-k8s-1.10")
    assert "cp-1: kubeadm" in again.stdout and "CIS Kubernetes 1.10" in again.stdout


def test_a_container_is_told_to_be_none(run: Run, root: Path) -> None:
    (root / ".dockerenv").write_text("")
    assert "is a container, not a host" in run("node", "collect", "--root", str(root)).stderr


def test_a_plan_is_printed_and_nothing_is_changed(run: Run, root: Path) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    done = run("node", "fix", "--plan", "--root", str(root))
    assert "to mend" in done.stdout
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
