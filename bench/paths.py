"""Attack paths at scale: from a snapshot of 10,000 pods to paths and choke points; walks over 50,000 places."""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measuring import SEAWALL, against_bound
from seawall.analysis.paths.needs import Losses
from seawall.analysis.paths.walk import reached_by
from seawall.model.attack import AttackGraph, Place, PlaceKind, Removable, Step
from seawall.model.finding import ResourceRef

NODES, NAMESPACES, DEPLOYMENTS, AGENTS = 500, 200, 1_600, 4
PLACES, STEPS, ENTRIES, TARGETS = 50_000, 500_000, 2_000, 50
_RBAC = "rbac.authorization.k8s.io"
_RIGHTS = [
    (["get", "list"], ["pods", "services"]), (["get"], ["configmaps"]), (["watch"], ["endpoints"]),
    (["get", "list"], ["secrets"]), (["create"], ["pods"]), (["create"], ["pods/exec"]),
    (["create"], ["serviceaccounts/token"]),
]  # fmt: skip


def objects() -> Iterator[dict[str, Any]]:
    """A grown cluster: 8,000 pods of deployments, 2,000 of agents on every node, accounts, roles, Secrets, services."""
    rnd = random.Random(3)  # noqa: S311 - a corpus, not a secret
    for number in range(NODES):
        role = {"node-role.kubernetes.io/control-plane": ""} if number < 3 else {}
        yield _object("v1", "Node", f"n{number}", None, labels=role, spec={"providerID": f"aws:///a/i-{number}"})
    for number in range(NAMESPACES):
        level = {"pod-security.kubernetes.io/enforce": "baseline"} if number % 3 else {}
        yield _object("v1", "Namespace", f"ns-{number}", None, labels=level)
        spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}
        if number % 2:
            yield _object("networking.k8s.io/v1", "NetworkPolicy", "own", f"ns-{number}", spec=spec)
    for number in range(DEPLOYMENTS):
        yield from _deployment(number, rnd)
    for number in range(AGENTS):
        yield from _agent(number)


def _object(version: str, kind: str, name: str, namespace: str | None, **rest: Any) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name, "labels": rest.pop("labels", {})}
    if namespace:
        meta["namespace"] = namespace
    if "owner" in rest:
        kind_of, owner = rest.pop("owner")
        meta["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": kind_of, "name": owner, "controller": True}]
    return {"apiVersion": version, "kind": kind, "metadata": meta, **rest}


def _deployment(number: int, rnd: random.Random) -> Iterator[dict[str, Any]]:
    home, name = f"ns-{number % NAMESPACES}", f"app-{number}"
    container: dict[str, Any] = {
        "name": "c",
        "image": f"reg.example.com/{name}:1",
        "ports": [{"containerPort": 8080}],
        "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": f"{name}-key", "key": "k"}}}],
        "securityContext": {"privileged": True} if number % 96 == 8 else {"runAsNonRoot": True},
    }
    spec = {"serviceAccountName": name, "containers": [container, {"name": "side", "image": "reg.example.com/side:2"}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    yield _object("apps/v1", "Deployment", name, home, spec={"template": template})
    yield _object("apps/v1", "ReplicaSet", f"{name}-1", home, owner=("Deployment", name), spec={"template": template})
    for pod in range(5):
        bound = {**spec, "nodeName": f"n{rnd.randrange(3, NODES)}"}
        yield _object(
            "v1", "Pod", f"{name}-1-{pod}", home, labels={"app": name}, owner=("ReplicaSet", f"{name}-1"), spec=bound
        )
    yield _object("v1", "ServiceAccount", name, home)
    yield _object("v1", "Secret", f"{name}-key", home, type="Opaque")
    kind = "LoadBalancer" if number % 8 == 0 else "ClusterIP"
    yield _object(
        "v1", "Service", name, home, spec={"type": kind, "selector": {"app": name}, "ports": [{"port": 8080}]}
    )
    yield from _role(number, home, name, rnd)


def _role(number: int, home: str, name: str, rnd: random.Random) -> Iterator[dict[str, Any]]:
    wide = number % 200 == 0
    chosen = rnd.sample(_RIGHTS, 2) if number % 16 == 0 else _RIGHTS[:2]
    rules = [{"apiGroups": [""], "verbs": verbs, "resources": what} for verbs, what in chosen]
    kind, where = ("ClusterRole", None) if wide else ("Role", home)
    yield _object(f"{_RBAC}/v1", kind, name, where, rules=rules)
    yield _object(
        f"{_RBAC}/v1",
        f"{kind}Binding",
        name,
        where,
        roleRef={"apiGroup": _RBAC, "kind": kind, "name": name},
        subjects=[{"kind": "ServiceAccount", "name": name, "namespace": home}],
    )


def _agent(number: int) -> Iterator[dict[str, Any]]:
    name = f"agent-{number}"
    mount = {"name": "v", "mountPath": "/host", "readOnly": True}
    container = {"name": "c", "image": f"reg.example.com/{name}:1", "volumeMounts": [mount]}
    volume = {"name": "v", "hostPath": {"path": ("/var/log", "/var/lib/kubelet", "/", "/etc")[number]}}
    spec = {"serviceAccountName": name, "containers": [container], "volumes": [volume]}
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    yield _object("apps/v1", "DaemonSet", name, "kube-system", spec={"template": template})
    yield _object("v1", "ServiceAccount", name, "kube-system")
    for node in range(NODES):
        bound = {**spec, "nodeName": f"n{node}"}
        yield _object("v1", "Pod", f"{name}-{node}", "kube-system", owner=("DaemonSet", name), spec=bound)


def write_cluster(path: Path) -> None:
    """All of it as a JSON list."""
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects())}))


