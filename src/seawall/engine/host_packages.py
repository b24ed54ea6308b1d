"""The packages of a host, by the parsers that read those of images."""

from __future__ import annotations

from contextlib import suppress

from seawall.analysis.images import Unreadable
from seawall.analysis.images.contents import DatabaseItem, OsPackage
from seawall.analysis.images.parsers import parser_for
from seawall.model.facts import HostPackage
from seawall.sources.host import HostError, Problems, Root
from seawall.sources.host.root import Absent

_MAX_BYTES = 256 << 20
#: Files that list packages; of each row the first that is there counts (of rpm's forms the newest).
_DATABASES = (
    ("var/lib/dpkg/status",),
    ("lib/apk/db/installed", "usr/lib/apk/db/installed"),
    tuple(
        f"{folder}/{name}"
        for folder in ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
        for name in ("rpmdb.sqlite", "Packages.db", "Packages")
    ),
)


def host_packages(root: Root, problems: Problems) -> list[HostPackage] | None:
    """The packages of a host; None where it has no list of a known kind, or none that can be read."""
    found: list[HostPackage] = []
    known = False
    for paths in _DATABASES:
        for path in paths:
            try:
                # What SQLite has not written back yet is missing in the database.
                with suppress(Absent):
                    _parsed(root, f"{path}-wal")
                packages = _parsed(root, path)
            except Absent:
                continue
            except (HostError, Unreadable) as error:
                problems.add("packages", f"/{path} {error}")
                return None
            known = True
            found += (_package(each) for each in packages)
            break
    return found if known else None


def _parsed(root: Root, path: str) -> list[OsPackage]:
    parser = parser_for(path)
    if parser is None:
        raise Absent("is no file that lists packages")
    items = parser.parse(root.read(f"/{path}", _MAX_BYTES), path)
    return [package for item in items if isinstance(item, DatabaseItem) for package in item.packages]


def _package(package: OsPackage) -> HostPackage:
    return HostPackage(
        package.type, package.name, package.version, package.arch, package.source_name, package.source_version
    )
