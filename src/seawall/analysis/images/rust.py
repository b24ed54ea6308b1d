"""Rust: programs built with cargo-auditable, which carry their dependencies as compressed JSON.

Source: rust-secure-code/cargo-auditable, PARSING.md: section ``.dep-v0``, zlib, ``{"packages": [{name, version, source,
kind, dependencies, root}]}``.
"""

from __future__ import annotations

import zlib

import msgspec
from msgspec import Struct

from seawall.analysis.images.elf import Elf
from seawall.analysis.images.errors import Unreadable
from seawall.model.images import Package
from seawall.model.purl import make_purl

_MAX_JSON = 16 << 20


class _Crate(Struct):
    name: str
    version: str
    source: str = ""
    kind: str = "runtime"


class _Audit(Struct):
    packages: list[_Crate]


def crate(name: str, version: str, location: str, *, declared: bool = False) -> Package:
    """A crate as a package."""
    return Package(
        "cargo", name, version, make_purl("cargo", "", name, version), locations=(location,), declared=declared
    )


def binary(elf: Elf, path: str) -> tuple[Package, ...]:
    """The crates in a program; nothing where it does not carry them. Crates that only built it are left out.

    Raises:
        Unreadable: the section is damaged, or unpacks to more than 16 MiB.
    """
    section = elf.sections().get(".dep-v0")
    if section is None:
        return ()
    unpack = zlib.decompressobj()
    try:
        text = unpack.decompress(elf.content(section, _MAX_JSON), _MAX_JSON)
        if not unpack.eof:
            raise Unreadable("is a Rust program whose list of crates is cut short or too large")
        audit = msgspec.json.decode(text, type=_Audit)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("is a Rust program whose list of crates is damaged") from error
    return tuple(crate(item.name, item.version, path) for item in audit.packages if item.kind != "build")
