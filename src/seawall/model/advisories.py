"""Advisories: what is publicly known to be broken, in one form for every source.

The structs are stored as arrays: append fields, never reorder, and raise `SCHEMA` where their meaning changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Protocol

from msgspec import Struct

SCHEMA = 1
#: After so many days a database, or a source in it, is told to be old.
STALE_DAYS = 7

#: An event of a range: ``introduced``, ``fixed``, ``last_affected`` or ``limit``, and the version.
Event = tuple[str, str]


class Cvss(Struct, frozen=True, array_like=True, gc=False):
    """A vector with its version (``3.1``) and base score."""

    version: str
    vector: str
    score: float


class Advisory(Struct, frozen=True, array_like=True, gc=False):
    """What one source says of a vulnerability, or of several at once (``bundle``: a distribution's erratum).

    ``severity`` is the source's own word as one of ours, or empty. ``names`` are the aliases and, of a
    distribution's, what it is about upstream; of a bundle the vulnerabilities in it.
    """

    id: str
    source: str
    names: tuple[str, ...] = ()
    bundle: bool = False
    summary: str = ""
    severity: str = ""
    cvss: tuple[Cvss, ...] = ()
    published: str = ""
    modified: str = ""
    disputed: bool = False
    references: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()


class Affected(Struct, frozen=True, array_like=True, gc=False):
    """What an advisory says of one package.

    ``ranges`` and ``versions`` say what is affected. ``state`` is empty, or what a distribution decided:
    ``not-affected``, ``ignored`` (will not be fixed), ``deferred``, ``end-of-life``, ``under-investigation``.
    ``module`` is the module of an rpm (``nginx:1.24``) that it is only for.
    """

    advisory: str
    source: str
    ranges: tuple[tuple[Event, ...], ...] = ()
    versions: tuple[str, ...] = ()
    state: str = ""
    severity: str = ""
    module: str = ""
    cvss: tuple[Cvss, ...] = ()


class Known(Struct, frozen=True, array_like=True, gc=False):
    """What is known of a CVE beside advisories: the best scores, whether it is exploited, and how likely that is.

    ``kev_added`` is the day when CISA listed it; ``epss`` a probability within 30 days, -1 where there is none.
    """

    cvss: tuple[Cvss, ...] = ()
    kev_added: str = ""
    kev_due: str = ""
    ransomware: bool = False
    epss: float = -1.0
    epss_percentile: float = -1.0


class Entry(Struct, frozen=True, gc=False):
    """An advisory with the packages that it is about: (ecosystem, package, what is said)."""

    advisory: Advisory
    affected: tuple[tuple[str, str, Affected], ...]


class SourceInfo(Struct, frozen=True, gc=False):
    """A source in a database: where it came from, when it was fetched and of what time it is (RFC 3339).

    ``left_out`` counts what was not taken, by reason (``withdrawn``, ``git ranges only``).
    """

    name: str
    origin: str
    fetched: str
    modified: str = ""
    advisories: int = 0
    left_out: dict[str, int] = {}
    etag: str = ""


class DatabaseInfo(Struct, frozen=True, gc=False):
    """What a database holds. ``ecosystems`` counts packages, ``checksum`` covers every row."""

    schema: int
    built: str
    checksum: str
    packages: int
    advisories: int
    known: int
    ecosystems: dict[str, int]
    sources: tuple[SourceInfo, ...]


class AdvisoryLookup(Protocol):
    """Where advisories are looked up."""

    def lookup(self, ecosystem: str, package: str) -> tuple[Affected, ...]:
        """What is said of a package, by the keys of :func:`ecosystem_key` and :func:`package_key`."""

    def advisory(self, advisory_id: str) -> Advisory | None:
        """The advisory with that id."""

    def known(self, cve: str) -> Known | None:
        """What is known of a CVE."""

    def has_ecosystem(self, ecosystem: str) -> bool:
        """Whether there are data to judge packages of an ecosystem."""


_UBUNTU = re.compile(r"Ubuntu:(Pro:)?(?:FIPS[^:]*:)?(?:Pro:)?([0-9]+\.[0-9]+)(?::LTS)?$")
_RED_HAT = re.compile(r"Red Hat:enterprise_linux:([0-9]+)(?:\.[0-9]+)?(?:::.*)?$")


@lru_cache(maxsize=4096)
def ecosystem_key(ecosystem: str) -> str:
    """One spelling of an OSV ecosystem: ``Ubuntu:22.04`` of ``Ubuntu:22.04:LTS``, ``Red Hat:9`` of its CPEs,
    ``Maven`` whatever the repository."""
    name, colon, rest = ecosystem.partition(":")
    if not colon:
        return name
    if name == "Ubuntu" and (match := _UBUNTU.match(ecosystem)):
        return f"Ubuntu:{match[1] or ''}{match[2]}"
    if name == "Red Hat" and (match := _RED_HAT.match(ecosystem)):
        return f"Red Hat:{match[1]}"
    if name == "Maven":
        return name
    return f"{name}:{rest}"


_SEPARATORS = re.compile(r"[-_.]+")


def _pypi(name: str) -> str:
    return _SEPARATORS.sub("-", name).lower()


def _crate(name: str) -> str:
    return name.replace("_", "-").lower()


_NORMAL: dict[str, Callable[[str], str]] = {
    "PyPI": _pypi,
    "NuGet": str.lower,
    "Packagist": str.lower,
    "Hex": str.lower,
    "crates.io": _crate,
    "GitHub Actions": str.lower,
}


def package_key(ecosystem: str, name: str) -> str:
    """One spelling of a package's name, where the ecosystem takes several for the same."""
    normal = _NORMAL.get(ecosystem)
    return normal(name) if normal is not None else name


_PREFERENCE = ("CVE-", "GHSA-", "GO-", "PYSEC-", "RUSTSEC-")


def best_name(names: Iterator[str] | tuple[str, ...] | set[str]) -> str:
    """The name by which people know a vulnerability: the CVE, if it has one."""
    return min(names, key=_rank)


def _rank(name: str) -> tuple[int, int, str]:
    place = next((index for index, prefix in enumerate(_PREFERENCE) if name.startswith(prefix)), len(_PREFERENCE))
    return place, len(name), name
