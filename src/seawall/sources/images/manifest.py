"""Manifests and indexes: which image of several is meant, and what it is made of.

Sources: OCI image specification (manifest, image index), Docker's "Image Manifest Version 2, Schema 2".
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from seawall.model.images import Platform
from seawall.sources.images.errors import ImageError, NoContainerImage
from seawall.sources.images.layer import is_digest

INDEXES = frozenset(
    ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
)
_CONFIGS = frozenset(("", "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"))
_MAX_LAYERS, _MAX_MANIFESTS, _MAX_DEPTH = 512, 2000, 3
#: What `uname` calls architectures, and what Go does.
_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i686": "386",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loongarch64": "loong64",
}


class _Platform(Struct):
    os: str = ""
    architecture: str = ""
    variant: str | None = None


class Descriptor(Struct, rename="camel"):
    """A blob: media type, digest, size (-1 where it is not said), and of a manifest its platform."""

    digest: str
    media_type: str = ""
    size: int = -1
    platform: _Platform | None = None
    artifact_type: str | None = None
    annotations: dict[str, str] | None = None


class Document(Struct, rename="camel"):
    """A manifest (with ``config`` and ``layers``) or an index (with ``manifests``)."""

    schema_version: int = 0
    media_type: str = ""
    artifact_type: str | None = None
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] | None = None
    manifests: tuple[Descriptor, ...] | None = None
    annotations: dict[str, str] | None = None


class Chosen(NamedTuple):
    """The manifest of one image with its digest, and the digest of the index that it was chosen from (may be empty)."""

    document: Document
    digest: str
    index_digest: str


def host_platform() -> Platform:
    """Linux on the architecture of this machine."""
    machine = platform.machine().lower()
    return Platform("linux", _ARCHITECTURES.get(machine, machine))


def parse_platform(text: str) -> Platform:
    """``linux/arm64/v8``, or an architecture alone.

    Raises:
        ImageError: it is neither.
    """
    parts = text.strip().lower().split("/")
    if len(parts) == 1:
        parts = ["linux", *parts]
    if len(parts) > 3 or not all(parts):
        raise ImageError(f"{text[:100]!r} is no platform; write it as linux/arm64 or linux/arm/v7")
    return Platform(parts[0], _ARCHITECTURES.get(parts[1], parts[1]), parts[2] if len(parts) == 3 else "")


def read_document(body: bytes) -> Document:
    """A manifest or an index, checked for what is needed of it.

    Raises:
        ImageError: it is neither, or of a form that is no longer made.
    """
    try:
        document = msgspec.json.decode(body, type=Document)
    except msgspec.ValidationError as error:
        raise ImageError(f"has a malformed manifest: {error}") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ImageError("has a manifest that is no JSON") from error
    if document.schema_version == 1:
        raise ImageError("is of Docker's first manifest schema, which no runtime pulls any more; push it again")
    listed = (*(document.manifests or ()), *(document.layers or ()), *((document.config,) if document.config else ()))
    if len(document.manifests or ()) > _MAX_MANIFESTS or len(document.layers or ()) > _MAX_LAYERS:
        raise ImageError("has a manifest with more items than an image can have")
    for item in listed:
        if not is_digest(item.digest):
            raise ImageError(f"has a manifest with the digest {item.digest[:80]!r}, which is neither sha256 nor sha512")
    if document.manifests is None and (document.config is None or document.layers is None):
        raise ImageError("has a manifest that is neither that of an image nor an index")
    return document


def choose(body: bytes, digest: str, wanted: Platform | None, fetch: Callable[[Descriptor], bytes]) -> Chosen:
    """The image's manifest: the document itself, or the one of an index that is for the platform.

    ``wanted`` is None where none was asked for: then that of this machine is meant, or the only one that there is.
    ``fetch`` gives the verified document of a descriptor.

    Raises:
        ImageError: there is none for the platform, or what is there is no image.
    """
    index = ""
    for _ in range(_MAX_DEPTH):
        document = read_document(body)
        if document.manifests is None:
            _check_image(document)
            return Chosen(document, digest, index)
        index = index or digest
        item = _for_platform(document.manifests, wanted)
        body, digest = fetch(item), item.digest
    raise ImageError("is an index of indexes of indexes")


def _check_image(document: Document) -> None:
    kind = document.config.media_type if document.config is not None else ""
    if kind not in _CONFIGS:
        what = document.artifact_type or kind
        raise NoContainerImage(f"is no container image but an artifact of the type {what[:100]!r}")


def _for_platform(items: Sequence[Descriptor], wanted: Platform | None) -> Descriptor:
    images = [item for item in items if not _is_attestation(item)]
    target = wanted or host_platform()
    ranked = sorted(
        ((rank, number) for number, item in enumerate(images) if (rank := _rank(item.platform, target)) is not None)
    )
    if ranked:
        return images[ranked[0][1]]
    if len(images) == 1 and (wanted is None or images[0].platform is None):
        return images[0]
    there = sorted({_told(item) for item in images})
    if not there:
        raise ImageError("is an index without images")
    raise ImageError(f"is not there for {target}; --platform can be one of {', '.join(there[:20])}")


def _told(item: Descriptor) -> str:
    known = item.platform
    return str(Platform(known.os, known.architecture, known.variant or "")) if known else "an unnamed platform"


def _is_attestation(item: Descriptor) -> bool:
    if (item.annotations or {}).get("vnd.docker.reference.type") == "attestation-manifest":
        return True
    return item.platform is not None and item.platform.os == "unknown"


def _rank(there: _Platform | None, wanted: Platform) -> int | None:
    """How well a platform suits, 0 best; None if it does not run there."""
    if there is None or there.os != wanted.os or there.architecture != wanted.architecture:
        return None
    given, asked = _variant(there.architecture, there.variant or ""), _variant(wanted.architecture, wanted.variant)
    if given == asked:
        return 0
    if wanted.variant:
        # A processor runs what older ones of its line do.
        return 1 + int(asked[1:]) - int(given[1:]) if _older(given, asked) else None
    return 10 - int(given[1:]) if given[1:].isdigit() and len(given) < 3 else 20


def _older(given: str, asked: str) -> bool:
    return given[1:].isdigit() and asked[1:].isdigit() and len(given) < 4 and int(given[1:]) < int(asked[1:])


def _variant(architecture: str, variant: str) -> str:
    """The variant, with the one that an architecture without one means."""
    return variant or {"arm64": "v8", "arm": "v7"}.get(architecture, "")


def suits(there: Platform | None, wanted: Platform) -> bool:
    """Whether an image for ``there`` (None: it does not say) is for the platform that was asked for."""
    return there is None or _rank(_Platform(there.os, there.architecture, there.variant), wanted) is not None
