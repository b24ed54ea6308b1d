"""Collecting facts with 500 real processes on this machine, and of a root with as many and thousands of files."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from bench.measuring import against_bound

PROCESSES, CERTIFICATES, SOCKETS = 500, 3_000, 20
SECONDS, MEGABYTES, RUNS = 3.0, 150.0, 5


def main() -> None:
    """Print CPU seconds and memory of whole processes against the stated bound."""
    sleeping = [subprocess.Popen(["/bin/sleep", "600"]) for _ in range(PROCESSES)]
    try:
        _measure("500 real processes", "/")
    finally:
        for process in sleeping:
            process.kill()
        for process in sleeping:
            process.wait()
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder))
        _measure("500 processes, 3,000 files", folder)


def _measure(name: str, root: str) -> None:
    against_bound(name, ["node", "collect", "--root", root, "-o", "/dev/null"], RUNS, SECONDS, MEGABYTES)


def plant(root: Path) -> None:
    """A root of a busy control plane: certificates, manifests, and programs with long command lines in its /proc."""
    pki = root / "etc/kubernetes/pki"
    pki.mkdir(parents=True)
    for number in range(CERTIFICATES):
        (pki / f"{number}.crt").write_text("x")
    manifests = root / "etc/kubernetes/manifests"
    manifests.mkdir()
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"):
        flags = "".join(f"    - --flag-{number}=/etc/kubernetes/pki/{number}.crt\n" for number in range(50))
        (manifests / f"{name}.yaml").write_text(
            f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n  - name: {name}\n"
            f"    image: registry.k8s.io/{name}:v1.32.1\n    command:\n    - {name}\n{flags}"
        )
    names = ["kubelet", "etcd", "kube-apiserver", "containerd", *(f"program-{number}" for number in range(PROCESSES))]
    for pid, name in enumerate(names, 1):
        folder = root / "proc" / str(pid)
        (folder / "fd").mkdir(parents=True)
        words = [name, *(f"--flag-{number}=value-{number}" for number in range(60))]
        (folder / "cmdline").write_bytes(b"\0".join(word.encode() for word in words) + b"\0")
        (folder / "comm").write_text(f"{name}\n")
        (folder / "status").write_text("Uid:\t0\t0\t0\t0\n")
        for number in range(SOCKETS):
            os.symlink(f"socket:[{pid * 100 + number}]", folder / "fd" / str(number))
    net = root / "proc/1/net"
    net.mkdir()
    row = "{:4}: 0100007F:{:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 {} 1 0 1\n"
    (net / "tcp").write_text("head\n" + "".join(row.format(n, 1024 + n, n * 100) for n in range(1, PROCESSES)))


if __name__ == "__main__":
    main()
