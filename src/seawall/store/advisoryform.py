"""The form of the database of advisories: its tables, its marks, and how a file is known to be whole."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from hashlib import blake2b
from urllib.parse import quote

import msgspec

from seawall.model.advisories import SCHEMA, DatabaseInfo

#: "Swal" in SQLite's header, so that another program's file is told from ours.
APPLICATION = 0x5377616C
TABLES = """
CREATE TABLE affected(ecosystem TEXT, package TEXT, data BLOB, PRIMARY KEY(ecosystem, package)) WITHOUT ROWID;
CREATE TABLE advisory(id TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
CREATE TABLE known(cve TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
"""
_info = msgspec.msgpack.Decoder(DatabaseInfo)


class DatabaseProblem(Exception):
    """A database that cannot be used; the message says what to do."""


def checksum_of(connection: sqlite3.Connection) -> str:
    """A digest over every row, in the order of the keys."""
    digest = blake2b(digest_size=16)
    for query in (
        "SELECT ecosystem, package, data FROM affected ORDER BY 1, 2",
        "SELECT id, '', data FROM advisory ORDER BY 1",
        "SELECT cve, '', data FROM known ORDER BY 1",
    ):
        for first, second, data in connection.execute(query):
            digest.update(f"{first}\x1f{second}\x1f{len(data)}\x1f".encode("utf-8", "surrogatepass"))
            digest.update(data)
    return digest.hexdigest()


def open_file(path: str) -> sqlite3.Connection:
    """Open a database that nobody writes."""
    # "immutable" promises SQLite that nobody writes the file, so it takes no locks.
    return sqlite3.connect(f"file:{quote(os.path.abspath(path))}?mode=ro&immutable=1", uri=True)


def read_info(connection: sqlite3.Connection, path: str) -> DatabaseInfo:
    """What a database says of itself.

    Raises:
        DatabaseProblem: it is none, damaged, or of another version.
    """
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        row = connection.execute("SELECT value FROM meta WHERE key = 'info'").fetchone()
        if application != APPLICATION or row is None:
            raise DatabaseProblem(f"{path} is no database of advisories; make one with `seawall db update`")
        info = _info.decode(row[0])
    except (sqlite3.Error, msgspec.DecodeError) as error:
        raise DatabaseProblem(f"{path} is damaged ({error}); make it anew with `seawall db update`") from error
    if info.schema != SCHEMA:
        raise DatabaseProblem(f"{path} is of another version of Seawall; make it anew with `seawall db update`")
    return info


def verify_file(path: str, info: DatabaseInfo) -> None:
    """Read all of a database.

    Raises:
        DatabaseProblem: it is not what it says.
    """
    with closing(open_file(path)) as connection:
        healthy = connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        if not healthy or read_info(connection, path) != info or checksum_of(connection) != info.checksum:
            raise DatabaseProblem(f"{path} does not read back as it was written: is the disk full or failing?")
