"""Versions of packages, ordered as each ecosystem orders them.

`sort_key` turns a version into a tuple that compares with ``<``: parsed once, compared often. The keys of a scheme
make one total order (Maven's do not always: see its module). What has no place in the order raises `InvalidVersion`:
it is told, never judged.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from seawall.analysis.images.versions import distro, language, maven, semantic
from seawall.analysis.images.versions.invalid import InvalidVersion

__all__ = ["SCHEMES", "InvalidVersion", "compare", "scheme_of", "sort_key"]

Key = tuple[Any, ...]

#: Longer text is no version; it bounds the time that a comparison takes.
_MAX_LENGTH = 512
_CACHED = 1 << 17

_PARSERS: dict[str, Callable[[str], Key]] = {
    "dpkg": distro.dpkg,
    "rpm": distro.rpm,
    "apk": distro.apk,
    "pep440": language.pep440,
    "maven": maven.maven,
    "rubygems": language.rubygems,
    "packagist": language.packagist,
    "semver": semantic.semver,
    "go": semantic.go,
    "nuget": semantic.nuget,
    "pub": semantic.pub,
    "cran": semantic.numbers,
    "hackage": semantic.numbers,
}

SCHEMES = frozenset(_PARSERS)

#: The ecosystems of the OSV schema (github.com/ossf/osv-schema), without the release after a colon.
_SCHEME_OF = {
    "AlmaLinux": "rpm",
    "Alpaquita": "apk",
    "Alpine": "apk",
    "Amazon": "rpm",
    "Azure Linux": "rpm",
    "BellSoft Hardened Containers": "apk",
    "Bioconductor": "cran",
    "Bitnami": "semver",
    "CRAN": "cran",
    "Chainguard": "apk",
    "CleanStart": "apk",
    "ConanCenter": "semver",
    "Debian": "dpkg",
    "Echo": "dpkg",
    "GHC": "hackage",
    "GitHub Actions": "semver",
    "Go": "go",
    "Hackage": "hackage",
    "Hex": "semver",
    "Julia": "semver",
    "Mageia": "rpm",
    "Maven": "maven",
    "MinimOS": "apk",
    "NuGet": "nuget",
    "Oracle": "rpm",
    "Packagist": "packagist",
    "Photon OS": "rpm",
    "Pub": "pub",
    "PyPI": "pep440",
    "Red Hat": "rpm",
    "Rocky Linux": "rpm",
    "RubyGems": "rubygems",
    "SUSE": "rpm",
    "SwiftURL": "semver",
    "Ubuntu": "dpkg",
    "Wolfi": "apk",
    "crates.io": "semver",
    "npm": "semver",
    "openEuler": "rpm",
    "openSUSE": "rpm",
}


def scheme_of(ecosystem: str) -> str | None:
    """The scheme of an OSV ecosystem (``Debian:12`` as well as ``Debian``); None where its order is not known."""
    return _SCHEME_OF.get(ecosystem.partition(":")[0])


@lru_cache(maxsize=_CACHED)
def _cached(scheme: str, version: str) -> Key | InvalidVersion:
    if not version or len(version) > _MAX_LENGTH or not version.isprintable():
        return InvalidVersion(version)
    try:
        return _PARSERS[scheme](version)
    except InvalidVersion as invalid:
        return invalid.with_traceback(None)


def sort_key(scheme: str, version: str) -> Key:
    """A tuple that orders versions of one scheme.

    Raises:
        InvalidVersion: it has no place in the scheme's order.
        KeyError: there is no such scheme.
    """
    key = _cached(scheme, version)
    if isinstance(key, InvalidVersion):
        raise InvalidVersion(version)
    return key


def compare(scheme: str, one: str, other: str) -> int:
    """-1, 0 or 1, as ``one`` is older than, equal to or newer than ``other``.

    Raises:
        InvalidVersion: one of them has no place in the scheme's order.
    """
    first, second = sort_key(scheme, one), sort_key(scheme, other)
    return (first > second) - (first < second)
