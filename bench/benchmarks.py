"""All benchmarks over the facts of one node and of a hundred: whole processes against the stated bound."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import msgspec

from bench.measuring import measure
from seawall.analysis.nodes import catalogue
from seawall.analysis.nodes.examples import base_document, merged

FILES, PROCESSES, NODES = 2_000, 500, 100
_BOUND = 1.0
_AUDIT = (
    "import sys, msgspec\n"
    "from seawall.engine.nodes import AuditOptions, FactsDocument, audit\n"
    "from seawall.model.facts import Facts\n"
    "from seawall.reports.nodes import document\n"
    "read = msgspec.json.Decoder(Facts).decode\n"
    "documents = [FactsDocument(name, read(open(name, 'rb').read())) for name in sys.argv[2:]]\n"
    "print(sum(map(len, document(audit(documents, AuditOptions(benchmarks=tuple(sys.argv[1].split(','))))))))\n"
)


def write_node(path: Path, number: int) -> None:
    """Facts of a busy node: the bad example of every second check, many certificates and listening ports."""
    document = base_document("kubeadm")
    for index, check in enumerate(catalogue().checks.values()):
        if index % 2 and check.base == "kubeadm":
            document = merged(document, check.examples.bad[0])
    pki = "/etc/kubernetes/pki"
    files = {
        f"{pki}/{n}.crt": {"path": f"{pki}/{n}.crt", "kind": "file", "mode": 0o644, "uid": 0, "gid": 0}
        for n in range(FILES)
    }
    listeners = [
        {"protocol": "tcp", "address": "192.0.2.1", "port": 1024 + n, "process": "pod", "pid": n}
        for n in range(PROCESSES)
    ]
    document = merged(document, {"files": files, "listeners": listeners, "host": {"name": f"node-{number}"}})
    path.write_bytes(msgspec.json.encode(document))


def main() -> int:
    """Print CPU seconds against the bound, start of the process and reading of the benchmarks included."""
    names = ",".join(catalogue().benchmarks)
    late = False
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.json" for number in range(NODES)]
        for number, path in enumerate(paths):
            write_node(path, number)
        for count in (1, NODES):
            command = [sys.executable, "-c", _AUDIT, names, *map(str, paths[:count])]
            cpu, peak = measure(command, 5 if count == 1 else 1)
            bound = _BOUND * count
            late |= cpu > bound
            verdict = "ok" if cpu <= bound else "OVER"
            name = f"all benchmarks, {count} node{'s' * (count > 1)}"
            print(f"{name:<28} {cpu:7.3f} s of {bound} s ({cpu / bound:4.2f})   {peak:4.0f} MB  {verdict}")
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
