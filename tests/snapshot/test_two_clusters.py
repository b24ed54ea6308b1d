"""Several clusters in one run: each is judged by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cluster.conftest import Kubeconfig
from tests.conftest import Run
from tests.replay import Replay


@pytest.fixture
def two(run: Run, server: Replay, kubeconfig: Kubeconfig, tmp_path: Path) -> tuple[Path, Path]:
    """Snapshots of the recorded cluster, and of one without its policies, roles and accounts."""
    config = Path(kubeconfig(server.url))
    made = []
    for name in ("prod", "dev"):
        config.write_text(config.read_text().replace('"prod"', f'"{name}"'))
        made.append(tmp_path / f"{name}.snapshot")
        assert run("snapshot", "--kubeconfig", str(config), "-o", str(made[-1])).returncode == 0
        for path in server.recording.items:
            if path.rpartition("/")[2] in ("networkpolicies", "clusterroles", "serviceaccounts"):
                server.recording.items[path] = []
    return made[0], made[1]


def identity(document: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    return {(f["resource"]["cluster"], f["rule"], f["fingerprint"], f["message"]) for f in document["findings"]}


def test_none_reaches_into_the_other(scan_json: Any, two: tuple[Path, Path]) -> None:
    first, second = (identity(scan_json(str(path), "--profile", "all")[1]) for path in two)
    assert {cluster for cluster, *_ in first} == {"prod"}
    assert {cluster for cluster, *_ in second} == {"dev"}
    assert identity(scan_json(*map(str, two), "--profile", "all")[1]) == first | second


@pytest.mark.parametrize("question", [("access", "who-can", "get", "secrets"), ("network", "reach")])
def test_questions_are_about_one(run: Run, two: tuple[Path, Path], question: tuple[str, ...]) -> None:
    done = run(*question, *map(str, two))
    assert done.returncode == 2
    assert "ask of one cluster at a time" in done.stderr
    assert run(*question, str(two[0])).stdout == done.stdout
