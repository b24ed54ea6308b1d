"""Images: what a layer holds, what an image is made of, and what is known of its packages.

A source walks layers and yields `Entry` objects; the image analysis turns one layer's entries into `LayerContents`
(cached by the layer's digest) and the layers of an image into an `ImageInventory`. Vulnerabilities are matched against
inventories, whether they came from layers, from a file system or from an SBOM.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol

from msgspec import Struct


class EntryKind(StrEnum):
    """What an entry of a file system or an archive is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    DEVICE = "device"
    FIFO = "fifo"
    WHITEOUT = "whiteout"
    OPAQUE = "opaque"


class Entry(Protocol):
    """One entry of a layer or of a root file system, valid only until the next one is asked for."""

    @property
    def path(self) -> str:
        """Relative and normalised, without a leading slash or ``..``; undecodable bytes as surrogates.

        A whiteout's path is the path that it removes; an opaque marker's the directory that it empties.
        """

    @property
    def kind(self) -> EntryKind:
        """What it is."""

    @property
    def mode(self) -> int:
        """Permission bits with setuid, setgid and sticky (0o7777)."""

    @property
    def uid(self) -> int:
        """Numeric owner."""

    @property
    def gid(self) -> int:
        """Numeric group."""

    @property
    def size(self) -> int:
        """Bytes of content; 0 for anything but a file."""

    @property
    def target(self) -> str:
        """Where a symbolic or hard link points, as written (hard links: normalised like ``path``); else empty."""

    @property
    def capability(self) -> bytes:
        """The raw ``security.capability`` attribute; empty where there is none."""

    def head(self, count: int) -> bytes:
        """The first bytes, at most ``count``; may be called more than once, and before `read`."""

    def read(self, limit: int) -> bytes:
        """The whole content.

        Raises:
            EntryTooLarge: it is larger than ``limit`` bytes.
        """

    def pieces(self) -> Iterator[bytes]:
        """The whole content in pieces, for what is too large to be held; afterwards only what `head` had is left.

        Where the archive is broken it ends early, and the walk tells so when it goes on.

        Raises:
            EntryTooLarge: it has holes, and nobody knows how many.
        """


class Feed(Protocol):
    """Takes the content of one large file in pieces."""

    def feed(self, piece: bytes) -> None:
        """The next piece."""

    def end(self, problem: str) -> None:
        """That was all; ``problem`` says why it is not, and is empty where it is."""


class LayerLook(Protocol):
    """Looks at the entries of one layer while they are walked over, and tells at the end what it found."""

    def see(self, entry: Entry) -> Feed | None:
        """Look at an entry; what takes its content is returned for a file too large to be read at once."""

    def found(self) -> bytes:
        """What was found, in a form of its own that may be kept under the layer's digest."""


class Look(Protocol):
    """An analysis of the bytes of files that shares the one pass over each layer.

    ``key`` names all that the result depends on besides the layer: the analysis, its version, the rules it was given.
    """

    @property
    def key(self) -> str:
        """See above."""

    def layer(self) -> LayerLook:
        """A new look at one layer; layers are looked at by several threads, each by its own."""


class EntryTooLarge(Exception):
    """An entry's content is larger than the reader takes; it is told as not looked into."""


class Platform(Struct, frozen=True, gc=False):
    """``linux/arm64/v8`` in parts."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class OsRelease(Struct, frozen=True, gc=False):
    """The distribution, from os-release: ``debian``, ``12``, ``bookworm``."""

    id: str
    version_id: str = ""
    codename: str = ""
    name: str = ""
    id_like: tuple[str, ...] = ()
    cpe: str = ""


class Package(Struct, frozen=True, gc=False):
    """One installed package or declared dependency.

    ``type`` is the type of its package URL (``deb``, ``apk``, ``rpm``, ``pypi``, ``npm``, ``golang``, ``cargo``,
    ``maven``, ``gem``, ``composer``, ``nuget``, ...). ``name`` and ``version`` are as the ecosystem writes them
    (Maven: ``group:artifact``; versions with epoch and release where there are such). ``source_name`` and
    ``source_version`` are those of the distribution's source package, empty elsewhere. ``locations`` are the files
    that prove it (the status file, ``METADATA``, the jar, nested ones joined with ``!/``); ``files`` those that it
    owns, where the database says so. ``layer`` is the index of the layer that brought it, -1 where unknown.
    ``declared`` marks one that only a lock file names. ``owner`` is the distribution's package that the proving file
    belongs to (``python3-requests`` for ``requests``), so that it is not judged twice; empty elsewhere.
    ``requires`` are names of packages of the same type in the same inventory that it needs, where that is known;
    ``development`` marks a declared one that only developing needs.
    """

    type: str
    name: str
    version: str
    purl: str
    arch: str = ""
    source_name: str = ""
    source_version: str = ""
    licences: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    layer: int = -1
    declared: bool = False
    module: str = ""
    owner: str = ""
    requires: tuple[str, ...] = ()
    development: bool = False


class Executable(Struct, frozen=True, gc=False):
    """A file that can be run, or that anyone may change.

    ``kind`` is ``elf``, ``script``, ``other``, or ``directory`` for one in which everybody may write and delete;
    ``capabilities`` are names like ``cap_net_raw+ep``; ``owner`` is the package that the file belongs to, empty where
    none does.
    """

    path: str
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    sha256: str = ""
    interpreter: str = ""
    capabilities: tuple[str, ...] = ()
    owner: str = ""
    layer: int = -1


class LayerInfo(Struct, frozen=True, gc=False):
    """A layer of an image: digest as stored, digest of the plain tar, stored bytes, and the command that made it."""

    digest: str
    diff_id: str
    size: int
    media_type: str = ""
    created_by: str = ""


class HistoryStep(Struct, frozen=True, gc=False):
    """A step of the build as the configuration records it. ``layer`` is -1 for a step that made none."""

    created: str
    created_by: str
    comment: str = ""
    layer: int = -1


class ImageConfig(Struct, frozen=True, gc=False):
    """The part of the image's configuration that matters for security. ``created`` is RFC 3339 or empty."""

    user: str = ""
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    working_dir: str = ""
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] | None = None
    stop_signal: str = ""
    labels: dict[str, str] = {}
    created: str = ""
    author: str = ""
    history: tuple[HistoryStep, ...] = ()


class NotLooked(Struct, frozen=True, gc=False):
    """Something in an image that could not be looked into, so that nothing is concluded from it."""

    where: str
    reason: str


class BaseImage(Struct, frozen=True, gc=False):
    """The likely base image: what says so, and how many of the image's first layers are its own."""

    name: str
    layers: int
    evidence: str
    digest: str = ""


class ImageInventory(Struct, frozen=True, gc=False):
    """What is known of one image, root file system or SBOM.

    ``reference`` is as the user wrote it, ``digest`` that of the image's manifest (empty for a file system or an
    SBOM without one). ``kind`` is ``image``, ``rootfs``, ``sbom``, ``component`` or ``node``.
    """

    reference: str
    digest: str
    kind: str
    platform: Platform | None
    os: OsRelease | None
    config: ImageConfig | None
    layers: tuple[LayerInfo, ...]
    packages: tuple[Package, ...]
    executables: tuple[Executable, ...]
    base: BaseImage | None = None
    index_digest: str = ""
    not_looked: tuple[NotLooked, ...] = ()
