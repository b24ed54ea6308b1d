"""Telling what is in images: a summary for people, JSON (``seawall.image/v1``), and bills of materials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from seawall import __version__
from seawall.engine.imageshown import shown
from seawall.model.images import Executable, ImageInventory, Package
from seawall.reports.excerpt import printable

if TYPE_CHECKING:
    from seawall.engine.images import ImagesResult

SCHEMA = "seawall.image/v1"
_BOLD, _DIM, _RED = "1", "2", "31"
_MOST_LAYERS, _MOST_PROGRAMS = 40, 15
_SETUID, _SETGID, _ANYONE_WRITES = 0o4000, 0o2000, 0o002


def json(result: ImagesResult) -> Iterator[bytes]:
    """The document, an image at a time; its schema lies in ``schemas/image.v1.json``."""
    encode = msgspec.json.Encoder().encode
    head = {
        "schema": SCHEMA,
        "tool": {"name": "seawall", "version": __version__},
        "summary": {"complete": result.complete, "images": len(result.images), "errors": len(result.errors)},
    }
    yield encode(head)[:-1] + b',"images":['
    for number, image in enumerate(result.images):
        yield (b"," if number else b"") + encode(_image(shown(image)))
    errors = [{"source": e.source, "where": e.where, "message": e.message} for e in result.errors]
    yield b'],"errors":' + encode(errors) + b"}\n"


def _image(image: ImageInventory) -> dict[str, Any]:
    config = image.config
    return {
        "reference": image.reference,
        "kind": image.kind,
        "digest": image.digest or None,
        "indexDigest": image.index_digest or None,
        "platform": str(image.platform) if image.platform else None,
        "os": _fields(image.os) if image.os is not None else None,
        "base": _fields(image.base) if image.base is not None else None,
        "config": None if config is None else _fields(config) | {"history": [_fields(step) for step in config.history]},
        "layers": [_fields(layer) for layer in image.layers],
        "packages": [_package(package) for package in image.packages],
        "executables": [_fields(program) | {"mode": f"{program.mode:04o}"} for program in image.executables],
        "notLooked": [_fields(problem) for problem in image.not_looked],
    }


def _package(package: Package) -> dict[str, Any]:
    fields = _fields(package)
    del fields["files"]  # a bill of materials lists them
    return fields


def _fields(struct: msgspec.Struct) -> dict[str, Any]:
    """A struct's fields by their names in camel case."""
    return {_camel(name): getattr(struct, name) for name in struct.__struct_fields__}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def sbom(form: str, image: ImageInventory) -> bytes:
    """A bill of materials, ``cyclonedx`` or ``spdx``."""
    if form == "cyclonedx":
        from seawall.reports import cyclonedx

        return cyclonedx.render(shown(image))
    from seawall.reports import spdx

    return spdx.render(shown(image))


def terminal(result: ImagesResult, colour: bool, width: int) -> Iterator[bytes]:
    """A summary of each image."""
    for number, image in enumerate(result.images):
        lines = _Summary(shown(image), colour, width).lines()
        yield ("\n" if number else "").encode() + "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


class _Summary:
    def __init__(self, image: ImageInventory, colour: bool, width: int) -> None:
        self._image = image
        self._colour = colour
        self._width = width

    def lines(self) -> Iterator[str]:
        image = self._image
        yield self._paint(printable(image.reference), _BOLD)
        yield from self._rows(self._identity())
        yield from self._rows(self._config())
        yield from self._packages()
        yield from self._layers()
        yield from self._programs()
        if image.not_looked:
            places = len(image.not_looked)
            yield self._paint(f"  not looked into: {places} place{'s' if places > 1 else ''}, see below", _RED)

    def _paint(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colour else text

    def _rows(self, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
        for name, value in rows:
            if value:
                yield f"  {name:<12}{self._cut(printable(value), 14)}"

    def _cut(self, text: str, indent: int) -> str:
        room = max(self._width - indent, 20)
        return text if len(text) <= room else f"{text[: room - 3]}..."

    def _identity(self) -> Iterator[tuple[str, str]]:
        image = self._image
        yield "digest", image.digest
        yield "platform", str(image.platform or "")
        if image.os is not None:
            yield "system", image.os.name or f"{image.os.id} {image.os.version_id}"
        else:
            yield "system", "none found"
        if image.base is not None:
            yield "base", f"{image.base.name}, {image.base.layers} layers ({image.base.evidence})"

    def _config(self) -> Iterator[tuple[str, str]]:
        config = self._image.config
        if config is None:
            return
        yield "created", config.created
        yield "user", config.user or "root (none is set)"
        yield "runs", " ".join((*config.entrypoint, *config.cmd))
        yield "ports", ", ".join(config.ports)
        yield "volumes", ", ".join(config.volumes)
        yield "health", " ".join(config.healthcheck or ()) or "no check"

    def _packages(self) -> Iterator[str]:
        counts = Counter(package.type for package in self._image.packages if not package.declared)
        declared = sum(package.declared for package in self._image.packages)
        told = [f"{count} {kind}" for kind, count in counts.most_common()]
        if declared:
            told.append(f"{declared} only in lock files")
        yield from self._rows([("packages", ", ".join(told) or "none found")])

    def _layers(self) -> Iterator[str]:
        image = self._image
        if not image.layers:
            return
        brought = Counter(package.layer for package in image.packages)
        base = image.base.layers if image.base is not None else 0
        yield f"  layers      {len(image.layers)}"
        for number, layer in enumerate(image.layers[:_MOST_LAYERS]):
            packages = f"{brought[number]:>5} packages" if brought[number] else " " * 14
            size = f"{layer.size / 1e6:8.1f} MB" if layer.size else " " * 11
            own = "base " if number < base else "     "
            line = f"    {number:>3} {own}{layer.digest[7:19]}{size}{packages}  {printable(layer.created_by)}"
            yield self._paint(self._cut(line.rstrip(), 0), _DIM if number < base else "0")
        if len(image.layers) > _MOST_LAYERS:
            yield f"    {len(image.layers) - _MOST_LAYERS} more"

    def _programs(self) -> Iterator[str]:
        programs = self._image.executables
        kinds = Counter(program.kind for program in programs)
        told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        yield from self._rows([("programs", told or "none found")])
        marked = [(program, what) for program in programs if (what := _danger(program))]
        for program, what in marked[:_MOST_PROGRAMS]:
            owner = f" ({program.owner})" if program.owner else ""
            yield self._cut(f"    {what:<16} {program.mode:04o} {printable(program.path)}{owner}", 0)
        if len(marked) > _MOST_PROGRAMS:
            yield f"    {len(marked) - _MOST_PROGRAMS} more; --format json lists all"


def _danger(program: Executable) -> str:
    """What is remarkable about a program's rights."""
    told = []
    if program.mode & _SETUID:
        told.append("setuid" if program.uid == 0 else f"setuid {program.uid}")
    if program.mode & _SETGID and program.kind != "directory":
        told.append("setgid")
    told += program.capabilities
    if program.mode & _ANYONE_WRITES:
        told.append("anyone writes")
    return ", ".join(told)
