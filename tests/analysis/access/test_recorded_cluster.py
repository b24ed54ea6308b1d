"""What the rules of access say of a real cluster: the planted weaknesses, and nothing of Kubernetes' own accounts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from seawall.engine import ReadOptions, ScanOptions, Selection, load_rules, scan
from seawall.model.finding import Finding
from seawall.model.rule import Scope

EXPECTED = {
    ("becomes-cluster-admin", "prometheus-operator"), ("workload-takes-cluster", "prometheus-operator"),
    ("cluster-admin-binding", "superadmin"), ("rbac-secrets-read", "kube-state-metrics"),
    ("rbac-secrets-read", "prometheus-operator"), ("rbac-secrets-write", "prometheus-operator"),
    ("rbac-wildcard-verbs", "prometheus-operator"), ("rbac-pod-create", "prometheus-operator"),
    ("rbac-endpoints-write", "prometheus-operator"), ("rbac-cluster-settings-write", "prometheus-operator"),
    ("rbac-wildcard-verbs", "resource-metrics-server-resources"),
    ("rbac-wildcard-resources", "resource-metrics-server-resources"),
    ("rbac-wildcard-resources", "secret-reader"), ("rbac-secrets-read", "secret-reader"),
}  # fmt: skip


@pytest.fixture(scope="module")
def cluster(conformance: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    answers = json.loads(gzip.decompress((conformance / "cluster/api-responses.json.gz").read_bytes()))
    items: list[dict[str, Any]] = []
    for answer in answers.values():
        if isinstance(answer, dict) and str(answer.get("kind", "")).endswith("List") and "items" in answer:
            head = {"apiVersion": answer["apiVersion"], "kind": answer["kind"].removesuffix("List")}
            items += [{**head, **item} for item in answer["items"]]
    file = tmp_path_factory.mktemp("cluster") / "all.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return str(file)


def found_by(file: str, profile: str) -> list[Finding]:
    result = scan(ScanOptions(ReadOptions((file,)), selection=Selection(profile=profile)))
    assert not [each for each in result.statuses if each.state in ("error", "not-judged")]
    ours = {rule.id for rule in load_rules() if rule.scope is Scope.RBAC}
    return [finding for finding in result.findings if finding.rule in ours]


def test_the_default_profile_tells_what_was_planted_and_no_more(cluster: str) -> None:
    assert {(finding.rule, finding.resource.name) for finding in found_by(cluster, "default")} == EXPECTED


def test_every_rule_leaves_kubernetes_own_accounts_alone(cluster: str) -> None:
    """With all rules: nothing of the API server's own roles and bindings, but what is stated."""
    own = [each for each in found_by(cluster, "all") if each.resource.name.startswith("system:")]
    assert {each.resource.name for each in own} <= {"system:aggregated-metrics-reader"}
