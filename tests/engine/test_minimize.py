"""Least privilege from use: a real log is replayed through what was written; each implied permission has a case."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from seawall.analysis.access import build_index
from seawall.engine.access import Estate
from seawall.engine.minimize import Minimization, Minimized, minimize
from seawall.engine.reading import ReadOptions
from seawall.model.access import AUTHENTICATED, Actor
from seawall.model.audit import actor_from, logged_request
from seawall.model.resource import Inventory, Resource
from seawall.model.version import NEWEST, parse_version
from seawall.reports import minimize as report
from seawall.sources.audit import AuditLog
from seawall.sources.manifests import load_stdin

RBAC = "rbac.authorization.k8s.io"
ROBOT = "system:serviceaccount:shop:robot"


def event(verb: str, uri: str, ref: dict[str, str], **more: Any) -> dict[str, Any]:
    """An event at ResponseComplete, allowed; ``more`` overrides."""
    path = {"apiVersion": "v1", **ref}
    return {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": more.pop("auditID", str(random.random())),
        "stage": "ResponseComplete", "requestURI": uri, "verb": verb, "user": {"username": ROBOT, "groups": []},
        "objectRef": path, "responseStatus": {"code": more.pop("code", 200)},
        "requestReceivedTimestamp": "2026-11-01T10:00:00.000000Z",
        "annotations": {"authorization.k8s.io/decision": "allow"}, **more,
    }  # fmt: skip


def pods(verb: str, name: str = "", sub: str = "", **more: Any) -> dict[str, Any]:
    """An event about a pod of the namespace shop."""
    ref = (
        {"resource": "pods", "namespace": "shop"}
        | ({"name": name} if name else {})
        | ({"subresource": sub} if sub else {})
    )
    tail = f"/{name}" * bool(name) + f"/{sub}" * bool(sub)
    return event(verb, f"/api/v1/namespaces/shop/pods{tail}", ref, **more)


def configmaps(verb: str, name: str = "", **more: Any) -> dict[str, Any]:
    """An event about a ConfigMap of the namespace shop; a create does not have the name in its URL."""
    ref = {"resource": "configmaps", "namespace": "shop"} | ({"name": name} if name else {})
    tail = f"/{name}" * (bool(name) and verb not in ("create", "list", "deletecollection"))
    query = more.pop("query", "")
    return event(verb, f"/api/v1/namespaces/shop/configmaps{tail}{query}", ref, **more)


def run(tmp_path: Path, events: list[dict[str, Any]], **options: Any) -> Minimization:
    log = tmp_path / "audit.log"
    log.write_text("".join(json.dumps(each) + "\n" for each in events))
    version = parse_version(options.get("version", str(NEWEST)))
    return minimize((str(log),), options.get("estate"), version, options.get("names", True), frozenset())


def robot(found: Minimization) -> Minimized:
    return next(actor for actor in found.actors if actor.actor.username == ROBOT)


def implied(found: Minimization) -> set[str]:
    return {str(each.request) for each in robot(found).implied}


def rules(found: Minimization) -> set[str]:
    return {str(rule) for role in robot(found).roles for rule in role.rules}


def read_back(found: Minimization) -> Inventory:
    """The YAML that is written, as a scan reads it."""
    loaded = list(load_stdin(report.roles(found).encode()))
    assert all(isinstance(each, Resource) for each in loaded)
    return Inventory(each for each in loaded if isinstance(each, Resource))


@pytest.mark.parametrize("with_estate", [False, True])
def test_every_event_of_a_real_log_is_allowed_by_what_was_written(
    conformance: Path, tmp_path: Path, with_estate: bool
) -> None:
    """Each event is put to the evaluator anew, over roles read back from the emitted YAML."""
    log = str(conformance / "audit" / "audit.log.gz")
    estate = None
    if with_estate:
        answers = json.loads(gzip.decompress((conformance / "cluster/api-responses.json.gz").read_bytes()))
        items = [
            {"apiVersion": each["apiVersion"], "kind": each["kind"].removesuffix("List"), **item}
            for each in answers.values()
            if each and str(each.get("apiVersion", "")).startswith(RBAC) and "items" in each
            for item in each["items"]
        ]
        file = tmp_path / "rbac.json"
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        estate = Estate(ReadOptions((str(file),)))
    found = minimize((log,), estate, NEWEST, True, frozenset())
    assert [actor.lost for actor in found.actors if actor.lost] == []
    everyones = estate.index if estate is not None else build_index(Inventory(()))
    index = build_index(read_back(found))
    allowed = 0
    for each in AuditLog().events(log):
        if each.stage == "RequestReceived" or not each.was_authorized:
            continue
        actor, request = actor_from(each.actor), logged_request(each)
        general = Actor(
            "", tuple(g for g in actor.groups if g.startswith(("system:auth", "system:serviceacc", "system:unauth")))
        )
        assert index.may(Actor(actor.username), request) or everyones.may(general, request), (actor, request)
        allowed += 1
    assert allowed > 5000
    assert found.window.events > 5000


def test_exec_needs_create_as_well_since_135(tmp_path: Path) -> None:
    events = [pods("get", "web-1", "exec", code=101)]
    assert implied(run(tmp_path, events, version="1.35")) == {"create pods/exec web-1 in shop"}
    assert implied(run(tmp_path, events, version="1.34")) == set()
    posted = [pods("create", "web-1", "attach")]
    assert implied(run(tmp_path, posted)) == {"get pods/attach web-1 in shop"}


@pytest.mark.parametrize(
    ("verb", "code", "created"), [("patch", 201, True), ("update", 201, True), ("patch", 200, False)]
)
def test_a_write_that_created_needs_create(tmp_path: Path, verb: str, code: int, created: bool) -> None:
    found = run(tmp_path, [configmaps(verb, "a", code=code)])
    assert ("create configmaps in shop" in implied(found)) == created


def test_granting_a_role_needs_bind(tmp_path: Path) -> None:
    ref = {"resource": "rolebindings", "apiGroup": RBAC, "namespace": "shop", "name": "b"}
    uri = f"/apis/{RBAC}/v1/namespaces/shop/rolebindings"
    sent = {"metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": "edit"}}
    found = run(tmp_path, [event("create", uri, ref, requestObject=sent)])
    assert implied(found) == {f"bind clusterroles.{RBAC} edit in shop"}
    unknown = run(tmp_path, [event("create", uri, ref)])
    assert implied(unknown) == set()
    assert "log rolebindings at level Request" in robot(unknown).unresolved[0]


def test_writing_a_role_needs_what_it_holds(tmp_path: Path) -> None:
    ref = {"resource": "roles", "apiGroup": RBAC, "namespace": "shop", "name": "r"}
    uri = f"/apis/{RBAC}/v1/namespaces/shop/roles"
    held = [{"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"], "resourceNames": None}]
    found = run(tmp_path, [event("create", uri, ref, requestObject={"metadata": {"name": "r"}, "rules": held})])
    assert implied(found) == {"get pods/log in shop"}
    assert "log roles at level Request" in robot(run(tmp_path, [event("create", uri, ref)])).unresolved[0]
    many = [{"apiGroups": [""], "resources": [f"r{n}" for n in range(3000)], "verbs": ["get"]}]
    large = run(tmp_path, [event("create", uri, ref, requestObject={"rules": many})])
    assert implied(large) == set()
    assert "holds more than 2000 permissions" in robot(large).unresolved[0]


def test_who_holds_escalate_needs_no_more(tmp_path: Path) -> None:
    file = tmp_path / "rbac.yaml"
    file.write_text(
        f"apiVersion: {RBAC}/v1\nkind: ClusterRole\nmetadata: {{name: e}}\nrules:\n"
        f"- {{apiGroups: [{RBAC}], resources: [clusterroles], verbs: [escalate, update]}}\n---\n"
        f"apiVersion: {RBAC}/v1\nkind: ClusterRoleBinding\nmetadata: {{name: e}}\n"
        f"roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: e}}\n"
        f"subjects:\n- {{kind: ServiceAccount, name: robot, namespace: shop}}\n"
    )
    ref = {"resource": "clusterroles", "apiGroup": RBAC, "name": "admin"}
    sent = {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
    events = [event("update", f"/apis/{RBAC}/v1/clusterroles/admin", ref, requestObject=sent)]
    found = run(tmp_path, events, estate=Estate(ReadOptions((str(file),))))
    assert implied(found) == {f"escalate clusterroles.{RBAC} admin in the whole cluster"}
    assert implied(run(tmp_path, events)) == {"* *.* in the whole cluster"}


def test_approving_needs_the_signer(tmp_path: Path) -> None:
    group = "certificates.k8s.io"
    ref = {"resource": "certificatesigningrequests", "apiGroup": group, "name": "c", "subresource": "approval"}
    uri = f"/apis/{group}/v1/certificatesigningrequests/c/approval"
    sent = {"spec": {"signerName": "example.com/x"}}
    found = run(tmp_path, [event("update", uri, ref, requestObject=sent)])
    assert implied(found) == {f"approve signers.{group} example.com/x in the whole cluster"}
    assert "does not tell the signer" in robot(run(tmp_path, [event("update", uri, ref)])).unresolved[0]


@pytest.mark.parametrize("blocks", [True, False])
def test_owner_references_need_finalizers(tmp_path: Path, blocks: bool) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u", "blockOwnerDeletion": blocks}
    found = run(tmp_path, [configmaps("create", "a", requestObject={"metadata": {"ownerReferences": [owner]}})])
    assert implied(found) == ({"update deployments.apps/finalizers web in shop"} if blocks else set())


def test_impersonation_counts_for_both(tmp_path: Path) -> None:
    more = {"impersonatedUser": {"username": "ann", "groups": ["ops", AUTHENTICATED], "extra": {"scopes": ["x"]}}}
    found = run(tmp_path, [configmaps("get", "a", **more)])
    users = {actor.actor.username: actor for actor in found.actors}
    assert {str(rule) for role in users["ann"].roles for rule in role.rules} == {"get configmaps (core)"}
    assert {(r.verbs, r.resources) for role in users[ROBOT].roles for r in role.rules} == {
        (("impersonate",), ("groups", "users")), (("impersonate",), ("userextras/scopes",)),
    }  # fmt: skip
    assert not any(actor.lost for actor in found.actors)


def test_names_only_where_authorization_sees_one(tmp_path: Path) -> None:
    used = [configmaps("get", "a"), configmaps("create", "a"), configmaps("list"), configmaps("deletecollection")]
    selected = configmaps("watch", "a", query="?fieldSelector=metadata.name%3Da&watch=1")
    found = run(tmp_path, [*used, selected] * 4)
    assert rules(found) == {"get,watch configmaps (core) named a", "create,deletecollection,list configmaps (core)"}
    widened = run(tmp_path, used * 4, names=False)
    assert rules(widened) == {"create,deletecollection,get,list configmaps (core)"}


@pytest.mark.parametrize(
    "events",
    [
        [configmaps("get", f"c-{number}") for number in range(20)] * 3,
        [*[configmaps("get", "a")] * 9, configmaps("get", "late"), configmaps("get", "late")],
        [pods("get", "web-7f9c-abcde")] * 10,
        [configmaps("get", "once")],
    ],
    ids=["many", "late", "made by controllers", "once"],
)
def test_unstable_names_are_not_kept(tmp_path: Path, events: list[dict[str, Any]]) -> None:
    assert not any("named" in rule for rule in rules(run(tmp_path, events)))


def test_stages_of_one_request_count_once(tmp_path: Path) -> None:
    stages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Nonsense"]
    events = [pods("watch", auditID="one", stage=stage) for stage in stages]
    window = run(tmp_path, events).window
    assert (window.events, window.received_only, window.unknown_stages) == (1, 1, 1)


def test_refused_and_failed_requests(tmp_path: Path) -> None:
    forbidden = {"annotations": {"authorization.k8s.io/decision": "forbid"}}
    found = run(tmp_path, [configmaps("get", "a", code=404), configmaps("delete", "a", code=403, **forbidden)])
    assert rules(found) == {"get configmaps (core)"}
    assert found.window.refused == 1


def test_before_used_after_and_never_used(tmp_path: Path) -> None:
    file = tmp_path / "rbac.yaml"
    file.write_text(
        f"apiVersion: {RBAC}/v1\nkind: Role\nmetadata: {{name: r, namespace: shop}}\nrules:\n"
        "- {apiGroups: [''], resources: [configmaps, secrets], verbs: [get, list]}\n---\n"
        f"apiVersion: {RBAC}/v1\nkind: RoleBinding\nmetadata: {{name: r, namespace: shop}}\n"
        f"roleRef: {{apiGroup: {RBAC}, kind: Role, name: r}}\nsubjects:\n- {{kind: ServiceAccount, name: robot}}\n"
    )
    found = robot(run(tmp_path, [configmaps("get", "a")], estate=Estate(ReadOptions((str(file),)))))
    assert (found.before, found.used, found.after) == (4, 1, 1)
    assert {(each.verb, each.what) for each in found.unused} == {
        ("list", "configmaps"),
        ("get", "secrets"),
        ("list", "secrets"),
    }


def test_what_everyone_may_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "rbac.yaml"
    file.write_text(
        f"apiVersion: {RBAC}/v1\nkind: ClusterRole\nmetadata: {{name: d}}\nrules:\n"
        "- {nonResourceURLs: ['/api*'], verbs: [get]}\n---\n"
        f"apiVersion: {RBAC}/v1\nkind: ClusterRoleBinding\nmetadata: {{name: d}}\n"
        f"roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: d}}\n"
        f"subjects:\n- {{kind: Group, name: {AUTHENTICATED}}}\n"
    )
    events = [event("get", "/apis", {}, objectRef=None, user={"username": ROBOT, "groups": [AUTHENTICATED]})]
    assert rules(run(tmp_path, events)) == {"get /apis"}
    found = run(tmp_path, events, estate=Estate(ReadOptions((str(file),))))
    assert rules(found) == set()
    assert robot(found).lost == ()


def test_masters_are_told_and_nothing_is_lost(tmp_path: Path) -> None:
    user = {"username": "root", "groups": ["system:masters", AUTHENTICATED]}
    (found,) = run(tmp_path, [configmaps("get", "a", user=user)]).actors
    assert "system:masters" in found.note
    assert found.lost == ()
