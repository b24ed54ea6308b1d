"""Corpora of our own: distinct pods as a cluster would list them."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

HARDENED = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(number: int, rnd: random.Random) -> dict[str, Any]:
    """A pod with two containers that no other pod equals; two of three are hardened, as in a kept cluster."""
    hardened = number % 3 != 0
    labels = {"app": f"app-{number}", "team": f"team-{rnd.randrange(40)}", "build": str(rnd.getrandbits(40))}
    containers = [
        {
            "name": f"c{k}",
            "image": f"registry.example.com/team/app-{number}:{rnd.randrange(1, 9)}.{rnd.randrange(100)}",
            "env": [{"name": f"SETTING_{j}", "value": str(rnd.getrandbits(48))} for j in range(6)],
            "ports": [{"containerPort": 8000 + rnd.randrange(1000)}],
            "resources": {"requests": {"cpu": f"{rnd.randrange(10, 900)}m", "memory": "128Mi"}},
            "securityContext": dict(HARDENED) if hardened else {"runAsUser": rnd.choice([0, 1000, 10001])},
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - a path in a manifest
        }
        for k in range(2)
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"pod-{number}", "namespace": f"ns-{number % 50}", "labels": labels},
        "spec": {"containers": containers, "volumes": [{"name": "tmp", "emptyDir": {}}], "nodeName": f"n{number % 60}"},
        "status": {
            "phase": "Running",
            "conditions": [{"type": t, "status": "True"} for t in ("Initialized", "Ready", "PodScheduled")],
            "containerStatuses": [
                {"name": f"c{k}", "ready": True, "imageID": f"sha256:{rnd.getrandbits(256):064x}"} for k in range(2)
            ],
        },
    }


def write_dump(path: Path, count: int) -> None:
    """A JSON list as ``kubectl get pods -A -o json`` prints it."""
    rnd = random.Random(7)  # noqa: S311 - not for secrets
    items = [pod(number, rnd) for number in range(count)]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=4))


def write_yaml(path: Path, count: int) -> None:
    """A YAML stream of pods."""
    import yaml

    rnd = random.Random(11)  # noqa: S311 - as above
    with path.open("w") as file:
        yaml.safe_dump_all((pod(number, rnd) for number in range(count)), file, sort_keys=False)


def main() -> None:
    """Write every corpus into a folder."""
    folder = Path(sys.argv[1])
    for count, name in ((1, "one.yaml"), (100, "pods-100.yaml"), (1000, "pods-1000.yaml")):
        write_yaml(folder / name, count)
    write_dump(folder / "dump.json", 10_000)


if __name__ == "__main__":
    main()
