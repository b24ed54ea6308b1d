"""From a field of a built object to the patch, kustomization or manifest that sets it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from seawall.model.finding import Location, RenderedEvidence
from seawall.model.paths import Path, format_path, lookup
from seawall.model.rendered import Trace
from seawall.sources.kustomize.graph import Closure, Kustomization, text_at
from seawall.sources.manifests.text import decode
from seawall.sources.manifests.yamltext import Document, SyntaxProblem, parse_documents, place_in

_NAMING = ("name", "mountPath", "containerPort", "port", "key", "topologyKey")
_MAX_BYTES = 16 << 20


class Source(Struct, frozen=True):
    """A document of a file, or of a block of text in one, ``line`` lines down and ``column`` columns to the right."""

    shown: str
    line: int
    column: int
    document: Document

    def place(self, path: Path, name: Path) -> Location:
        """Where a field of the document stands; ``name`` is its path in the built object."""
        line, column = place_in(self.document.marks, path)
        return Location(self.shown, self.line + line + 1, self.column + column + 1, format_path(name))


def read_source(real: str, shown: str) -> list[Source]:
    """The documents of a manifest or patch; none where it cannot be read (Kustomize told of it)."""
    try:
        with open(real, "rb") as file:
            text = decode(file.read(_MAX_BYTES))
    except (OSError, SyntaxProblem):
        return []
    return _sources(text, shown, (0, 0))


def _sources(text: str, shown: str, start: tuple[int, int]) -> list[Source]:
    try:
        return [Source(shown, *start, document) for document in parse_documents(text) if document.value is not None]
    except SyntaxProblem:
        return []


class Patch(Struct, frozen=True):
    """A patch that a kustomization applies: its document and whom it is for."""

    source: Source
    target: dict[str, Any]


class OverlayFiles:
    """What the tracers of one overlay share: its kustomizations, and their files, read once each."""

    def __init__(self, unit: str, parts: Closure) -> None:
        self.unit = unit
        self.parts = parts
        self._sources: dict[str, list[Source]] = {}
        self._patches: dict[str, list[Patch]] = {}

    def shown(self, real: str) -> str:
        """The name that people see of a file; the shortest way from a kustomization of the overlay."""
        names = [
            os.path.normpath(os.path.join(part.shown_folder, os.path.relpath(real, os.path.realpath(part.folder))))
            for part in self.parts.parts
        ]
        return min(names, key=lambda name: (name.count("../"), len(name)))

    def explains(self, name: str, built: str) -> bool:
        """Whether a name becomes the built one by nothing but the prefixes and suffixes of the kustomizations."""
        before, _, after = built.partition(name)
        for part in self.parts.parts:
            before = before.removeprefix(text_at(part.value, "namePrefix"))
            after = after.removesuffix(text_at(part.value, "nameSuffix"))
        return not before and not after

    def sources(self, real: str) -> list[Source]:
        """The documents of a file."""
        if real not in self._sources:
            self._sources[real] = read_source(real, self.shown(real)) if real else []
        return self._sources[real]

    def patches(self, part: Kustomization) -> list[Patch]:
        """The patches of a kustomization, in the order in which they count: the last one first."""
        if part.folder not in self._patches:
            self._patches[part.folder] = list(self._read_patches(part))[::-1]
        return self._patches[part.folder]

    def _read_patches(self, part: Kustomization) -> Iterator[Patch]:
        for field in ("patchesStrategicMerge", "patchesJson6902", "patches"):
            items = part.value.get(field)
            for index, item in enumerate(items if isinstance(items, list) else ()):
                entry = item if isinstance(item, dict) else {"path" if _is_file(part, item) else "patch": item}
                target = entry.get("target")
                inline = text_at(entry, "patch")
                if inline:
                    at = (field, index, "patch") if isinstance(item, dict) else (field, index)
                    found = _sources(inline, part.shown, _block_start(part, at, inline))
                else:
                    path = os.path.realpath(os.path.join(part.folder, text_at(entry, "path")))
                    found = self.sources(path) if os.path.isfile(path) else []
                for source in found:
                    yield Patch(source, target if isinstance(target, dict) else {})


def _is_file(part: Kustomization, item: Any) -> bool:
    return isinstance(item, str) and "\n" not in item and os.path.isfile(os.path.join(part.folder, item))


def _block_start(part: Kustomization, path: Path, block: str) -> tuple[int, int]:
    """The line and column, from 0, at which a block of text in a kustomization begins: its own first line tells."""
    line = part.place(path)[0] - 1
    skipped, first = next(((n, text) for n, text in enumerate(block.splitlines()) if text.strip()), (0, ""))
    for number, text in enumerate(part.text.splitlines()[line : line + 4]):
        if text.strip() == first.strip():
            return line + number - skipped, len(text) - len(text.lstrip()) - (len(first) - len(first.lstrip()))
    return line, 0


class OverlayTracer(Struct):
    """Leads from a built object to its sources. ``own`` is the document that it came from, if one was found."""

    file: str
    files: OverlayFiles
    kind: str
    name: str
    own: Source | None
    generator: Kustomization | None

    def trace(self, path: Path, place: Location, raw: dict[str, Any]) -> Trace:
        """The patch or field of a kustomization that sets the field last, else its place in the manifest."""
        for part in self.files.parts.parts:
            found = self._set_by(part, path, raw)
            if found is not None:
                return self._told(found[0], not found[1])
        if self.generator is not None:
            return self._told(_generated(self.generator, self.name, path), False)
        if self.own is None:
            return self._told(Location(self.file, 1, 1, format_path(path)), True)
        mapped = _mapped(path, raw, self.own.document.value)
        same = len(mapped) == len(path) or lookup(raw, path) is None
        return self._told(self.own.place(mapped, path), not same)

    def _told(self, location: Location, likely: bool) -> Trace:
        return Trace((location,), RenderedEvidence("kustomize", self.files.unit, likely))

    def _set_by(self, part: Kustomization, path: Path, raw: dict[str, Any]) -> tuple[Location, bool] | None:
        """Where a kustomization sets a field, and whether that is certain."""
        value = lookup(raw, path)
        if value is None or not path:
            return None
        for patch in self.files.patches(part):
            fit = self._fits(patch)
            inner = _patched(patch.source.document.value, path, raw, value) if fit else None
            if inner is not None:
                return patch.source.place(inner, path), fit == "sure"
        if path == ("metadata", "namespace") and part.value.get("namespace") == value:
            return _location(part, ("namespace",), path), True
        if path[-1] == "image" and isinstance(value, str):
            return _image(part, path, value)
        return None

    def _fits(self, patch: Patch) -> str:
        """Whether a patch is for this object: ``sure``, ``maybe``, or empty."""
        if patch.target:
            kind, name = text_at(patch.target, "kind"), text_at(patch.target, "name")
            if not (_matches(kind, self.kind) and (_matches(name, self.name) or _named(name, self.name))):
                return ""
            vague = "labelSelector" in patch.target or "annotationSelector" in patch.target
            return "maybe" if vague else "sure"
        value = patch.source.document.value
        if text_at(value, "kind") != self.kind:
            return ""
        name = text_at(value, "metadata", "name")
        if not _named(name, self.name):
            return ""
        return "sure" if self.files.explains(name, self.name) else "maybe"


def _matches(pattern: str, text: str) -> bool:
    """As Kustomize's selectors: an anchored pattern; only plain ones are tried, others fit."""
    if not pattern or pattern == text:
        return True
    plain = re.escape(pattern).replace(r"\.\*", ".*").replace(r"\|", "|").replace(r"\.", ".")
    return re.fullmatch(plain, text) is not None


