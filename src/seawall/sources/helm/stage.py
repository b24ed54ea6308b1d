"""A chart's files, copied to a folder of our own: bounded, links checked, packed subcharts unpacked.

Helm reads links wherever they lead and packed charts as they are. From the copy it can read nothing else, templates
can be marked, and every file of it is known by the name that people see.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from seawall.sources.archive import ArchiveError, Limits, members, write

#: Helm's own bounds: a chart of 100 MiB, files of 5 MiB.
LIMITS = Limits(total=100 << 20, file=5 << 20, entries=20_000)
_PACKED = (".tgz", ".tar.gz")
_MAX_DEPTH = 32
_SKIPPED = frozenset((".git",))


class ChartError(Exception):
    """A chart that cannot be used. ``file`` is where, as people see it, ``where`` the place in it (may be empty)."""

    def __init__(self, file: str, message: str, where: str = "") -> None:
        super().__init__(message)
        self.file, self.message, self.where = file, message, where


class Staged(Struct, frozen=True):
    """A chart in a folder of our own. ``shown`` has, for each path in it, the name that people see."""

    folder: Path
    name: str
    shown: dict[str, str]

    def text(self, path: str) -> str:
        """A file of the chart as text; empty where there is none."""
        try:
            return (self.folder / path).read_text(encoding="utf-8-sig", errors="replace")
        except OSError:
            return ""

    def templates(self) -> list[str]:
        """Everything that Helm renders, of subcharts too."""
        return [path for path in self.shown if path.startswith("templates/") or "/templates/" in path]


class _Budget:
    def __init__(self) -> None:
        self.files, self.bytes = LIMITS.entries, LIMITS.total

    def spend(self, shown: str, size: int) -> None:
        self.files -= 1
        self.bytes -= size
        if size > LIMITS.file:
            raise ChartError(shown, f"a chart's file larger than {LIMITS.file >> 20} MiB; Helm refuses it too")
        if self.files < 0 or self.bytes < 0:
            raise ChartError(shown, f"the chart has more than {LIMITS.entries} files or {LIMITS.total >> 20} MiB")


def stage_folder(chart: str, shown: str, root: str, target: Path) -> Staged:
    """Copy the chart in a folder. ``root`` is what was named: links may lead within it, and not out of it.

    Raises:
        ChartError: a file cannot be read, a link leads out, or a bound is exceeded.
    """
    budget, names = _Budget(), dict[str, str]()
    boundary = os.path.join(os.path.realpath(root), "")
    for relative, path in _files(chart, shown, boundary):
        try:
            with open(path, "rb") as file:
                data = file.read(LIMITS.file + 1)
        except OSError as error:
            raise ChartError(os.path.join(shown, relative), f"cannot be read: {error.strerror}") from error
        _put(target, relative, os.path.join(shown, relative), data, names, budget, 0)
    return _staged(target, shown, names)


def stage_archive(data: bytes, shown: str, target: Path) -> Staged:
    """Unpack a packaged chart: the files below its single folder.

    Raises:
        ChartError: as for :func:`stage_folder`, or it is no packaged chart.
    """
    names: dict[str, str] = {}
    try:
        top = _unpack(data, shown, "", target, names, _Budget(), 0)
    except ArchiveError as error:
        raise ChartError(shown, str(error)) from error
    if top is None:
        raise ChartError(shown, "is no packaged chart: it has no folder with a Chart.yaml")
    return _staged(target, shown, names)


def _staged(target: Path, shown: str, names: dict[str, str]) -> Staged:
    from seawall.sources.manifests.yamltext import SyntaxProblem, parse_documents

    where = names.get("Chart.yaml", shown)
    try:
        text = (target / "Chart.yaml").read_text(encoding="utf-8-sig")
        documents = parse_documents(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ChartError(where, "cannot be read as UTF-8 text") from error
    except SyntaxProblem as problem:
        raise ChartError(where, problem.message, f"{problem.line}:{problem.column}") from problem
    head = documents[0].value if documents else None
    name = head.get("name") if isinstance(head, dict) else None
    if not isinstance(name, str) or not name or "/" in name:
        raise ChartError(where, "the chart has no name: add `name: ...`")
    return Staged(target, name, names)


def _files(chart: str, shown: str, boundary: str) -> Iterator[tuple[str, str]]:
    """Every file of a chart folder, by its relative path and its real one; folders behind links too."""
    pending = [("", chart, 0)]
    while pending:
        relative, folder, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise ChartError(os.path.join(shown, relative), f"folders deeper than {_MAX_DEPTH}, or a circle of links")
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            raise ChartError(os.path.join(shown, relative), f"cannot be read: {error.strerror}") from error
        for entry in entries:
            path = f"{relative}/{entry.name}" if relative else entry.name
            if entry.name in _SKIPPED:
                continue
            real = _follow(entry, os.path.join(shown, path), boundary)
            mode = os.stat(real).st_mode
            if stat.S_ISDIR(mode):
                pending.append((path, real, depth + 1))
            elif stat.S_ISREG(mode):
                yield path, real


def _follow(entry: os.DirEntry[str], shown: str, boundary: str) -> str:
    if not entry.is_symlink():
        return entry.path
    try:
        real = os.path.realpath(entry.path, strict=True)
    except OSError as error:
        raise ChartError(shown, "a link that leads nowhere or in a circle") from error
    if not os.path.join(real, "").startswith(boundary):
        raise ChartError(shown, "a link that leads out of what was named; name a folder that holds its target too")
    return real


def _put(
    target: Path, relative: str, shown: str, data: bytes, names: dict[str, str], budget: _Budget, depth: int
) -> None:
    budget.spend(shown, len(data))
    parent = os.path.dirname(relative)
    if relative.endswith(_PACKED) and os.path.basename(parent) == "charts":
        try:
            if _unpack(data, shown, f"{parent}/", target, names, budget, depth + 1) is not None:
                return
        except ArchiveError as error:
            raise ChartError(shown, str(error)) from error
    try:
        write(target, relative, data)
    except ArchiveError as error:
        raise ChartError(shown, str(error)) from error
    names[relative] = shown


def _unpack(
    data: bytes, shown: str, prefix: str, target: Path, names: dict[str, str], budget: _Budget, depth: int
) -> str | None:
    """Unpack a packaged chart below ``prefix``; returns its top folder, or None where it holds no chart.

    The outermost chart's own folder is dropped; that of a subchart is its name below ``charts/``.
    """
    if depth > _MAX_DEPTH:
        raise ChartError(shown, f"charts packed in charts, deeper than {_MAX_DEPTH}")
    found = list(members(io.BytesIO(data), LIMITS))
    tops = {member.name.split("/", 1)[0] for member in found}
    tops = {top for top in tops if any(member.name == f"{top}/Chart.yaml" for member in found)}
    if len(tops) != 1:
        return None
    top = tops.pop()
    if prefix and (target / prefix / top).exists():
        return None
    for member in found:
        if member.name.startswith(f"{top}/"):
            inner = member.name[len(top) + 1 :]
            relative = f"{prefix}{top}/{inner}" if prefix else inner
            _put(target, relative, f"{shown}/{member.name}", member.data, names, budget, depth)
    return top


def copy(staged: Staged, target: Path) -> None:
    """A second copy of a staged chart."""
    shutil.copytree(staged.folder, target, dirs_exist_ok=True)
