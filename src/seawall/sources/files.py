"""All files of a folder, in bounded pieces: nothing is followed out of it, and nothing but regular files is opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from msgspec import Struct

#: ``ignore(relative path, is directory)`` leaves things out.
Ignore = Callable[[str, bool], bool]
#: Told of what could not be read: its path, and why.
Report = Callable[[str, str], None]
PIECE = 4 << 20
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_MAX_DEPTH = 200


class FoundFile(Struct, frozen=True):
    """A file: its path as shown, relative to what was named, and its size."""

    path: str
    relative: str
    size: int


def find_files(named: str, ignore: Ignore, report: Report) -> Iterator[FoundFile]:
    """The regular files under a path, by name; Git's own store is left out."""
    try:
        status = os.stat(named)
    except OSError as error:
        report(named, f"cannot be read: {error.strerror}")
        return
    if stat.S_ISDIR(status.st_mode):
        yield from _folder(named, "", ignore, report, 0)
    elif stat.S_ISREG(status.st_mode):
        # A link that a person names is meant.
        yield FoundFile(os.path.realpath(named), os.path.basename(named), status.st_size)
    else:
        report(named, "is no regular file")


def _folder(named: str, relative: str, ignore: Ignore, report: Report, depth: int) -> Iterator[FoundFile]:
    shown = os.path.join(named, relative) if relative else named
    try:
        with os.scandir(shown) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        report(shown, f"the directory cannot be read: {error.strerror}")
        return
    for entry in entries:
        path = f"{relative}/{entry.name}" if relative else entry.name
        if entry.is_dir(follow_symlinks=False):
            if entry.name == ".git" or ignore(path, True):
                continue
            if depth >= _MAX_DEPTH:
                report(os.path.join(named, path), f"lies more than {_MAX_DEPTH} folders deep")
            else:
                yield from _folder(named, path, ignore, report, depth + 1)
        elif entry.is_file(follow_symlinks=False) and not ignore(path, False):
            try:
                size = entry.stat(follow_symlinks=False).st_size
            except OSError as error:
                report(os.path.join(named, path), f"cannot be read: {error.strerror}")
                continue
            yield FoundFile(os.path.join(named, path), path, size)


def pieces_of(path: str, most: int, report: Report) -> Iterator[bytes]:
    """The content of a file, at most so many bytes of it; a link that has taken its place is not followed."""
    try:
        handle = os.open(path, _OPEN)
        with os.fdopen(handle, "rb", buffering=0) as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                report(path, "is no regular file any more")
                return
            while most > 0 and (piece := stream.read(min(PIECE, most))):
                most -= len(piece)
                yield piece
    except OSError as error:
        report(path, f"cannot be read: {error.strerror}")
