"""``seawall access minimize`` and ``abac`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.cli.test_access import validated
from tests.conftest import Run
from tests.engine.test_minimize import configmaps

HEAD = {"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy"}
SPECS = (
    {"user": "ann", "namespace": "shop", "resource": "pods", "apiGroup": "", "readonly": True},
    {"user": "ann", "namespace": "*", "resource": "secrets", "apiGroup": ""},
    {"group": "ops", "nonResourcePath": "/healthz", "readonly": True},
)
POLICIES = "".join(json.dumps({**HEAD, "spec": spec}) + "\n" for spec in SPECS)


def test_minimize_tells_writes_and_validates(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text("\n".join(json.dumps(configmaps("get", "a")) for _ in range(4)) + "\n{half")
    done = run("access", "minimize", "--audit", str(log), "--format", "json")
    assert done.returncode == 2
    assert f"{log}:5: " in done.stderr
    document = validated(done.stdout, "minimize")
    assert document["window"]["badLines"] == 1
    assert document["window"]["events"] == 4
    text = run("access", "minimize", "--audit", str(log)).stdout
    assert "1 used, 1 in the new roles" in text
    assert "1 lines could not be read" in text
    assert "get configmaps (core) named a" in text
    wide = run("access", "minimize", "--audit", str(log), "--widen", "--format", "yaml").stdout
    role, binding = yaml.safe_load_all(wide)
    assert role["rules"] == [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "robot", "namespace": "shop"}]


def test_minimize_from_standard_input_for_one_subject(run: Run) -> None:
    lines = "\n".join(json.dumps(configmaps("get", "a")) for _ in range(2)).encode()
    done = run("access", "minimize", "--audit", "-", "--subject", "sa:shop/robot", stdin=lines)
    assert done.returncode == 0, done.stderr
    missing = run("access", "minimize", "--audit", "-", "--subject", "user:eve", stdin=lines)
    assert missing.returncode == 2
    assert "eve was not seen in the logs" in missing.stderr


def test_abac(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "policy.jsonl"
    file.write_text(POLICIES)
    done = run("access", "abac", str(file))
    assert done.returncode == 0, done.stderr
    objects = list(yaml.safe_load_all(done.stdout))
    kinds = [each["kind"] for each in objects]
    assert kinds == ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ClusterRole", "ClusterRoleBinding"]
    assert len({(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects}) == 6
    answer = run("access", "can", "user:ann", "get", "secrets", "-n", "x", "-", stdin=done.stdout.encode())
    assert answer.returncode == 0, answer.stderr
    denied = run("access", "can", "user:ann", "delete", "pods", "-n", "shop", "-", stdin=done.stdout.encode())
    assert denied.returncode == 1


def test_abac_tells_what_cannot_be_carried_over(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "policy.jsonl"
    file.write_text(POLICIES + '{"user":"ann","group":"dev","namespace":"a","resource":"pods"}\n')
    done = run("access", "abac", str(file))
    assert done.returncode == 2
    assert f"{file}:4: not carried over: only 'ann' as a member of 'dev' is meant" in done.stderr
    assert done.stdout
    file.write_text("# nothing\n")
    empty = run("access", "abac", str(file))
    assert empty.returncode == 2
    assert "holds no policy" in empty.stderr
