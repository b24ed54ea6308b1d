"""``seawall isolation`` on the command line: what falls, how it is told, and its published schema."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import REPOSITORY, Run

SCHEMAS = REPOSITORY / "src" / "seawall" / "reports" / "schemas"
ESTATE = """
apiVersion: v1
kind: Node
metadata: {name: master, labels: {node-role.kubernetes.io/control-plane: ""}}
---
apiVersion: v1
kind: Node
metadata: {name: worker-1, labels: {cloud.google.com/gke-nodepool: web}}
---
apiVersion: v1
kind: Node
metadata: {name: worker-2, labels: {cloud.google.com/gke-nodepool: data}}
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
---
apiVersion: v1
kind: Secret
metadata: {name: other, namespace: bank}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  nodeName: worker-1
  containers:
    - name: web
      image: example.com/web:1
      env: [{name: P, valueFrom: {secretKeyRef: {name: db, key: p}}}]
---
apiVersion: v1
kind: Pod
metadata: {name: runner, namespace: ci}
spec:
  nodeName: worker-1
  automountServiceAccountToken: false
  volumes: [{name: root, hostPath: {path: /}}]
  containers:
    - {name: r, image: "ghcr.io/actions/actions-runner:2", volumeMounts: [{name: root, mountPath: /host}]}
---
apiVersion: v1
kind: Pod
metadata: {name: ledger, namespace: bank}
spec:
  nodeName: worker-2
  serviceAccountName: ledger
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
  containers: [{name: db, image: "postgres:17"}]
---
apiVersion: v1
kind: Pod
metadata: {name: done, namespace: bank}
spec: {nodeName: worker-1, containers: [{name: db, image: "postgres:17"}]}
status: {phase: Succeeded}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [secrets], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects: [{kind: ServiceAccount, name: ledger, namespace: bank}]
"""


@pytest.fixture
def ask(run: Run, tmp_path: Path) -> Any:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    schema = json.loads((SCHEMAS / "isolation.v1.json").read_text())

    def call(*args: str) -> dict[str, Any]:
        done = run("isolation", str(tmp_path / "estate.yaml"), "--format", "json", *args)
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        Draft202012Validator(schema).validate(document)
        return document

    return call


def test_what_falls_with_each_node(ask: Any) -> None:
    document = ask()
    rows = {row["name"]: row for row in document["rows"]}
    assert document["placement"] == "bound"
    assert rows["master"]["radius"] == 100
    assert "etcd" in rows["master"]["cluster"][0]
    first, second = rows["worker-1"], rows["worker-2"]
    assert (first["pool"], second["pool"]) == ("web", "data")
    assert first["secrets"] == [{"name": "shop/db", "how": "in its environment of shop/web[Pod]"}]
    assert [each["name"] for each in first["untrusted"]] == ["ci/runner[Pod]"]
    assert "/ of the node" in first["escapes"][0]["how"]
    assert [token["account"] for token in first["tokens"]] == ["shop/default"], "the runner has none, the job is done"
    assert second["places"] == ["*"]
    assert second["readable"] == 2
    assert second["rights"] == ["reads Secrets everywhere"]
    assert second["volumes"] == [{"name": "bank/data", "how": "of bank/ledger[Pod]"}]
    assert "its own Node" in first["kubelet"]
    assert document["total"]["exposedSecrets"] == 1


def test_kubelets_of_old_versions_ask_for_every_token(ask: Any) -> None:
    rows = {row["name"]: row for row in ask("--kubernetes-version", "1.30")["rows"]}
    assert {t["account"]: t["requested"] for t in rows["worker-1"]["tokens"]} == {
        "ci/default": True,
        "shop/default": False,
    }


def test_by_namespace_and_pool(ask: Any) -> None:
    rows = {row["name"]: row for row in ask("--by", "namespace")["rows"]}
    assert [secret["name"] for secret in rows["bank"]["secrets"]] == ["bank/other"]
    assert {row["name"] for row in ask("--by", "pool")["rows"]} == {"web", "data", "control-plane"}


def test_levels_and_labels_are_given(ask: Any) -> None:
    rows = {row["name"]: row for row in ask("--sensitive", "shop", "--ordinary", "bank/ledger")["rows"]}
    assert rows["worker-1"]["mixed"] is True
    assert rows["worker-1"]["sensitive"][0]["how"] == "given as sensitive"
    assert rows["worker-2"]["sensitive"] == []


def test_manifests_without_nodes_are_presumed(run: Run, tmp_path: Path) -> None:
    text = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: keys, namespace: vault}
spec:
  template:
    spec:
      nodeSelector: {dedicated: vault}
      tolerations: [{key: dedicated, value: vault, effect: NoSchedule}]
      containers: [{name: c, image: "hashicorp/vault:1"}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {spec: {containers: [{name: c, image: "example.com/web:1"}]}}}
"""
    (tmp_path / "m.yaml").write_text(text)
    done = run("isolation", str(tmp_path), "--format", "json")
    document = json.loads(done.stdout)
    assert document["placement"] == "presumed"
    assert {row["name"]: row["workloads"] for row in document["rows"]} == {
        "any node": ["shop/web[Deployment]"],
        "nodes with dedicated=vault": ["vault/keys[Deployment]"],
    }
    assert any("no nodes in the input" in note for note in document["notes"])


