"""Finding the files of a scan: directories walked, links and special files skipped, chart and overlay folders told."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from msgspec import Struct

from seawall.model.finding import SourceError
from seawall.sources.dockerfile.names import is_build_file

SUFFIXES = (".yaml", ".yml", ".json")
CHART = "Helm chart"
OVERLAY = "Kustomize overlay"
_UNITS = {"Chart.yaml": CHART, "kustomization.yaml": OVERLAY, "kustomization.yml": OVERLAY, "Kustomization": OVERLAY}
#: Folders of a chart whose files Helm renders or installs, its subcharts among them.
_RENDERED = frozenset(("templates", "charts", "crds"))
#: Git's own store; other hidden folders are walked.
_ALWAYS_SKIPPED = frozenset((".git",))


class InputFile(Struct, frozen=True):
    """A file to read: its path as shown, and its directory relative to what was named.

    ``real`` is where its bytes lie, if not at the path shown (an unpacked archive, a Git revision).
    """

    path: str
    unit: str
    named: bool = False
    real: str = ""

    @property
    def at(self) -> str:
        """Where its bytes lie."""
        return self.real or self.path


class Skipped(Struct, frozen=True):
    """A file that a walk passed over, and why."""

    path: str
    reason: str


class Unrendered(Struct, frozen=True):
    """A folder that has to be rendered before it can be judged: its path as shown, what it is, its unit as of a file.

    ``real`` is where it lies.
    """

    path: str
    what: str
    unit: str = ""
    real: str = ""


Entry = InputFile | Skipped | Unrendered | SourceError
Ignore = Callable[[str, bool], bool]


class _Tree(Struct, frozen=True):
    """A folder that was named: where it lies, and how paths in it begin that people see."""

    real: str
    shown: str
    ignore: Ignore

    def entry(self, path: str) -> tuple[str, str]:
        """The real path and the one shown."""
        return os.path.join(self.real, path) if path else self.real, (
            os.path.join(self.shown, path) if path else self.shown
        )


def walk(named: str, ignore: Ignore, shown: str | None = None) -> Iterator[Entry]:
    """Everything under a path that a person named. ``ignore(relative path, is directory)`` leaves things out.

    ``shown`` is what people see instead of the path, for folders of ours that stand for something else.
    """
    try:
        mode = os.stat(named).st_mode
    except OSError as error:
        yield SourceError(shown or named, "", f"cannot be read: {error.strerror}", unreadable=True)
        return
    except ValueError:  # a name out of a file can hold one
        yield SourceError(shown or named, "", "cannot be read: the name holds a NUL character", unreadable=True)
        return
    if stat.S_ISDIR(mode):
        yield from _walk_directory(_Tree(named, named if shown is None else shown, ignore), "")
    else:
        yield InputFile(named if shown is None else shown, "", named=True, real="" if shown is None else named)


def _walk_directory(tree: _Tree, relative: str) -> Iterator[Entry]:
    directory, shown = tree.entry(relative)
    try:
        with os.scandir(directory) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        yield SourceError(shown, "", f"the directory cannot be read: {error.strerror}", unreadable=True)
        return
    units = {_UNITS[entry.name] for entry in entries if entry.name in _UNITS}
    for what in sorted(units):
        yield Unrendered(shown, what, relative, directory)
    # A folder with an overlay can hold others, and files of no overlay. Of a chart's own, Helm renders what it renders.
    for entry in entries:
        path = f"{relative}/{entry.name}" if relative else entry.name
        if CHART not in units:
            yield from _entry(tree, path, entry)
        elif entry.name not in _RENDERED and (entry.is_dir(follow_symlinks=False) or is_build_file(entry.name)):
            yield from map(_in_chart, _entry(tree, path, entry))


def _in_chart(entry: Entry) -> Entry:
    """What lies in other folders of a chart: further charts and overlays (examples, tests), and files for templates."""
    if isinstance(entry, InputFile) and not is_build_file(os.path.basename(entry.path)):
        return Skipped(entry.path, "a file in a Helm chart")
    return entry


def _entry(tree: _Tree, path: str, entry: os.DirEntry[str]) -> Iterator[Entry]:
    real, shown = tree.entry(path)
    if entry.is_dir(follow_symlinks=False):
        if entry.name in _ALWAYS_SKIPPED or tree.ignore(path, True):
            yield Skipped(shown, "ignored")
        else:
            yield from _walk_directory(tree, path)
    elif not entry.name.endswith(SUFFIXES) and not is_build_file(entry.name):
        yield Skipped(shown, "another file type")
    elif tree.ignore(path, False):
        yield Skipped(shown, "ignored")
    elif entry.is_symlink():
        yield from _link(tree, path)
    elif not entry.is_file(follow_symlinks=False):
        yield Skipped(shown, "not a regular file")
    else:
        yield InputFile(shown, os.path.dirname(path), real="" if real == shown else real)


def _link(tree: _Tree, path: str) -> Iterator[Entry]:
    """A link to a file inside the folder is met there; one that leads out, or in a circle, is skipped."""
    real, shown = tree.entry(path)
    try:
        target = os.path.realpath(real, strict=True)
    except OSError:
        yield Skipped(shown, "a link that leads nowhere or in a circle")
        return
    if target.startswith(os.path.join(os.path.realpath(tree.real), "")):
        yield Skipped(shown, "a link to another file of the scan")
    elif os.path.isfile(target) and real == shown:
        yield InputFile(shown, os.path.dirname(path))
    else:
        yield Skipped(shown, "a link to a folder or special file")
