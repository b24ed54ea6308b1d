"""``seawall paths`` on the command line: questions, formats, the published schema, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import seawall.reports
from tests.conftest import Run

SCHEMA = Path(seawall.reports.__file__).parent / "schemas" / "paths.v1.json"
ESTATE = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers:
        - name: c
          image: reg.example.com/web:1
          ports: [{containerPort: 80}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: binder}
rules:
  - {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind, get]}
  - {apiGroups: [rbac.authorization.k8s.io], resources: [clusterrolebindings], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: binder}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: binder}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
"""


@pytest.fixture
def estate(tmp_path: Path) -> str:
    file = tmp_path / "estate.yaml"
    file.write_text(ESTATE)
    return str(file)


def validated(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
    return document


def test_tells_each_step_with_its_place_and_what_ends_it(run: Run, estate: str) -> None:
    done = run("paths", estate, "--to", "admin")
    assert done.returncode == 0, done.stderr
    assert "1. endpoint shop/Deployment/web -> cluster-admin (shortest and likeliest" in done.stdout
    assert f"ClusterRole binder rules[0] ({estate}:" in done.stdout
    assert "to end it: take away ServiceAccount shop/web as a subject of ClusterRoleBinding binder" in done.stdout
    assert "1 reach cluster-admin" in done.stdout


@pytest.mark.parametrize("question", [(), ("summary",), ("chokepoints",)])
def test_json_holds_to_the_published_schema(run: Run, estate: str, question: tuple[str, ...]) -> None:
    done = run("paths", *question, estate, "--format", "json")
    assert done.returncode == 0, done.stderr
    document = validated(done.stdout)
    assert document["question"] == (question[0] if question else "paths")
    assert document["complete"] and document["summary"]["entries"] == 1
    assert bool(document["paths"]) == (not question)
    assert (document["chokePoints"] is not None) == (question == ("chokepoints",))


def test_the_recorded_cluster_holds_to_the_schema(run: Run, conformance: Path, tmp_path: Path) -> None:
    from tests.analysis.paths.test_patches import listed

    (tmp_path / "all.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": listed(conformance)}))
    for question in ("summary", "chokepoints"):
        done = run("paths", question, str(tmp_path / "all.json"), "--from", "workloads", "--format", "json")
        document = validated(done.stdout)
        assert document["summary"]["targets"][0] == {"kind": "cluster-admin", "targets": 1, "reached": 1, "entries": 3}


def test_choke_points_come_with_their_patch(run: Run, estate: str) -> None:
    document = validated(run("paths", "chokepoints", estate, "--to", "admin", "--format", "json").stdout)
    points = document["chokePoints"]
    assert points["smallest"] and points["verified"] and points["left"] == 0 and len(points["cut"]) == 1
    what = {each["what"]: each for each in points["singles"]}
    rule = what["bind of clusterroles in rule 1 of ClusterRole binder"]
    assert rule["patch"] == [{"op": "replace", "path": "/rules/0/verbs", "value": ["get"]}]
    assert rule["pairs"] == 1 and rule["verified"] and rule["location"]["line"] > 1


@pytest.mark.parametrize("source", ["sa:shop/web", "shop/web", "shop/Deployment/web", "shop/w*"])
def test_starts_where_it_is_told(run: Run, estate: str, source: str) -> None:
    done = run("paths", "summary", estate, "--from", source, "--to", "admin")
    assert done.returncode == 0, done.stderr
    assert "1 reach cluster-admin" in done.stdout


def test_says_what_it_does_not_know(run: Run, estate: str, tmp_path: Path) -> None:
    done = run("paths", estate, "--from", "shop/nobody")
    assert done.returncode == 2 and "'shop/nobody' names nothing that was read; write exposed" in done.stderr
    done = run("paths", estate, "--assume", "cve")
    assert done.returncode == 2 and "--assume cve goes with --findings FILE" in done.stderr
    done = run("paths", estate, "--assume", "cve", "--findings", str(tmp_path / "none.json"))
    assert done.returncode == 2 and "none.json cannot be read" in done.stderr
    (tmp_path / "empty.yaml").write_text("")
    done = run("paths", str(tmp_path / "empty.yaml"))
    assert done.returncode == 2 and "no workloads were found" in done.stderr
    done = run("paths", "summary", estate, "--format", "dot")
    assert done.returncode == 2 and "mermaid and dot draw paths" in done.stderr


def test_a_wrong_field_is_told_and_the_rest_judged(run: Run, estate: str) -> None:
    Path(estate).write_text(ESTATE.replace("- name: c\n", "- name: c\n          env: 7\n"))
    done = run("paths", "summary", estate, "--from", "sa:shop/web")
    assert done.returncode == 2
    assert "1 reach cluster-admin" in done.stdout
    assert "no path through it is known" in done.stderr


@pytest.mark.parametrize(("kev", "reached"), [("2021-12-10", 1), ("", 0)])
def test_assumes_only_what_is_known_to_be_exploited(
    run: Run, estate: str, tmp_path: Path, kev: str, reached: int
) -> None:
    package = {"type": "package", "name": "log4j", "version": "2", "package_type": "maven", "purl": "pkg:maven/log4j"}
    finding = {
        "rule": "image-vulnerability", "severity": "critical", "confidence": "high", "locations": [],
        "resource": {"apiVersion": "seawall.dev/v1", "kind": "Image", "name": "reg.example.com/web@sha256:" + "a" * 64},
        "message": "", "evidence": [{**package, "vulnerabilities": ["CVE-2021-44228"], "kev": kev}],
        "fingerprint": "f", "status": "open", "waiver": None,
    }  # fmt: skip
    file = tmp_path / "images.json"
    kept = {"schema": "seawall.findings/v1", "summary": {"complete": True}, "findings": [finding], "rules": {}}
    file.write_text(json.dumps({**kept, "statuses": []}))
    done = run("paths", estate, "--to", "admin", "--assume", "cve", "--findings", str(file), "--format", "json")
    document = validated(done.stdout)
    assert document["assume"] == "cve" and len(document["paths"]) == reached
    if reached:
        assert "CVE-2021-44228" in document["paths"][0]["steps"][0]["how"]


@pytest.mark.parametrize("name", ["mermaid", "dot"])
def test_draws_names_that_are_markup_as_text(run: Run, estate: str, name: str) -> None:
    Path(estate).write_text(ESTATE.replace("name: binder", 'name: "b\\"]; x --> y <script>"'))
    text = run("paths", estate, "--format", name).stdout
    assert "<script>" not in text or name == "dot"
    assert '"]; x' not in text.replace('\\"', "")
    assert len(text.splitlines()) > 5


def test_says_so_where_nothing_is_exposed(run: Run, estate: str) -> None:
    Path(estate).write_text(ESTATE.replace("LoadBalancer", "ClusterIP"))
    done = run("paths", estate)
    assert done.returncode == 0, done.stderr
    assert "no workload is exposed, as far as was read; --from workloads asks" in done.stdout
    assert "1 reach cluster-admin" in run("paths", estate, "--from", "workloads", "--to", "admin").stdout
