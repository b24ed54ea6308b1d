"""``seawall node`` on facts: every format, answers of people, results of a scan and of other tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seawall.analysis.nodes.examples import example_facts
from seawall.reports import FORMATS
from tests.conftest import Run


@pytest.fixture
def facts(tmp_path: Path) -> str:
    """Facts of a node where one check fails."""
    change: dict[str, Any] = {"components": {"kubelet": {"flags": {"anonymous-auth": ["true"]}}}}
    file = tmp_path / "facts.json"
    file.write_bytes(msgspec.json.encode(example_facts("kubeadm", change)))
    return str(file)


def test_every_format_tells_the_failed_check(run: Run, facts: str) -> None:
    for name in (*FORMATS, "controls", "controls-json"):
        done = run("node", "audit", "--facts", facts, "--format", name)
        assert done.returncode == 1, done.stderr
        assert "kubelet-anonymous-auth" in done.stdout or "Kubelet takes anonymous requests" in done.stdout, name


def test_a_form_is_filled_in_and_read_again(run: Run, facts: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    assert run("node", "audit", "--facts", facts, "--format", f"answers={file}").returncode == 1
    refused = run("node", "audit", "--facts", facts, "--answers", str(file))
    assert refused.returncode == 2
    assert f"{file}:" in refused.stderr and "Traceback" not in refused.stderr
    file.write_text(
        "answers:\n- {control: cis-k8s-1.11 4.2.1, result: accepted, by: Jo, date: 2026-01-01, reason: a test}\n"
    )
    done = run("node", "audit", "--facts", facts, "--answers", str(file))
    assert done.returncode == 0, done.stderr
    assert "accepted    4.2.1" in done.stdout


def test_results_of_a_scan_answer_policies(run: Run, facts: str, tmp_path: Path) -> None:
    pod = tmp_path / "pod.yaml"
    pod.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
        "spec: {containers: [{name: a, image: b, securityContext: {privileged: true}}]}\n"
    )
    scan = tmp_path / "scan.json"
    run("scan", str(pod), "--profile", "all", "--format", f"json={scan}")
    done = run("node", "audit", "--facts", facts, "--scan", str(scan), "--format", "controls-json")
    controls = {each["id"]: each for each in json.loads(done.stdout)["nodes"][0]["controls"]}
    assert controls["5.2.2"]["state"] == "fail"
    assert controls["5.2.2"]["reason"] == "privileged-container: 1"
    assert controls["5.2.3"]["state"] == "pass"


def test_kube_bench_is_put_beside(run: Run, facts: str, tmp_path: Path) -> None:
    results = [{"test_number": "4.2.1", "status": "PASS", "actual_value": "false"}]
    file = tmp_path / "kube-bench.json"
    file.write_text(json.dumps({"Controls": [{"version": "cis-1.11", "tests": [{"results": results}]}]}))
    done = run("node", "compare", str(file), "--facts", facts)
    assert "differ                4.2.1   Kubelet takes anonymous requests" in done.stdout
    assert "kube-bench: PASS (found false)" in done.stdout
    assert run("node", "compare", facts, "--facts", facts).returncode == 2


def test_a_plan_says_the_lines(run: Run, facts: str) -> None:
    done = run("node", "fix", "--plan", "--facts", facts)
    assert done.returncode == 0, done.stderr
    assert "/var/lib/kubelet/config.yaml" in done.stdout
    assert "systemctl restart kubelet" in done.stdout
    document = json.loads(run("node", "fix", "--plan", "--facts", facts, "--format", "json").stdout)
    assert document["nodes"][0]["fixes"][0]["remedy"]["verified"] is True


def test_waivers_of_files(run: Run, facts: str, tmp_path: Path) -> None:
    config = tmp_path / "own.yaml"
    config.write_text("waivers: [{rule: kubelet-anonymous-auth, reason: a test, select: {kind: Node}}]\n")
    done = run("node", "audit", "--facts", facts, "--config", str(config), "--format", "json")
    assert done.returncode == 0, done.stderr
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["status"], finding["waiver"]["reason"]) == ("waived", "a test")
    config.write_text("waivers: [{rule: kubelet-anonymous-auth, reason: a test, select: {name: other}}]\n")
    assert run("node", "audit", "--facts", facts, "--config", str(config)).returncode == 1
