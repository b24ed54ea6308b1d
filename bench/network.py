"""Network reachability against its bounds: ``python -m bench.network``.

The cluster is made first and is not counted; then, in a process of its own, all policies are read into the one form,
every pair of ends is evaluated, and the open pairs are counted. Median of three.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from random import Random
from typing import Any

#: pods, namespaces, policies, CPU seconds, MB.
BOUNDS = ((10_000, 500, 2_000, 2.0, 400.0), (100_000, 2_000, 8_000, 30.0, 2000.0))
_APPS, _TIERS = 12, ("web", "api", "db")


def objects(pods: int, namespaces: int, policies: int) -> Iterator[dict[str, Any]]:
    """A cluster as one is kept: default-deny, policies by app and by namespace, address blocks, named ports."""
    random = Random(7)  # noqa: S311 - test data
    for n in range(namespaces):
        labels = {"team": f"team{n % 40}", "env": ("dev", "stage", "prod")[n % 3]}
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"ns{n}", "labels": labels}}
    for p in range(pods):
        labels = {"app": f"app{p % _APPS}", "tier": _TIERS[p % 3], "version": f"v{p % 5}", "pod-hash": f"{p}"}
        ports = [{"name": "http", "containerPort": 8080 + p % 2}, {"name": "metrics", "containerPort": 9090}]
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"pod{p}", "namespace": f"ns{p % namespaces}", "labels": labels},
            "spec": {"containers": [{"name": "c", "image": "i", "ports": ports}]},
        }
    for n in range(policies):
        # A tenth of the namespaces has no policy at all.
        yield _policy(n, n % namespaces - n % namespaces % 10 + 1 + n % 9, n // namespaces, random)


def _policy(number: int, namespace: int, turn: int, random: Random) -> dict[str, Any]:
    app = {"matchLabels": {"app": f"app{random.randrange(_APPS)}"}}
    if turn == 0:
        types = ["Ingress", "Egress"] if namespace % 4 else ["Ingress"]
        spec: dict[str, Any] = {"podSelector": {}, "policyTypes": types}
    elif turn == 1:
        dns = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
        everywhere = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}
        team = {"namespaceSelector": {"matchLabels": {"team": f"team{number % 40}"}}}
        egress = [{"ports": dns}, {"to": [{"podSelector": {}}, team]}, {"to": [everywhere], "ports": [{"port": 443}]}]
        spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": egress}
    elif turn == 2:
        own = {"podSelector": {"matchLabels": {"tier": "web"}}}
        peers = [own, {"namespaceSelector": {"matchLabels": {"team": f"team{number % 40}"}}}]
        spec = {"podSelector": app, "ingress": [{"from": peers, "ports": [{"port": "http"}]}]}
    else:
        team = {"namespaceSelector": {"matchLabels": {"team": f"team{random.randrange(40)}"}}, "podSelector": app}
        spec = {"podSelector": app, "ingress": [{"from": [team], "ports": [{"port": 8000 + random.randrange(90)}]}]}
    metadata = {"name": f"policy{number}", "namespace": f"ns{namespace}"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def run(pods: int, namespaces: int, policies: int) -> None:
    """Evaluate, and print CPU seconds, added and peak MB, open pairs."""
    from seawall.analysis.network.drafts import draft
    from seawall.analysis.network.ends import spread
    from seawall.analysis.network.reach import Reach
    from seawall.model.resource import Inventory

    inventory = Inventory([draft(each) for each in objects(pods, namespaces, policies)])
    before = _peak()
    start = time.process_time()
    reach = Reach(inventory)
    count = [each.pods for each in reach.index.ends.classes]
    open_pairs = 0
    for source, row in reach.index.rows():
        sources = count[source] if source < len(count) else 1
        for _, targets in row:
            open_pairs += sources * sum(count[bit] for bit in spread(targets & reach.index.ends.real_pods))
    print(time.process_time() - start, _peak() - before, _peak(), open_pairs)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Measure every size in processes of its own."""
    over = False
    for pods, namespaces, policies, seconds, megabytes in BOUNDS:
        size = [str(pods), str(namespaces), str(policies)]
        runs = []
        for _ in range(3):
            done = subprocess.run(
                [sys.executable, "-m", "bench.network", "run", *size], capture_output=True, text=True, check=True
            )
            runs.append([float(each) for each in done.stdout.split()])
        cpu, added, peak = (statistics.median(run[i] for run in runs) for i in range(3))
        over = over or cpu > seconds or peak > megabytes
        verdict = "ok" if cpu <= seconds and peak <= megabytes else "OVER"
        name = f"all pairs, {pods:,} pods, {policies:,} policies"
        print(
            f"{name:<42} {cpu:6.2f} s of {seconds} s ({cpu / seconds:4.2f})   "
            f"{peak:5.0f} MB of {megabytes:.0f} MB, {added:.0f} of them for the answer  {verdict}"
        )
    return int(over)


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(*map(int, sys.argv[2:5]))
    else:
        sys.exit(main())
