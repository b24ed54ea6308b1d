"""Access at scale: dangerous permissions and the closure, and least privilege from a long audit log."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.measuring import against_bound
from seawall.engine import load_rules
from seawall.model.rule import Scope

ROLES, BINDINGS, SUBJECTS, NAMESPACES, WORKLOADS = 5_000, 10_000, 20_000, 500, 2_000
EVENTS = 1_000_000
_RBAC = "rbac.authorization.k8s.io"
_CHOICES = [
    (["get", "list"], "", ["pods", "services"]), (["get", "list"], "", ["secrets"]), (["create"], "", ["pods"]),
    (["create"], "", ["pods/exec"]), (["patch", "update"], "apps", ["deployments"]), (["get"], "", ["configmaps"]),
    (["*"], "apps", ["*"]), (["create"], "", ["serviceaccounts/token"]), (["watch"], "batch", ["jobs"]),
    (["impersonate"], "", ["serviceaccounts"]), (["get"], "metrics.k8s.io", ["pods"]), (["delete"], "", ["events"]),
]  # fmt: skip


def write_estate(path: Path, seed: int = 1) -> None:
    """Roles and bindings as in a large, grown estate: mostly namespaced, a few wide ones, many subjects."""
    rnd = random.Random(seed)  # noqa: S311 - a corpus, not a secret
    with path.open("w") as file:
        file.write('{"apiVersion":"v1","kind":"List","items":[')
        objects = (*_namespaces(), *_workloads(rnd), *_roles(rnd), *_bindings(rnd))
        file.write(",\n".join(json.dumps(each) for each in objects))
        file.write("]}")


def _namespaces() -> list[dict[str, Any]]:
    """Half of them guarded by a Pod Security level."""
    level = "pod-security.kubernetes.io/enforce"
    return [
        {"apiVersion": "v1", "kind": "Namespace",
         "metadata": {"name": f"ns-{number}", "labels": {level: "baseline"} if number % 2 else {"team": "x"}}}
        for number in range(NAMESPACES)
    ]  # fmt: skip


def _workloads(rnd: random.Random) -> list[dict[str, Any]]:
    """Deployments under some of the accounts that bindings name."""
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment",
         "metadata": {"name": f"web-{number}", "namespace": f"ns-{number % NAMESPACES}"},
         "spec": {"template": {"spec": {"serviceAccountName": f"account-{2 * number + 1}",
                                        "containers": [{"name": "c", "image": "i"}]}}}}
        for number in rnd.sample(range(BINDINGS), WORKLOADS)
    ]  # fmt: skip


def _roles(rnd: random.Random) -> list[dict[str, Any]]:
    found = []
    for number in range(ROLES):
        wide = number % 20 == 0
        chosen = rnd.sample(_CHOICES, rnd.randint(1, 4))
        rules = [{"verbs": verbs, "apiGroups": [group], "resources": what} for verbs, group, what in chosen]
        if number % 3 == 0:
            rules[0]["resourceNames"] = [f"n{number}"]
        meta = {"name": f"role-{number}"} | ({} if wide else {"namespace": f"ns-{number % NAMESPACES}"})
        kind = "ClusterRole" if wide else "Role"
        found.append({"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": meta, "rules": rules})
    return found


def _bindings(rnd: random.Random) -> list[dict[str, Any]]:
    found = []
    for number in range(BINDINGS):
        role = number % ROLES
        namespace = f"ns-{role % NAMESPACES}"
        wide = role % 20 == 0
        everywhere = wide and number % 200 == 0
        subjects = [_subject(rnd, 2 * number + each, namespace) for each in range(2)]
        ref = {"apiGroup": _RBAC, "kind": "ClusterRole" if wide else "Role", "name": f"role-{role}"}
        meta = {"name": f"binding-{number}"} | ({} if everywhere else {"namespace": namespace})
        kind = "ClusterRoleBinding" if everywhere else "RoleBinding"
        found.append(
            {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": meta, "roleRef": ref, "subjects": subjects}
        )
    return found


def _subject(rnd: random.Random, number: int, namespace: str) -> dict[str, str]:
    if number % 2:
        return {"kind": "ServiceAccount", "name": f"account-{number}", "namespace": namespace}
    kind = "User" if number % 10 else "Group"
    return {"kind": kind, "apiGroup": _RBAC, "name": f"{kind.lower()}-{number}"}


def write_audit(path: Path, events: int = EVENTS) -> None:
    """An audit log at level Metadata: 400 accounts of 40 namespaces at their usual work."""
    rnd = random.Random(2)  # noqa: S311 - as above
    verbs = ["get", "list", "watch", "patch", "create"]
    with path.open("w") as file:
        for number in range(events):
            account, verb = number % 400, verbs[rnd.randint(0, 4)]
            namespace, name = f"ns-{account % 40}", f"object-{rnd.randint(0, 30)}"
            named = verb in ("get", "patch")
            uri = f"/api/v1/namespaces/{namespace}/configmaps{f'/{name}' if named else '?limit=500'}"
            file.write(
                f'{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{number:032x}",'
                f'"stage":"ResponseComplete","requestURI":"{uri}","verb":"{verb}","user":{{"username":'
                f'"system:serviceaccount:{namespace}:a-{account}","groups":["system:serviceaccounts",'
                f'"system:serviceaccounts:{namespace}","system:authenticated"]}},"sourceIPs":["10.0.0.1"],'
                f'"userAgent":"operator/v1","objectRef":{{"resource":"configmaps","namespace":"{namespace}","name":'
                f'"{name}","apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":200}},'
                f'"requestReceivedTimestamp":"2026-11-01T00:00:00.{number % 1000000:06d}Z",'
                f'"annotations":{{"authorization.k8s.io/decision":"allow"}}}}\n'
            )


def main() -> int:
    """Print both promises against their bounds."""
    with tempfile.TemporaryDirectory() as folder:
        # Written by another process: a child's peak of memory begins with its parent's.
        subprocess.run([sys.executable, "-c", f"import bench.access as b, pathlib; f = pathlib.Path({folder!r}); "
                        "b.write_estate(f / 'estate.json'); b.write_audit(f / 'audit.log')"], check=True)  # fmt: skip
        estate, audit = str(Path(folder) / "estate.json"), str(Path(folder) / "audit.log")
        against_bound("20,000 subjects, closure", ["access", "escalation", estate, "--format", "json"], 3, 5, 1000)
        rules = [arg for rule in load_rules() if rule.scope is Scope.RBAC for arg in ("--rule", rule.id)]
        against_bound("20,000 subjects, all rules", ["scan", estate, "--format", "json", *rules], 3, 5, 1000)
        against_bound(
            "1,000,000 audit events", ["access", "minimize", "--audit", audit, "--format", "json"], 1, 60, 500
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
