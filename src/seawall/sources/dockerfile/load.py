"""Build files to resources."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import structs

from seawall.model.finding import Location, ResourceRef, SourceError
from seawall.model.kube.base import ObjectMeta
from seawall.model.kube.buildfile import BuildContext, BuildFile, BuildFileSpec
from seawall.model.kube.kinds import find_kind
from seawall.model.paths import Path, format_path
from seawall.model.resource import Resource
from seawall.sources.dockerfile.comments import suppressions
from seawall.sources.dockerfile.context import build_context
from seawall.sources.dockerfile.lines import BuildFileProblem, read_lines
from seawall.sources.dockerfile.names import is_usual_name
from seawall.sources.dockerfile.reading import build_spec
from seawall.sources.made import API_VERSION
from seawall.sources.manifests.objects import Loaded
from seawall.sources.manifests.walk import InputFile, Skipped

KIND = "Dockerfile"
#: Larger build files are refused; the largest in public repositories are well under 200 KiB.
MAX_BYTES = 1 << 20
NO_BUILD_FILE = "named like a build file, and has no FROM"
_TEMPLATE = "a template of a build file"


class BuildFileOrigin(msgspec.Struct):
    """Where a build file comes from; the places of its parts are in its view."""

    file: str
    unit: str
    view: BuildFile

    def read(self) -> dict[str, Any]:
        """The build file as an object."""
        found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.view))
        return {"apiVersion": API_VERSION, "kind": KIND, **found}

    def locate(self, paths: Sequence[Path]) -> list[Location]:
        """Where parts of instructions stand."""
        return [Location(self.file, *_place(self.view.spec, path), format_path(path)) for path in paths]


def _place(spec: BuildFileSpec, path: Path) -> tuple[int, int]:
    """The line and column of the innermost part on a path that has one."""
    line, column = 1, 1
    at: Any = spec
    for step in path[1:]:
        if isinstance(step, int):
            if not isinstance(at, tuple) or step >= len(at):
                break
            at = at[step]
        else:
            at = getattr(at, step, None)
        if getattr(at, "line", 0):
            line, column = at.line, getattr(at, "column", 1)
    return line, column


def load_build_file(file: InputFile, data: bytes, context: BuildContext | None = None) -> Iterator[Loaded]:
    """The resource of a build file's bytes. ``context`` stands for what would be looked up in its folder."""
    name = os.path.basename(file.path)
    try:
        lines = read_lines(_text(data))
        spec = build_spec(lines)
    except BuildFileProblem as problem:
        yield SourceError(file.path, f"{problem.line}:1" if problem.line else "", str(problem), unreadable=True)
        return
    if not spec.stages:
        if any("{{" in each.text or "<%" in each.text for each in lines.logical):
            yield Skipped(file.path, _TEMPLATE)
        elif lines.logical and (file.named or is_usual_name(name)):
            place = f"{lines.logical[0].line}:1"
            yield SourceError(file.path, place, "is no build file: it has no FROM", unreadable=True)
        else:
            yield Skipped(file.path, NO_BUILD_FILE if lines.logical else "empty")
        return
    spec = structs.replace(spec, context=build_context(file) if context is None else context)
    shown = f"{file.unit}/{name}" if file.unit else name
    view = BuildFile(ObjectMeta(name=shown), spec)
    origin = BuildFileOrigin(file.path, file.unit, view)
    ref = ResourceRef(API_VERSION, KIND, shown)
    waived = suppressions(lines.comments, file.path, len(spec.instructions))
    kind = find_kind(API_VERSION, KIND)
    yield Resource(ref, uid="", kind=kind, view=view, origin=origin, suppressions=waived)
    yield from (SourceError(file.path, f"{line}:1", message) for line, message in lines.problems)


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise BuildFileProblem(f"larger than {MAX_BYTES >> 20} MiB: no build file")
    if b"\0" in data:
        raise BuildFileProblem("holds zero bytes: no build file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # BuildKit takes bytes as they are; what tools wrote before UTF-8 is in comments and labels.
        return data.decode("latin-1")
