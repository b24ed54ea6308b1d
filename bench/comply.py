"""All frameworks over a 10,000-pod snapshot against the scan alone, and the PDF of a full CIS run.

Promises: at most 2 CPU-seconds more than the scan; the PDF in less than 10 s. Whole processes, CPU time, medians of 3.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PODS = 10_000
_SCAN = """
import sys
from seawall.engine import ReadOptions, ScanOptions, Selection, scan
scan(ScanOptions(read=ReadOptions((sys.argv[1],)), selection=Selection(profile="all")))
"""
_COMPLY = """
import sys
from seawall.engine import ReadOptions, ScanOptions
from seawall.engine.comply import comply
from seawall.engine.complysources import gather
from seawall.engine.frameworks import framework, names
from seawall.reports.comply import render
frameworks = [framework(name) for name in names()]
sources = gather(frameworks, ScanOptions(read=ReadOptions((sys.argv[1],))))
for each in frameworks:
    b"".join(render("json", comply(each, sources)))
"""
_PDF = """
import sys
from seawall.cli.main import main
main(["comply", "cis-k8s-1.12", "--on", sys.argv[1], "--format", "pdf=/dev/null"])
"""


def _estate(file: Path) -> None:
    """Pods of many shapes, a namespace a hundred, with roles and policies, as one List."""
    items: list[dict[str, object]] = []
    for number in range(PODS // 100):
        name = f"team-{number}"
        items.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": name}}})
        rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]
        meta = {"name": "reader", "namespace": name}
        items.append({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta, "rules": rules})
    for number in range(PODS):
        container = {
            "name": "main",
            "image": f"registry.example.com/app-{number % 300}:1.{number % 7}",
            "env": [{"name": "LEVEL", "value": str(number % 50)}],
            "securityContext": {"runAsNonRoot": bool(number % 2), "readOnlyRootFilesystem": not number % 3},
            "resources": {"limits": {"memory": f"{64 + number % 90}Mi"}},
        }
        meta = {"name": f"pod-{number}", "namespace": f"team-{number % (PODS // 100)}"}
        items.append({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}})
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def _cpu(code: str, path: Path) -> float:
    taken = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(taken)


def main() -> int:
    """Print both figures with their bounds; 1 where one is missed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "estate.json"
        _estate(file)
        alone, all_frameworks, pdf = _cpu(_SCAN, file), _cpu(_COMPLY, file), _cpu(_PDF, file)
    more = all_frameworks - alone
    print(f"scan of {PODS} pods, all rules: {alone:.2f} CPU-s; all frameworks: {all_frameworks:.2f}")
    print(f"more than the scan: {more:.2f} CPU-s, bound 2, ratio {more / 2:.2f}")
    print(f"scan and PDF of CIS Kubernetes 1.12: {pdf:.2f} CPU-s, bound 10, ratio {pdf / 10:.2f}")
    return int(more > 2 or pdf > 10)


if __name__ == "__main__":
    sys.exit(main())