def test_nothing_to_judge_and_wrong_usage(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
    assert run("isolation", str(tmp_path)).returncode == 2
    done = run("isolation", str(tmp_path), "--sensitive", "a", "--untrusted", "a")
    assert done.returncode == 2
    assert "cannot be sensitive and untrusted" in done.stderr


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        ("nodeName", "{nodeName: 3}"),
        ("image", "{nodeName: worker-1, containers: [{name: a, image: {b: c}}]}"),
        ("hostUsers", "{nodeName: worker-1, hostUsers: 3}"),
        ("securityContext", "{nodeName: worker-1, containers: [{name: a, image: b, securityContext: [1]}]}"),
    ],
)
def test_wrong_types_are_told(field: str, spec: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        ESTATE + f"---\napiVersion: v1\nkind: Pod\nmetadata: {{name: odd}}\nspec: {spec}\n"
    )
    done = run("isolation", str(tmp_path))
    assert done.returncode == 2
    assert f"{field} has the wrong type: not judged" in done.stderr
    assert "worker-1" in done.stdout


@pytest.mark.parametrize(
    "odd",
    [
        "{apiVersion: v1, kind: Node, metadata: {name: odd}, spec: {taints: [{key: a, effect: 7}]}}",
        "{apiVersion: v1, kind: Pod, metadata: {name: odd}, spec: {tolerations: [{key: a, effect: []}]}}",
    ],
)
def test_what_nothing_can_be_judged_with_is_left_out(odd: str, run: Run, tmp_path: Path) -> None:
    for estate in (ESTATE, re.sub(r"(  |\{)nodeName: [-\w]+(\n|, )", r"\1", ESTATE)):
        (tmp_path / "p.yaml").write_text(f"{estate}---\n{odd}\n")
        done = run("isolation", str(tmp_path))
        assert done.returncode == 2
        assert "wrong type" in done.stderr
        assert "shop/web" in run("isolation", str(tmp_path), "--format", "json").stdout


@pytest.fixture
def recorded(conformance: Path, tmp_path: Path) -> Path:
    """The recorded cluster as one list."""
    with gzip.open(conformance / "cluster" / "api-responses.json.gz") as file:
        answers = json.load(file)
    items = [
        {
            **item,
            "kind": item.get("kind", answer["kind"][:-4]),
            "apiVersion": item.get("apiVersion", answer["apiVersion"]),
        }
        for answer in answers.values()
        if isinstance(answer, dict) and str(answer.get("kind", "")).endswith("List")
        for item in answer.get("items") or ()
    ]
    path = tmp_path / "recorded.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return path


def test_the_recorded_cluster(run: Run, recorded: Path) -> None:
    done = run("isolation", str(recorded), "--format", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["total"]["nodes"] == 12
    worst = document["rows"][0]
    assert (worst["name"], worst["radius"]) == ("worker-04", 100)
    assert "prometheus-operator" in worst["cluster"][0]
    assert [row["name"] for row in document["rows"] if row["mixed"]] == ["worker-11"]


def test_a_plan_for_the_recorded_cluster(run: Run, recorded: Path, tmp_path: Path) -> None:
    pytest.importorskip("ortools")
    out = tmp_path / "patches.yaml"
    done = run("isolation", "plan", str(recorded), "--format", "json", "--format", f"yaml={out}")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    Draft202012Validator(json.loads((SCHEMAS / "isolation-plan.v1.json").read_text())).validate(document)
    assert document["state"] == "found"
    assert (document["before"]["mixed"], document["after"]["mixed"]) == (1, 0)
    assert "node-restriction.kubernetes.io/seawall-pool: sensitive" in out.read_text()


def test_plans_that_cannot_be(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("ortools")
    (tmp_path / "estate.yaml").write_text(ESTATE)
    done = run("isolation", "plan", str(tmp_path), "--pool", "vault=nowhere")
    assert (done.returncode, "names no workload" in done.stderr) == (2, True)
    done = run("isolation", "plan", str(tmp_path), "--pool", "bank=bank")
    assert (done.returncode, "no node that could join" in done.stdout) == (1, True)


def test_levels_that_count_for_nothing_are_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {seawall.dev/sensitivity: secret}}\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, annotations: "
        "{seawall.dev/sensitivity: sensitve}}\nspec: {containers: [{name: web, image: 'example.com/web:1'}]}\n"
    )
    done = run("isolation", str(tmp_path), "--untrusted", "shop/wbe", "--ordinary", "shop")
    assert "seawall.dev/sensitivity of shop/web[Pod] is 'sensitve', which is none of sensitive" in done.stdout
    assert "seawall.dev/sensitivity of the namespace shop is 'secret'" in done.stdout
    assert "--untrusted shop/wbe names no workload" in done.stdout
    assert "--ordinary" not in done.stdout
