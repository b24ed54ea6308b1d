"""Entries for tests: made by hand, out of a tar archive, or out of a directory."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seawall.model.images import EntryKind, EntryTooLarge


@dataclass
class Made:
    """An entry whose content is at hand."""

    path: str
    content: bytes = b""
    mode: int = 0o644
    kind: EntryKind = EntryKind.FILE
    target: str = ""
    capability: bytes = b""
    uid: int = 0
    gid: int = 0

    @property
    def size(self) -> int:
        return len(self.content)

    def head(self, count: int) -> bytes:
        return self.content[:count]

    def read(self, limit: int) -> bytes:
        if len(self.content) > limit:
            raise EntryTooLarge
        return self.content

    def pieces(self) -> Iterator[bytes]:
        yield from (self.content[at : at + 7] for at in range(0, len(self.content), 7))


def folder(path: str, mode: int = 0o755) -> Made:
    return Made(path, mode=mode, kind=EntryKind.DIRECTORY)


def link(path: str, target: str) -> Made:
    return Made(path, mode=0o777, kind=EntryKind.SYMLINK, target=target)


def hard(path: str, target: str) -> Made:
    return Made(path, kind=EntryKind.HARDLINK, target=target)


def whiteout(path: str) -> Made:
    return Made(path, kind=EntryKind.WHITEOUT)


def opaque(path: str) -> Made:
    return Made(path, kind=EntryKind.OPAQUE)


class OnDisk:
    """An entry of a directory, read when asked for."""

    target = ""
    capability = b""

    def __init__(self, root: Path, path: str) -> None:
        self.path = path
        self._real = root / path
        status = self._real.lstat()
        self.mode = stat.S_IMODE(status.st_mode)
        self.uid, self.gid = status.st_uid, status.st_gid
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        self.kind = {
            stat.S_IFREG: EntryKind.FILE,
            stat.S_IFDIR: EntryKind.DIRECTORY,
            stat.S_IFLNK: EntryKind.SYMLINK,
            stat.S_IFIFO: EntryKind.FIFO,
        }.get(stat.S_IFMT(status.st_mode), EntryKind.DEVICE)
        if self.kind is EntryKind.SYMLINK:
            self.target = os.readlink(self._real)

    def head(self, count: int) -> bytes:
        with self._real.open("rb") as file:
            return file.read(count)

    def read(self, limit: int) -> bytes:
        if self.size > limit:
            raise EntryTooLarge
        return self._real.read_bytes()

    def pieces(self) -> Iterator[bytes]:
        yield self._real.read_bytes()


def walk(root: Path, *tops: str) -> Iterator[OnDisk]:
    """Everything under some directories of a root, in order."""
    for top in tops or ("",):
        for place, folders, files in os.walk(root / top):
            folders.sort()
            base = os.path.relpath(place, root)
            for name in sorted((*folders, *files)):
                path = name if base == "." else f"{base}/{name}"
                yield OnDisk(root, path)


def unpacked(archive: tarfile.TarFile) -> Iterator[Made]:
    """The entries of a tar archive, whole."""
    kinds = {
        tarfile.DIRTYPE: EntryKind.DIRECTORY,
        tarfile.SYMTYPE: EntryKind.SYMLINK,
        tarfile.LNKTYPE: EntryKind.HARDLINK,
    }
    for member in archive:
        file = archive.extractfile(member) if member.isreg() else None
        yield Made(
            member.name.removeprefix("./"),
            file.read() if file else b"",
            member.mode,
            kinds.get(member.type, EntryKind.FILE),
            member.linkname,
        )
