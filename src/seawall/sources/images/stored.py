"""Images in files: OCI layouts and what ``docker save`` writes (both forms), in a folder or in an archive.

Sources: OCI image layout specification; Docker's "Image Specification v1.2" for archives with ``manifest.json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from seawall.model.images import LayerInfo, Platform
from seawall.sources.images.config import MAX_CONFIG, read_config
from seawall.sources.images.errors import ImageError
from seawall.sources.images.files import Files, verified, whole
from seawall.sources.images.image import MAX_DOCUMENT, Image, Layer, image_of
from seawall.sources.images.layer import LayerWalk, is_digest
from seawall.sources.images.manifest import Descriptor, Document, suits
from seawall.sources.images.tar import normal_path
from seawall.sources.registry.reference import parse_image
from seawall.sources.web.errors import WebError

_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


class FileBlobs:
    """Blobs of an OCI layout."""

    def __init__(self, files: Files, folder: str = "blobs") -> None:
        self._files = files
        self._folder = folder

    def _name(self, digest: str) -> str:
        if not is_digest(digest):
            raise ImageError(f"has the digest {digest[:80]!r}, which is neither sha256 nor sha512")
        return f"{self._folder}/{digest.replace(':', '/', 1)}"

    def manifest(self, digest: str) -> bytes:
        return self.read(digest, MAX_DOCUMENT)

    def read(self, digest: str, limit: int) -> bytes:
        return verified(whole(self._files, self._name(digest), limit), digest)

    def pieces(self, digest: str, size: int) -> Iterator[bytes]:
        return self._files.pieces(self._name(digest))


def open_layout(reference: str, files: Files, name: str, wanted: Platform | None) -> Image:
    """An image of an OCI layout; ``name`` (a tag, a name or a digest) says which where there are several.

    Raises:
        ImageError: there is none, or several and no name.
    """
    try:
        index = msgspec.json.decode(whole(files, "index.json", MAX_DOCUMENT), type=Document)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ImageError(f"has a malformed index.json: {error}") from error
    items = list(index.manifests or ())
    chosen = pick(items, name, [_names(item) for item in items])
    blobs = FileBlobs(files)
    if chosen is None:
        body = msgspec.json.encode(Document(2, manifests=tuple(items)))
        return image_of(reference, body, "", wanted, blobs)
    return image_of(reference, blobs.manifest(chosen.digest), chosen.digest, wanted, blobs)


def _names(item: Descriptor) -> list[str]:
    return [item.digest, *((item.annotations or {}).get(key, "") for key in _NAMES)]


def pick(items: Sequence[Descriptor], name: str, names: Sequence[Sequence[str]]) -> Descriptor | None:
    """The item of that name; without one the only one, or None where all are one image for several platforms.

    Raises:
        ImageError: there is none of that name, or several and no name.
    """
    if name:
        found = [item for item, known in zip(items, names, strict=True) if is_called(name, known)]
        if found:
            return found[0]
        raise ImageError(f"holds no image {name[:200]}{_told(names)}")
    if not items:
        raise ImageError("holds no image")
    if len(items) == 1:
        return items[0]
    if len({tuple(known[1:]) for known in names}) == 1:
        return None
    raise ImageError(f"holds several images; write which one after #{_told(names)}")


def _told(names: Sequence[Sequence[str]]) -> str:
    known = sorted({name for each in names for name in (each[1:] if any(each[1:]) else each) if name})
    return f": {', '.join(known[:20])}" if known else ""


def is_called(name: str, known: Sequence[str]) -> bool:
    """Whether one of an image's names (full ones, tags or digests) is meant by a name as people write it."""
    if name in known:
        return True
    try:
        wanted = parse_image(name)
        return any(_same(wanted.tag, str(wanted), each) for each in known if each)
    except WebError:
        return False


def _same(tag: str, wanted: str, each: str) -> bool:
    try:
        return str(parse_image(each)) == wanted
    except WebError:
        return False


class Saved(Struct, rename="pascal"):
    """An image in ``manifest.json``."""

    config: str
    repo_tags: tuple[str, ...] | None = None
    layers: tuple[str, ...] = ()


def read_saved(data: bytes) -> list[Saved]:
    """What ``manifest.json`` lists.

    Raises:
        ImageError: it is malformed.
    """
    try:
        return msgspec.json.decode(data, type=list[Saved])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ImageError(f"has a malformed manifest.json: {error}") from error


def choose_saved(images: Sequence[Saved], name: str) -> Saved:
    """The image of that name, or the only one.

    Raises:
        ImageError: there is none of that name, or several and no name.
    """
    names = [[image.config.removesuffix(".json"), *(image.repo_tags or ())] for image in images]
    for image, known in zip(images, names, strict=True):
        if (name and is_called(name, known)) or (not name and len(images) == 1):
            return image
    if not images:
        raise ImageError("holds no image")
    problem = f"holds no image {name[:200]}" if name else "holds several images; write which one after #"
    raise ImageError(f"{problem}{_told(names)}")


def open_saved(reference: str, files: Files, name: str, wanted: Platform | None) -> Image:
    """An image of an archive of ``docker save`` (or ``podman save``), by ``manifest.json``.

    Raises:
        ImageError: there is none, or several and no name.
    """
    saved = choose_saved(read_saved(whole(files, "manifest.json", MAX_DOCUMENT)), name)
    if not is_safe(saved.config):
        raise ImageError(f"names its configuration {saved.config[:100]!r}, which leads out of the archive")
    file = read_config(whole(files, saved.config, MAX_CONFIG))
    if wanted is not None and not suits(file.platform, wanted):
        raise ImageError(f"is for {file.platform}, not for {wanted}; leave --platform out to look into it")
    if len(file.diff_ids) != len(saved.layers):
        raise ImageError(f"lists {len(saved.layers)} layers, and the configuration {len(file.diff_ids)}")
    layers = [
        _layer(files, path, LayerInfo(diff_id, diff_id, 0))
        for path, diff_id in zip(saved.layers, file.diff_ids, strict=True)
    ]
    return Image(reference, "image", "", "", file.platform, file.data, layers)


def is_safe(name: str) -> bool:
    """Whether a name that a stranger wrote stays below the folder that it is looked up in."""
    return bool(name) and "\0" not in name and normal_path(name) == name


def _layer(files: Files, path: str, info: LayerInfo) -> Layer:
    problem = "" if is_safe(path) else f"is said to be in {path[:100]!r}, which leads out of the archive"
    return Layer(info, lambda limits: LayerWalk(info, files.pieces(path), limits), problem=problem)
