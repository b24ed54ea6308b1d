"""Alpine's secdb (secdb.alpinelinux.org), also by Wolfi and Chainguard: package -> fixed version -> names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from seawall.model.advisories import Advisory, Affected, Entry, Event
from seawall.sources.advisories.problem import AdvisoryProblem, decode_json

_NAME = re.compile(r"(?:CVE-[0-9]{4}-[0-9]+|GHSA(?:-[0-9a-z]{4}){3}|[A-Z][A-Za-z0-9]*-[A-Za-z0-9._:-]+)")
_RELEASE = re.compile(r"v[0-9]+\.[0-9]+|edge").fullmatch


class _Package(Struct):
    name: str
    secfixes: dict[str, list[str] | None] | None = None


class _Item(Struct):
    pkg: _Package


class _Secdb(Struct):
    packages: list[_Item] | None
    distroversion: str = ""
    urlprefix: str = ""
    reponame: str = ""


def parse_secdb(data: bytes, name: str) -> Iterator[Entry]:
    """The fixes of one branch and repository.

    Raises:
        AdvisoryProblem: it is no secdb, or not said of which release.
    """
    secdb = decode_json(data, _Secdb, name)
    ecosystem = _ecosystem(secdb, name)
    source = ecosystem.partition(":")[0].lower()
    for item in secdb.packages or ():
        for fixed, texts in (item.pkg.secfixes or {}).items():
            for text in texts or ():
                yield from _entries(source, ecosystem, item.pkg.name, fixed.strip(), text)


def _ecosystem(secdb: _Secdb, name: str) -> str:
    if _RELEASE(secdb.distroversion):
        return f"Alpine:{secdb.distroversion}"
    for known in ("Wolfi", "Chainguard"):
        if known.lower() in secdb.urlprefix:
            return known
    raise AdvisoryProblem(f"{name} does not say of which release of Alpine it is")


def _entries(source: str, ecosystem: str, package: str, fixed: str, text: str) -> Iterator[Entry]:
    """One line may name several vulnerabilities, or one by several names: each is told by itself."""
    for vulnerability in _NAME.findall(text):
        advisory = Advisory(id=f"{source}/{vulnerability}", source=source, names=(vulnerability,))
        events: tuple[Event, ...] = (("introduced", "0"), ("fixed", fixed))
        if fixed == "0":  # never affected as packaged
            affected = Affected(advisory.id, source, state="not-affected")
        else:
            affected = Affected(advisory.id, source, (events,))
        yield Entry(advisory, ((ecosystem, package, affected),))
