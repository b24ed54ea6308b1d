"""ABAC policies and the RBAC that they become allow the same requests."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from seawall.analysis.access.abac import Converted, Refused, convert
from seawall.analysis.access.index import AccessIndex
from seawall.model.access import Actor, Grant, Request
from seawall.model.finding import ResourceRef

REF = ResourceRef("rbac.authorization.k8s.io/v1", "Role", "r")
USERS, GROUPS = ["ann", "bob", "*", ""], ["dev", "*", "", ""]
NAMESPACES, RESOURCES = ["one", "*", ""], ["pods", "nodes", "secrets", "*", ""]
API_GROUPS, PATHS = ["", "apps", "*"], ["", "", "/healthz", "/logs*", "*"]


def policy(rnd: random.Random) -> dict[str, Any]:
    if rnd.random() < 0.3:
        fields = {"user": USERS, "group": GROUPS, "namespace": NAMESPACES, "resource": RESOURCES}
        return {key: rnd.choice(values) for key, values in fields.items()} | {"readonly": rnd.random() < 0.5}
    spec = {
        "user": rnd.choice(USERS), "group": rnd.choice(GROUPS), "namespace": rnd.choice(NAMESPACES),
        "resource": rnd.choice(RESOURCES), "apiGroup": rnd.choice(API_GROUPS), "readonly": rnd.random() < 0.5,
        "nonResourcePath": rnd.choice(PATHS),
    }  # fmt: skip
    return {"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy", "spec": spec}


def permits(line: dict[str, Any], user: str, groups: list[str], request: Request) -> bool:
    """The documented semantics, on the plain policy."""
    spec = dict(line.get("spec") or {})
    if "apiVersion" not in line:
        spec = {**line, "apiGroup": "*", "namespace": line["namespace"] or "*", "resource": line["resource"] or "*"}
        spec["nonResourcePath"] = "" if line["namespace"] or line["resource"] else "*"
        if not line["user"] and not line["group"]:
            spec["group"] = "system:authenticated"
    if "*" in (spec["user"], spec["group"]):
        spec["user"], spec["group"] = "", "system:authenticated"
    if not spec["user"] and not spec["group"]:
        return False
    if spec["user"] and spec["user"] != user:
        return False
    if spec["group"] and spec["group"] not in groups:
        return False
    if spec["readonly"] and request.verb not in ("get", "list", "watch"):
        return False
    if request.path:
        path = spec["nonResourcePath"]
        return path in ("*", request.path) or (path.endswith("*") and request.path.startswith(path.rstrip("*")))
    return (
        spec["namespace"] in ("*", request.namespace)
        and spec["resource"] in ("*", request.resource)
        and spec["apiGroup"] in ("*", request.group)
    )


def request(rnd: random.Random) -> Request:
    verb = rnd.choice(["get", "list", "create", "delete"])
    if rnd.random() < 0.2:
        return Request(verb, path=rnd.choice(["/healthz", "/logs/x", "/"]))
    resource = rnd.choice(["pods", "nodes", "secrets", "deployments"])
    namespace = "" if resource == "nodes" else rnd.choice(["one", "two", ""])
    group = "apps" if resource == "deployments" else ""
    return Request(verb, resource, group, rnd.choice(["", "status", "exec"]), namespace, rnd.choice(["", "x"]))


def test_what_is_converted_allows_the_same() -> None:
    rnd = random.Random(7)
    converted = allowed = 0
    for _ in range(1500):
        lines = [policy(rnd) for _ in range(3)]
        results = [list(convert(json.dumps(line).encode())) for line in lines]
        whole = [
            line for line, found in zip(lines, results, strict=True) if all(isinstance(f, Converted) for f in found)
        ]
        grants = [
            Grant(REF, REF, each.namespace, (each.subject,), each.rules)
            for line in whole for each in convert(json.dumps(line).encode()) if isinstance(each, Converted)
        ]  # fmt: skip
        converted += len(grants)
        index = AccessIndex(grants)
        for _ in range(40):
            user, groups = rnd.choice(["ann", "bob", "eve"]), ["system:authenticated"] + ["dev"] * rnd.randint(0, 1)
            asked = request(rnd)
            expected = any(permits(line, user, groups, asked) for line in whole)
            assert index.may(Actor(user, tuple(groups)), asked) == expected, (whole, user, groups, asked)
            allowed += expected
    assert converted > 1500
    assert allowed > 10_000


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"user": "ann", "group": "dev", "namespace": "a", "resource": "pods"}, "has no such subject"),
        ({"apiVersion": "v1", "kind": "Policy"}, "is not a Policy"),
        ({"bomFormat": "CycloneDX"}, "no field of a policy"),
        ({"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy", "spec": {}}, "allows nobody"),
        (
            {"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy",
             "spec": {"user": "ann", "resource": "pods"}},
            "only outside of namespaces",
        ),
    ],
)  # fmt: skip
def test_what_rbac_cannot_say_is_told(line: dict[str, Any], said: str) -> None:
    (found,) = convert(b"# comment\n\n" + json.dumps(line).encode())
    assert isinstance(found, Refused)
    assert found.line == 3
    assert said in found.message


@pytest.mark.parametrize("text", [b"{", b"[]", b"3", b'{"user": 3}', b"[" * 100_000, b"\xff"])
def test_garbage_is_told(text: bytes) -> None:
    assert [type(each) for each in convert(text)] == [Refused]
