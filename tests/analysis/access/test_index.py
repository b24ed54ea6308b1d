"""The evaluator agrees with the oracle, and with what a real API server wrote into its audit log."""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from seawall.analysis.access import AccessIndex, build_index
from seawall.analysis.access.defaults import DEFAULT_CLUSTER_ROLES
from seawall.model.access import Actor, Request, Subject, actor_of, parse_account
from seawall.model.resource import Inventory, Resource
from seawall.sources.manifests import load_stdin
from tests.analysis.access.oracle import allowed

#: Requests compared in all.
SAMPLES = 100_000
VERBS = ["get", "list", "create", "*"]
GROUPS = ["", "apps", "*"]
RESOURCES = ["pods", "secrets", "pods/exec", "*/scale", "deployments/scale", "*"]
NAMES = ["", "a", "b"]
URLS = ["/healthz", "/healthz/*", "/logs*", "*", "/*"]
NAMESPACES = ["one", "two"]
USERS = ["ann", "system:serviceaccount:one:robot", "system:serviceaccount:two:robot"]
TEAMS = ["dev", "system:authenticated", "system:masters"]


def inventory_of(objects: list[dict[str, Any]]) -> Inventory:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()
    return Inventory([item for item in load_stdin(text) if isinstance(item, Resource)])