def _named(name: str, built: str) -> bool:
    """Whether a built name can come from a name, by prefixes and suffixes."""
    return bool(name) and name in built


def _patched(patch: Any, path: Path, raw: dict[str, Any], value: Any) -> Path | None:
    """The path in a patch that sets a field to its value; None where the patch does not."""
    if isinstance(patch, list):
        return _patched_by_operation(patch, path, value)
    mapped = _mapped(path, raw, patch)
    if len(mapped) < len(path):
        return None
    return mapped if isinstance(value, dict | list) or lookup(patch, mapped) == value else None


def _patched_by_operation(operations: list[Any], path: Path, value: Any) -> Path | None:
    for index in range(len(operations) - 1, -1, -1):
        operation = operations[index]
        if text_at(operation, "op") not in ("add", "replace"):
            continue
        steps = [step.replace("~1", "/").replace("~0", "~") for step in text_at(operation, "path").split("/")[1:]]
        if not steps or len(steps) > len(path):
            continue
        if not all(step in (str(own), "-") for step, own in zip(steps, path, strict=False)):
            continue
        rest = path[len(steps) :]
        set_to = lookup(operation.get("value"), rest) if rest else operation.get("value")
        if set_to == value:
            return (index, "value", *rest) if isinstance(operation.get("value"), dict | list) else (index, "path")
    return None


def _mapped(path: Path, raw: dict[str, Any], other: Any) -> Path:
    """A path of the built object as a path of another document, items of lists by their names; as far as it goes."""
    out: list[str | int] = []
    here: Any = raw
    for step in path:
        if isinstance(step, int):
            item = lookup(here, (step,))
            index = _same_item(item, step, other)
            if index is None:
                break
            out.append(index)
            here, other = item, other[index]
        else:
            if not isinstance(other, dict) or step not in other:
                break
            out.append(step)
            here, other = lookup(here, (step,)), other[step]
    return tuple(out)


def _same_item(item: Any, index: int, items: Any) -> int | None:
    if not isinstance(items, list):
        return None
    if isinstance(item, dict):
        key = next((key for key in _NAMING if key in item), None)
        if key is not None:
            return next((n for n, other in enumerate(items) if lookup(other, (key,)) == item[key]), None)
    if item in items:
        return items.index(item)
    return index if index < len(items) else None


def _image(part: Kustomization, path: Path, value: str) -> tuple[Location, bool] | None:
    images = part.value.get("images")
    for index, entry in enumerate(images if isinstance(images, list) else ()):
        name = text_at(entry, "newName") or text_at(entry, "name")
        if name and re.match(rf"{re.escape(name)}(?=[:@]|\Z)", value):
            field = next((key for key in ("digest", "newTag", "newName") if lookup(entry, (key,))), "name")
            return _location(part, ("images", index, field), path), True
    return None


def _generated(part: Kustomization, name: str, path: Path) -> Location:
    """Where a generator makes a ConfigMap or Secret, or one entry of it."""
    for field in ("secretGenerator", "configMapGenerator"):
        items = part.value.get(field)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if not _named(text_at(item, "name"), name):
                continue
            literals = lookup(item, ("literals",))
            for number, literal in enumerate(literals if isinstance(literals, list) and len(path) > 1 else ()):
                if isinstance(literal, str) and literal.startswith(f"{path[-1]}="):
                    return _location(part, (field, index, "literals", number), path)
            return _location(part, (field, index), path)
    return Location(part.shown, 1, 1, format_path(path))


def _location(part: Kustomization, at: Path, path: Path) -> Location:
    line, column = part.place(at)
    return Location(part.shown, line, column, format_path(path))
