"""What makes a workload sensitive or untrusted, and what gives a pod its node: each with its counterpart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from seawall.analysis.isolation import Options, World
from seawall.analysis.isolation.escape import way_out
from seawall.analysis.isolation.sensitivity import Level
from seawall.model.access import Subject
from seawall.model.resource import Inventory, Resource
from seawall.model.standing import NO_RIGHTS, Rights, StrongRight
from seawall.sources.manifests import load_stdin


class Known:
    """A standing of the tests."""

    problem = ""

    def rights(self, account: Subject) -> Rights:
        if account.name == "admin":
            return Rights(admin="starts a pod")
        return Rights(strong=(StrongRight("reads Secrets"),), secrets=("",)) if account.name == "reader" else NO_RIGHTS

    def exposures(self) -> Mapping[str, str]:
        return {"shop/front[Pod]": "Ingress shop/front"}


def world(*objects: dict[str, Any], options: Options | None = None) -> World:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()
    resources = [each for each in load_stdin(text) if isinstance(each, Resource)]
    return World(Inventory(resources), Known(), options)


def pod(name: str = "web", namespace: str = "shop", image: str = "example.com/web:1", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": spec.pop("labels", {})}
    container = {"name": "c", "image": image, **spec.pop("container", {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container], **spec}}


CLAIM: dict[str, Any] = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}]}
PORT = {"ports": [{"containerPort": 5432}]}
MANY = {"envFrom": [{"secretRef": {"name": f"s{number}"}} for number in range(5)]}


@pytest.mark.parametrize(
    ("made", "level", "reason"),
    [
        (pod(), "ordinary", ""),
        (pod(labels={"data-classification": "Confidential"}), "sensitive", "data-classification"),
        (pod(labels={"data-classification": "public"}), "ordinary", ""),
        (pod(labels={"compliance": "pci"}), "sensitive", "compliance=pci"),
        (pod(labels={"pci": "false"}), "ordinary", ""),
        (pod("payment-api"), "sensitive", "its name says payment"),
        (pod("repayments"), "ordinary", ""),
        (pod(image="registry.example.com/library/postgres:17@sha256:00"), "sensitive", "runs postgres"),
        (pod(image="example.com/postgres-exporter:1"), "ordinary", ""),
        (pod(image="hashicorp/vault:1"), "sensitive", "keeps secrets"),
        (pod(container=PORT, **CLAIM), "sensitive", "port of PostgreSQL"),
        (pod(container=PORT), "ordinary", ""),
        (pod(container=MANY), "sensitive", "5 Secrets"),
        (pod(serviceAccountName="admin"), "sensitive", "every right"),
        (pod(serviceAccountName="admin", automountServiceAccountToken=False), "ordinary", ""),
        (pod(serviceAccountName="reader"), "sensitive", "every Secret"),
        (pod("front"), "untrusted", "Ingress shop/front"),
        (pod("front", container=MANY), "untrusted", "Ingress shop/front"),
        (pod("front", image="postgres:17"), "sensitive", "runs postgres"),
        (pod(image="gcr.io/kaniko-project/executor:v1"), "untrusted", "code of others"),
        (pod(image="docker:27-dind"), "untrusted", "code of others"),
        (pod(image="jupyter/base-notebook:1"), "untrusted", "code of others"),
        (pod("payment", labels={"seawall.dev/sensitivity": "ordinary"}), "ordinary", ""),
        (pod(labels={"seawall.dev/sensitivity": "untrusted"}), "untrusted", "seawall.dev/sensitivity"),
        (pod(namespace="kube-system", serviceAccountName="admin"), "ordinary", ""),
    ],
)
def test_levels(made: dict[str, Any], level: Level, reason: str) -> None:
    found = world(made)
    (unit,) = found.units
    judged = found.judgement(unit)
    assert (judged.level, reason in judged.reason) == (level, True), judged


def test_the_level_of_a_namespace_and_of_the_command_line() -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace",
                 "metadata": {"name": "shop", "labels": {"seawall.dev/sensitivity": "sensitive"}}}  # fmt: skip
    found = world(namespace, pod())
    assert found.judgement(next(iter(found.units))).level == "sensitive"
    found = world(namespace, pod(), options=Options(levels={"shop/web": "untrusted"}))
    assert found.judgement(next(iter(found.units))).level == "untrusted"


def host(path: str, **mount: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "h", "hostPath": {"path": path}}],
            "container": {"volumeMounts": [{"name": "h", "mountPath": "/h", **mount}]}}  # fmt: skip


def capability(name: str) -> dict[str, Any]:
    return {"securityContext": {"capabilities": {"add": [name]}}}


def never_root(spec: dict[str, Any], **context: Any) -> dict[str, Any]:
    """The same with a container that gains no privileges; ``context`` says as whom its pod runs."""
    container = spec.get("container", {})
    own = {**container.get("securityContext", {}), "allowPrivilegeEscalation": False}
    return {**spec, "container": {**container, "securityContext": own}, "securityContext": context}


@pytest.mark.parametrize(
    ("spec", "escapes"),
    [
        ({}, False),
        ({"container": {"securityContext": {"privileged": True}}}, True),
        ({"container": capability("SYS_ADMIN")}, True),
        ({"container": capability("SYS_ADMIN"), "hostUsers": False}, False),
        ({"container": capability("SYS_PTRACE")}, False),
        ({"container": capability("SYS_PTRACE"), "hostPID": True}, True),
        ({"container": capability("NET_BIND_SERVICE")}, False),
        (host("/var/run/docker.sock"), True),
        (host("/run/containerd/containerd.sock"), True),
        (host("/etc"), True),
        (host("/etc", readOnly=True), False),
        (host("/var/lib/kubelet", readOnly=True), True),
        (host("/data"), False),
        (never_root(host("/"), runAsUser=65534), False),
        (never_root(host("/"), runAsNonRoot=True), False),
        (never_root(host("/"), runAsUser=0), True),
        (never_root(host("/")), True),
        (never_root(host("/run/docker.sock"), runAsUser=65534), True),
        (never_root({"container": capability("SYS_ADMIN")}, runAsUser=65534), False),
    ],
)
def test_ways_out(spec: dict[str, Any], escapes: bool) -> None:
    (unit,) = world(pod(**spec)).units
    assert bool(way_out(unit.spec)) is escapes


@pytest.mark.parametrize(
    ("flag", "expected"),
    [("--enable-admission-plugins=NodeRestriction", True), ("--enable-admission-plugins=PodSecurity", False)],
)
def test_whether_kubelets_are_restricted(flag: str, expected: bool) -> None:
    server = pod("kube-apiserver-m", "kube-system", container={"command": ["kube-apiserver", flag]})
    assert world(server).restricted is expected
    assert world(pod()).restricted is None


def test_sandboxes() -> None:
    plain = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "fast"}, "handler": "crun"}
    found = world(plain, pod("a", runtimeClassName="fast"), pod("b", runtimeClassName="gvisor"), pod("c"))
    assert [found.sandbox(unit) for unit in found.units] == ["", "gvisor", ""]
