"""Images in the store that CRI-O, podman and buildah share (containers-storage), of the drivers overlay and vfs.

With overlay each layer is a folder of what it changes; with vfs each is a whole copy, so that only the last is walked.
The folders cannot be checked against the layers' digests.
"""

from __future__ import annotations

import base64
import os
from functools import partial

import msgspec
from msgspec import Struct

from seawall.model.images import LayerInfo, Platform
from seawall.sources.images.config import MAX_CONFIG, read_config
from seawall.sources.images.disk import DiskWalk
from seawall.sources.images.errors import ImageError
from seawall.sources.images.files import Folder, file_pieces, verified, whole
from seawall.sources.images.image import MAX_DOCUMENT, Image, Layer
from seawall.sources.images.layer import is_digest
from seawall.sources.images.manifest import read_document, suits
from seawall.sources.images.stored import is_called, is_safe

ROOT = "/var/lib/containers/storage"
_MAX_LIST = 64 << 20
_MAX_LAYERS = 512
_MOST_TOLD = 20


class _Stored(Struct, rename="kebab"):
    id: str
    layer: str = ""
    digest: str = ""
    names: tuple[str, ...] | None = None
    names_history: tuple[str, ...] | None = None


class _StoredLayer(Struct, rename="kebab"):
    id: str
    parent: str = ""
    diff_digest: str = ""
    compressed_diff_digest: str = ""
    diff_size: int = 0
    compressed_size: int = 0


def open_storage(reference: str, name: str, root: str, wanted: Platform | None) -> Image:
    """An image by one of its names, its id (or the start of it) or its digest.

    Raises:
        ImageError: it is not there, or cannot be read.
    """
    driver = next((each for each in ("overlay", "vfs") if os.path.isdir(os.path.join(root, f"{each}-images"))), "")
    if not driver:
        raise ImageError(f"{root} is no store of containers of the driver overlay or vfs; name its folder with --store")
    stored = _chosen(_listed(root, f"{driver}-images/images.json", list[_Stored]), name)
    folder = os.path.join(root, f"{driver}-images")
    digest, config_digest = _manifest(folder, stored)
    file = read_config(verified(whole(Folder(f"{folder}/{stored.id}"), _key(config_digest), MAX_CONFIG), config_digest))
    if wanted is not None and not suits(file.platform, wanted):
        raise ImageError(f"is for {file.platform}, not for {wanted}; leave --platform out to look into it")
    chain = _chain(root, driver, stored.layer)
    layers = [_layer(root, driver, each) for each in chain]
    if driver == "vfs":
        layers = layers[-1:]
    return Image(reference, "image", digest, "", file.platform, file.data, layers)


def _listed(root: str, name: str, kind: type[list[_Stored]]) -> list[_Stored]:
    data = whole(Folder(root), name, _MAX_LIST)
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ImageError(f"{os.path.join(root, name)} is malformed: {error}") from error


def _chosen(images: list[_Stored], name: str) -> _Stored:
    for image in images:
        known = [image.digest, image.id, f"sha256:{image.id}", *(image.names or ())]
        if is_called(name, known) or (len(name) >= 8 and image.id.startswith(name)):
            if not is_safe(image.id) or "/" in image.id:
                raise ImageError(f"the store lists an image with the id {image.id[:80]!r}")
            return image
    told = ", ".join(sorted({each for image in images for each in image.names or ()})[:_MOST_TOLD])
    raise ImageError(f"the store has no image {name[:200]}" + (f"; it has {told}" if told else ""))


def _key(name: str) -> str:
    """How the store names the file of a big item: in base 64 where it is no plain word."""
    if all(character.isascii() and (character.isalnum() or character in "-_.") for character in name):
        return name
    return "=" + base64.b64encode(name.encode()).decode()


def _manifest(folder: str, stored: _Stored) -> tuple[str, str]:
    """The digests of the image's manifest (by the file that keeps it) and of its configuration."""
    files = Folder(f"{folder}/{stored.id}")
    if "manifest" not in files:
        return stored.digest, f"sha256:{stored.id}"
    body = whole(files, "manifest", MAX_DOCUMENT)
    document = read_document(body)
    if document.config is None:
        raise ImageError("has an index where its manifest should be")
    if is_digest(stored.digest) and _key(f"manifest-{stored.digest}") in files:
        verified(whole(files, _key(f"manifest-{stored.digest}"), MAX_DOCUMENT), stored.digest)
    return stored.digest, document.config.digest


def _chain(root: str, driver: str, top: str) -> list[_StoredLayer]:
    """An image's layers, the lowest first."""
    found: list[_StoredLayer] = []
    known = {}
    for name in ("layers.json", "volatile-layers.json"):
        path = os.path.join(root, f"{driver}-layers", name)
        if os.path.isfile(path):
            try:
                layers = msgspec.json.decode(b"".join(file_pieces(path)), type=list[_StoredLayer])
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
                raise ImageError(f"{path} is malformed: {error}") from error
            known.update({layer.id: layer for layer in layers})
    while top:
        if top not in known or len(found) > _MAX_LAYERS or not is_safe(top) or "/" in top:
            raise ImageError(f"{root} lists no layer {top[:80]}, which the image has")
        found.append(known[top])
        top = known[top].parent
    return found[::-1]


def _layer(root: str, driver: str, stored: _StoredLayer) -> Layer:
    digest = stored.compressed_diff_digest or stored.diff_digest
    size = stored.compressed_size or stored.diff_size
    info = LayerInfo(digest, stored.diff_digest, max(size, 0))
    folder = os.path.join(root, *((driver, stored.id, "diff") if driver == "overlay" else ("vfs", "dir", stored.id)))
    walk = partial(DiskWalk, folder, f"layer {digest}", overlay=driver == "overlay", mounts=False)
    return Layer(info, walk, verified=False)
