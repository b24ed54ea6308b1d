"""Where an image is: what a reference's prefix says, or what is there under that name.

===================  =============================================================
``registry:NAME``    a registry (what has no prefix and is no file)
``oci-dir:PATH``     a folder with an OCI layout; ``PATH#NAME`` for one of several
``oci-archive:``     such a folder in a tar archive, plain or packed
``docker-archive:``  what ``docker save`` and ``podman save`` write
``containerd:NAME``  containerd's store
``crio:NAME``        the store of CRI-O, podman and buildah
``rootfs:PATH``      a root file system in a folder
``file:PATH``        one file, as if it were all of a root file system
``container:ID``     a running container, by its id or by the number of a process
``sbom:PATH``        a bill of materials, CycloneDX or SPDX
``-``                any of the archives, from standard input
===================  =============================================================
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple, TypeVar

from msgspec import Struct

from seawall.model.images import Entry, LayerInfo, Platform
from seawall.sources.images.disk import DiskWalk, FileWalk
from seawall.sources.images.errors import ImageError
from seawall.sources.images.files import PIECE, Archive, Files, Folder, file_pieces
from seawall.sources.images.image import Image, Layer
from seawall.sources.images.limits import DEFAULT_LIMITS, Limits
from seawall.sources.images.running import root_of
from seawall.sources.images.stored import open_layout, open_saved
from seawall.sources.images.streamed import Passed, Stream
from seawall.sources.images.unpack import packing_of
from seawall.sources.registry.client import RegistryOptions
from seawall.sources.sbom import looks_like_sbom

STDIN = "-"
_HEAD = 4096
_PREFIXES = (
    "registry",
    "oci-dir",
    "oci-archive",
    "docker-archive",
    "containerd",
    "crio",
    "containers-storage",
    "rootfs",
    "file",
    "container",
    "sbom",
)
_OPEN_ARCHIVES = frozenset(("oci-archive", "docker-archive"))
T = TypeVar("T")


class PlaceOptions(Struct, frozen=True):
    """How images are found. ``store`` is the folder of containerd's or CRI-O's store where it is not the usual one;
    ``offline`` refuses whatever needs a connection."""

    platform: Platform | None = None
    registry: RegistryOptions = RegistryOptions()
    store: str = ""
    offline: bool = False
    limits: Limits = DEFAULT_LIMITS


class Place(NamedTuple):
    """The kind of place (a prefix), and where in it."""

    kind: str
    rest: str


def place_of(reference: str) -> Place:
    """What a reference means.

    A name without prefix is a file or a folder only if it looks like a path (``/``, ``./`` or ``../`` in front) or is
    one that holds an image; else it is asked of a registry.

    Raises:
        ImageError: it is a path to nothing that holds an image.
    """
    if reference == STDIN:
        return Place(STDIN, "")
    prefix, colon, rest = reference.partition(":")
    # registry:2 is Docker's image of a registry, with a tag; as a prefix the word stands before a longer name.
    if colon and prefix in _PREFIXES and rest and (prefix != "registry" or any(mark in rest for mark in "/:@")):
        return Place({"containers-storage": "crio"}.get(prefix, prefix), rest)
    path = reference.partition("#")[0]
    if os.path.isfile(path):
        head = next(file_pieces(path), b"")[:_HEAD]
        return Place("sbom", path) if looks_like_sbom(head) else Place("docker-archive", reference)
    if os.path.isfile(os.path.join(path, "index.json")):
        return Place("oci-dir", reference)
    if not reference.startswith(("/", "./", "../")):
        return Place("registry", reference)
    if os.path.isdir(path):
        return Place("rootfs", reference)
    raise ImageError("there is no such file or folder; write a registry's image as registry.example.com/name:tag")


def open_place(
    reference: str, options: PlaceOptions, collect: Callable[[Iterable[Entry]], T]
) -> tuple[Image, dict[str, Passed[T]]]:
    """The image that a reference means. Where it can be read only once, from the start, its layers have been handed to
    ``collect``, and what came of them is told by digest; elsewhere that is empty.

    Raises:
        ImageError: it is not there, cannot be read, or is no image.
    """
    kind, rest = place_of(reference)
    wanted = options.platform
    if kind == STDIN:
        return _stream(reference, _standard_input(), "", options, collect)
    if kind in _OPEN_ARCHIVES:
        path, _, name = rest.partition("#")
        if _is_packed(path):
            return _stream(reference, file_pieces(path), name, options, collect)
        archive = Archive(path)
        image = _contained(reference, archive, name, wanted)
        image.close = archive.close
        return image, {}
    return _direct(reference, kind, rest, options), {}


def _direct(reference: str, kind: str, rest: str, options: PlaceOptions) -> Image:
    wanted = options.platform
    if kind == "oci-dir":
        path, _, name = rest.partition("#")
        return open_layout(reference, Folder(path), name, wanted)
    if kind == "containerd":
        from seawall.sources.images.containerd import ROOT as CONTAINERD
        from seawall.sources.images.containerd import open_containerd

        return open_containerd(reference, rest, options.store or CONTAINERD, wanted)
    if kind == "crio":
        from seawall.sources.images.storage import ROOT as STORAGE
        from seawall.sources.images.storage import open_storage

        return open_storage(reference, rest, options.store or STORAGE, wanted)
    if kind == "rootfs":
        return _root(reference, rest, rest)
    if kind == "file":
        return _file(reference, rest)
    if kind == "container":
        return _root(reference, root_of(rest), f"container {rest}")
    if options.offline:
        raise ImageError("is in a registry, and --offline was given; name an archive or a store")
    from seawall.sources.images.remote import open_remote

    return open_remote(rest, wanted, options.registry)


def _contained(reference: str, files: Files, name: str, wanted: Platform | None) -> Image:
    """The image in an archive. What ``docker save`` writes today is an OCI layout as well, and tells more as one."""
    if "index.json" in files:
        return open_layout(reference, files, name, wanted)
    if "manifest.json" in files:
        return open_saved(reference, files, name, wanted)
    raise ImageError("holds neither index.json nor manifest.json: it is no archive of an image")


def _stream(
    reference: str,
    pieces: Iterator[bytes],
    name: str,
    options: PlaceOptions,
    collect: Callable[[Iterable[Entry]], T],
) -> tuple[Image, dict[str, Passed[T]]]:
    stream = Stream(pieces, collect, options.limits)
    image = _contained(reference, stream, name, options.platform)
    image.streamed = True
    return image, stream.layers


def _standard_input() -> Iterator[bytes]:
    while piece := os.read(sys.stdin.fileno(), PIECE):
        yield piece


def _is_packed(path: str) -> bool:
    head = next(file_pieces(path), b"")
    return packing_of(head[:6]) is not None


def _root(reference: str, folder: str, name: str) -> Image:
    if not os.path.isdir(folder):
        raise ImageError(f"there is no folder {folder}")
    mounts = not reference.startswith("container:")
    layer = Layer(LayerInfo("", "", 0), partial(DiskWalk, folder, name, mounts=mounts), verified=False)
    return Image(reference, "rootfs", "", "", None, b"", [layer])


def _file(reference: str, path: str) -> Image:
    if not os.path.isfile(path):
        raise ImageError(f"there is no file {path}")
    layer = Layer(LayerInfo("", "", 0), partial(FileWalk, path), verified=False)
    return Image(reference, "rootfs", "", "", None, b"", [layer])
