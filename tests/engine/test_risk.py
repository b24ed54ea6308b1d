"""Risk: the formula, each term by an example with and without it, and what comes first in two estates, with reasons."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from seawall.engine import ReadOptions, ScanOptions, scan
from seawall.findings import base_risk, vulnerability_risk, weighed
from seawall.model.finding import Confidence, Finding, RiskTerm, Severity
from tests.cluster.conftest import Kubeconfig, kubeconfig, recorded, recording, server
from tests.conftest import Run
from tests.replay import Replay

__all__ = ["kubeconfig", "recorded", "recording", "server"]

ROOT = Path(__file__).resolve().parents[2]
SHELL = """apiVersion: apps/v1
kind: Deployment
metadata: {{name: front, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: front}}}}
  template:
    metadata: {{labels: {{app: front}}}}
    spec:
      {spec}
      containers:
      - {{name: c, image: "{image}", ports: [{{containerPort: 80}}], securityContext: {{{context}}}}}
"""
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop}
spec: {type: LoadBalancer, selector: {app: front}, ports: [{port: 80}]}
"""
BINDING = """---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: all}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: default, namespace: shop}]
"""


def found(
    tmp_path: Path, more: str = "", spec: str = "", image: str = "registry.example/front:1", context: str = ""
) -> Finding:
    """What a scan says of the capabilities that a workload keeps."""
    (tmp_path / "a.yaml").write_text(SHELL.format(spec=spec, image=image, context=context) + more)
    result = scan(ScanOptions(ReadOptions((str(tmp_path),))))
    (finding,) = [each for each in result.findings if each.rule == "drop-all-capabilities"]
    return finding


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("exposed", {"more": SERVICE}),
        ("privilege", {"more": BINDING}),
        ("targets", {"context": "privileged: true"}),
        ("sensitivity", {"image": "docker.io/library/postgres:16"}),
        ("sandbox", {"spec": "runtimeClassName: gvisor"}),
        ("user-namespace", {"spec": "hostUsers: false"}),
    ],
)
def test_each_term_moves_the_risk_its_way(tmp_path: Path, name: str, change: dict[str, str]) -> None:
    plain = found(tmp_path)
    assert plain.risk_terms == () and plain.risk == base_risk(plain.severity, plain.confidence)
    changed = found(tmp_path, **change)
    assert [term.name for term in changed.risk_terms] == [name]
    (term,) = changed.risk_terms
    assert term.reason and (changed.risk > plain.risk) == (term.weight > 0) and changed.risk != plain.risk


def test_a_token_that_is_not_mounted_gives_no_privilege(tmp_path: Path) -> None:
    assert found(tmp_path, BINDING, "automountServiceAccountToken: false").risk_terms == ()


def test_the_formula() -> None:
    def term(weight: int) -> RiskTerm:
        return RiskTerm("exposed", weight, "because")

    assert weighed(45, ()) == 45
    assert weighed(40, (term(30),)) == 70
    assert weighed(40, (term(60), term(60))) == 100
    assert weighed(40, (term(30), term(-50))) == 35
    assert weighed(1, (term(-100),)) == 1
    for base in range(1, 100):
        assert base <= weighed(base, (term(10),)) <= weighed(base, (term(20),)) <= 100
        assert weighed(base, (term(24),)) <= weighed(base + 1, (term(24),))


def test_what_is_exploited_stands_before_what_is_likely() -> None:
    likely, terms = vulnerability_risk(Severity.CRITICAL, Confidence.HIGH, False, 0.9)
    exploited, more = vulnerability_risk(Severity.LOW, Confidence.LOW, True, 0.9)
    assert likely == 94 and [each.name for each in terms] == ["likely"]
    assert exploited == 95 and [each.name for each in more] == ["likely", "exploited"]
    assert vulnerability_risk(Severity.LOW, Confidence.HIGH, False, -1) == (20, ())


#: What must come first in examples/, and why; other weights have to keep it so.
EXAMPLES = {
    ("runtime-socket-mounted", "log-shipper"): "on every node, and its token reads all Secrets",
    ("sensitive-host-path", "log-shipper"): "the same pods read the node's keys",
    ("privileged-container", "search"): "the store of search data runs as root of its node",
    ("host-path-volume", "log-shipper"): "what it mounts of each node",
    ("writable-host-path", "log-shipper"): "it can write there",
    ("sys-admin-capability", "log-shipper"): "enough to leave the container",
    ("added-capabilities", "log-shipper"): "the same grant as the Pod Security Standards tell it",
    ("host-pid", "log-shipper"): "it sees all processes of each node",
    ("host-network", "log-shipper"): "it reaches what listens on the nodes alone",
    ("daemonset-strong-rights", "log-shipper"): "one node that falls gives all Secrets",
}
#: The same of the recorded cluster. Its pods open nodes; the operator's token is all of the cluster.
RECORDED = {
    ("runtime-socket-mounted", "docker-bench-security"): "the engine of every node, by its socket",
    ("sensitive-host-path", "docker-bench-security"): "and its files",
    ("privileged-container", "docker-bench-security"): "and its devices",
    ("runtime-socket-mounted", "health-check-deployment"): "a web page with the node's engine behind it",
    ("privileged-container", "health-check-deployment"): "the same pod is root of its node",
    ("sensitive-host-path", "system-monitor-deployment"): "the whole file system of the node",
    ("privileged-container", "system-monitor-deployment"): "the same pod is root of its node",
    ("sensitive-host-path", "node-exporter"): "on every node, the whole file system",
    ("sensitive-host-path", "kube-bench-master"): "keys of the control plane",
    ("sensitive-host-path", "kube-bench-node"): "keys of kubelets",
}


def first(told: Iterable[tuple[str, str]], count: int) -> set[tuple[str, str]]:
    """Of rules and objects in their order the first ``count`` that differ."""
    return set(list(dict.fromkeys(told))[:count])


def test_what_comes_first_in_the_examples() -> None:
    result = scan(ScanOptions(ReadOptions((str(ROOT / "examples"),))))
    assert [each.risk for each in result.findings] == sorted((each.risk for each in result.findings), reverse=True)
    assert first(((each.rule, each.resource.name) for each in result.findings), len(EXAMPLES)) == set(EXAMPLES)


def test_what_comes_first_in_the_recorded_cluster(run: Run, server: Replay, kubeconfig: Kubeconfig) -> None:
    done = run("scan", "cluster", "--kubeconfig", kubeconfig(server.url), "--format", "json")
    findings = json.loads(done.stdout)["findings"]
    assert first(((each["rule"], each["resource"]["name"]) for each in findings), len(RECORDED)) == set(RECORDED)
