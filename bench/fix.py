"""Fixing 1,000 files within 20 CPU-seconds, the scans before and after included. Run ``python -m bench.fix``."""

from __future__ import annotations

import resource
import tempfile
from pathlib import Path

from bench.measuring import SEAWALL, measure

BOUND = 20.0
FILES = 1000

MANIFEST = """\
# The shop's part number {number}.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: part-{number}
  namespace: shop
spec:
  selector:
    matchLabels: {{app: part-{number}}}   # one a part
  template:
    metadata:
      labels: {{app: part-{number}}}
    spec:
      hostPID: true
      containers:
        - name: main
          image: k8s.gcr.io/part-{number}:1.4.2
          # Capabilities that nobody remembers.
          securityContext:
            capabilities:
              add: [NET_ADMIN]
        - {{name: side, image: "registry.example.com/side:2.0.1"}}
---
apiVersion: v1
kind: Service
metadata: {{name: part-{number}, namespace: shop}}
spec:
  selector: {{app: part-{number}}}
  ports: [{{port: 8080}}]
"""


def main() -> int:
    """Measure safe fixes alone, and all of them."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        for number in range(FILES):
            (Path(folder) / f"part-{number}.yaml").write_text(MANIFEST.format(number=number))
        worst = 0.0
        for name, more in (("safe fixes", []), ("all fixes", ["--unsafe"])):
            # Without writing, every run has the same to do; what writing takes is told apart.
            planned, memory = measure([str(SEAWALL), "fix", folder, "--dry-run", *more], 3)
            cpu, _ = measure([str(SEAWALL), "fix", folder, *more], 1)
            worst = max(worst, cpu, planned)
            verdict = "ok" if max(cpu, planned) <= BOUND else "OVER"
            print(
                f"{FILES} files, {name:<11} {cpu:6.2f} s of {BOUND:.0f} s ({cpu / BOUND:4.2f})  {verdict}"
                f"   without writing {planned:5.2f} s, {memory:4.0f} MB"
            )
    return int(worst > BOUND)


if __name__ == "__main__":
    raise SystemExit(main())
