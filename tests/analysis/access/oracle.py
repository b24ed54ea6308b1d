"""A second evaluator, written from Kubernetes' documentation alone, on the plain objects: slow and simple.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/ (Role, RoleBinding, referring to resources and
subjects, aggregated ClusterRoles).
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def allowed(objects: list[Object], username: str, groups: list[str], request: dict[str, str]) -> bool:
    """Whether a request of {verb, group, resource, subresource, namespace, name, path} is allowed."""
    if "system:masters" in groups:
        return True
    for binding in objects:
        if binding["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        bound = binding["metadata"].get("namespace") if binding["kind"] == "RoleBinding" else None
        if bound and (request["path"] or bound != request["namespace"]):
            continue
        if not any(_is(subject, binding, username, groups) for subject in binding.get("subjects", [])):
            continue
        if any(_permits(rule, request) for rule in _rules(objects, binding)):
            return True
    return False


def _is(subject: Object, binding: Object, username: str, groups: list[str]) -> bool:
    if subject["kind"] == "Group":
        return subject["name"] in groups
    if subject["kind"] == "User":
        return bool(subject["name"] == username)
    namespace = subject.get("namespace") or binding["metadata"].get("namespace")
    return bool(namespace) and username == f"system:serviceaccount:{namespace}:{subject['name']}"


def _rules(objects: list[Object], binding: Object) -> list[Object]:
    ref = binding["roleRef"]
    for role in objects:
        if role["kind"] != ref["kind"] or role["metadata"]["name"] != ref["name"]:
            continue
        if role["kind"] == "Role":
            if binding["kind"] == "RoleBinding" and role["metadata"]["namespace"] == binding["metadata"]["namespace"]:
                return list(role["rules"])
            continue
        return _aggregated(objects, role, [])
    return []


def _aggregated(objects: list[Object], role: Object, seen: list[str]) -> list[Object]:
    rules = list(role["rules"])
    seen = [*seen, role["metadata"]["name"]]
    for selector in role.get("aggregationRule", {}).get("clusterRoleSelectors", []):
        for other in objects:
            if other["kind"] != "ClusterRole" or other["metadata"]["name"] in seen:
                continue
            labels = other["metadata"].get("labels", {})
            if all(labels.get(key) == value for key, value in selector["matchLabels"].items()):
                rules += _aggregated(objects, other, seen)
    return rules


def _permits(rule: Object, request: dict[str, str]) -> bool:
    if not {"*", request["verb"]} & set(rule["verbs"]):
        return False
    if request["path"]:
        return any(_url(url, request["path"]) for url in rule.get("nonResourceURLs", []))
    if not {"*", request["group"]} & set(rule.get("apiGroups", [])):
        return False
    wanted = {"*", request["resource"]}
    if request["subresource"]:
        wanted = {"*", f"{request['resource']}/{request['subresource']}", f"*/{request['subresource']}"}
    if not wanted & set(rule.get("resources", [])):
        return False
    names = rule.get("resourceNames", [])
    return not names or request["name"] in names


def _url(pattern: str, path: str) -> bool:
    if pattern == "*" or pattern == path:
        return True
    return pattern.endswith("*") and path.startswith(pattern.rstrip("*"))
