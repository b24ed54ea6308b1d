"""Small estates for tests, written short: ``sa:one/a can create pods in one``."""

from __future__ import annotations

import json
from typing import Any

from seawall.analysis.access import Closure, build_index, facts_of, parse_subject
from seawall.model.access import Subject
from seawall.model.resource import Inventory, Resource
from seawall.model.version import NEWEST, KubernetesVersion
from seawall.sources.manifests import load_stdin

RBAC = "rbac.authorization.k8s.io"
_GROUPS = {
    "deployments": "apps", "statefulsets": "apps", "cronjobs": "batch", "jobs": "batch", "roles": RBAC,
    "clusterroles": RBAC, "rolebindings": RBAC, "clusterrolebindings": RBAC, "signers": "certificates.k8s.io",
    "certificatesigningrequests": "certificates.k8s.io",
    "mutatingwebhookconfigurations": "admissionregistration.k8s.io",
    "mutatingadmissionpolicies": "admissionregistration.k8s.io",
    "mutatingadmissionpolicybindings": "admissionregistration.k8s.io",
}  # fmt: skip


def grant(line: str, number: int = 0) -> list[dict[str, Any]]:
    """A role and its binding of a line ``SUBJECT can VERBS RESOURCES [named NAMES] in NAMESPACE|all``."""
    subject, _, rest = line.partition(" can ")
    what, _, place = rest.rpartition(" in ")
    what, _, names = what.partition(" named ")
    verbs, resources = what.split()
    first = resources.split(",")[0].partition("/")[0]
    rule: dict[str, Any] = {
        "verbs": verbs.split(","),
        "apiGroups": ["*" if resources == "*" else _GROUPS.get(first, "")],
        "resources": resources.split(","),
    }
    if names:
        rule["resourceNames"] = names.split(",")
    prefix = "Cluster" * (place == "all")
    meta = {"name": f"r{number}"} | ({} if prefix else {"namespace": place})
    who = parse_subject(subject)
    told = {"kind": who.kind, "name": who.name} | ({"namespace": who.namespace} if who.namespace else {})
    return [
        {"apiVersion": f"{RBAC}/v1", "kind": f"{prefix}Role", "metadata": meta, "rules": [rule]},
        {
            "apiVersion": f"{RBAC}/v1", "kind": f"{prefix}RoleBinding", "metadata": meta, "subjects": [told],
            "roleRef": {"apiGroup": RBAC, "kind": f"{prefix}Role", "name": f"r{number}"},
        },
    ]  # fmt: skip


def namespace(name: str, level: str = "") -> dict[str, Any]:
    """A namespace, with a Pod Security level if one is given."""
    labels = {"pod-security.kubernetes.io/enforce": level} if level else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(name: str, home: str, account: str, node: str = "", privileged: bool = False) -> dict[str, Any]:
    """A pod that mounts the token of its account."""
    container = {"name": "c", "image": "i", "securityContext": {"privileged": privileged}}
    spec = {"serviceAccountName": account, "containers": [container]} | ({"nodeName": node} if node else {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": home}, "spec": spec}


def token_secret(name: str, home: str, account: str) -> dict[str, Any]:
    """A long-lived token of an account."""
    meta = {"name": name, "namespace": home, "annotations": {"kubernetes.io/service-account.name": account}}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": meta}


def account(name: str, home: str) -> dict[str, Any]:
    """A service account."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": home}}


def inventory_of(objects: list[dict[str, Any]]) -> Inventory:
    """Objects as a scan reads them."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()
    return Inventory([item for item in load_stdin(text) if isinstance(item, Resource)])


def closure_of(lines: list[str], objects: list[dict[str, Any]], version: KubernetesVersion = NEWEST) -> Closure:
    """The closure of grants and other objects."""
    granted = [each for number, line in enumerate(lines) for each in grant(line, number)]
    inventory = inventory_of([*objects, *granted])
    return Closure(build_index(inventory), facts_of(inventory), version)


def reached(closure: Closure, subject: str) -> set[str]:
    """What a subject can become, as told."""
    return {str(point) for point in closure.reach(parse_subject(subject))}


def proofs_hold(closure: Closure, subject: str, goal: str) -> bool:
    """Whether each step of the way has a grant held by someone who was taken on before."""
    start = parse_subject(subject)
    point = next(each for each in closure.points if str(each) == goal)
    been: set[Any] = {start, *(other for other in closure.reach(start))}
    for step in closure.path(start, point):
        for found, _ in step.grants:
            if not any(isinstance(each, Subject) and each in found.subjects for each in been) and found.subjects:
                return False
    return True
