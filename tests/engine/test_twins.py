"""Pods of one template are judged once, and the result is the same as if each were judged."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seawall.engine import ReadOptions, ScanOptions, Selection, scan
from seawall.engine.judge import Judge
from seawall.engine.twins import Twins

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"hostPID": True, "containers": [{"name": "web", "image": "web", "securityContext": {"privileged": True}}]},
}


def pod(number: int, owner: str = "web-1", **spec: Any) -> dict[str, Any]:
    made = copy.deepcopy(TEMPLATE)
    made["spec"] |= {"nodeName": f"n{number}", "volumes": [{"name": f"kube-api-access-{number:05d}", "projected": {}}]}
    made["spec"] |= spec
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "controller": True}
    meta = {"name": f"web-{number}", "namespace": "shop", "ownerReferences": [reference], **made["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": made["spec"]}


def replica_set(name: str = "web-1", namespace: str = "shop") -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta, "spec": {"template": TEMPLATE}}


def judged(tmp_path: Path, items: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, int]:
    """The findings, and how often a pod's containers were judged."""
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    count = 0
    original = Judge._judge_pod

    def counted(self: Judge, *args: Any) -> None:
        nonlocal count
        count += 1
        original(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Judge, "_judge_pod", counted)
        result = scan(ScanOptions(ReadOptions((str(path),)), selection=Selection(profile="all")))
    return msgspec.json.encode(sorted(result.findings, key=lambda f: f.fingerprint)), count


CASES: dict[str, tuple[list[dict[str, Any]], int]] = {
    "owned": ([replica_set(), *(pod(n) for n in range(5))], 2),
    "owner comes later": ([*(pod(n) for n in range(5)), replica_set()], 2),
    "owner absent": ([pod(n) for n in range(5)], 5),
    "two owners": ([replica_set(), replica_set("web-2"), *(pod(n, f"web-{n % 2 + 1}") for n in range(6))], 4),
    "one is different": ([replica_set(), *(pod(n) for n in range(4)), pod(9, hostNetwork=True)], 3),
    "all have a sidecar": (
        [
            replica_set(),
            *(pod(n, containers=[*TEMPLATE["spec"]["containers"], {"name": "proxy", "image": "p"}]) for n in range(4)),
        ],
        5,
    ),
    "wrong types": ([replica_set(), *(pod(n, hostIPC="maybe") for n in range(3))], 4),
}


@pytest.mark.parametrize("case", CASES)
def test_twins_are_judged_once_with_the_same_result(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    items, most = CASES[case]
    findings, count = judged(tmp_path, items, monkeypatch)
    assert count == most
    monkeypatch.setattr(Twins, "first", lambda self, resource: None)
    everything, each = judged(tmp_path, items, monkeypatch)
    assert findings == everything
    assert each == len(items)
