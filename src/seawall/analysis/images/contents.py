"""What is kept of one layer: enough to merge layers later, and nothing that is not parsed.

A layer's contents depend on its bytes alone, so they may be cached under its digest for ever, as long as `VERSION`
stays. What depends on other layers (the distribution in package URLs, owners of files, deletions) is settled by
`assemble`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from seawall.analysis.images.errors import Unreadable
from seawall.model.images import Executable, NotLooked, OsRelease, Package

#: Raised with every change of what is collected: contents of another version are collected again.
VERSION = 2
_MAX_PATHS = 512 << 20


class OsPackage(Struct, frozen=True, omit_defaults=True, array_like=True, gc=False):
    """A package of a distribution as its database tells it; the URL needs the distribution, known only later.

    ``key`` names the package in side files (dpkg's ``info/KEY.list``). ``files`` are joined by newlines, relative.
    ``vendor`` is what an rpm says of its maker. ``requires`` has a line for each need, alternatives joined by ``|``;
    ``provides`` one for each further name.
    """

    type: str
    name: str
    version: str
    arch: str = ""
    source_name: str = ""
    source_version: str = ""
    licences: tuple[str, ...] = ()
    module: str = ""
    files: str = ""
    key: str = ""
    vendor: str = ""
    requires: str = ""
    provides: str = ""


class OsItem(Struct, frozen=True, tag="os", omit_defaults=True, gc=False):
    """A file that tells the distribution; a smaller ``rank`` is believed first."""

    os: OsRelease
    rank: int


class DatabaseItem(Struct, frozen=True, tag="db", gc=False):
    """A database of a package manager, or one file of a database in pieces."""

    packages: tuple[OsPackage, ...]


class FileListItem(Struct, frozen=True, tag="list", gc=False):
    """The files of one package of a database that stands elsewhere: dpkg's ``info/*.list`` and ``*.md5sums``."""

    key: str
    files: str


class PackagesItem(Struct, frozen=True, tag="pkg", gc=False):
    """Packages that this file alone proves."""

    packages: tuple[Package, ...]


class RecordItem(Struct, frozen=True, tag="record", gc=False):
    """The files of the package whose proof is ``proof``: Python's ``RECORD`` and ``installed-files.txt``."""

    proof: str
    files: str


class ProgramItem(Struct, frozen=True, tag="exe", gc=False):
    """Something that can be run, or that anyone may change."""

    program: Executable


class UnreadItem(Struct, frozen=True, tag="unread", gc=False):
    """Something of interest that could not be looked into."""

    problem: NotLooked


class LicenceItem(Struct, frozen=True, tag="licence", gc=False):
    """The licences of a package whose database does not tell them: ``usr/share/doc/KEY/copyright``."""

    key: str
    licences: tuple[str, ...]


Item = OsItem | DatabaseItem | FileListItem | PackagesItem | RecordItem | LicenceItem | ProgramItem | UnreadItem


class LayerContents(Struct, frozen=True, omit_defaults=True):
    """One layer, or a whole file system as if it were one.

    ``items`` are by path. ``whiteouts`` remove a path and all below it in the layers before, ``opaques`` empty a
    directory. ``links`` are symbolic links at the top (``bin`` to ``usr/bin``). ``written`` and ``directories`` are
    all other paths of the layer, since they hide those before: compressed, see `pack_paths`.
    """

    version: int
    items: dict[str, tuple[Item, ...]]
    whiteouts: tuple[str, ...] = ()
    opaques: tuple[str, ...] = ()
    links: dict[str, str] = {}
    written: bytes = b""
    directories: bytes = b""
    not_looked: tuple[NotLooked, ...] = ()


def pack_paths(paths: Iterable[str]) -> bytes:
    """Paths in a compressed form; NUL separates them, as it can stand in no path."""
    return zlib.compress("\0".join(paths).encode("utf-8", "surrogateescape"), 1)


def unpack_paths(data: bytes) -> set[str]:
    """The paths of `pack_paths`.

    Raises:
        Unreadable: it is none of its results.
    """
    text = _unpacked(data).decode("utf-8", "surrogateescape")
    return set(text.split("\0")) if text else set()


def _unpacked(data: bytes) -> bytes:
    if not data:
        return b""
    unpack = zlib.decompressobj()
    try:
        text = unpack.decompress(data, _MAX_PATHS)
    except zlib.error as error:
        raise Unreadable("holds paths that are damaged") from error
    if not unpack.eof:
        raise Unreadable("holds paths that are cut short")
    return text


def encode_contents(contents: LayerContents) -> bytes:
    """A layer's contents for a cache."""
    return msgspec.msgpack.encode(contents)


def decode_contents(data: bytes) -> LayerContents:
    """A layer's contents out of a cache.

    Raises:
        Unreadable: damaged, or of another version; collect it again.
    """
    try:
        contents = msgspec.msgpack.decode(data, type=LayerContents)
    except (msgspec.DecodeError, ValueError) as error:
        raise Unreadable(f"is no layer's contents: {error}") from error
    if contents.version != VERSION:
        raise Unreadable(f"is of version {contents.version}, not {VERSION}")
    for packed in (contents.written, contents.directories):
        _unpacked(packed)
    return contents
