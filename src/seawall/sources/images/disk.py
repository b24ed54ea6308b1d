"""Root file systems on disk: walked without following a link, and without leaving the file system that they are on."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator

from seawall.model.images import Entry, EntryKind, EntryTooLarge, NotLooked
from seawall.sources.images.errors import ImageError
from seawall.sources.images.layer import readable
from seawall.sources.images.limits import Limits

_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY
_MAX_DEPTH = 200
_PIECE = 1 << 20
_MOST_PROBLEMS = 100
_CAPABILITY = "security.capability"
#: How overlayfs says in an upper folder that nothing of the lower ones is seen (rootless: ``user.``).
_OPAQUE = ("trusted.overlay.opaque", "user.overlay.opaque")
#: What holds nothing of an image where it is mounted.
_PSEUDO = frozenset(("proc", "sys", "dev", "run", "tmp"))
_KINDS = {
    stat.S_IFREG: EntryKind.FILE,
    stat.S_IFDIR: EntryKind.DIRECTORY,
    stat.S_IFLNK: EntryKind.SYMLINK,
    stat.S_IFCHR: EntryKind.DEVICE,
    stat.S_IFBLK: EntryKind.DEVICE,
    stat.S_IFIFO: EntryKind.FIFO,
}


#: Told of what cannot be read: its path, and why.
Report = Callable[[str, str], None]


class DiskEntry:
    """One entry of a folder; its content is read while the walk is there."""

    __slots__ = ("_folder", "_head", "_name", "_report", "gid", "kind", "mode", "path", "size", "uid")

    def __init__(self, path: str, kind: EntryKind, status: os.stat_result, at: tuple[int, str], report: Report) -> None:
        self.path = path
        self.kind = kind
        self.mode = stat.S_IMODE(status.st_mode)
        self.uid = status.st_uid
        self.gid = status.st_gid
        self.size = status.st_size if kind is EntryKind.FILE else 0
        self._folder, self._name = at
        self._report = report
        self._head = b""

    @property
    def target(self) -> str:
        """Where a symbolic link points; empty where that cannot be read."""
        if self.kind is not EntryKind.SYMLINK:
            return ""
        try:
            return os.readlink(self._name, dir_fd=self._folder)
        except OSError:
            return ""

    @property
    def capability(self) -> bytes:
        """The file capabilities."""
        if self.kind is not EntryKind.FILE or not self.mode & 0o111:
            return b""
        return _attribute(self._folder, self._name, _CAPABILITY)

    def head(self, count: int) -> bytes:
        """The first bytes, at most ``count``."""
        if len(self._head) < min(count, self.size):
            self._head = self._content(count)
        return self._head[:count]

    def read(self, limit: int) -> bytes:
        """The whole content.

        Raises:
            EntryTooLarge: it is larger than ``limit`` bytes.
        """
        data = self._content(limit + 1) if self.size <= limit else b""
        if self.size > limit or len(data) > limit:
            raise EntryTooLarge(f"{self.path} has more than {limit} bytes")
        return data

    def pieces(self) -> Iterator[bytes]:
        """The whole content in pieces."""
        try:
            handle = os.open(self._name, _OPEN, dir_fd=self._folder)
            with os.fdopen(handle, "rb", buffering=0) as stream:
                while stat.S_ISREG(os.fstat(handle).st_mode) and (piece := stream.read(_PIECE)):
                    yield piece
        except OSError as error:
            self._report(self.path, f"cannot be read: {error.strerror}")

    def _content(self, most: int) -> bytes:
        if self.kind is not EntryKind.FILE:
            return b""
        try:
            handle = os.open(self._name, _OPEN, dir_fd=self._folder)
            with os.fdopen(handle, "rb") as stream:
                return stream.read(most) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
        except OSError as error:
            self._report(self.path, f"cannot be read: {error.strerror}")
            return b""


def _attribute(folder: int, name: str, attribute: str) -> bytes:
    try:
        return os.getxattr(f"/proc/self/fd/{folder}/{name}", attribute, follow_symlinks=False)
    except OSError:
        return b""


class DiskWalk:
    """A pass over a folder; see :class:`seawall.sources.images.layer.LayerWalk` for what it has in common with one.

    ``overlay`` is whether the folder is an upper one of overlayfs, whose marks tell what is taken away. ``mounts`` is
    whether other file systems that are mounted inside are to be told of as not looked into.
    """

    def __init__(self, root: str, name: str, limits: Limits, *, overlay: bool = False, mounts: bool = True) -> None:
        self.problems: list[NotLooked] = []
        self.trusted = True
        self._root = root
        self._name = name
        self._limits = limits
        self._overlay = overlay
        self._mounts = mounts
        self._count = 0
        self._device = 0

    def __iter__(self) -> Iterator[Entry]:
        try:
            handle = os.open(self._root, _FOLDER)
        except OSError as error:
            raise ImageError(f"{self._root} cannot be read: {error.strerror}") from error
        try:
            self._device = os.fstat(handle).st_dev
            yield from self._walk(handle, "", 0)
        finally:
            os.close(handle)

    def _walk(self, folder: int, prefix: str, depth: int) -> Iterator[DiskEntry]:
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            self._report(prefix, f"cannot be read: {error.strerror}")
            return
        for name in names:
            path = f"{prefix}{name}"
            self._count += 1
            if self._count > self._limits.entries:
                raise ImageError(f"{self._root} holds more than {self._limits.entries} entries")
            entry = self._entry(folder, name, path)
            if entry is None:
                continue
            yield entry
            if entry.kind is EntryKind.DIRECTORY:
                yield from self._inside(folder, name, path, depth)

    def _entry(self, folder: int, name: str, path: str) -> DiskEntry | None:
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno != errno.ENOENT:
                self._report(path, f"cannot be read: {error.strerror}")
            return None
        kind = _KINDS.get(stat.S_IFMT(status.st_mode))
        if kind is None:  # a socket, which no image can hold
            return None
        if self._overlay and kind is EntryKind.DEVICE and stat.S_ISCHR(status.st_mode) and not status.st_rdev:
            kind = EntryKind.WHITEOUT
        if kind is EntryKind.DIRECTORY and status.st_dev != self._device:
            if self._mounts and path not in _PSEUDO:
                self._report(path, "is another file system, which is not looked into; name it on its own")
            return None
        return DiskEntry(path, kind, status, (folder, name), self._report)

    def _inside(self, folder: int, name: str, path: str, depth: int) -> Iterator[DiskEntry]:
        if depth >= _MAX_DEPTH:
            self._report(path, f"is nested more than {_MAX_DEPTH} deep")
            return
        try:
            handle = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        except OSError as error:
            self._report(path, f"cannot be read: {error.strerror}")
            return
        try:
            if self._overlay and any(_attribute(folder, name, mark) == b"y" for mark in _OPAQUE):
                yield DiskEntry(path, EntryKind.OPAQUE, os.fstat(handle), (folder, name), self._report)
            yield from self._walk(handle, f"{path}/", depth + 1)
        finally:
            os.close(handle)

    def _report(self, path: str, problem: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            entry = f", entry {readable(path)[:300]}" if path else ""
            self.problems.append(NotLooked(f"{self._name}{entry}", problem))


class FileWalk:
    """A pass over one file, named by its last part; links are followed, as the file was named by who asks."""

    def __init__(self, path: str, limits: Limits) -> None:
        self.problems: list[NotLooked] = []
        self.trusted = True
        self._path = os.path.realpath(path)

    def __iter__(self) -> Iterator[Entry]:
        folder, name = os.path.split(self._path)
        try:
            handle = os.open(folder, _FOLDER)
        except OSError as error:
            raise ImageError(f"{folder} cannot be read: {error.strerror}") from error
        try:
            status = os.stat(name, dir_fd=handle, follow_symlinks=False)
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), EntryKind.DEVICE)
            yield DiskEntry(name, kind, status, (handle, name), self._report)
        except OSError as error:
            raise ImageError(f"{self._path} cannot be read: {error.strerror}") from error
        finally:
            os.close(handle)

    def _report(self, path: str, problem: str) -> None:
        self.problems.append(NotLooked(self._path, problem))
