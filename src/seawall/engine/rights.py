"""The rights at an API server that a scan needs, as objects to apply."""

from __future__ import annotations

from typing import Any

from seawall.model.kube.kinds import served_kinds

#: What discovery and the version are read from. Kubernetes grants these to everybody who has logged in, unless an
#: administrator took that away.
_DISCOVERY = ("/api", "/api/*", "/apis", "/apis/*", "/version")
#: Kinds whose names are plural already.
_PLURAL = frozenset(("securitycontextconstraints", "k8sallowedrepos"))
_LABELS = {"app.kubernetes.io/name": "seawall"}


def scan_rights(with_secrets: bool) -> list[dict[str, Any]]:
    """The rules of the least ClusterRole with which a scan is complete.

    Of the kinds that rules read, ``list`` is enough. Without Secrets, the rules about them are skipped.
    """
    resources: dict[str, set[str]] = {}
    for group, kind, _ in served_kinds():
        if kind != "Secret" or with_secrets:
            resources.setdefault(group, set()).add(plural(kind))
    rules: list[dict[str, Any]] = [
        {"apiGroups": [group], "resources": sorted(names), "verbs": ["list"]}
        for group, names in sorted(resources.items())
    ]
    return [*rules, {"nonResourceURLs": list(_DISCOVERY), "verbs": ["get"]}]


def plural(kind: str) -> str:
    """The resource of a kind, by the rules of English that Kubernetes' own kinds follow."""
    name = kind.lower()
    if name in _PLURAL:
        return name
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    if name.endswith("y") and name[-2] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}s"


def rights_manifest(name: str, namespace: str, with_secrets: bool) -> list[dict[str, Any]]:
    """A service account, the role, and the binding of the two."""
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": _LABELS},
        "rules": scan_rights(with_secrets),
    }
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": namespace, "labels": _LABELS},
        "automountServiceAccountToken": False,
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name, "labels": _LABELS},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
    }
    return [account, role, binding]
