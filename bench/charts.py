"""A chart at most 150 ms of CPU, its places in the templates included; and beside it what a ``helm`` program takes.

What is counted: all CPU (Seawall's own process and the engine's child, until both have ended) of ``seawall scan
CHART``, less that of ``seawall scan`` of the same objects as a plain file: what it costs that they are a chart. A chart
more in the same run is told apart, for the engine is loaded once a run. Run ``python -m bench.charts [CHART...]``.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.__main__ import ROOT
from bench.measuring import SEAWALL, measure

BOUND = 0.150
RUNS = 15
CHARTS = ROOT.parent / "shared" / "conformance" / "charts"
HELM = ROOT / ".tools" / "bin" / "helm"


def rendered(chart: Path, target: Path) -> Path:
    """The chart's objects as a plain file, by the program."""
    text = subprocess.run([str(HELM), "template", "release-name", str(chart)], check=True, capture_output=True).stdout
    target.write_bytes(text)
    return target


def several(chart: Path, count: int, folder: Path) -> Path:
    """A folder with copies of a chart."""
    for number in range(count):
        shutil.copytree(chart, folder / f"chart-{number}")
    return folder


def report(chart: Path, work: Path) -> bool:
    """Measure one chart, print a line, and say whether it keeps to the bound."""
    whole, _ = measure([str(SEAWALL), "scan", str(chart)], RUNS)
    plain, _ = measure([str(SEAWALL), "scan", str(rendered(chart, work / f"{chart.name}.yaml"))], RUNS)
    ten, _ = measure([str(SEAWALL), "scan", str(several(chart, 11, work / chart.name))], 5)
    peer, _ = measure([str(HELM), "template", "release-name", str(chart)], RUNS)
    cost = whole - plain
    verdict = "ok" if cost <= BOUND else "OVER"
    print(
        f"{chart.name:<20} {cost * 1000:4.0f} ms of {BOUND * 1000:.0f} ms ({cost / BOUND:4.2f})  {verdict:<5}"
        f" whole scan {whole * 1000:4.0f}, a chart more {(ten - whole) * 100:4.0f}, helm template {peer * 1000:4.0f}"
    )
    return cost <= BOUND


def main() -> int:
    """Measure the charts that are named, else the public ones."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not HELM.is_file():
        print(f"no {HELM}: run `make tools`", file=sys.stderr)
        return 2
    public = [CHARTS / name for name in ("kwok", "online-boutique", "kubescape-example")]
    charts = [Path(name) for name in sys.argv[1:]] or [*public, ROOT / "tests" / "data" / "charts" / "shop"]
    with tempfile.TemporaryDirectory() as folder:
        kept = [report(chart, Path(folder)) for chart in charts if chart.is_dir()]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
