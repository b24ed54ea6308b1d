"""``seawall access`` on the command line: answers, exit codes, formats and published schemas."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import seawall.reports
from tests.conftest import Run

SCHEMAS = Path(seawall.reports.__file__).parent / "schemas"
ESTATE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: part
  labels: {take: "yes"}
rules:
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: whole
aggregationRule:
  clusterRoleSelectors:
  - matchLabels: {take: "yes"}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: deployer
  namespace: shop
rules:
- apiGroups: [""]
  resources: [pods]
  verbs: [create, get]
- apiGroups: [""]
  resources: [secrets, pods]
  verbs: [get, create, get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: deployer
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer}
subjects:
- {kind: User, name: "=jane", apiGroup: rbac.authorization.k8s.io}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: whole
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: whole}
subjects:
- {kind: Group, name: dev, apiGroup: rbac.authorization.k8s.io}
"""
JANE = "user:=jane"


@pytest.fixture
def estate(tmp_path: Path) -> str:
    file = tmp_path / "estate.yaml"
    file.write_text(ESTATE)
    return str(file)


def validated(text: str, name: str) -> dict[str, Any]:
    """A document that its published schema accepts."""
    document: dict[str, Any] = json.loads(text)
    schema = json.loads((SCHEMAS / f"{name}.v1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
    return document


def test_can_tells_the_place_of_the_rule(run: Run, estate: str) -> None:
    done = run("access", "can", JANE, "get", "secrets", "-n", "shop", estate)
    assert done.returncode == 0, done.stderr
    assert "RoleBinding shop/deployer (" in done.stdout
    assert "rule 2 (" + estate + ":34)" in done.stdout
    denied = run("access", "can", JANE, "get", "secrets", "-n", "other", estate, "--format", "json")
    assert denied.returncode == 1
    assert validated(denied.stdout, "access")["verdict"]["answer"] == "denied"


def test_a_rule_of_an_aggregated_role_is_told_where_it_stands(run: Run, estate: str) -> None:
    done = run("access", "can", "group:dev", "get", "configmaps", estate, "--format", "json")
    (reason,) = validated(done.stdout, "access")["verdict"]["reasons"]
    assert reason["note"] == "the rule is taken in from ClusterRole part"
    assert reason["ruleLocation"]["line"] == 12


def test_of_merges_rules_that_say_the_same(run: Run, estate: str) -> None:
    document = validated(run("access", "of", JANE, estate, "--format", "json").stdout, "access")
    assert [each["rule"]["resources"] for each in document["rules"]] == [["pods", "secrets"]]
    assert [reason["ruleIndex"] for reason in document["rules"][0]["reasons"]] == [0, 1]
    text = run("access", "of", JANE, estate).stdout
    assert text.count("create,get pods,secrets (core)") == 1


def test_who_can_and_nodes(run: Run, estate: str) -> None:
    document = validated(
        run("access", "who-can", "get", "secrets", "-n", "shop", estate, "--format", "json").stdout, "access"
    )
    assert [each["subject"]["name"] for each in document["reasons"]] == ["system:masters", "=jane"]
    assert "Node authorizer" in document["note"]
    node = run("access", "can", "user:system:node:a", "get", "secrets", "-n", "shop", estate)
    assert node.returncode == 1
    assert "the Node authorizer lets this node do it" in node.stdout
    assert "Node authorizer" not in run("access", "can", JANE, "get", "secrets", "-n", "x", estate).stdout


def test_escalation_to_a_goal(run: Run, estate: str) -> None:
    found = validated(run("access", "escalation", "--to", "node", estate, "--format", "json").stdout, "access")
    assert "User =jane" in {way["source"] for way in found["escalations"]["ways"]}
    to_admin = run("access", "escalation", "--to", "cluster-admin", "--subject", JANE, estate)
    assert to_admin.stdout == "no way leads further\n"
    to_account = run("access", "escalation", "--to", "sa:shop/default", estate).stdout
    assert "User =jane -> ServiceAccount shop/default" in to_account
    usual = validated(run("access", "escalation", estate, "--format", "json").stdout, "access")["escalations"]
    every = validated(run("access", "escalation", "--all", estate, "--format", "json").stdout, "access")["escalations"]
    assert len(every["ways"]) == len(usual["ways"]) + usual["leftOut"]
    assert "Group system:masters" not in {way["source"] for way in usual["ways"]}


def test_matrix(run: Run, estate: str, tmp_path: Path) -> None:
    page, table = tmp_path / "m.html", tmp_path / "m.csv"
    done = run("access", "matrix", estate, "--format", "json", "--format", f"html={page}", "--format", f"csv={table}")
    assert done.returncode == 0, done.stderr
    matrix = validated(done.stdout, "access")["matrix"]
    rows = {row["subject"]["name"]: row for row in matrix["rows"]}
    assert {matrix["columns"][cell["column"]]["resource"] for cell in rows["=jane"]["cells"]} == {"pods", "secrets"}
    assert "Content-Security-Policy" in page.read_text()
    lines = list(csv.reader(io.StringIO(table.read_text())))
    assert len({len(line) for line in lines}) == 1
    (jane,) = (line for line in lines if "jane" in line[0])
    assert jane[lines[0].index("secrets")] == "get create get in shop"
    text = run("access", "matrix", estate).stdout
    assert "gc@shop" in text
    one = run("access", "matrix", "--resource", "configmaps", estate, "--format", "json")
    assert [each["resource"] for each in json.loads(one.stdout)["matrix"]["columns"]] == ["configmaps"]
    every = run("access", "matrix", "--all-resources", estate, "--format", "json")
    names = [each["resource"] for each in json.loads(every.stdout)["matrix"]["columns"]]
    assert names == ["configmaps", "pods", "secrets"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("can", "sa:nobody", "get", "pods"),
        ("can", "user:x", "get", "widgetz"),
        ("matrix", "--resource", "widgetz"),
        ("matrix", "--format", "pdf"),
        ("escalation", "--to", "sa:x"),
        ("minimize", "--audit", "/nowhere.log"),
        ("minimize", "--audit", "/dev/null", "--subject", "group:x"),
        ("abac", "/nowhere.jsonl"),
        ("accounts", "--audit", "/nowhere.log"),
    ],
)
def test_mistakes_are_one_line(run: Run, estate: str, arguments: tuple[str, ...]) -> None:
    paths = () if arguments[0] in ("abac", "minimize") else (estate,)
    done = run("access", *arguments, *paths)
    assert done.returncode == 2
    assert done.stderr.startswith("seawall: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_no_bindings_is_incomplete(run: Run) -> None:
    done = run(
        "access", "can", "user:x", "get", "pods", "-", stdin=b"apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n"
    )
    assert done.returncode == 2
    assert "no RoleBinding or ClusterRoleBinding was found" in done.stderr
