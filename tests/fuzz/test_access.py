"""Odd values at every field of roles, bindings, accounts and workloads: an answer, or a told problem."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.engine.access import Estate
from seawall.engine.accounts import objects_of, own_accounts, patch_of
from seawall.engine.catalogue import load_rules
from seawall.engine.judge import Judge
from seawall.engine.reading import ReadOptions
from seawall.model.finding import RuleState
from seawall.model.rule import INVENTORY, Scope
from seawall.model.version import NEWEST
from seawall.reports import access as report
from seawall.reports import matrix as drawn
from tests.analysis.access.estates import account, grant, namespace, pod, token_secret

TOGETHER = [rule for rule in load_rules() if rule.scope is Scope.RBAC and INVENTORY in rule.on]
ODD: list[Any] = [None, 3, "", "x", [], [None], [3], {}, {"a": None}, True, "\u202e"]
ROLE = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]}
WORKLOAD: dict[str, Any] = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "one"},
    "spec": {"template": {"spec": {"serviceAccountName": "a", "automountServiceAccountToken": True,
                                   "containers": [{"name": "c", "securityContext": {"privileged": True}}]}}},
}  # fmt: skip
AGGREGATED: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "agg", "labels": {"x": "y"}},
    "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]},
    "rules": [ROLE],
}
NODE: dict[str, Any] = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {"a": "b"}}}
LEVELS = {"defaults": {"enforce": "baseline"}, "exemptions": {"namespaces": ["one"]}}
ADMISSION: dict[str, Any] = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AdmissionConfiguration",
    "metadata": {"name": "a"},
    "plugins": [{"name": "PodSecurity", "configuration": LEVELS}],
}
CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "w"},
    "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets"}},
}  # fmt: skip
TWIN = {**copy.deepcopy(WORKLOAD), "metadata": {"name": "two", "namespace": "one"}}
ESTATE: list[dict[str, Any]] = [
    *(namespace("one", "baseline"), {**account("a", "one"), "imagePullSecrets": [{"name": "p"}]}),
    *(
        token_secret("t", "one", "a"),
        pod("p", "one", "a", "n1", True),
        WORKLOAD,
        TWIN,
        AGGREGATED,
        NODE,
        ADMISSION,
        CRD,
    ),
    *(*grant("sa:one/a can create pods named x in one", 0), *grant("user:ann can get secrets in all", 1)),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in an object."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(number: int, path: tuple[Any, ...], odd: Any) -> list[dict[str, Any]]:
    """The estate with another value at one place of one object."""
    objects = copy.deepcopy(ESTATE)
    value: Any = objects[number]
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = odd
    return objects


@pytest.mark.parametrize("number", range(len(ESTATE)), ids=lambda number: f"{ESTATE[number]['kind']}-{number}")
def test_odd_values(number: int, tmp_path: Path) -> None:
    file = tmp_path / "estate.json"
    for path in places(ESTATE[number]):
        if path[0] in ("kind", "apiVersion"):
            continue
        for odd in ODD:
            objects = changed(number, path, odd)
            file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
            ask(Estate(ReadOptions((str(file),))))


def ask(estate: Estate) -> None:
    """Every question, told in every way."""
    request = estate.request("get", "secrets", "one")
    list(report.verdict(estate.can("sa:one/a", (), request)))
    list(report.who(request, estate.who(request), ""))
    list(report.holdings(*estate.holdings("sa:one/a", ())))
    list(report.escalations(estate.escalations("")))
    matrix = estate.matrix((), True)
    assert [*drawn.terminal(matrix, 80), *drawn.csv(matrix)]
    for own in own_accounts(estate, (), NEWEST).accounts:
        objects_of(own, estate.inventory)
        patch_of(own, estate.inventory)
    estate.problems()
    judge = Judge(TOGETHER, NEWEST)
    list(judge.judge_inventory(estate.inventory))
    assert [each for each in judge.statuses(TOGETHER, lambda _: "") if each.state is RuleState.ERROR] == []
