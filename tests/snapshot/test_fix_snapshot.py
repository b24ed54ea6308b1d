"""Fixes for what was read from a cluster: commands, for no file holds the objects."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from tests.cluster.conftest import Kubeconfig
from tests.conftest import Run
from tests.replay import Replay


def test_objects_of_a_cluster_get_commands(run: Run, server: Replay, kubeconfig: Kubeconfig, tmp_path: Path) -> None:
    snapshot = tmp_path / "prod.snapshot"
    assert run("snapshot", "--kubeconfig", kubeconfig(server.url), "-o", str(snapshot)).returncode == 0
    before = snapshot.read_bytes()
    done = run("fix", str(snapshot), "--rule", "seccomp-profile", "--rule", "allow-privilege-escalation")
    commands = [shlex.split(line) for line in done.stdout.splitlines() if line.startswith("kubectl patch ")]
    assert commands
    for command in commands:
        assert "--type=json" in command
        for step in json.loads(command[-1]):
            assert step["op"] in ("add", "replace")
            assert "securityContext" in step["path"]
    assert snapshot.read_bytes() == before
    assert "0 findings fixed in 0 files" in done.stdout
