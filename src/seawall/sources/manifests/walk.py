"""Finding the files of a scan: directories walked, links and special files skipped, chart and overlay folders told."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from msgspec import Struct

from seawall.model.finding import SourceError

SUFFIXES = (".yaml", ".yml", ".json")
_UNITS = {
    "Chart.yaml": "Helm chart",
    "kustomization.yaml": "Kustomize overlay",
    "kustomization.yml": "Kustomize overlay",
    "Kustomization": "Kustomize overlay",
}
#: Git's own store; other hidden folders are walked.
_ALWAYS_SKIPPED = frozenset((".git",))


class InputFile(Struct, frozen=True):
    """A file to read: its path as shown, and its directory relative to what was named."""

    path: str
    unit: str
    named: bool = False


class Skipped(Struct, frozen=True):
    """A file that a walk passed over, and why."""

    path: str
    reason: str


class Unrendered(Struct, frozen=True):
    """A folder that has to be rendered before it can be judged."""

    path: str
    what: str


Entry = InputFile | Skipped | Unrendered | SourceError
Ignore = Callable[[str, bool], bool]


def walk(named: str, ignore: Ignore) -> Iterator[Entry]:
    """Everything under a path that a person named. ``ignore(relative path, is directory)`` leaves things out."""
    try:
        mode = os.stat(named).st_mode
    except OSError as error:
        yield SourceError(named, "", f"cannot be read: {error.strerror}", unreadable=True)
        return
    if stat.S_ISDIR(mode):
        yield from _walk_directory(named, "", ignore)
    else:
        yield InputFile(named, "", named=True)


def _walk_directory(root: str, relative: str, ignore: Ignore) -> Iterator[Entry]:
    directory = os.path.join(root, relative) if relative else root
    try:
        with os.scandir(directory) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        yield SourceError(directory, "", f"the directory cannot be read: {error.strerror}", unreadable=True)
        return
    unit = next((_UNITS[entry.name] for entry in entries if entry.name in _UNITS), None)
    if unit is not None:
        yield Unrendered(directory, unit)
        return
    for entry in entries:
        path = f"{relative}/{entry.name}" if relative else entry.name
        yield from _entry(root, path, entry, ignore)


def _entry(root: str, path: str, entry: os.DirEntry[str], ignore: Ignore) -> Iterator[Entry]:
    shown = os.path.join(root, path)
    if entry.is_dir(follow_symlinks=False):
        if entry.name in _ALWAYS_SKIPPED or ignore(path, True):
            yield Skipped(shown, "ignored")
        else:
            yield from _walk_directory(root, path, ignore)
    elif not entry.name.endswith(SUFFIXES):
        yield Skipped(shown, "another file type")
    elif ignore(path, False):
        yield Skipped(shown, "ignored")
    elif entry.is_symlink():
        yield from _link(root, path, shown)
    elif not entry.is_file(follow_symlinks=False):
        yield Skipped(shown, "not a regular file")
    else:
        yield InputFile(shown, os.path.dirname(path))


def _link(root: str, path: str, shown: str) -> Iterator[Entry]:
    """A link to a file inside the folder is met there; one that leads out, or in a circle, is skipped."""
    try:
        target = os.path.realpath(shown, strict=True)
    except OSError:
        yield Skipped(shown, "a link that leads nowhere or in a circle")
        return
    if target.startswith(os.path.join(os.path.realpath(root), "")):
        yield Skipped(shown, "a link to another file of the scan")
    elif os.path.isfile(target):
        yield InputFile(shown, os.path.dirname(path))
    else:
        yield Skipped(shown, "a link to a folder or special file")
