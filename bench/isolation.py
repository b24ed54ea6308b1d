"""Isolation at scale: what falls with each of 500 nodes under 10,000 pods, and a plan of pools for 200 nodes."""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.measuring import against_bound

_IMAGES = ["example.com/web:1", "example.com/api:2", "postgres:17", "redis:7", "ghcr.io/actions/actions-runner:2"]


def write_estate(path: Path, pods: int, nodes: int, seed: int = 3) -> None:
    """Workloads of three pods each on their nodes, with Secrets, accounts and some strong rights."""
    rnd = random.Random(seed)  # noqa: S311 - a corpus, not a secret
    with path.open("w") as file:
        file.write('{"apiVersion":"v1","kind":"List","items":[')
        file.write(",\n".join(json.dumps(each) for each in (*_nodes(nodes), *_workloads(pods, nodes, rnd), *_rights())))
        file.write("]}")


def _nodes(count: int) -> list[dict[str, Any]]:
    room = {"cpu": "16", "memory": "64Gi", "pods": "110"}
    return [
        {"apiVersion": "v1", "kind": "Node", "status": {"allocatable": room},
         "metadata": {"name": f"n{number}", "labels": {"kubernetes.io/hostname": f"n{number}",
                                                       "topology.kubernetes.io/zone": f"z{number % 3}"}}}
        for number in range(count)
    ]  # fmt: skip


def _workloads(pods: int, nodes: int, rnd: random.Random) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(pods // 3):
        namespace = f"ns-{number % 80}"
        spec = {
            "serviceAccountName": f"account-{number % 400}",
            "containers": [{"name": "c", "image": rnd.choice(_IMAGES), "resources": {"requests": {
                "cpu": f"{rnd.randrange(50, 400)}m", "memory": f"{rnd.randrange(64, 1024)}Mi"}},
                "envFrom": [{"secretRef": {"name": f"secret-{rnd.randrange(30)}"}}]}],
        }  # fmt: skip
        labels = {"app": f"app-{number}"}
        template = {"metadata": {"labels": labels}, "spec": spec}
        meta = {"name": f"app-{number}", "namespace": namespace}
        found.append({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta,
                      "spec": {"replicas": 3, "selector": {"matchLabels": labels}, "template": template}})  # fmt: skip
        owner = {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "name": f"app-{number}",
            "uid": "u",
            "controller": True,
        }
        for each in range(3):
            pod = {"name": f"app-{number}-{each}", "namespace": namespace, "labels": labels, "ownerReferences": [owner]}
            found.append({"apiVersion": "v1", "kind": "Pod", "metadata": pod, "status": {"phase": "Running"},
                          "spec": {**spec, "nodeName": f"n{rnd.randrange(nodes)}"}})  # fmt: skip
    return found


def _rights() -> list[dict[str, Any]]:
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": "reader"},
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]}  # fmt: skip
    binding = {"apiVersion": f"{group}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "reader"},
               "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "reader"},
               "subjects": [{"kind": "ServiceAccount", "name": f"account-{n}", "namespace": f"ns-{n % 80}"}
                            for n in range(0, 400, 40)]}  # fmt: skip
    return [role, binding]


def main() -> int:
    """Print each promise against its bound."""
    with tempfile.TemporaryDirectory() as folder:
        large = str(Path(folder) / "large.json")
        write_estate(Path(large), 10_000, 500)
        against_bound("10,000 pods, 500 nodes", ["isolation", large, "--format", "json"], 3, 3, 1000)
        smaller = str(Path(folder) / "smaller.json")
        write_estate(Path(smaller), 4_000, 200)
        against_bound("plan for 200 nodes", ["isolation", "plan", smaller, "--format", "json"], 1, 20, 1000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
