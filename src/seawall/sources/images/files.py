"""Named files wherever they lie: in a folder, or in a tar archive that can be read at any place."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from typing import Protocol

from seawall.model.images import EntryKind
from seawall.sources.images.errors import BadLayer, ImageError
from seawall.sources.images.layer import is_digest
from seawall.sources.images.limits import DEFAULT_LIMITS
from seawall.sources.images.tar import Tar, normal_path

PIECE = 1 << 17
_MAX_LINKS = 8


class Files(Protocol):
    """Files by their names relative to a root."""

    def __contains__(self, name: str) -> bool:
        """Whether there is such a file."""

    def pieces(self, name: str) -> Iterator[bytes]:
        """A file's content.

        Raises:
            ImageError: it is not there or cannot be read.
        """


def whole(files: Files, name: str, limit: int) -> bytes:
    """A small file's content.

    Raises:
        ImageError: it cannot be read, or is larger than ``limit``.
    """
    parts, size = [], 0
    for piece in files.pieces(name):
        size += len(piece)
        if size > limit:
            raise ImageError(f"{name[:200]} is larger than {limit >> 20} MiB")
        parts.append(piece)
    return b"".join(parts)


def verified(data: bytes, digest: str) -> bytes:
    """The data, if it is what the digest says.

    Raises:
        ImageError: it is not.
    """
    algorithm = digest.partition(":")[0]
    if not is_digest(digest) or f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}" != digest:
        raise ImageError(f"what is stored as {digest[:80]} is something else")
    return data


class Folder:
    """Files of a folder. Names are made by the caller, never taken from a stranger without check."""

    def __init__(self, root: str) -> None:
        self._root = root

    def __contains__(self, name: str) -> bool:
        return os.path.isfile(os.path.join(self._root, name))

    def pieces(self, name: str) -> Iterator[bytes]:
        yield from file_pieces(os.path.join(self._root, name))


def file_pieces(path: str) -> Iterator[bytes]:
    """The content of a regular file.

    Raises:
        ImageError: it cannot be read, or is no regular file.
    """
    try:
        # A FIFO or a device in its place must not hang the run.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb", buffering=0) as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ImageError(f"{path} is no regular file")
            while piece := stream.read(PIECE):
                yield piece
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}") from error


class Archive:
    """Members of an uncompressed tar archive in a file, found by one pass over its headers."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._members: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        self.trouble = ""
        try:
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by close()
            self._index()
        except OSError as error:
            raise ImageError(f"cannot be read: {error.strerror}") from error
        except BadLayer as error:
            self.close()
            raise ImageError(f"is no whole tar archive (at {error.entry[:200]!r}): it {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _index(self) -> None:
        seeker = _Seeker(self._file.fileno())
        for entry in Tar(seeker, lambda name, problem: None, DEFAULT_LIMITS):
            if entry.kind is EntryKind.FILE and not entry.is_sparse:
                start = seeker.position - entry.ahead
                self._members[entry.path] = (start, entry.size)
            elif entry.kind is EntryKind.HARDLINK:
                self._links[entry.path] = entry.target
            elif entry.kind is EntryKind.SYMLINK:
                folder = entry.path.rpartition("/")[0]
                self._links[entry.path] = normal_path(f"{folder}/{entry.target}") or ""

    def _real(self, name: str) -> str:
        for _ in range(_MAX_LINKS):
            if name in self._members or name not in self._links:
                break
            name = self._links[name]
        return name

    def __contains__(self, name: str) -> bool:
        return self._real(name) in self._members

    def pieces(self, name: str) -> Iterator[bytes]:
        if name not in self:
            raise ImageError(f"holds no {name[:200]}")
        at, left = self._members[self._real(name)]
        handle = self._file.fileno()
        try:
            while left and (piece := os.pread(handle, min(left, PIECE), at)):
                at, left = at + len(piece), left - len(piece)
                yield piece
        except OSError as error:
            raise ImageError(f"cannot be read: {error.strerror}") from error


class _Seeker:
    """An archive's pieces for a walk that is after headers only: what is skipped is not read."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self.position = 0
        self._size = os.fstat(handle).st_size

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = os.pread(self._handle, 4096, self.position)
        if not piece:
            raise StopIteration
        self.position += len(piece)
        return piece

    def jump(self, count: int) -> bool:
        """Pass over so many bytes; whether they are there."""
        self.position += count
        return self.position <= self._size
