"""NIST SP 800-190 4.4.1 and 4.5.3: what is known of the cluster's software and of its nodes' packages answers them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.images.made import database, osv
from tests.conftest import Run

NODE = """apiVersion: v1
kind: Node
metadata: {name: one}
status: {nodeInfo: {kubeletVersion: v1.29.1, kubeProxyVersion: v1.29.1}}
"""


def control(run: Run, tmp_path: Path, name: str, results: str) -> dict[str, Any]:
    done = run("comply", "nist-800-190", "--on", results, "--format", "json", cwd=tmp_path)
    (found,) = [each for each in json.loads(done.stdout)["controls"] if each["id"] == name]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(("fixed", "status"), [("1.30.0", "fail"), ("1.29.0", "pass")])
def test_software_of_the_cluster(run: Run, tmp_path: Path, fixed: str, status: str) -> None:
    events = [{"introduced": "0"}, {"fixed": fixed}]
    database(tmp_path / "db", [osv("GO-1", "Go", "k8s.io/kubernetes", events)]).close()
    (tmp_path / "node.yaml").write_text(NODE)
    assert control(run, tmp_path, "4.4.1", "node.yaml")["reason"].startswith("needs results of `seawall scan --comp")
    run("scan", "node.yaml", "--components", "--db", "db", "--format", "json=scan.json", cwd=tmp_path)
    found = control(run, tmp_path, "4.4.1", "scan.json")
    assert found["status"] == status, found
    if status == "fail":
        assert {each["rule"] for each in found["evidence"]} == {"vulnerable-component"}


@pytest.mark.parametrize(("version", "status"), [("1:1.3-1", "fail"), ("1:1.3-2", "pass")])
def test_packages_of_nodes(run: Run, tmp_path: Path, version: str, status: str) -> None:
    events = [{"introduced": "0"}, {"fixed": "1:1.3-2"}]
    database(tmp_path / "db", [osv("CVE-2024-1", "Debian:12", "zlib", events)]).close()
    zlib = {"type": "deb", "name": "zlib1g", "version": version, "source_name": "zlib", "source_version": version}
    document = {
        "schema": "seawall.facts/v1", "tool": "0", "collected": "2026-01-01T00:00:00+00:00", "root": "/",
        "host": {"name": "worker-1", "os_id": "debian", "os_version": "12"}, "layout": "unknown", "packages": [zlib],
    }  # fmt: skip
    (tmp_path / "facts.json").write_text(json.dumps(document))
    done = run("node", "--facts", "facts.json", "--db", "db", "--format", "json=node.json", cwd=tmp_path)
    assert (tmp_path / "node.json").exists(), done.stderr
    assert control(run, tmp_path, "4.5.3", "node.json")["status"] == status
