"""``seawall isolation`` of a live cluster and of a snapshot of it tell the same; without a right it says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cluster.conftest import Kubeconfig
from tests.conftest import Run
from tests.replay import Replay


def test_a_cluster_and_its_snapshot(run: Run, server: Replay, kubeconfig: Kubeconfig, tmp_path: Path) -> None:
    config, file = kubeconfig(server.url), str(tmp_path / "s.tar.gz")
    assert run("snapshot", "--kubeconfig", config, "-o", file).returncode == 0
    live = run("isolation", "cluster", "--kubeconfig", config, "--format", "json")
    kept = run("isolation", file, "--format", "json")
    assert (live.returncode, kept.returncode) == (0, 0), live.stderr + kept.stderr
    first, second = json.loads(live.stdout), json.loads(kept.stdout)
    assert len(first["rows"]) == 12
    assert first["total"] == second["total"]
    assert first["rows"] == second["rows"]


def test_without_the_right_to_list_nodes(run: Run, server: Replay, kubeconfig: Kubeconfig) -> None:
    server.allowed = lambda verb, group, resource: resource != "nodes"
    done = run("isolation", "cluster", "--kubeconfig", kubeconfig(server.url), "--format", "json")
    document: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 2
    assert document["complete"] is False
    assert "isolation was not judged" in done.stderr
