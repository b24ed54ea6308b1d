"""Files of a host, reached from its root by descriptors: no link, race, pipe or device in there leads astray.

A path is walked one component at a time with ``O_PATH | O_NOFOLLOW``, as the kernel's RESOLVE_IN_ROOT does it: absolute
links begin at the root again, and a link that climbs above it is refused, so that a collection told to read
``/host`` never reads the files of its own container. Nothing is opened for reading before it is known to be a file.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from typing import NamedTuple

#: Larger configuration files are not judged.
MAX_BYTES = 4 * 1024 * 1024
_MAX_LINKS = 40
_MAX_ENTRIES = 20_000
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


class HostError(Exception):
    """A file could not be read; the message says why, without the path."""


class Absent(HostError):
    """There is no such file."""


class Entry(NamedTuple):
    """What stands at a path, a link itself rather than what it leads to. ``mode`` has twelve bits."""

    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    target: str


class Root:
    """A folder that is the root of a host's files; ``real`` where it is this machine's own. Close it after use.

    ``unnamed`` counts names that were left out, by folder.

    Raises:
        HostError: it is no folder, or cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.real = os.path.realpath(path) == "/"
        self.unnamed: dict[str, int] = {}
        try:
            self._fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise HostError(f"{path} cannot be opened: {error.strerror}") from error

    def __enter__(self) -> Root:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def read(self, path: str, limit: int = MAX_BYTES) -> bytes:
        """A file's bytes. One that changes meanwhile is read again, once.

        Raises:
            Absent: there is none.
            HostError: it is not a regular file, is larger than ``limit``, changes all the time, or cannot be read.
        """
        handle = self.open(path)
        try:
            for _ in range(2):
                before = os.fstat(handle)
                if not stat.S_ISREG(before.st_mode):
                    raise HostError(f"is a {_kind(before.st_mode)}, not a file")
                if before.st_size > limit:
                    raise HostError(f"is larger than {_size(limit)}")
                data = _read_all(handle, limit)
                after = os.fstat(handle)
                if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
                    return data
        finally:
            os.close(handle)
        raise HostError("changes while it is read")

    def open_file(self, path: str) -> int:
        """A descriptor to read a regular file by, which the caller closes.

        Raises:
            Absent: there is none.
            HostError: it is not a regular file, or cannot be read.
        """
        handle = self.open(path)
        try:
            mode = os.fstat(handle).st_mode
            if not stat.S_ISREG(mode):
                raise HostError(f"is a {_kind(mode)}, not a file")
            return _reopen(handle, 0)
        finally:
            os.close(handle)

    def entry(self, path: str) -> Entry:
        """What stands at a path; a link in its last place is not followed.

        Raises:
            Absent: nothing does.
            HostError: it cannot be looked at.
        """
        handle = self.open(path, follow=False)
        try:
            found = os.fstat(handle)
            target = os.readlink("", dir_fd=handle) if stat.S_ISLNK(found.st_mode) else ""
        except OSError as error:
            raise _reason(error) from error
        finally:
            os.close(handle)
        mode = stat.S_IMODE(found.st_mode)
        return Entry(_kind(found.st_mode), mode, found.st_uid, found.st_gid, found.st_size, text(target))

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted; those that are no printable text are counted in ``unnamed`` instead.

        Raises:
            Absent: there is no such folder.
            HostError: it is none, holds more than twenty thousand names, or cannot be read.
        """
        handle = self.open(path)
        try:
            if not stat.S_ISDIR(os.fstat(handle).st_mode):
                raise HostError("is not a folder")
            listing = _reopen(handle, os.O_DIRECTORY)
        finally:
            os.close(handle)
        found: list[str] = []
        try:
            with os.scandir(listing) as entries:
                for entry in entries:
                    found.append(entry.name)
                    if len(found) > _MAX_ENTRIES:
                        raise HostError(f"holds more than {_MAX_ENTRIES} names")
        except OSError as error:
            raise _reason(error) from error
        finally:
            os.close(listing)
        fair = sorted(name for name in found if name.isprintable())
        if len(fair) < len(found):
            self.unnamed[path] = len(found) - len(fair)
        return fair

    def open(self, path: str, follow: bool = True) -> int:
        """A descriptor (``O_PATH``) of what stands at a path; the caller closes it.

        Raises:
            Absent: nothing does.
            HostError: links turn in circles or lead out of the root, or a folder on the way cannot be entered.
        """
        todo = deque(os.path.normpath(f"/{path}").split("/"))
        trail = [self._fd]
        links = 0
        try:
            while todo:
                part = todo.popleft()
                if part in ("", "."):
                    continue
                if part == "..":
                    if len(trail) > 1:
                        os.close(trail.pop())
                    elif not self.real:
                        raise HostError("a link on the way leads out of the root, and was not followed")
                    continue
                handle = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=trail[-1])
                trail.append(handle)
                if not stat.S_ISLNK(os.fstat(handle).st_mode) or not (follow or todo):
                    continue
                target = os.readlink("", dir_fd=handle)
                links += 1
                if links > _MAX_LINKS:
                    raise HostError("links lead in a circle")
                os.close(trail.pop())
                while target.startswith("/") and len(trail) > 1:
                    os.close(trail.pop())
                todo.extendleft(reversed(target.split("/")))
            return trail.pop() if len(trail) > 1 else os.dup(self._fd)
        except OSError as error:
            raise _reason(error) from error
        except ValueError as error:
            raise Absent("is no path") from error
        finally:
            for each in trail[1:]:
                os.close(each)


def text(raw: str) -> str:
    """A name from the host as text that can be written: bytes that are no UTF-8 become question marks."""
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _reopen(handle: int, flags: int) -> int:
    try:
        return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | flags)
    except OSError as error:
        raise _reason(error) from error


def _read_all(handle: int, limit: int) -> bytes:
    file = _reopen(handle, 0)
    try:
        parts, size = [], 0
        while part := os.read(file, min(limit + 1 - size, 1 << 20)):
            parts.append(part)
            size += len(part)
            if size > limit:
                raise HostError(f"is larger than {_size(limit)}")
        return b"".join(parts)
    except OSError as error:
        raise _reason(error) from error
    finally:
        os.close(file)


def _size(limit: int) -> str:
    return f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit >> 10} KiB"


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "other")


def _reason(error: OSError) -> HostError:
    if isinstance(error, FileNotFoundError | NotADirectoryError | ProcessLookupError):
        return Absent("is not there")
    return HostError((error.strerror or str(error)).lower())
