"""What kustomizations say: the bases they include, the files they use, and what they would fetch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from seawall.model.paths import Path, lookup
from seawall.sources.manifests.text import decode
from seawall.sources.manifests.yamltext import Document, SyntaxProblem, parse_documents, place_in

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_INCLUDING = ("resources", "bases", "components")
_MAX_BYTES = 4 << 20
_MAX_STRINGS = 20_000
_MAX_DEPTH = 64
_REMOTE = ("://", "git@", "git::", "github.com/", "gitlab.com/", "bitbucket.org/", "?ref=", "?version=", "//")


class KustomizeError(Exception):
    """An overlay that cannot be built. ``file`` is where, as people see it, ``where`` the place in it."""

    def __init__(self, file: str, message: str, where: str = "") -> None:
        super().__init__(message)
        self.file, self.message, self.where = file, message, where


class Kustomization(Struct, frozen=True):
    """A kustomization file: its folder, the same as people see it, its name, its text and what it says."""

    folder: str
    shown_folder: str
    name: str
    text: str
    document: Document

    @property
    def value(self) -> dict[str, Any]:
        """What it says."""
        found: dict[str, Any] = self.document.value
        return found

    @property
    def shown(self) -> str:
        """The file as people see it."""
        return os.path.join(self.shown_folder, self.name)

    @property
    def is_flux(self) -> bool:
        """Whether the file holds an object of Flux's of the same kind: a manifest like any other."""
        return "toolkit.fluxcd.io" in text_at(self.value, "apiVersion")

    @property
    def is_component(self) -> bool:
        """Whether it can be built only as part of another."""
        return self.value.get("kind") == "Component"

    def place(self, path: Path) -> tuple[int, int]:
        """Line and column, from 1, of a field."""
        line, column = place_in(self.document.marks, path)
        return line + 1, column + 1

    def entries(self) -> Iterator[tuple[Path, str]]:
        """What it includes: manifests and other kustomizations, with the field that names them."""
        for field in _INCLUDING:
            items = self.value.get(field)
            for index, item in enumerate(items if isinstance(items, list) else ()):
                if isinstance(item, str):
                    yield (field, index), item

    def mentioned(self) -> Iterator[str]:
        """Real paths of all files that it names anywhere, as a file or as ``key=file``."""
        left = _MAX_STRINGS
        pending: list[Any] = [self.value]
        while pending and left:
            value = pending.pop()
            if isinstance(value, dict):
                pending += value.values()
            elif isinstance(value, list):
                pending += value
            elif isinstance(value, str) and "\n" not in value and "\0" not in value:
                left -= 1
                for name in {value, value.rpartition("=")[2]}:
                    path = os.path.join(self.folder, name)
                    if name and os.path.isfile(path):
                        yield os.path.realpath(path)


def read_kustomization(folder: str, shown_folder: str) -> Kustomization:
    """Read the kustomization of a folder.

    Raises:
        KustomizeError: there is none, or it cannot be read.
    """
    name = next((name for name in NAMES if os.path.isfile(os.path.join(folder, name))), None)
    if name is None:
        raise KustomizeError(shown_folder, f"has none of {', '.join(NAMES)}")
    shown = os.path.join(shown_folder, name)
    try:
        with open(os.path.join(folder, name), "rb") as file:
            text = decode(file.read(_MAX_BYTES))
        documents = [each for each in parse_documents(text) if each.value is not None]
    except OSError as error:
        raise KustomizeError(shown, f"cannot be read: {error.strerror}") from error
    except SyntaxProblem as problem:
        raise KustomizeError(shown, problem.message, f"{problem.line}:{problem.column}") from problem
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        raise KustomizeError(shown, "a kustomization must be one mapping")
    return Kustomization(folder, shown_folder, name, text, documents[0])


class Closure(Struct, frozen=True):
    """A kustomization with all that it includes, outermost first."""

    parts: list[Kustomization]

    @property
    def files(self) -> set[str]:
        """The real paths of all files that they name, themselves included."""
        own = {os.path.realpath(os.path.join(part.folder, part.name)) for part in self.parts}
        return own.union(*(part.mentioned() for part in self.parts))


def closure(top: Kustomization, *, allow_remote: bool, boundary: str | None) -> Closure:
    """Follow a kustomization's bases and components.

    ``boundary`` is a folder that they must lie in (for what was unpacked), or None.

    Raises:
        KustomizeError: one cannot be read, would be fetched without ``allow_remote``, or lies outside.
    """
    found: dict[str, Kustomization] = {os.path.realpath(top.folder): top}
    pending = [top]
    while pending:
        part = pending.pop(0)
        for path, entry in part.entries():
            target = os.path.join(part.folder, entry)
            if not os.path.exists(target):
                _absent(part, path, entry, allow_remote)
                continue
            if not os.path.isdir(target):
                continue
            real = os.path.realpath(target)
            if boundary is not None and not f"{real}/".startswith(f"{boundary}/"):
                raise KustomizeError(part.shown, f"{entry!r} leads out of what is scanned", _where(part, path))
            if real not in found:
                below = read_kustomization(real, os.path.normpath(os.path.join(part.shown_folder, entry)))
                found[real] = below
                pending.append(below)
        if len(found) > _MAX_DEPTH * 16:
            raise KustomizeError(top.shown, "includes too many other kustomizations")
    return Closure(list(found.values()))


def _absent(part: Kustomization, path: Path, entry: str, allow_remote: bool) -> None:
    remote = any(sign in entry for sign in _REMOTE)
    if remote and allow_remote:
        return
    if remote:
        message = f"{entry!r} is remote; give --allow-remote to have it fetched, or vendor it"
    else:
        message = f"{entry!r} does not exist"
    raise KustomizeError(part.shown, message, _where(part, path))


def _where(part: Kustomization, path: Path) -> str:
    line, column = part.place(path)
    return f"{line}:{column}"


def text_at(value: Any, *path: str | int) -> str:
    """The text at a path of plain values; empty where there is none."""
    found = lookup(value, path)
    return found if isinstance(found, str) else ""
