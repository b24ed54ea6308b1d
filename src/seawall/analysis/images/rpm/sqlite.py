"""rpm's SQLite database ``rpmdb.sqlite``, opened from memory.

The bytes are a stranger's: only the table's own rows may be read, no view, trigger or function of the file runs, and
work is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.analysis.images.errors import Unreadable

if TYPE_CHECKING:
    import sqlite3

_MAX_BLOB = 64 << 20
_STEPS = 100_000
_MAX_CALLS = 1_000


def sqlite_blobs(data: bytes) -> Iterator[bytes]:
    """Every header blob.

    Raises:
        Unreadable: it is no such database, or is damaged.
    """
    import sqlite3  # 5 ms that only rpm's images pay

    if data[:16] != b"SQLite format 3\0" or len(data) < 512:
        raise Unreadable("is no SQLite database")
    # A database in memory has no write-ahead log; these two bytes say that the file used one.
    plain = data[:18] + b"\x01\x01" + data[20:]
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(plain)
        del plain
        _restrict(connection)
        if connection.execute("SELECT type FROM sqlite_master WHERE name = 'Packages'").fetchone() != ("table",):
            raise Unreadable("is a SQLite database without rpm's table of packages")
        for (blob,) in connection.execute("SELECT blob FROM Packages ORDER BY rowid"):
            if not isinstance(blob, bytes):
                raise Unreadable("is a SQLite database whose packages are no blobs")
            yield blob
    except (sqlite3.Error, OverflowError, MemoryError, ValueError) as error:
        raise Unreadable(f"is a SQLite database that cannot be read: {str(error)[:100]}") from error
    finally:
        connection.close()


def _restrict(connection: sqlite3.Connection) -> None:
    import sqlite3

    calls = 0

    def tick() -> int:
        nonlocal calls
        calls += 1
        return int(calls > _MAX_CALLS)

    def allow(action: int, *_: str | None) -> int:
        return sqlite3.SQLITE_OK if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ) else sqlite3.SQLITE_DENY

    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.text_factory = bytes.decode
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_BLOB)
    connection.set_progress_handler(tick, _STEPS)
    connection.set_authorizer(allow)
