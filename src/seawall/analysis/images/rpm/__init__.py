"""rpm's databases: SQLite, ndb and BerkeleyDB files, all of which hold the same header blobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from seawall.analysis.images.contents import DatabaseItem, OsPackage
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.rpm.bdb import bdb_blobs
from seawall.analysis.images.rpm.header import package
from seawall.analysis.images.rpm.ndb import ndb_blobs
from seawall.analysis.images.rpm.sqlite import sqlite_blobs

_MAX_PACKAGES = 100_000


def _database(blobs: Callable[[bytes], Iterable[bytes]]) -> Callable[[bytes, str], tuple[DatabaseItem, ...]]:
    def parse(data: bytes, path: str) -> tuple[DatabaseItem, ...]:
        packages: list[OsPackage] = []
        for count, blob in enumerate(blobs(data)):
            if count >= _MAX_PACKAGES:
                raise Unreadable(f"holds more than {_MAX_PACKAGES:,} packages")
            found = package(blob)
            if found is not None:
                packages.append(found)
        return (DatabaseItem(tuple(packages)),)

    return parse


def left_over(data: bytes, path: str) -> tuple[DatabaseItem, ...]:
    """``rpmdb.sqlite-wal``: SQLite removes it once its changes are in the database itself.

    Raises:
        Unreadable: it is not empty, so the database may lack packages.
    """
    if data:
        raise Unreadable("holds changes that were not written back to the database")
    return ()


sqlite = _database(sqlite_blobs)
ndb = _database(ndb_blobs)
berkeley = _database(bdb_blobs)


def blobs_of(name: str, data: bytes) -> Iterable[bytes]:
    """The header blobs of a database by its file's name.

    Raises:
        Unreadable: it is none.
    """
    readers: dict[str, Callable[[bytes], Iterable[bytes]]] = {
        "rpmdb.sqlite": sqlite_blobs,
        "Packages.db": ndb_blobs,
        "Packages": bdb_blobs,
    }
    return readers[name](data)
