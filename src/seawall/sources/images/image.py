"""An image as a source finds it: identity, configuration, and layers that can be walked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from seawall.model.images import Entry, LayerInfo, NotLooked, Platform
from seawall.sources.images.config import MAX_CONFIG, read_config
from seawall.sources.images.errors import ImageError
from seawall.sources.images.layer import LayerWalk
from seawall.sources.images.limits import Limits
from seawall.sources.images.manifest import Chosen, Descriptor, choose, suits


class Walk(Protocol):
    """A pass over a layer or a root file system; see :class:`LayerWalk`."""

    trusted: bool

    @property
    def problems(self) -> Sequence[NotLooked]: ...

    def __iter__(self) -> Iterator[Entry]: ...


class Layer(Struct, frozen=True):
    """A layer. ``walk`` begins a pass over it; ``verified`` is whether its digest is checked by one (what is found
    may then be kept under that digest); ``problem`` says why it cannot be walked at all."""

    info: LayerInfo
    walk: Callable[[Limits], Walk]
    verified: bool = True
    problem: str = ""


class Image(Struct):
    """An image or a root file system (``kind`` is ``image`` or ``rootfs``). ``config`` is the configuration as it is
    stored, empty where there is none. ``close`` when it was read; of a ``streamed`` one nothing more can be read."""

    reference: str
    kind: str
    digest: str
    index_digest: str
    platform: Platform | None
    config: bytes
    layers: Sequence[Layer]
    problems: Sequence[NotLooked] = ()
    close: Callable[[], None] = lambda: None
    streamed: bool = False


class Blobs(Protocol):
    """Where blobs are had by digest. All methods raise :class:`ImageError` for one that is not there."""

    def manifest(self, digest: str) -> bytes:
        """A manifest, verified."""

    def read(self, digest: str, limit: int) -> bytes:
        """A small blob, verified."""

    def pieces(self, digest: str, size: int) -> Iterator[bytes]:
        """A blob in pieces, to be verified by who reads it. ``size`` is -1 where it is not known."""


MAX_DOCUMENT = 4 << 20


def image_of(reference: str, body: bytes, digest: str, wanted: Platform | None, blobs: Blobs) -> Image:
    """The image that a manifest or an index describes.

    Raises:
        ImageError: it is none, is not there for the platform, or a part of its description cannot be had.
    """
    chosen = choose(body, digest, wanted, lambda item: blobs.manifest(item.digest))
    if chosen.document.config is None or chosen.document.layers is None:
        raise ImageError("has a manifest without layers")
    file = read_config(blobs.read(chosen.document.config.digest, MAX_CONFIG))
    if wanted is not None and not suits(file.platform, wanted):
        raise ImageError(f"is for {file.platform}, not for {wanted}; leave --platform out to look into it")
    return Image(
        reference,
        "image",
        chosen.digest,
        chosen.index_digest,
        file.platform,
        file.data,
        _layers(chosen, file.diff_ids, blobs),
        _mismatch(chosen, file.diff_ids),
    )


def _mismatch(chosen: Chosen, diff_ids: Sequence[str]) -> list[NotLooked]:
    count = len(chosen.document.layers or ())
    if count == len(diff_ids):
        return []
    return [NotLooked(f"manifest {chosen.digest}", f"has {count} layers, and the configuration {len(diff_ids)}")]


def _layers(chosen: Chosen, diff_ids: Sequence[str], blobs: Blobs) -> list[Layer]:
    items = chosen.document.layers or ()
    known = diff_ids if len(diff_ids) == len(items) else [""] * len(items)
    return [_layer(item, diff_id, blobs) for item, diff_id in zip(items, known, strict=True)]


def _layer(item: Descriptor, diff_id: str, blobs: Blobs) -> Layer:
    info = LayerInfo(item.digest, diff_id, max(item.size, 0), item.media_type)
    problem = "is encrypted" if "+encrypted" in item.media_type else ""
    return Layer(info, lambda limits: LayerWalk(info, blobs.pieces(info.digest, item.size), limits), problem=problem)
