"""Inventories of images kept by digest, and what was known of each when it was last judged.

One SQLite file; an inventory is msgpack in zlib. Several processes may use it: each change is one transaction.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import msgspec
from msgspec import Struct

from seawall.model.finding import ResourceRef
from seawall.model.images import ImageInventory

_VERSION = 1
_MAX_BYTES = 256 << 20
_SCHEMA = """
CREATE TABLE IF NOT EXISTS inventories (
  identity TEXT PRIMARY KEY, reference TEXT NOT NULL, seen TEXT NOT NULL, uses BLOB NOT NULL, data BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS judged (identity TEXT PRIMARY KEY, known BLOB NOT NULL) WITHOUT ROWID;
"""


class InventoryProblem(Exception):
    """The store cannot be used; the message says why and what to do."""


class Remembered(Struct, frozen=True):
    """An inventory with the workloads that were seen to run it, and when it was last seen (RFC 3339)."""

    inventory: ImageInventory
    uses: tuple[ResourceRef, ...]
    seen: str


class KnownOf(Struct, frozen=True, gc=False):
    """What was known of a vulnerability: whether a version mends it, and since when it is known to be exploited."""

    fixed: bool
    exploited: str


class InventoryStore:
    """A store, made where there is none; only its owner can read it, for it tells what can be attacked.

    Every method raises:
        InventoryProblem: the file is damaged, of another version, or cannot be written.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(path, timeout=30, isolation_level=None)
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                raise InventoryProblem(f"{path} is of another version; name another file, or remove it")
            self._connection.executescript(_SCHEMA)
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise self._broken(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def _broken(self, error: Exception) -> InventoryProblem:
        return InventoryProblem(f"{self.path} cannot be used ({error}); name another file, or remove it")

    def put(self, inventory: ImageInventory, uses: Sequence[ResourceRef], now: str) -> None:
        """Keep an inventory, in place of an earlier one of the same image; without ``uses`` those stay that it had."""
        if not uses:
            row = next(self._rows("SELECT uses FROM inventories WHERE identity = ?", identity_of(inventory)), None)
            uses = () if row is None else msgspec.msgpack.decode(row[0], type=tuple[ResourceRef, ...])
        data = zlib.compress(msgspec.msgpack.encode(inventory), 3)
        values = (identity_of(inventory), inventory.reference, now, msgspec.msgpack.encode(tuple(uses)), data)
        try:
            self._connection.execute("INSERT OR REPLACE INTO inventories VALUES (?, ?, ?, ?, ?)", values)
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def all(self) -> Iterator[Remembered]:
        """Every inventory, in the order of their digests."""
        for seen, uses, data in self._rows("SELECT seen, uses, data FROM inventories ORDER BY identity"):
            try:
                inventory = msgspec.msgpack.decode(_inflated(data), type=ImageInventory)
                yield Remembered(inventory, msgspec.msgpack.decode(uses, type=tuple[ResourceRef, ...]), seen)
            except (msgspec.DecodeError, zlib.error, ValueError) as error:
                raise self._broken(error) from error

    def known(self, identity: str) -> dict[str, KnownOf] | None:
        """What was known of an image's vulnerabilities when it was last judged; None where it never was."""
        row = next(self._rows("SELECT known FROM judged WHERE identity = ?", identity), None)
        try:
            return None if row is None else msgspec.msgpack.decode(row[0], type=dict[str, KnownOf])
        except msgspec.DecodeError as error:
            raise self._broken(error) from error

    def note(self, judged: Mapping[str, Mapping[str, KnownOf]]) -> None:
        """Note what is known now, by image, all or nothing."""
        rows = [(identity, msgspec.msgpack.encode(known)) for identity, known in judged.items()]
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany("INSERT OR REPLACE INTO judged VALUES (?, ?)", rows)
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _rows(self, statement: str, *values: str) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise self._broken(error) from error


def _inflated(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    plain = unpacker.decompress(data, _MAX_BYTES)
    if unpacker.unconsumed_tail:
        raise ValueError(f"an inventory is larger than {_MAX_BYTES >> 20} MiB")
    return plain


def identity_of(inventory: ImageInventory) -> str:
    """What an image is known by: its digest, or its reference where it has none."""
    return inventory.digest or inventory.reference
