"""Which files make up a database: their addresses, and how each is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from msgspec import Struct

#: Where each kind of data is published. Mirrors are set beside them, under the same names.
BASES = {
    "osv": "https://osv-vulnerabilities.storage.googleapis.com",
    "debian": "https://security-tracker.debian.org/tracker/data",
    "alpine": "https://secdb.alpinelinux.org",
    "wolfi": "https://packages.wolfi.dev/os",
    "chainguard": "https://packages.cgr.dev/chainguard",
    "redhat": "https://security.access.redhat.com/data/csaf/v2/vex",
    "kev": "https://www.cisa.gov/sites/default/files/feeds",
    "epss": "https://epss.empiricalsecurity.com",
}

#: The ecosystems that OSV publishes and that versions can be compared of.
ECOSYSTEMS = (
    "AlmaLinux", "Alpaquita", "Alpine", "Bitnami", "CRAN", "Chainguard", "ConanCenter", "Debian", "Echo", "GHC",
    "GitHub Actions", "Go", "Hackage", "Hex", "Julia", "Mageia", "Maven", "MinimOS", "NuGet", "Packagist", "Pub",
    "PyPI", "Red Hat", "Rocky Linux", "RubyGems", "SUSE", "SwiftURL", "Ubuntu", "Wolfi", "crates.io", "npm",
    "openEuler", "openSUSE",
)  # fmt: skip
DEFAULT_ECOSYSTEMS = (
    "AlmaLinux", "Alpine", "Chainguard", "Debian", "Go", "Maven", "NuGet", "Packagist", "PyPI", "Red Hat",
    "Rocky Linux", "RubyGems", "Ubuntu", "Wolfi", "crates.io", "npm",
)  # fmt: skip
_ALPINE_BRANCHES = (*(f"v3.{minor}" for minor in range(12, 24)), "edge")
_ALPINE_OLD = ("v3.10", "v3.11")


class Feed(Struct, frozen=True):
    """A file to fetch: its name here, its address, how it is read, and whether it may be missing there."""

    name: str
    kind: str
    url: str
    optional: bool = False


def feeds_for(ecosystems: Iterable[str], bases: dict[str, str]) -> list[Feed]:
    """The files for some ecosystems, in the order in which they are read."""
    return list(_feeds(sorted(set(ecosystems)), {**BASES, **bases}))


def _feeds(ecosystems: list[str], bases: dict[str, str]) -> Iterator[Feed]:
    base = {name: address.rstrip("/") for name, address in bases.items()}
    for ecosystem in ecosystems:
        slug = ecosystem.lower().replace(" ", "-").replace(".", "-")
        yield Feed(f"osv-{slug}.zip", "osv", f"{base['osv']}/{quote(ecosystem)}/all.zip")
    if "Debian" in ecosystems:
        yield Feed("debian-tracker.json", "debian", f"{base['debian']}/json")
    if "Alpine" in ecosystems:
        for branch in (*_ALPINE_OLD, *_ALPINE_BRANCHES):
            for repository in ("main", "community"):
                url = f"{base['alpine']}/{branch}/{repository}.json"
                yield Feed(f"alpine-{branch}-{repository}.json", "alpine", url, optional=True)
    for name in ("Wolfi", "Chainguard"):
        if name in ecosystems:
            yield Feed(f"{name.lower()}-security.json", "alpine", f"{base[name.lower()]}/security.json")
    yield Feed("kev.json", "kev", f"{base['kev']}/known_exploited_vulnerabilities.json")
    yield Feed("epss.csv.gz", "epss", f"{base['epss']}/epss_scores-current.csv.gz")


REDHAT_LATEST = "archive_latest.txt"
