"""Print Seawall's ratios: CPU time against Checkov on the rules that both have, and against the stated bounds."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measuring import SEAWALL, against_bound, measure
from seawall.engine import load_rules

ROOT = Path(__file__).resolve().parent.parent
CHECKOV_VENV = ROOT / ".venv-bench"
CHECKOV_VERSION = "3.3.30"


def checkov() -> Path:
    """Checkov in an environment of its own, installed at the first call."""
    program = CHECKOV_VENV / "bin" / "checkov"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(CHECKOV_VENV)], check=True)
        pip = [str(CHECKOV_VENV / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", f"checkov=={CHECKOV_VERSION}"], check=True)
    return program


def against_checkov(name: str, target: Path, runs: int) -> None:
    """The ratio of CPU time on the rules that both tools have."""
    shared = {rule.id: [a for a in rule.aliases if "K8S" in a and a.startswith("CKV")] for rule in load_rules()}
    shared = {rule: ids for rule, ids in shared.items() if ids}
    ours = [str(SEAWALL), "scan", str(target), "--format", "json", "--keep-going"]
    ours += [arg for rule in shared for arg in ("--rule", rule)]
    where = ["-d"] if target.is_dir() else ["-f"]
    checks = ",".join(sorted({check for ids in shared.values() for check in ids}))
    theirs = [str(checkov()), *where, str(target), "--framework", "kubernetes", "--check", checks]
    theirs += ["--output", "json", "--compact", "--quiet", "--skip-download"]
    mine, _ = measure(ours, max(runs, 5))
    peer, _ = measure(theirs, runs)
    verdict = "ok" if peer / mine >= 20 else "SHORT OF 20x"
    print(f"{name:<28} seawall {mine:7.3f} s   checkov {peer:7.2f} s   {peer / mine:6.1f}x less CPU  {verdict}")


def main() -> int:
    """Run all of it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        # In a process of their own: a child's peak of memory begins with its parent's.
        subprocess.run([sys.executable, "-m", "bench.corpus", folder], check=True, cwd=ROOT)
        against_bound("one file, end to end", ["scan", str(work / "one.yaml"), "--format", "json"], 21, 0.080, 100)
        size = (work / "dump.json").stat().st_size / 1e6
        against_bound(
            f"10,000 pods, JSON {size:.0f} MB", ["scan", str(work / "dump.json"), "--format", "json"], 3, 3.0, 400
        )
        if "--bounds-only" in sys.argv:
            return 0
        against_checkov("example estate", ROOT / "examples" / "shop", 3)
        against_checkov("100 pods, YAML", work / "pods-100.yaml", 3)
        against_checkov("1,000 pods, YAML", work / "pods-1000.yaml", 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
