"""An account for each workload: it may do all that the shared one did, and what is written is well formed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from seawall.analysis.access import build_index
from seawall.engine.access import Estate
from seawall.engine.accounts import Accounts, objects_of, own_accounts, patch_of
from seawall.engine.reading import ReadOptions
from seawall.model.access import Request, Subject, actor_of
from seawall.model.resource import Inventory, Resource
from seawall.model.version import NEWEST
from seawall.reports.yamlout import to_documents
from seawall.sources.manifests import load_stdin
from tests.analysis.access.estates import account, grant
from tests.cli.test_access import validated
from tests.conftest import Run

BOUND = "authentication.kubernetes.io/pod-name"


def workload(name: str, used: str = "", kind: str = "Deployment") -> dict[str, Any]:
    """A workload of the namespace shop."""
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": "i"}]} | (
        {"serviceAccountName": used} if used else {}
    )
    meta = {"name": name, "namespace": "shop"}
    if kind == "CronJob":
        body: dict[str, Any] = {"jobTemplate": {"spec": {"template": {"spec": spec}}}}
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": meta, "spec": body}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": {"template": {"spec": spec}}}


def estate_of(tmp_path: Path, objects: list[dict[str, Any]]) -> Estate:
    file = tmp_path / "estate.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return Estate(ReadOptions((str(file),)))


SHARED = [
    account("shared", "shop"), workload("web", "shared"), workload("cart", "shared"), workload("own", "mine"),
    workload("plain"), workload("web", "", "CronJob"), workload("off", "nobody", "StatefulSet"),
    *grant("sa:shop/shared can get,list secrets,configmaps named a in shop", 0),
    *grant("sa:shop/shared can get nodes,pods/log in all", 1),
    *grant("group:system:serviceaccounts:shop can create pods in shop", 2),
]  # fmt: skip


def found_in(tmp_path: Path, objects: list[dict[str, Any]], logs: tuple[str, ...] = ()) -> tuple[Accounts, Estate]:
    estate = estate_of(tmp_path, objects)
    return own_accounts(estate, logs, NEWEST), estate


def test_who_gets_an_account(tmp_path: Path) -> None:
    found, _ = found_in(tmp_path, SHARED)
    told = {str(each.workload): (each.account.name, each.shared_by) for each in found.accounts}
    assert told == {
        "Deployment shop/web": ("web", 2), "Deployment shop/cart": ("cart", 2), "Deployment shop/plain": ("plain", 2),
        "CronJob shop/web": ("web-cronjob", 2),
    }  # fmt: skip
    assert [each.lost for each in found.accounts if each.lost] == []


def test_the_new_account_may_what_the_old_one_was_given(tmp_path: Path) -> None:
    found, estate = found_in(tmp_path, SHARED)
    web = next(each for each in found.accounts if str(each.workload) == "Deployment shop/web")
    text = to_documents(objects_of(web, estate.inventory))
    loaded = [each for each in load_stdin(text.encode()) if isinstance(each, Resource)]
    assert [each.ref.kind for each in loaded] == [
        "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
    ]  # fmt: skip
    index = build_index(Inventory(loaded))
    actor = actor_of(Subject("ServiceAccount", "web", "shop"))
    assert index.may(actor, Request("get", "secrets", "", "", "shop", "a"))
    assert not index.may(actor, Request("get", "secrets", "", "", "shop", "b"))
    assert index.may(actor, Request("get", "nodes"))
    # What it has by groups stays with the groups.
    assert not index.may(actor, Request("create", "pods", "", "", "shop"))


def test_no_rights_no_token(tmp_path: Path) -> None:
    found, estate = found_in(tmp_path, SHARED)
    plain = next(each for each in found.accounts if each.workload.name == "plain")
    ((made, comments),) = objects_of(plain, estate.inventory)
    assert made["automountServiceAccountToken"] is False
    assert any("no token" in comment for comment in comments)


@pytest.mark.parametrize(("kind", "path"), [("Deployment", ["spec"]), ("CronJob", ["spec", "jobTemplate", "spec"])])
def test_the_patch_reaches_the_pods(tmp_path: Path, kind: str, path: list[str]) -> None:
    found, estate = found_in(tmp_path, SHARED)
    own = next(each for each in found.accounts if each.workload.kind == kind and each.workload.name == "web")
    patch = patch_of(own, estate.inventory)
    value: Any = patch
    for step in [*path, "template", "spec"]:
        value = value[step]
    assert value == {"serviceAccountName": own.account.name}
    assert yaml.safe_load(to_documents([(patch, [])])) == patch


def test_pull_secrets_and_cloud_roles_are_taken_over(tmp_path: Path) -> None:
    old = account("shared", "shop")
    old["imagePullSecrets"] = [{"name": "registry"}]
    old["metadata"]["annotations"] = {
        "eks.amazonaws.com/role-arn": "arn:x",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }
    found, estate = found_in(tmp_path, [old, workload("web", "shared"), workload("cart", "shared")])
    made, comments = objects_of(found.accounts[0], estate.inventory)[0]
    assert made["imagePullSecrets"] == [{"name": "registry"}]
    assert made["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn:x"}
    assert any("has to trust the new name" in comment for comment in comments)


def use(pod: str, what: str) -> str:
    """A get of a ConfigMap by the shared account, from a pod (empty: the log does not tell)."""
    extra = {BOUND: [pod]} if pod else {}
    return json.dumps({
        "auditID": pod + what, "stage": "ResponseComplete", "verb": "get", "responseStatus": {"code": 200},
        "requestURI": f"/api/v1/namespaces/shop/{what}/a",
        "objectRef": {"resource": what, "namespace": "shop", "name": "a"},
        "user": {"username": "system:serviceaccount:shop:shared", "extra": extra},
    })  # fmt: skip


def test_use_is_given_to_the_workload_whose_pod_it_was(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text("\n".join([use("web-6f9-x2x", "secrets"), use("cart-0", "configmaps"), use("", "services")]))
    found, _ = found_in(tmp_path, SHARED, (str(log),))
    held = {
        each.workload.name: {what for role in each.roles for rule in role.rules for what in rule.resources}
        for each in found.accounts
        if each.before.name == "shared"
    }
    assert held == {"web": {"secrets", "services"}, "cart": {"configmaps", "services"}}
    assert [each.lost for each in found.accounts if each.lost] == []


def test_the_command(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "estate.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": SHARED}))
    told = run("access", "accounts", str(file))
    assert told.returncode == 0, told.stderr
    assert "Deployment shop/web: ServiceAccount shop/shared, which 2 workloads share" in told.stdout
    document = validated(run("access", "accounts", str(file), "--format", "json").stdout, "accounts")
    assert len(document["accounts"]) == 4
    for name in ("yaml", "patch"):
        done = run("access", "accounts", str(file), "--format", name)
        assert len([each for each in yaml.safe_load_all(done.stdout) if each]) >= 4
    empty = run("access", "accounts", "-", stdin=b"apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n")
    assert empty.returncode == 2
    assert "no workload was found" in empty.stderr
