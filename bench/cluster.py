"""A live cluster's cost: listing and judging 5,000 pods, against the barest listing plus a scan of the same objects."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import msgspec

PODS = 5_000
SNAPSHOT_PODS = 10_000
RUNS = 5
BOUND = 1.5
SNAPSHOT_SECONDS, SNAPSHOT_MEGABYTES = 4.0, 450.0


class _ListMeta(msgspec.Struct):
    continue_: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct):
    metadata: _ListMeta
    items: list[msgspec.Raw]


def list_only(port: int) -> int:
    """The peer: every page of the pods by http.client, cut into items by msgspec, and nothing else."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    decoder = msgspec.json.Decoder(_Page)
    token, count = "", 0
    while True:
        connection.request("GET", f"/api/v1/pods?limit=500&continue={quote(token)}")
        page = decoder.decode(connection.getresponse().read())
        count += len(page.items)
        token = page.metadata.continue_
        if not token:
            return count


def serve(folder: Path, count: int) -> None:
    """Run a replay server of that many pods until the process is ended; its address goes to ``url``."""
    from tests.replay import Recording, Replay

    from bench.corpus import pod

    rnd = random.Random(7)  # noqa: S311 - not for secrets
    pods = [pod(number, rnd) for number in range(count)]
    for number, item in enumerate(pods):
        item["metadata"]["uid"] = f"00000000-0000-0000-0000-{number:012d}"
    resources = {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [{"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["list"]}],
    }
    recording = Recording(
        {
            "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.0"},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/api/v1": resources,
            "/apis": {"kind": "APIGroupList", "groups": []},
        }
    )
    recording.put("/api/v1/pods", "PodList", "v1", pods)
    (folder / "dump.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": pods}))
    with Replay(recording) as server:
        kubeconfig = {
            "current-context": "bench",
            "clusters": [{"name": "bench", "cluster": {"server": server.url}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench"}}],
        }
        (folder / "kubeconfig").write_text(json.dumps(kubeconfig))
        (folder / "url.part").write_text(str(server.port))
        (folder / "url.part").rename(folder / "url")
        server.stopping.wait()


def live(folder: Path) -> bool:
    """The ratio for a live cluster; whether it is within the bound."""
    from bench.__main__ import ROOT
    from bench.measuring import SEAWALL, measure

    server = subprocess.Popen([sys.executable, "-m", "bench.cluster", "serve", str(folder), str(PODS)], cwd=ROOT)
    try:
        while not (folder / "url").exists():
            time.sleep(0.1)
        port = (folder / "url").read_text()
        kubeconfig = str(folder / "kubeconfig")
        peer, _ = measure([sys.executable, "-m", "bench.cluster", "list", port], RUNS)
        files, _ = measure([str(SEAWALL), "scan", str(folder / "dump.json"), "--format", "json"], RUNS)
        command = [str(SEAWALL), "scan", "cluster", "--kubeconfig", kubeconfig, "--format", "json"]
        ours, peak = measure(command, RUNS)
    finally:
        server.terminate()
        server.wait()
    ratio = (ours - files) / peer
    verdict = "ok" if ratio <= BOUND else "OVER"
    print(
        f"{PODS:,} live pods            {ours:.3f} s = scan of a file {files:.3f} s + {ratio:.2f} x listing only "
        f"{peer:.3f} s (bound {BOUND})   {peak:.0f} MB  {verdict}"
    )
    return ratio <= BOUND


def snapshot(folder: Path) -> bool:
    """The cost of scanning a snapshot of distinct pods; whether it is within the bounds."""
    from bench.__main__ import ROOT
    from bench.measuring import SEAWALL, measure

    # In a process of its own: a child's peak of memory begins with its parent's.
    subprocess.run([sys.executable, "-m", "bench.cluster", "dump", str(folder / "dump.json")], check=True, cwd=ROOT)
    path = folder / "pods.snapshot"
    subprocess.run([str(SEAWALL), "snapshot", str(folder / "dump.json"), "-o", str(path)], check=True)
    cpu, peak = measure([str(SEAWALL), "scan", str(path), "--format", "json"], RUNS)
    good = cpu <= SNAPSHOT_SECONDS and peak <= SNAPSHOT_MEGABYTES
    print(
        f"{SNAPSHOT_PODS:,} pods in a snapshot  {cpu:.3f} s of {SNAPSHOT_SECONDS} s   "
        f"{peak:.0f} MB of {SNAPSHOT_MEGABYTES:.0f} MB  {'ok' if good else 'OVER'}"
    )
    return good


def main() -> int:
    """Run all of it, or play one of the parts."""
    if sys.argv[1:2] == ["list"]:
        return 0 if list_only(int(sys.argv[2])) == PODS else 1
    if sys.argv[1:2] == ["dump"]:
        from bench.corpus import write_dump

        write_dump(Path(sys.argv[2]), SNAPSHOT_PODS)
        return 0
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]), int(sys.argv[3]))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        good = live(Path(folder)) & snapshot(Path(folder))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
