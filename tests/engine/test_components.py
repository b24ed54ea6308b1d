"""The cluster's own software is judged by the versions that nodes and images tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seawall.analysis.images.components import component_of, components_of
from seawall.engine import ReadOptions, ScanOptions, scan
from seawall.engine.components import add_components
from seawall.engine.vulnerabilities import VulnerabilityOptions
from seawall.model.finding import RelatedEvidence, RuleState
from seawall.model.resource import Inventory, Resource
from seawall.sources.manifests.load import load_stdin
from tests.analysis.images.made import database, osv
from tests.conftest import Run

NODES = b"""
apiVersion: v1
kind: Node
metadata: {name: one}
status: {nodeInfo: {kubeletVersion: v1.29.1-eks-1a2b, kubeProxyVersion: v1.29.1-eks-1a2b, kernelVersion: 6.1.1,
  containerRuntimeVersion: "containerd://1.7.1"}}
---
apiVersion: v1
kind: Node
metadata: {name: two}
status: {nodeInfo: {kubeletVersion: v1.29.1-eks-1a2b, containerRuntimeVersion: "odd://1", kernelVersion: 5}}
---
apiVersion: v1
kind: Node
metadata: {name: three}
status: nothing
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ingress, namespace: ingress-nginx}
spec: {template: {spec: {containers: [
  {name: a, image: "registry.k8s.io/ingress-nginx/controller:v1.11.1@sha256:abc"}, {name: b, image: "own:1"},
  {name: c, image: "registry.k8s.io/coredns/coredns:latest"}]}}}
"""


@pytest.fixture
def inventory() -> Inventory:
    return Inventory(each for each in load_stdin(NODES) if isinstance(each, Resource))


def test_components(inventory: Inventory) -> None:
    uses = {(use.name, use.version): use for use in components_of(inventory)}
    assert {key for key, use in uses.items() if not use.reason} == {
        ("kubelet", "1.29.1"),
        ("kube-proxy", "1.29.1"),
        ("containerd", "1.7.1"),
        ("ingress-nginx", "1.11.1"),
    }
    assert {key for key, use in uses.items() if use.reason} == {
        ("kernel", "6.1.1"),
        ("odd", "1"),
        ("coredns", "latest"),
    }
    assert [ref.name for ref in uses["kubelet", "1.29.1"].resources] == ["one", "two"]
    assert all("scan the node" in use.reason for use in uses.values() if use.name == "kernel")


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("quay.io/argoproj/argocd:v2.10.0", "argo-cd"),
        ("docker.io/calico/node:v3.27.0", "calico"),
        ("localhost:5000/mirror/istio/proxyv2:1.20.0", "istio"),
        ("registry.example/etcd:3.5.1", "etcd"),
        ("example/notetcd:1", None),
    ],
)
def test_images_of_control_software(image: str, name: str | None) -> None:
    known, _ = component_of(image)
    assert (known.name if known else None) == name


def test_their_vulnerabilities_are_found(inventory: Inventory, tmp_path: Path) -> None:
    events = [{"introduced": "0"}, {"fixed": "1.11.5"}]
    documents = [osv("GO-2025-1", "Go", "k8s.io/ingress-nginx", events, aliases=["CVE-2025-1974"])]
    database(tmp_path / "db", documents).close()
    (tmp_path / "cluster.yaml").write_bytes(NODES)
    result = scan(ScanOptions(ReadOptions((str(tmp_path / "cluster.yaml"),))))
    states = {status.rule: status for status in result.statuses}
    assert states["vulnerable-component"].state is RuleState.SKIPPED
    add_components(result, VulnerabilityOptions(str(tmp_path / "db")))
    (finding,) = [each for each in result.findings if each.rule == "vulnerable-component"]
    assert str(finding.resource) == "Component ingress-nginx@1.11.1"
    (related,) = [each for each in finding.evidence if isinstance(each, RelatedEvidence)]
    assert str(related.resource) == "Deployment ingress-nginx/ingress"
    assert not result.complete
    assert any("scan the node" in reason for reason in result.reasons())


def test_the_command_line_takes_them(run: Run, tmp_path: Path) -> None:
    database(tmp_path / "db", [osv("GO-1", "Go", "k8s.io/kubernetes", [{"introduced": "0"}])]).close()
    (tmp_path / "cluster.yaml").write_bytes(NODES)
    done = run("scan", str(tmp_path / "cluster.yaml"), "--components", f"--db={tmp_path / 'db'}", "--format", "json")
    findings = [each for each in json.loads(done.stdout)["findings"] if each["rule"] == "vulnerable-component"]
    assert {each["resource"]["name"] for each in findings} == {"kubelet@1.29.1", "kube-proxy@1.29.1"}
    done = run("scan", str(tmp_path / "cluster.yaml"), "--components", f"--db={tmp_path / 'none'}")
    assert done.returncode == 2
    assert "there is no database" in done.stderr
