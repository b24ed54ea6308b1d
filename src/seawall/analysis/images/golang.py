"""Go programs: the build information that the linker leaves in them.

Source: Go's ``debug/buildinfo``: a blob of 32 bytes that begins ``\\xff Go buildinf:``; since Go 1.18 two strings
with a varint length follow it, before it holds pointers to Go strings. The module text is framed by 16 bytes each side.
"""

from __future__ import annotations

import re

from msgspec import Struct

from seawall.analysis.images.elf import LOAD, WRITABLE, Elf, Part
from seawall.analysis.images.errors import Unreadable
from seawall.model.images import Package
from seawall.model.purl import make_purl

_MAGIC = b"\xff Go buildinf:"
_MAX_TEXT = 4 << 20
_MAX_MODULES = 20_000


class BuildInfo(Struct, frozen=True):
    """The version of Go, the main package's path, modules as (path, version) with replacements applied, settings."""

    go: str
    path: str
    main: tuple[str, str]
    modules: tuple[tuple[str, str], ...]
    settings: dict[str, str]


def build_info(elf: Elf) -> BuildInfo | None:
    """What the linker wrote; None where it is no Go program.

    Raises:
        Unreadable: it is one, but its information is damaged.
    """
    segments = elf.segments()
    section = elf.sections().get(".go.buildinfo")
    if section is None:
        section = next((part for part in segments if part.kind == LOAD and part.flags & WRITABLE), None)
    if section is None:
        return None
    # The linker aligns it to 16 bytes, near the start of its section.
    start = elf.data.find(_MAGIC, section.offset, section.offset + min(section.size, 1 << 16))
    if start < 0:
        return None
    go, text = _inline(elf.data, start + 32) if elf.data[start + 15] & 2 else _pointers(elf, start, segments)
    text = text[16:-16] if len(text) >= 33 and text[-17] == 10 else b""
    return _parse(go.decode("utf-8", "replace")[:100], text.decode("utf-8", "replace"))


def _inline(data: bytes, position: int) -> tuple[bytes, bytes]:
    texts = []
    for _ in range(2):
        size, position = _varint(data, position)
        if size > _MAX_TEXT or position + size > len(data):
            raise Unreadable("is a Go program whose build information is damaged")
        texts.append(data[position : position + size])
        position += size
    return texts[0], texts[1]


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for count, byte in enumerate(data[position : position + 10]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, position + count + 1
    raise Unreadable("is a Go program whose build information is damaged")


def _pointers(elf: Elf, start: int, segments: list[Part]) -> tuple[bytes, bytes]:
    width = elf.data[start + 14]
    order = "big" if elf.data[start + 15] & 1 else "little"
    if width not in (4, 8):
        raise Unreadable("is a Go program whose build information is damaged")

    def pointer(raw: bytes) -> int:
        return int.from_bytes(raw, "big" if order == "big" else "little")

    texts = []
    for index in range(2):
        place = start + 16 + index * width
        head = elf.at(pointer(elf.data[place : place + width]), 2 * width, segments)
        size = pointer(head[width:])
        texts.append(elf.at(pointer(head[:width]), size, segments) if 0 < size <= _MAX_TEXT else b"")
    return texts[0], texts[1]


def _parse(go: str, text: str) -> BuildInfo:
    path, main = "", ("", "")
    modules: list[tuple[str, str]] = []
    settings: dict[str, str] = {}
    for line in text.split("\n")[: 2 * _MAX_MODULES]:
        kind, *parts = line.split("\t")
        if kind == "path" and parts:
            path = parts[0]
        elif kind == "mod" and len(parts) >= 2:
            main = (parts[0], parts[1])
        elif kind == "dep" and len(parts) >= 2:
            modules.append((parts[0], parts[1]))
        elif kind == "=>" and len(parts) >= 2 and modules:
            # A folder in the module's stead has no version that anybody else knows.
            modules[-1] = (modules[-1][0], "") if parts[0].startswith((".", "/")) else (parts[0], parts[1])
        elif kind == "build" and parts:
            key, _, value = parts[0].partition("=")
            settings[key] = value
    return BuildInfo(go, path, main, tuple(modules), settings)


def module(path: str, version: str, location: str, *, declared: bool = False) -> Package:
    """A Go module as a package; names keep their case, as vulnerability data has them."""
    namespace, _, name = path.rpartition("/")
    return Package(
        "golang", path, version, make_purl("golang", namespace, name, version), locations=(location,), declared=declared
    )


def binary(elf: Elf, path: str) -> tuple[Package, ...]:
    """The main module, its dependencies and the standard library of a Go program.

    A program built outside a module's release says ``(devel)`` or nothing. Then the version is one that the builder had
    the linker write into a variable called version, of the main package or of one in the main module.
    """
    info = build_info(elf)
    if info is None:
        return ()
    packages = []
    main_path, main_version = info.main
    if main_path:
        known = "" if main_version == "(devel)" else main_version
        packages.append(module(main_path, known or _flag_version(info), path))
    packages += [module(name, "" if version == "(devel)" else version, path) for name, version in info.modules]
    # "go1.22.4 X:boringcrypto", "go1.25.1-asan", "devel go1.23-abcdef"
    words = info.go.split()
    release = words[0] if words else ""
    if release.startswith("go1"):
        packages.append(module("stdlib", release[2:].partition("-")[0], path))
    return tuple(packages)


_FLAG = re.compile(
    r"-X[= ]?[\"']?(?P<package>[\w./~-]{1,200})\.(?P<name>\w{1,40})=[\"']?v?(?P<version>\d+\.\d+\.\d+[\w.+-]{0,100})"
)
_VERSION_NAMES = frozenset({"version", "gitversion", "buildversion", "appversion", "releaseversion"})


def _flag_version(info: BuildInfo) -> str:
    """``-ldflags=-X main.version=1.2.3``; absent in programs built with ``-trimpath``."""
    for found in _FLAG.finditer(info.settings.get("-ldflags", "")[:20_000]):
        place = found["package"]
        own = place == "main" or place == info.main[0] or place.startswith(f"{info.main[0]}/")
        if found["name"].lower() in _VERSION_NAMES and (own or place == "k8s.io/component-base/version"):
            return f"v{found['version']}"
    return ""
