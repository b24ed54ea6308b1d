"""Rules about programs run where one of them runs, and say so where that cannot be told."""

from __future__ import annotations

import json
from typing import Any

from seawall.engine.catalogue import load_rules
from seawall.engine.judge import Judge, RuleHit
from seawall.model.finding import RuleState
from seawall.model.paths import format_path
from seawall.model.resource import Resource
from seawall.model.version import NEWEST
from seawall.sources.manifests.load import load_stdin

RULES = list(load_rules())


def judged(manifest: dict[str, Any]) -> tuple[list[RuleHit], dict[str, RuleState]]:
    """The hits on an object, and each rule's state."""
    judge = Judge(RULES, NEWEST)
    hits: list[RuleHit] = []
    for resource in load_stdin(json.dumps(manifest).encode()):
        assert isinstance(resource, Resource), resource
        hits += judge.judge(resource)
    return hits, {status.rule: status.state for status in judge.statuses(RULES, lambda _: "")}


def pod(**container: Any) -> dict[str, Any]:
    """A pod of one container."""
    spec = {"containers": [{"name": "c", "image": "registry.example.com/x:1", **container}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": spec}


def places(hits: list[RuleHit], rule: str) -> list[str]:
    """Where a rule fired."""
    return [format_path(hit.path) for hit in hits if hit.rule.id == rule]


def test_paths_lead_into_the_container() -> None:
    hits, _ = judged(pod(command=["kube-apiserver"], args=["--v=2", "--profiling=true"]))
    assert places(hits, "apiserver-profiling") == ["spec.containers[0].args[1]"]
    assert places(hits, "apiserver-audit-log") == ["spec.containers[0].command"]


def test_rules_of_other_programs_stay_silent() -> None:
    hits, _ = judged(pod(command=["kube-scheduler"]))
    assert {hit.rule.id for hit in hits if hit.rule.scope == "control-plane"} == {
        "scheduler-profiling",
        "scheduler-bind-address",
    }


def test_init_containers_count() -> None:
    manifest = pod()
    manifest["spec"]["initContainers"] = [{"name": "i", "image": "x:1", "command": ["etcd", "--auto-tls"]}]
    hits, _ = judged(manifest)
    assert places(hits, "etcd-auto-tls") == ["spec.initContainers[0].command[1]"]


def test_a_command_that_cannot_be_read_is_not_passed_over() -> None:
    for command in ("kube-apiserver --profiling=true", ["kube-apiserver", 7]):
        _, states = judged(pod(command=command))
        assert states["apiserver-profiling"] is RuleState.NOT_JUDGED
        assert states["etcd-auto-tls"] is RuleState.NOT_JUDGED
        assert states["privileged-container"] is RuleState.OK


def test_extra_arguments_that_cannot_be_read_are_not_passed_over() -> None:
    kubeadm = {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration", "apiServer": {"extraArgs": "x"}}
    _, states = judged(kubeadm)
    assert states["apiserver-profiling"] is RuleState.NOT_JUDGED


def test_kubeadm_paths_lead_to_the_argument() -> None:
    kubeadm = {
        "apiVersion": "kubeadm.k8s.io/v1beta3",
        "kind": "ClusterConfiguration",
        "apiServer": {"extraArgs": {"anonymous-auth": "true"}},
    }
    hits, _ = judged(kubeadm)
    assert places(hits, "apiserver-anonymous-auth") == ["apiServer.extraArgs.anonymous-auth"]
    assert places(hits, "apiserver-always-allow") == []


def test_settings_of_a_configuration_of_the_wrong_type_are_not_judged() -> None:
    kubelet = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "readOnlyPort": "high"}
    hits, states = judged(kubelet)
    assert states["kubelet-read-only-port"] is RuleState.NOT_JUDGED
    assert states["kubelet-client-ca"] is RuleState.OK
    assert places(hits, "kubelet-client-ca") == ["authentication.x509.clientCAFile"]
