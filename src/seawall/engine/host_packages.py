"""The packages of a host, by the parsers that read those of images."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from seawall.analysis.images import Unreadable
from seawall.analysis.images.apk import installed
from seawall.analysis.images.contents import DatabaseItem, OsPackage
from seawall.analysis.images.dpkg import status
from seawall.analysis.images.rpm import berkeley, left_over, ndb, sqlite
from seawall.model.facts import HostPackage
from seawall.sources.host import HostError, Problems, Root
from seawall.sources.host.root import Absent

_MAX_BYTES = 256 << 20


class _Database(NamedTuple):
    """A file that lists packages, and its parser. One ``beside`` must say nothing."""

    path: str
    parse: Callable[[bytes, str], Iterable[DatabaseItem]]
    beside: str = ""


#: In the order in which they are believed: of several forms of rpm's database the newest counts.
_DATABASES = (
    (_Database("/var/lib/dpkg/status", status),),
    (_Database("/lib/apk/db/installed", installed), _Database("/usr/lib/apk/db/installed", installed)),
    tuple(
        _Database(f"{folder}/{name}", parse, f"{folder}/{name}-wal" if parse is sqlite else "")
        for folder in ("/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm")
        for name, parse in (("rpmdb.sqlite", sqlite), ("Packages.db", ndb), ("Packages", berkeley))
    ),
)


def host_packages(root: Root, problems: Problems) -> list[HostPackage] | None:
    """The packages of a host; None where it has no list of a known kind, or none that can be read."""
    found: list[HostPackage] = []
    known = False
    for databases in _DATABASES:
        for database in databases:
            try:
                packages = _read(root, database)
            except Absent:
                continue
            except (HostError, Unreadable) as error:
                problems.add("packages", f"{database.path} {error}")
                return None
            known = True
            found += (_package(each) for each in packages)
            break
    return found if known else None


def _read(root: Root, database: _Database) -> list[OsPackage]:
    data = root.read(database.path, _MAX_BYTES)
    if database.beside:
        with suppress(Absent):
            left_over(root.read(database.beside, _MAX_BYTES), database.beside)
    return [package for item in database.parse(data, database.path) for package in item.packages]


def _package(package: OsPackage) -> HostPackage:
    return HostPackage(
        package.type, package.name, package.version, package.arch, package.source_name, package.source_version
    )
