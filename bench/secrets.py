"""The search for secrets: how many of those that are there it finds, how much of what it tells is one, and its costs.

Precision and recall are over a made corpus (`bench.secretcorpus`): a secret counts as found if something is told on one
of its lines, and what is told elsewhere is false. gitleaks and Trivy read the same where they are on PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.measuring import SEAWALL, measure
from bench.secretcorpus import Planted, make

RECALL = PRECISION = 0.95
IMAGE_SECONDS, LARGE_SECONDS, MEGABYTES = 3.0, 8.0, 300.0
TREE_RATE = 200.0
LINE_SECONDS, LINE_MEGABYTES = 3.0, 300.0
_SEEDS = (7, 23)
#: A key in PEM may be told on any of its first lines.
_LINES = 2

Place = tuple[str, int]


def ours(folder: Path) -> list[Place]:
    """What Seawall tells."""
    done = subprocess.run(
        [str(SEAWALL), "secrets", "scan", str(folder), "--format", "json"], capture_output=True, check=False
    )
    found = json.loads(done.stdout)["findings"]
    return [
        (os.path.relpath(place["file"], folder), place["line"]) for each in found for place in each["locations"][:1]
    ]


def gitleaks(folder: Path) -> list[Place]:
    """What gitleaks tells."""
    report = folder.with_name("gitleaks.json")
    command = [
        "gitleaks",
        "dir",
        str(folder),
        "--report-format",
        "json",
        "--report-path",
        str(report),
        "--exit-code",
        "0",
    ]
    subprocess.run(command, capture_output=True, check=True)
    return [(os.path.relpath(each["File"], folder), each["StartLine"]) for each in json.loads(report.read_text())]


def trivy(folder: Path) -> list[Place]:
    """What Trivy tells."""
    command = ["trivy", "fs", "--scanners", "secret", "--format", "json", "--quiet", str(folder)]
    done = subprocess.run(command, capture_output=True, check=True)
    results = json.loads(done.stdout).get("Results") or ()
    return [(each["Target"], hit["StartLine"]) for each in results for hit in each.get("Secrets", ())]


def judged(told: Iterable[Place], planted: list[Planted]) -> tuple[float, float, Counter[str], list[Place]]:
    """Recall, precision, the kinds that were missed, and what was told in vain."""
    places = set(told)
    lines = {(each.path, each.line + more): each for each in planted for more in range(_LINES)}
    exact = {(each.path, each.line): each for each in planted}
    hit = {exact.get(place) or lines.get(place) for place in places} - {None}
    false = sorted(place for place in places if place not in lines)
    missed = Counter(each.kind for each in planted if each not in hit)
    return len(hit) / len(planted), 1 - len(false) / max(len(places), 1), missed, false


def _explain(folder: Path, planted: list[Planted], missed: Counter[str], false: list[Place]) -> None:
    """Show the lines behind the numbers."""
    print("  missed:", dict(missed))
    for path, line in false[:30]:
        print(f"  false: {path}:{line}: {(folder / path).read_text().splitlines()[line - 1][:120]}")
    hits = set(ours(folder))
    for each in planted:
        if (each.path, each.line) not in hits and (each.path, each.line + 1) not in hits:
            print(f"  missed {each.kind}: {(folder / each.path).read_text().splitlines()[each.line - 1][:120]}")


def quality() -> None:
    """Print recall and precision of all that is at hand."""
    peers = {"gitleaks": gitleaks, "trivy": trivy}
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as name:
        for seed in _SEEDS:
            folder = Path(name) / str(seed)
            planted = make(folder, seed)
            recall, precision, missed, false = judged(ours(folder), planted)
            verdict = "ok" if recall >= RECALL and precision >= PRECISION else "UNDER"
            print(
                f"seed {seed}: {len(planted)} secrets   recall {recall:.1%} of {RECALL:.0%}   "
                f"precision {precision:.1%} of {PRECISION:.0%}  {verdict}"
            )
            if "-v" in sys.argv:
                _explain(folder, planted, missed, false)
            for peer, run in peers.items():
                if shutil.which(peer):
                    theirs = judged(run(folder), planted)
                    print(f"  {peer}: recall {theirs[0]:.1%}   precision {theirs[1]:.1%}")


def _print(name: str, mine: tuple[float, float], seconds: float, megabytes: float, more: str = "") -> None:
    verdict = "ok" if mine[0] <= seconds and mine[1] <= megabytes else "OVER"
    print(f"{name:<34} {mine[0]:6.2f} s of {seconds:.1f} s   {mine[1]:5.0f} MB of {megabytes:.0f} MB  {verdict}{more}")


def tree(folder: Path) -> int:
    """Copies of this machine's Python library as a project of one's own; returns their bytes."""
    source = Path(os.__file__).parent
    size = number = 0
    while size < 200_000_000:
        number += 1
        for file in sorted(source.rglob("*.py")):
            data = file.read_bytes()
            target = folder / f"project{number}" / file.relative_to(source)
            if len(data) > 1000:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                size += len(data)
    return size


def speed() -> None:
    """Print the costs of an image, a large one, a tree of files, and a line without end."""
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as name:
        folder = Path(name)
        for count, seconds in ((1, IMAGE_SECONDS), (4, LARGE_SECONDS)):
            image = folder / f"image{count}"
            subprocess.run([sys.executable, "-m", "bench.images", "make", str(image), str(count)], check=True)
            command = [str(SEAWALL), "image", f"oci-dir:{image}", "--secrets", "--no-cache", "--format", "json"]
            mine = measure(command, 3)
            more = ""
            if count == 1 and shutil.which("trivy"):
                archive = ["trivy", "image", "--input", str(image), "--scanners", "secret", "--quiet"]
                theirs = measure(archive, 1)
                more = f"   Trivy {theirs[0]:.1f} s, ratio {mine[0] / theirs[0]:.2f}"
            _print(f"secrets in an image of {count * 250} MB", mine, seconds, MEGABYTES, more)
            shutil.rmtree(image)
        size = tree(folder / "tree")
        mine = measure([str(SEAWALL), "secrets", "scan", str(folder / "tree"), "--format", "json"], 3)
        _print(
            f"a tree of {size / 1e6:.0f} MB ({size / 1e6 / mine[0]:.0f} MB/s)", mine, size / 1e6 / TREE_RATE, MEGABYTES
        )
        shutil.rmtree(folder / "tree")
        for what, unit in (("text", b"lorem ipsum dolor "), ("secrets", b"password=Zk39dk!kdPq;"), ("keys", b"eyJ")):
            (folder / "line.txt").write_bytes(unit * (100_000_000 // len(unit)))
            mine = measure([str(SEAWALL), "secrets", "scan", str(folder / "line.txt"), "--format", "json"], 1)
            _print(f"a line of 100 MB of {what}", mine, LINE_SECONDS * (10 if what != "text" else 1), LINE_MEGABYTES)


if __name__ == "__main__":
    quality()
    if "quality" not in sys.argv:
        speed()
