"""Tar archives from anyone: read in order, bounded, and with nothing written outside the folder that was meant."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import gzip

_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20


class ArchiveError(Exception):
    """An archive that cannot be read or exceeds a bound; the message says what is wrong."""


class Member(Struct, frozen=True):
    """A regular file of an archive."""

    name: str
    data: bytes


class Limits(Struct, frozen=True):
    """Bytes unpacked, bytes of one file, and the number of entries."""

    total: int = 512 << 20
    file: int = 64 << 20
    entries: int = 100_000


class _Bounded(io.RawIOBase):
    """A stream that raises once more than ``limit`` bytes were read: what a small archive blows up to."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, limit: int) -> None:
        self._stream, self._left, self._limit = stream, limit, limit
        self._tail = b""

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(_CHUNK if size < 0 else min(size, _CHUNK))
        self._left -= len(data)
        if self._left < 0:
            raise ArchiveError(f"unpacks to more than {self._limit >> 20} MiB")
        if data:
            self._tail = (self._tail + data)[-512:] if len(data) < 512 else data[-512:]
        return data

    def finish(self) -> None:
        """Read the rest, so that checksums are checked. An archive ends with zeros; tarfile does not mind if not."""
        while self.read(_CHUNK):
            pass
        if self._tail.strip(b"\0"):
            raise ArchiveError("is cut short")


def is_archive(data: bytes) -> bool:
    """Whether a file begins (262 bytes are enough) like a gzip stream or a tar archive."""
    return data[:2] == _GZIP or data[257:262] == b"ustar"


def members(stream: IO[bytes], limits: Limits) -> Iterator[Member]:
    """The regular files of a tar archive, plain or gzip, with names made safe; links and devices are passed over.

    Raises:
        ArchiveError: it cannot be read, exceeds a bound, or has a name that leads out of it.
    """
    import gzip  # these two take 3 ms of a start, and most charts come in folders
    import tarfile

    head = stream.read(2)
    stream.seek(0)
    bounded = _Bounded(gzip.GzipFile(fileobj=stream) if head == _GZIP else stream, limits.total + limits.entries * 1024)
    count = 0
    try:
        with tarfile.open(fileobj=bounded, mode="r|", errorlevel=2) as archive:
            for entry in archive:
                count += 1
                if count > limits.entries:
                    raise ArchiveError(f"holds more than {limits.entries} entries")
                archive.members.clear()  # type: ignore[attr-defined]  # tarfile remembers every entry for ever
                if not entry.isreg():
                    continue
                if entry.size > limits.file:
                    raise ArchiveError(f"{entry.name[:200]} is larger than {limits.file >> 20} MiB")
                file = archive.extractfile(entry)
                if file is not None:
                    yield Member(safe_name(entry.name), file.read())
        bounded.finish()
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, OverflowError) as error:
        raise ArchiveError(f"is no readable tar archive: {error}") from error


def safe_name(name: str) -> str:
    """A member's name as a plain relative path.

    Raises:
        ArchiveError: it is absolute, leads upwards, or holds what a path cannot.
    """
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part != "."]
    if not parts or parts[0] == "/" or ".." in parts or "\0" in name:
        raise ArchiveError(f"holds a name that leads out of it: {name[:200]!r}")
    return "/".join(parts)


def unpack(stream: IO[bytes], folder: Path, limits: Limits) -> int:
    """Write an archive's files into an empty folder; returns how many.

    Raises:
        ArchiveError: as for :func:`members`, or two entries cannot both be written.
    """
    count = 0
    for member in members(stream, limits):
        write(folder, member.name, member.data)
        count += 1
    return count


def write(folder: Path, name: str, data: bytes) -> None:
    """Write one file below a folder.

    Raises:
        ArchiveError: the name is taken by a folder, or cannot be a file's.
    """
    target = folder / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    except (OSError, ValueError) as error:
        raise ArchiveError(f"{name[:200]} cannot be unpacked: {error}") from error
