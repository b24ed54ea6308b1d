"""Frameworks over a live cluster: what was looked at there may pass."""

from __future__ import annotations

import json

from tests.cluster.conftest import Kubeconfig
from tests.conftest import Run
from tests.replay import Replay


def test_a_live_cluster_answers_frameworks(run: Run, server: Replay, kubeconfig: Kubeconfig) -> None:
    options = ("--kubeconfig", kubeconfig(server.url), "--format", "json")
    done = run("comply", "nist-800-190", "--on", "cluster", *options)
    document = json.loads(done.stdout)
    states = {each["id"]: each["status"] for each in document["controls"]}
    assert document["inputs"] == [{"path": "cluster", "kind": "cluster"}]
    assert states["4.3.1"] == "fail" and states["4.4.3"] == "fail" and states["4.5.5"] == "fail"
    # Images, registries and nodes' files are not in the cluster's API.
    assert states["4.1.1"] == states["4.4.1"] == states["4.5.3"] == "not-checked"
    assert done.returncode == 2
    found = next(each for each in document["controls"] if each["id"] == "4.3.1")
    assert any("cluster-admin" in str(each) for each in found["evidence"])


def test_what_a_live_cluster_has_none_of_passes(run: Run, server: Replay, kubeconfig: Kubeconfig) -> None:
    done = run("comply", "pss-baseline", "--on", "cluster", "--kubeconfig", kubeconfig(server.url), "--format", "json")
    states = {each["id"]: each["status"] for each in json.loads(done.stdout)["controls"]}
    assert states["privileged"] == "fail" and "pass" in states.values()
