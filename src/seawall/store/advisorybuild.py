"""Building the database of advisories: aside, streaming, verified, and put in place in one step."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

import msgspec

from seawall.model.advisories import SCHEMA, Cvss, DatabaseInfo, Entry, Known, SourceInfo
from seawall.store.advisoryform import APPLICATION, TABLES, DatabaseProblem, checksum_of, verify_file

_PAGE = 8192
_CACHE_KIB = 65536
_STAGING = """
CREATE TABLE affected(ecosystem TEXT, package TEXT, data BLOB);
CREATE TABLE known(cve TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
"""
_pack = msgspec.msgpack.Encoder().encode
_known = msgspec.msgpack.Decoder(Known)


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
            self._final = _create(self._part, TABLES)
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
            verify_file(self._part, info)
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
            checksum=checksum_of(final),
            packages=sum(ecosystems.values()),
            advisories=final.execute("SELECT count(*) FROM advisory").fetchone()[0],
            known=final.execute("SELECT count(*) FROM known").fetchone()[0],
            ecosystems=ecosystems,
            sources=tuple(self._sources),
        )
        final.execute("INSERT INTO meta VALUES('info', ?)", (_pack(info),))
        final.execute(f"PRAGMA application_id = {APPLICATION}")
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