class World:
    """Random roles, bindings and requests."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.objects = [*self.roles(), *self.bindings()]

    def some(self, values: list[str], most: int = 2) -> list[str]:
        return self.random.sample(values, self.random.randint(0, min(most, len(values))))

    def rule(self) -> dict[str, Any]:
        if self.random.random() < 0.2:
            return {"verbs": self.some(VERBS), "nonResourceURLs": self.some(URLS)}
        rule: dict[str, Any] = {
            "verbs": self.some(VERBS),
            "apiGroups": self.some(GROUPS),
            "resources": self.some(RESOURCES),
        }
        return {**rule, "resourceNames": self.some(NAMES[1:])} if self.random.random() < 0.3 else rule

    def roles(self) -> list[dict[str, Any]]:
        roles = []
        for number in range(6):
            rules = [self.rule() for _ in range(self.random.randint(0, 3))]
            meta: dict[str, Any] = {"name": f"r{number}", "labels": {"x": self.random.choice("123")}}
            role: dict[str, Any] = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": meta, "rules": rules}
            if number < 3:
                role |= {"kind": "Role"}
                meta["namespace"] = self.random.choice(NAMESPACES)
            else:
                role |= {"kind": "ClusterRole"}
                if self.random.random() < 0.4:
                    wanted = [{"matchLabels": {"x": self.random.choice("123")}}]
                    role["aggregationRule"] = {"clusterRoleSelectors": wanted}
            roles.append(role)
        return roles

    def bindings(self) -> list[dict[str, Any]]:
        bindings = []
        for number in range(6):
            kind = self.random.choice(["RoleBinding", "RoleBinding", "ClusterRoleBinding"])
            role = self.random.randint(0, 6)
            meta = {"name": f"b{number}"}
            if kind == "RoleBinding":
                meta["namespace"] = self.random.choice(NAMESPACES)
            bindings.append({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": meta,
                "roleRef": {"kind": "Role" if role < 3 else "ClusterRole", "name": f"r{role}"},
                "subjects": [self.subject() for _ in range(self.random.randint(0, 2))],
            })  # fmt: skip
        return bindings

    def subject(self) -> dict[str, str]:
        kind = self.random.choice(["User", "Group", "ServiceAccount"])
        if kind == "ServiceAccount":
            account = {"kind": kind, "name": "robot"}
            return account if self.random.random() < 0.3 else {**account, "namespace": self.random.choice(NAMESPACES)}
        return {"kind": kind, "name": self.random.choice(USERS if kind == "User" else TEAMS[:2])}

    def request(self) -> dict[str, str]:
        request = dict.fromkeys(("group", "resource", "subresource", "namespace", "name", "path"), "")
        request["verb"] = self.random.choice(VERBS)
        if self.random.random() < 0.15:
            return {**request, "path": self.random.choice(["/healthz", "/healthz/ping", "/logs", "/logsx", "/"])}
        resource, _, subresource = self.random.choice(["pods", "secrets", "pods/exec", "deployments/scale"]).partition(
            "/"
        )
        place = {"namespace": self.random.choice(["", *NAMESPACES]), "name": self.random.choice(NAMES)}
        return {
            **request,
            **place,
            "group": self.random.choice(GROUPS[:2]),
            "resource": resource,
            "subresource": subresource,
        }


def test_equal_to_the_oracle_on_random_clusters() -> None:
    worlds, each = 500, SAMPLES // 500
    granted = 0
    for seed in range(worlds):
        world = World(seed)
        index = build_index(inventory_of(world.objects))
        for _ in range(each):
            username, groups = world.random.choice(USERS), world.some(TEAMS[:2])
            if world.random.random() < 0.02:
                groups.append(TEAMS[2])
            request = world.request()
            got = index.may(Actor(username, tuple(groups)), Request(**request))
            assert got == allowed(world.objects, username, groups, request), (seed, username, groups, request)
            granted += got
    assert SAMPLES * 0.05 < granted < SAMPLES * 0.6


def test_who_can_is_the_inverse_of_can() -> None:
    for seed in range(50):
        world = World(seed)
        index = build_index(inventory_of(world.objects))
        request = Request(**world.request())
        found = {reason.subject for reason in index.who(request)}
        for subject in index.subjects:
            own = subject.kind == "Group" or subject.name in USERS or subject.name == "robot"
            alone = Actor(subject.username, (subject.name,) if subject.kind == "Group" else ())
            may = any(reason.subject == subject for reason in index.why(alone, request))
            assert own
            assert may == (subject in found), (seed, subject, request)


@pytest.mark.parametrize(
    ("subject", "actor"),
    [
        (Subject("User", "ann"), Actor("ann", ("system:authenticated",))),
        (Subject("User", "system:anonymous"), Actor("system:anonymous", ("system:unauthenticated",))),
        (Subject("Group", "dev"), Actor("", ("dev", "system:authenticated"))),
        (Subject("Group", "system:unauthenticated"), Actor("", ("system:unauthenticated",))),
        (
            Subject("ServiceAccount", "robot", "one"),
            Actor(
                "system:serviceaccount:one:robot",
                ("system:serviceaccounts", "system:serviceaccounts:one", "system:authenticated"),
            ),
        ),
    ],
)
def test_groups_that_the_api_server_adds(subject: Subject, actor: Actor) -> None:
    assert actor_of(subject) == actor
    assert subject in actor.subjects


def test_an_account_by_its_user_name_is_the_account() -> None:
    account = Subject("ServiceAccount", "robot", "one")
    assert parse_account("system:serviceaccount:one:robot") == account
    assert actor_of(Subject("User", "system:serviceaccount:one:robot")) == actor_of(account)
    assert parse_account("system:serviceaccount:one:") is None
    assert parse_account("system:serviceaccount:a:b:c") is None


def test_a_binding_of_an_unread_role() -> None:
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}, "subjects": [{"kind": "User", "name": "ann"}],
    }  # fmt: skip
    unknown = {**binding, "metadata": {"name": "c"}, "roleRef": {"kind": "ClusterRole", "name": "elsewhere"}}
    index = build_index(inventory_of([binding, unknown]))
    (reason,) = index.why(Actor("ann"), Request("escalate", "clusterroles", "rbac.authorization.k8s.io"))
    assert reason.grant is not None
    assert reason.grant.given
    assert [resource.ref.name for resource, _ in index.dangling] == ["c"]


@pytest.fixture(scope="module")
def cluster(conformance: Path) -> AccessIndex:
    """The access of the recorded cluster."""
    answers = json.loads(gzip.decompress((conformance / "cluster/api-responses.json.gz").read_bytes()))
    objects: list[dict[str, Any]] = []
    for answer in answers.values():
        if answer and str(answer.get("apiVersion", "")).startswith("rbac.") and "items" in answer:
            head = {"apiVersion": answer["apiVersion"], "kind": answer["kind"].removesuffix("List")}
            objects += [{**head, **item} for item in answer["items"]]
    return build_index(inventory_of(objects))


def test_user_facing_roles_are_as_a_server_made_them(cluster: AccessIndex, conformance: Path) -> None:
    answers = json.loads(gzip.decompress((conformance / "cluster/api-responses.json.gz").read_bytes()))
    roles = answers["/apis/rbac.authorization.k8s.io/v1/clusterroles?limit=500"]["items"]
    added = {"metrics.k8s.io"}  # aggregated from an add-on
    for role in roles:
        if role["metadata"]["name"] not in DEFAULT_CLUSTER_ROLES:
            continue
        real = {(v, g, r) for rule in role["rules"] for v in rule["verbs"] for g in rule.get("apiGroups", [])
                for r in rule.get("resources", []) if g not in added}  # fmt: skip
        ours = {(v, g, r) for rule in DEFAULT_CLUSTER_ROLES[role["metadata"]["name"]] for v in rule.verbs
                for g in rule.api_groups for r in rule.resources}  # fmt: skip
        assert ours == real


_REASON = re.compile(r'RBAC: allowed by (\w+) "([^"]+)" of (\w+) "([^"]+)" to (\w+) "([^"]+)"')


def test_what_a_server_allowed_we_allow_for_the_same_reason(cluster: AccessIndex, conformance: Path) -> None:
    """`authorization.k8s.io/reason` names the binding that the server used; ours must be among the reasons."""
    known = {(grant.binding.kind, grant.binding.namespace, grant.binding.name) for grant in cluster.grants}
    compared = 0
    with gzip.open(conformance / "audit/audit.log.gz", "rt") as log:
        for line in log:
            event = json.loads(line)
            found = _REASON.search(event.get("annotations", {}).get("authorization.k8s.io/reason", ""))
            if found is None or "impersonatedUser" in event:
                continue
            namespace, _, name = found[2].rpartition("/")
            wanted = (found[1], namespace or None, name)
            if wanted not in known:
                continue
            compared += 1
            reasons = cluster.why(Actor(event["user"]["username"], tuple(event["user"]["groups"])), _request(event))
            bindings = {
                (r.grant.binding.kind, r.grant.binding.namespace, r.grant.binding.name) for r in reasons if r.grant
            }
            assert wanted in bindings, line
    assert compared > 500


def _request(event: dict[str, Any]) -> Request:
    ref = event.get("objectRef")
    if ref is None:
        return Request(event["verb"], path=event["requestURI"].partition("?")[0])
    # A watch or list of one object by metadata.name carries the name; create does not.
    return Request(
        event["verb"], ref["resource"], ref.get("apiGroup", ""), ref.get("subresource", ""), ref.get("namespace", ""),
        ref.get("name", "") if event["verb"] != "create" or ref.get("subresource") else "",
    )  # fmt: skip