def random_graph(cycles: bool) -> AttackGraph:
    """50,000 places and 500,000 steps, each of which needs one of 230,000 removables or none.

    One step leaves each entry: its removable ends many pairs. Two lead to each target. Other steps lead anywhere, or
    (without cycles) not far ahead.
    """
    rnd = random.Random(5)  # noqa: S311 - as above
    count = 230_000
    steps: list[Step] = []
    for number in range(STEPS):
        source = number if number < ENTRIES else rnd.randrange(ENTRIES, PLACES - TARGETS - 1)
        ahead = rnd.randrange(PLACES) if cycles else source + 1 + int(rnd.expovariate(1 / 2_000))
        target = ENTRIES + ahead % (PLACES - ENTRIES - TARGETS) if cycles else min(ahead, PLACES - TARGETS - 1)
        if number >= STEPS - 2 * TARGETS:
            source, target = PLACES - TARGETS - 1 - rnd.randrange(900), PLACES - 1 - (STEPS - 1 - number) // 2
        needs = (rnd.randrange(count),) if number % 10 else ()
        steps.append(Step(source, target, "endpoint-exploit", "", 0.5, needs))
    ref = ResourceRef("v1", "Pod", "p")
    places = [Place(PlaceKind.CONTAINER, str(number)) for number in range(PLACES)]
    return AttackGraph(places, steps, [Removable(str(number), ref, ()) for number in range(count)])


def walks() -> None:
    """All reachability from 2,000 entries, and the exact loss of every removable, against their bounds."""
    gc.disable()  # as the command does
    for cycles in (True, False):
        _walk(random_graph(cycles), "with cycles" if cycles else "without")


def _walk(graph: AttackGraph, name: str) -> None:
    start = time.process_time()
    reached_by(graph, range(ENTRIES))
    reach = time.process_time() - start
    start = time.process_time()
    losses = Losses(graph, range(ENTRIES), range(PLACES - TARGETS, PLACES))
    loss = time.process_time() - start
    print(f"{PLACES:,} places, {STEPS:,} steps {name}: all reachability of {ENTRIES:,} entries {reach:.3f} s of 0.5 s")
    told = f"{losses.pairs:,} pairs, {len(losses.of):,} of 230,000 removables end some"
    print(f"  exact loss of each: {loss:.2f} s of 15 s ({told})")


def main() -> int:
    """Print each promise against its bound."""
    with tempfile.TemporaryDirectory() as folder:
        dump, snapshot = Path(folder) / "all.json", Path(folder) / "all.snapshot"
        # In a process of its own: a child's peak of memory begins with its parent's.
        code = f"import bench.paths as b, pathlib; b.write_cluster(pathlib.Path({str(dump)!r}))"
        subprocess.run([sys.executable, "-c", code], check=True)
        subprocess.run([str(SEAWALL), "snapshot", str(dump), "-o", str(snapshot)], check=True)
        for question in ("summary", "chokepoints"):
            asked = ["paths", question, str(snapshot), "--format", "json"]
            against_bound(f"10,000 pods, {question}", asked, 1, 12, 1500)
        against_bound("10,000 pods, paths", ["paths", str(snapshot), "--format", "json"], 1, 12, 1500)
    subprocess.run([sys.executable, "-c", "import bench.paths; bench.paths.walks()"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
