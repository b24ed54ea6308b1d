"""Lookups in a database of 2 million ranges, and judging 1,000 stored inventories again, against stated bounds.

Run as ``python -m bench.advisories``. The database is made up once (and kept in the temporary folder for the run): the
packages have the names, numbers of advisories and kinds of versions of a distribution's and of languages'.
"""

from __future__ import annotations

import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from bench.measuring import against_bound
from seawall.engine.vulnerabilities import VulnerabilityOptions, judge_images
from seawall.model.advisories import Advisory, Affected, Cvss, Entry
from seawall.model.images import ImageInventory, OsRelease, Package
from seawall.store.advisories import AdvisoryStore, Builder
from seawall.store.inventories import InventoryStore

_RANGES = 2_000_000
_ECOSYSTEMS = ("Debian:12", "npm", "PyPI", "Go", "Maven")
_TYPES = {"Debian:12": "deb", "npm": "npm", "PyPI": "pypi", "Go": "golang", "Maven": "maven"}
_PACKAGES = 300_000
_LOOKUPS = 200_000
_LOOKUPS_A_SECOND = 50_000
_IMAGES, _PACKAGES_AN_IMAGE = 1_000, 250
_JUDGING_SECONDS = 20.0
_RUNS = 3


def _name(number: int) -> str:
    return f"package-{number}-of-many"


def _entries(chance: random.Random) -> Iterator[Entry]:
    cvss = (Cvss("3.1", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),)
    for number in range(_RANGES):
        # A few packages have many advisories, as in life.
        package = int(_PACKAGES * chance.random() ** 2)
        advisory = Advisory(f"A-{number}", "osv", (f"CVE-2024-{number}",), summary="Something is broken", cvss=cvss)
        minor = chance.randrange(40)
        events = (("introduced", f"1.{minor}.0"), ("fixed", f"1.{minor}.{chance.randrange(1, 9)}"))
        yield Entry(advisory, ((_ECOSYSTEMS[package % 5], _name(package), Affected(advisory.id, "osv", (events,))),))


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same made-up data every time


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _lookups(path: str, chance: random.Random) -> float:
    """Lookups a CPU second, every other of a package that is there."""
    known = [int(_PACKAGES * chance.random() ** 2) for _ in range(_LOOKUPS // 2)]
    asked = [(_ECOSYSTEMS[number % 5], _name(number)) for number in known]
    asked += [(ecosystem, f"{name}-not") for ecosystem, name in asked]
    chance.shuffle(asked)
    with AdvisoryStore(path) as store:
        start = _cpu()
        hits = sum(bool(store.lookup(ecosystem, name)) for ecosystem, name in asked)
        seconds = _cpu() - start
    if not 0.4 < hits / len(asked) < 0.6:
        raise SystemExit(f"{hits} of {len(asked)} lookups hit: that is no half")
    return len(asked) / seconds


def _inventories(chance: random.Random) -> Iterator[ImageInventory]:
    """Images of a few bases with packages of their own, as a cluster has them."""
    bases = [[_package(chance) for _ in range(_PACKAGES_AN_IMAGE * 4 // 5)] for _ in range(20)]
    for number in range(_IMAGES):
        own = [_package(chance) for _ in range(_PACKAGES_AN_IMAGE // 5)]
        yield ImageInventory(
            reference=f"registry.example/app-{number}:1",
            digest=f"sha256:{number:064x}",
            kind="image",
            platform=None,
            os=OsRelease("debian", "12", "bookworm", "Debian GNU/Linux 12"),
            config=None,
            layers=(),
            packages=(*bases[number % len(bases)], *own),
            executables=(),
        )


def _package(chance: random.Random) -> Package:
    number = int(_PACKAGES * chance.random() ** 2)
    ecosystem, version = _ECOSYSTEMS[number % 5], f"1.{chance.randrange(40)}.{chance.randrange(9)}"
    name = _name(number)
    return Package(_TYPES[ecosystem], name, version, f"pkg:{_TYPES[ecosystem]}/{name}@{version}")


def main() -> None:
    """Print both against their bounds."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "advisories.db")
        start, cpu = time.monotonic(), _cpu()
        with Builder(path) as builder:
            builder.add(_entries(_chance(7)))
            builder.finish("2026-11-25T00:00:00Z")
        size = Path(path).stat().st_size / 1e6
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{'build, 2M ranges':<28} {_cpu() - cpu:7.1f} s CPU ({time.monotonic() - start:.1f} s), "
            f"{size:.0f} MB on disk, peak {peak:.0f} MB"
        )
        rate = statistics.median(_lookups(path, _chance(seed)) for seed in range(_RUNS))
        verdict = "ok" if rate >= _LOOKUPS_A_SECOND else "UNDER"
        print(
            f"{'lookups, half hits':<28} {rate:7.0f} /s of {_LOOKUPS_A_SECOND} /s "
            f"({rate / _LOOKUPS_A_SECOND:4.2f})  {verdict}"
        )
        inventories = list(_inventories(_chance(8)))
        seconds, findings = [], 0
        for _ in range(_RUNS):
            cpu = _cpu()
            findings = len(judge_images(inventories, VulnerabilityOptions(path)).findings)
            seconds.append(_cpu() - cpu)
        median = statistics.median(seconds)
        share, verdict = median / _JUDGING_SECONDS, "ok" if median <= _JUDGING_SECONDS else "OVER"
        print(
            f"{'1,000 inventories again':<28} {median:7.2f} s of {_JUDGING_SECONDS} s ({share:4.2f})   "
            f"{findings} findings  {verdict}"
        )
        kept = str(Path(folder) / "inventories.db")
        with InventoryStore(kept) as store:
            for number, inventory in enumerate(inventories):
                store.put(replace(inventory, digest=f"sha256:{number:064x}"), (), "2026-11-25T00:00:00Z")
        arguments = ["image", "watch", f"--db={path}", f"--remember-in={kept}"]
        against_bound("1,000 kept, image watch", arguments, _RUNS, _JUDGING_SECONDS, 400)


if __name__ == "__main__":
    main()
