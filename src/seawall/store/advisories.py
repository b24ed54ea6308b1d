"""The database of advisories: one immutable SQLite file, built aside, verified, and put in place in one step.

A row a package and a row an advisory, each a msgpack blob. Building streams through a staging file, so memory stays
bounded however much is put in. Readers open the file immutable: no locks, and a new one beside them does not disturb.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from hashlib import blake2b
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import msgspec

from seawall.model.advisories import SCHEMA, Advisory, Affected, Cvss, DatabaseInfo, Entry, Known, SourceInfo

#: "Swal" in SQLite's header, so that another program's file is told from ours.
_APPLICATION = 0x5377616C
_PAGE = 8192
_CACHE_KIB = 65536
_TABLES = """
CREATE TABLE affected(ecosystem TEXT, package TEXT, data BLOB, PRIMARY KEY(ecosystem, package)) WITHOUT ROWID;
CREATE TABLE advisory(id TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
CREATE TABLE known(cve TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
"""
_STAGING = """
CREATE TABLE affected(ecosystem TEXT, package TEXT, data BLOB);
CREATE TABLE known(cve TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
"""
_pack = msgspec.msgpack.Encoder().encode
_affected = msgspec.msgpack.Decoder(tuple[Affected, ...])
_advisory = msgspec.msgpack.Decoder(Advisory)
_known = msgspec.msgpack.Decoder(Known)
_info = msgspec.msgpack.Decoder(DatabaseInfo)


class DatabaseProblem(Exception):
    """A database that cannot be used; the message says what to do."""


class Builder:
    """Builds a database aside; nothing is in place before :meth:`finish`.

    Raises:
        DatabaseProblem: the folder cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._part, self._staged = f"{path}.part", f"{path}.staging"
        self._sources: list[SourceInfo] = []
        try:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            self._remove()
            self._staging = _create(self._staged, _STAGING)
            self._final = _create(self._part, _TABLES)
        except (OSError, sqlite3.Error) as error:
            raise DatabaseProblem(f"{path} cannot be written: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._staging.close()
        self._final.close()
        self._remove()

    def add(self, entries: Iterable[Entry]) -> int:
        """Take in advisories; how many there were. A later one of the same id replaces an earlier one."""
        count = 0
        try:
            for entry in entries:
                count += 1
                self._add(entry)
        except sqlite3.Error as error:
            raise DatabaseProblem(f"{self._path} cannot be written: {error}") from error
        return count

    def _add(self, entry: Entry) -> None:
        advisory = entry.advisory
        self._final.execute("INSERT OR REPLACE INTO advisory VALUES(?, ?)", (advisory.id, _pack(advisory)))
        self._staging.executemany(
            "INSERT INTO affected VALUES(?, ?, ?)",
            [(ecosystem, package, _pack(affected)) for ecosystem, package, affected in entry.affected],
        )
        scores = advisory.cvss
        if scores and not advisory.bundle:
            for name in (advisory.id, *advisory.names):
                if name.startswith("CVE-"):
                    self.add_known(name, Known(cvss=scores))

    def add_known(self, cve: str, known: Known) -> None:
        """Add what is known of a CVE to what was known before."""
        row = self._staging.execute("SELECT data FROM known WHERE cve = ?", (cve,)).fetchone()
        if row is not None:
            known = _joined(_known.decode(row[0]), known)
        self._staging.execute("INSERT OR REPLACE INTO known VALUES(?, ?)", (cve, _pack(known)))

    def add_source(self, source: SourceInfo) -> None:
        """Say where a part of the database came from."""
        self._sources.append(source)

    def finish(self, built: str) -> DatabaseInfo:
        """Write, verify, and put the database in place of the one before; ``built`` is the time (RFC 3339).

        Raises:
            DatabaseProblem: it cannot be written, or does not read back as it was written.
        """
        try:
            info = self._write(built)
            self._final.close()
            _verify(self._part, info)
            descriptor = os.open(self._part, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(self._part, self._path)
        except (OSError, sqlite3.Error) as error:
            raise DatabaseProblem(f"{self._path} cannot be written: {error}") from error
        return info

    def _write(self, built: str) -> DatabaseInfo:
        final, staging = self._final, self._staging
        ecosystems: dict[str, int] = {}
        for ecosystem, package, data in self._grouped():
            final.execute("INSERT INTO affected VALUES(?, ?, ?)", (ecosystem, package, data))
            ecosystems[ecosystem] = ecosystems.get(ecosystem, 0) + 1
        final.executemany("INSERT INTO known VALUES(?, ?)", staging.execute("SELECT cve, data FROM known ORDER BY cve"))
        info = DatabaseInfo(
            schema=SCHEMA,
            built=built,
            checksum=_checksum(final),
            packages=sum(ecosystems.values()),
            advisories=final.execute("SELECT count(*) FROM advisory").fetchone()[0],
            known=final.execute("SELECT count(*) FROM known").fetchone()[0],
            ecosystems=ecosystems,
            sources=tuple(self._sources),
        )
        final.execute("INSERT INTO meta VALUES('info', ?)", (_pack(info),))
        final.execute(f"PRAGMA application_id = {_APPLICATION}")
        final.commit()
        final.execute("VACUUM")
        return info

    def _grouped(self) -> Iterator[tuple[str, str, bytes]]:
        """The rows of each package as one blob, in the order of the key; an entry told twice once."""
        query = "SELECT ecosystem, package, data FROM affected ORDER BY ecosystem, package, data"
        key: tuple[str, str] | None = None
        blobs: list[bytes] = []
        for ecosystem, package, data in self._staging.execute(query):
            if (ecosystem, package) != key:
                if key is not None:
                    yield (*key, _array(blobs))
                key, blobs = (ecosystem, package), []
            if not blobs or blobs[-1] != data:
                blobs.append(data)
        if key is not None:
            yield (*key, _array(blobs))

    def _remove(self) -> None:
        for file in (self._part, self._staged):
            for name in (file, f"{file}-journal"):
                if os.path.exists(name):
                    os.remove(name)


def _array(blobs: list[bytes]) -> bytes:
    """Packed values as one packed array."""
    return _pack([msgspec.Raw(blob) for blob in blobs])


def _joined(one: Known, other: Known) -> Known:
    by_version: dict[str, Cvss] = {}
    for each in (*one.cvss, *other.cvss):
        known = by_version.get(each.version)
        if known is None or each.score > known.score:
            by_version[each.version] = each
    return Known(
        cvss=tuple(by_version[version] for version in sorted(by_version, reverse=True)),
        kev_added=one.kev_added or other.kev_added,
        kev_due=one.kev_due or other.kev_due,
        ransomware=one.ransomware or other.ransomware,
        epss=max(one.epss, other.epss),
        epss_percentile=max(one.epss_percentile, other.epss_percentile),
    )


def _create(path: str, tables: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    # Built aside and thrown away on any failure: nothing needs to survive a crash half way.
    connection.executescript(
        f"PRAGMA page_size = {_PAGE}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
        f"PRAGMA cache_size = -{_CACHE_KIB}; PRAGMA temp_store = FILE; {tables}"
    )
    return connection


def _checksum(connection: sqlite3.Connection) -> str:
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


def _open(path: str) -> sqlite3.Connection:
    # "immutable" promises SQLite that nobody writes the file, so it takes no locks.
    return sqlite3.connect(f"file:{quote(os.path.abspath(path))}?mode=ro&immutable=1", uri=True)


def _read_info(connection: sqlite3.Connection, path: str) -> DatabaseInfo:
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        row = connection.execute("SELECT value FROM meta WHERE key = 'info'").fetchone()
        if application != _APPLICATION or row is None:
            raise DatabaseProblem(f"{path} is no database of advisories; make one with `seawall db update`")
        info = _info.decode(row[0])
    except (sqlite3.Error, msgspec.DecodeError) as error:
        raise DatabaseProblem(f"{path} is damaged ({error}); make it anew with `seawall db update`") from error
    if info.schema != SCHEMA:
        raise DatabaseProblem(f"{path} is of another version of Seawall; make it anew with `seawall db update`")
    return info


def _verify(path: str, info: DatabaseInfo) -> None:
    with closing(_open(path)) as connection:
        healthy = connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        if not healthy or _read_info(connection, path) != info or _checksum(connection) != info.checksum:
            raise DatabaseProblem(f"{path} does not read back as it was written: is the disk full or failing?")


class AdvisoryStore:
    """A database, open for reading.

    Raises:
        DatabaseProblem: there is none, or it is damaged or of another version.
    """

    def __init__(self, path: str) -> None:
        if not os.path.isfile(path):
            raise DatabaseProblem(f"there is no database of advisories at {path}; make one with `seawall db update`")
        self.path = path
        self._connection = _open(path)
        self.info = _read_info(self._connection, path)
        self._bases = {ecosystem.partition(":")[0] for ecosystem in self.info.ecosystems}
        self._cursor = self._connection.cursor()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def verify(self) -> None:
        """Read all and compare with what was written.

        Raises:
            DatabaseProblem: it is damaged.
        """
        try:
            _verify(self.path, self.info)
        except sqlite3.Error as error:
            raise DatabaseProblem(f"{self.path} is damaged ({error}); make it anew with `seawall db update`") from error

    def lookup(self, ecosystem: str, package: str) -> tuple[Affected, ...]:
        """What is said of a package; empty where nothing is.

        Raises:
            DatabaseProblem: the database is damaged.
        """
        data = self._get("SELECT data FROM affected WHERE ecosystem = ? AND package = ?", (ecosystem, package))
        return () if data is None else self._decode(_affected, data)

    def advisory(self, advisory_id: str) -> Advisory | None:
        """The advisory with that id.

        Raises:
            DatabaseProblem: the database is damaged.
        """
        data = self._get("SELECT data FROM advisory WHERE id = ?", (advisory_id,))
        return None if data is None else self._decode(_advisory, data)

    def known(self, cve: str) -> Known | None:
        """What is known of a CVE.

        Raises:
            DatabaseProblem: the database is damaged.
        """
        data = self._get("SELECT data FROM known WHERE cve = ?", (cve,))
        return None if data is None else self._decode(_known, data)

    def has_ecosystem(self, ecosystem: str) -> bool:
        """Whether there are data of an ecosystem."""
        return ecosystem in self.info.ecosystems

    def has_base(self, base: str) -> bool:
        """Whether there are data of any release of a distribution."""
        return base in self._bases

    def _get(self, query: str, key: tuple[str, ...]) -> bytes | None:
        try:
            row: Any = self._cursor.execute(query, key).fetchone()
        except UnicodeEncodeError:  # a lone surrogate: no name in the database has one
            return None
        except sqlite3.Error as error:
            raise DatabaseProblem(f"{self.path} is damaged ({error}); make it anew with `seawall db update`") from error
        return None if row is None else row[0]

    def _decode(self, decoder: msgspec.msgpack.Decoder[Any], data: bytes) -> Any:
        try:
            return decoder.decode(data)
        except msgspec.DecodeError as error:
            raise DatabaseProblem(f"{self.path} is damaged ({error}); make it anew with `seawall db update`") from error
