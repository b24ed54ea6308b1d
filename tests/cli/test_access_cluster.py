"""``seawall access`` on a snapshot and on a live cluster: ``-n`` is the namespace of the question."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_access import ESTATE, JANE
from tests.cluster.conftest import Kubeconfig, kubeconfig, recorded, recording, server
from tests.conftest import Run
from tests.replay import Replay

__all__ = ["kubeconfig", "recorded", "recording", "server"]


def test_a_snapshot_answers_as_the_manifests_do(run: Run, tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    snapshot = tmp_path / "cluster.snapshot"
    saved = run("snapshot", "-o", str(snapshot), str(tmp_path / "estate.yaml"))
    assert saved.returncode == 0, saved.stderr
    done = run("access", "can", JANE, "get", "secrets", "-n", "shop", str(snapshot))
    assert done.returncode == 0, done.stderr
    assert "RoleBinding shop/deployer" in done.stdout
    assert run("access", "can", JANE, "get", "secrets", "-n", "other", str(snapshot)).returncode == 1
    ways = json.loads(run("access", "escalation", str(snapshot), "--format", "json").stdout)["escalations"]["ways"]
    assert "User =jane" in {way["source"] for way in ways}


def test_a_live_cluster_is_read_whole_and_asked(run: Run, server: Replay, kubeconfig: Kubeconfig) -> None:
    path = kubeconfig(server.url)
    where = ("-n", "shop", "--kubeconfig", path)
    done = run("access", "can", "sa:monitoring/prometheus-operator", "get", "secrets", *where)
    assert done.returncode == 0, done.stderr
    assert "ClusterRoleBinding prometheus-operator" in done.stdout
    denied = run("access", "can", "sa:monitoring/prometheus-k8s", "get", "secrets", *where)
    assert denied.returncode == 1, denied.stderr


def test_kinds_that_may_not_be_read_are_told(run: Run, server: Replay, kubeconfig: Kubeconfig) -> None:
    path = kubeconfig(server.url)
    server.allowed = lambda verb, group, resource: resource != "secrets"
    done = run("access", "can", "sa:monitoring/prometheus-operator", "get", "secrets", "--kubeconfig", path)
    assert done.returncode == 0, done.stderr
    ways = run("access", "escalation", "--kubeconfig", path)
    assert ways.returncode == 0, ways.stderr
    assert "ways through it are not known" in ways.stderr
    assert "prometheus-operator -> cluster-admin" in ways.stdout
    server.allowed = lambda verb, group, resource: resource != "clusterrolebindings"
    blind = run("access", "can", "user:x", "get", "pods", "--kubeconfig", path)
    assert blind.returncode == 2
    assert "access was not judged" in blind.stderr
