"""The database of advisories, read: one immutable SQLite file.

A row a package and a row an advisory, each a msgpack blob. Readers open the file immutable: no locks, and a new one
beside them does not disturb.
"""

from __future__ import annotations

import os
import sqlite3
from types import TracebackType
from typing import Any, Self

import msgspec

from seawall.model.advisories import Advisory, Affected, Known
from seawall.store.advisorybuild import Builder
from seawall.store.advisoryform import DatabaseProblem, open_file, read_info, verify_file

__all__ = ["AdvisoryStore", "Builder", "DatabaseProblem"]

_affected = msgspec.msgpack.Decoder(tuple[Affected, ...])
_advisory = msgspec.msgpack.Decoder(Advisory)
_known = msgspec.msgpack.Decoder(Known)


class AdvisoryStore:
    """A database, open for reading.

    Raises:
        DatabaseProblem: there is none, or it is damaged or of another version.
    """

    def __init__(self, path: str) -> None:
        if not os.path.isfile(path):
            raise DatabaseProblem(f"there is no database of advisories at {path}; make one with `seawall db update`")
        self.path = path
        self._connection = open_file(path)
        self.info = read_info(self._connection, path)
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
            verify_file(self.path, self.info)
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
