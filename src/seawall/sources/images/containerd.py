"""Images in containerd's store: names from its metadata, content by digest. Nothing of containerd needs to run."""

from __future__ import annotations

import os
from typing import NamedTuple

from seawall.model.images import Platform
from seawall.sources.images.bolt import Bolt
from seawall.sources.images.errors import ImageError
from seawall.sources.images.files import Folder
from seawall.sources.images.image import Image, image_of
from seawall.sources.images.layer import is_digest
from seawall.sources.images.stored import FileBlobs, is_called

ROOT = "/var/lib/containerd"
_METADATA = "io.containerd.metadata.v1.bolt/meta.db"
_CONTENT = "io.containerd.content.v1.content"
_MOST_TOLD = 20


class Named(NamedTuple):
    """A name in a namespace, and the digest of the manifest or index that it stands for."""

    namespace: str
    name: str
    digest: str


def open_containerd(reference: str, name: str, root: str, wanted: Platform | None) -> Image:
    """An image by its name (in any namespace) or by its digest.

    Raises:
        ImageError: it is not there, or cannot be read.
    """
    digest = name.rpartition("@")[2]
    if not is_digest(digest):
        digest = _digest_of(name, root)
    blobs = FileBlobs(Folder(os.path.join(root, _CONTENT)))
    return image_of(reference, blobs.manifest(digest), digest, wanted, blobs)


def _digest_of(name: str, root: str) -> str:
    known = names(root)
    found = {each.digest for each in known if is_called(name, [each.name])}
    if not found:
        told = ", ".join(sorted({each.name for each in known if not is_digest(each.name)})[:_MOST_TOLD])
        raise ImageError(f"containerd has no image {name[:200]}" + (f"; it has {told}" if told else ""))
    if len(found) > 1:
        raise ImageError(f"{name[:200]} is several images in containerd's namespaces; name one by its digest")
    return next(iter(found))


def names(root: str) -> list[Named]:
    """All names of images.

    Raises:
        ImageError: the metadata cannot be read.
    """
    bolt = Bolt(os.path.join(root, _METADATA))
    try:
        found: list[Named] = []
        for space in bolt.items(bolt.find("v1") or b""):
            images = space.bucket and bolt.find("v1", space.key.decode("utf-8", "replace"), "images")
            for image in bolt.items(images) if images else ():
                digest = _target(bolt, image.bucket)
                if is_digest(digest):
                    found.append(
                        Named(space.key.decode("utf-8", "replace"), image.key.decode("utf-8", "replace"), digest)
                    )
        return found
    finally:
        bolt.close()


def _target(bolt: Bolt, image: bytes | None) -> str:
    """The digest that an image's bucket points to; empty where there is none."""
    for item in bolt.items(image) if image else ():
        if item.key == b"target" and item.bucket:
            for field in bolt.items(item.bucket):
                if field.key == b"digest":
                    return field.value.decode("ascii", "replace")
    return ""
