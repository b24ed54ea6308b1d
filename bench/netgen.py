"""Generating network policies against its bound: ``python -m bench.netgen``.

3,000 workloads with their pods and Services, and 30,000 different flows between them and to outside addresses, are
written to files first. Then the whole command is measured: reading, generating, evaluating before and after, replaying,
writing. Median of three, whole-process CPU.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from bench.measuring import measure

WORKLOADS, NAMESPACES, FLOWS = 3_000, 100, 30_000
SECONDS, MEGABYTES = 5.0, 1_000.0
_OUTSIDE = 10


def objects() -> Iterator[dict[str, Any]]:
    """Namespaces, Deployments, a running pod of each, Services."""
    for n in range(NAMESPACES):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"team{n}"}}
    for n in range(WORKLOADS):
        labels = {"app.kubernetes.io/name": f"app{n // NAMESPACES}", "app.kubernetes.io/part-of": f"part{n % 7}"}
        metadata = {"name": f"app{n // NAMESPACES}", "namespace": f"team{n % NAMESPACES}"}
        port = 8000 + n % 50
        spec = {"containers": [{"name": "app", "image": "i", "ports": [{"containerPort": port}]}]}
        template = {"metadata": {"labels": labels}, "spec": spec}
        yield {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        }
        owner = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": metadata["name"],
            "uid": "u",
            "controller": True,
        }
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{metadata['name']}-7d9f8b6c5d-abcde",
                "namespace": metadata["namespace"],
                "labels": {**labels, "pod-template-hash": "7d9f8b6c5d"},
                "ownerReferences": [owner],
            },
            "spec": spec,
            "status": {"podIP": _address(n), "hostIP": f"192.168.0.{n % 200 + 1}", "phase": "Running"},
        }
        yield {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {
                "selector": labels,
                "ports": [{"port": 80, "targetPort": port}],
                "clusterIP": f"10.96.{n >> 8}.{n & 255}",
            },
        }


def _address(number: int) -> str:
    return f"10.1.{number >> 8}.{number & 255}"


def flows() -> Iterator[dict[str, Any]]:
    """Hubble's form; every workload is seen, each flow once."""
    random = Random(11)  # noqa: S311 - test data
    seen: set[tuple[int, str]] = set()
    while len(seen) < FLOWS:
        source = len(seen) % WORKLOADS
        target = random.randrange(WORKLOADS)
        outside = random.randrange(_OUTSIDE) == 0
        address = (
            f"52.{random.randrange(4)}.{random.randrange(4)}.{random.randrange(64)}" if outside else _address(target)
        )
        if (source, address) in seen or address == _address(source):
            continue
        seen.add((source, address))
        port = 443 if outside else 8000 + target % 50
        pod = f"app{target // NAMESPACES}-7d9f8b6c5d-abcde"
        there = (
            {"labels": ["reserved:world"]} if outside else {"namespace": f"team{target % NAMESPACES}", "pod_name": pod}
        )
        here = {
            "namespace": f"team{source % NAMESPACES}",
            "pod_name": f"app{source // NAMESPACES}-7d9f8b6c5d-abcde",
            "labels": [f"k8s:app.kubernetes.io/name=app{source // NAMESPACES}"],
        }
        yield {
            "flow": {
                "time": f"2026-05-01T10:{len(seen) // 60 % 60:02}:{len(seen) % 60:02}.123Z",
                "verdict": "FORWARDED",
                "IP": {"source": _address(source), "destination": address, "ipVersion": "IPv4"},
                "l4": {"TCP": {"source_port": 40000, "destination_port": port, "flags": {"SYN": True}}},
                "source": here,
                "destination": there,
                "Type": "L3_L4",
                "is_reply": False,
            }
        }


def main() -> int:
    """Measure, and check that the proof holds."""
    with tempfile.TemporaryDirectory() as folder:
        cluster, log = Path(folder, "cluster.json"), Path(folder, "flows.json")
        cluster.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects())}))
        log.write_text("".join(json.dumps(each) + "\n" for each in flows()))
        program = str(Path(sys.executable).with_name("seawall"))
        base = [program, "network", "generate", str(cluster), "--flows", str(log)]
        summary = subprocess.run(base, capture_output=True, text=True, check=True).stdout
        replayed = re.search(r"replayed ([\d,]+) observed flows: ([\d,]+) allowed, 0 lost", summary)
        if replayed is None or replayed[1] != replayed[2]:
            print(summary)
            return 1
        name = f"{WORKLOADS:,} workloads, {replayed[1]} flows, generated and verified"
        cpu, peak = measure([*base, "--format", f"yaml={Path(folder, 'out.yaml')}", "--format", "terminal"], 3)
        verdict = "ok" if cpu <= SECONDS and peak <= MEGABYTES else "OVER"
        print(f"{name:<56} {cpu:5.2f} s of {SECONDS} s ({cpu / SECONDS:4.2f})   {peak:5.0f} MB  {verdict}")
    return int(cpu > SECONDS or peak > MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
