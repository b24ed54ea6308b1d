"""Images in registries: by way of mirrors, by platform."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.model.images import Platform
from seawall.sources.images.errors import ImageError
from seawall.sources.images.image import Image, image_of
from seawall.sources.registry.client import Manifest, Registry, RegistryOptions, registries
from seawall.sources.registry.reference import Reference, parse_image
from seawall.sources.web.errors import WebError


class _RegistryBlobs:
    """Blobs and manifests of one repository."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def manifest(self, digest: str) -> bytes:
        try:
            return self._registry.manifest(digest).body
        except WebError as error:
            raise ImageError(str(error)) from error

    def read(self, digest: str, limit: int) -> bytes:
        try:
            return self._registry.small_blob(digest, limit)
        except WebError as error:
            raise ImageError(str(error)) from error

    def pieces(self, digest: str, size: int) -> Iterator[bytes]:
        try:
            yield from self._registry.blob(digest, size)
        except WebError as error:
            raise ImageError(f"layer {digest}: {error}") from error


def open_remote(text: str, wanted: Platform | None, options: RegistryOptions) -> Image:
    """An image in a registry. Layers are fetched when they are walked.

    Raises:
        ImageError: it cannot be had from the registry nor from any of its mirrors.
    """
    try:
        reference = parse_image(text)
        registry, manifest = _found(reference, options)
    except WebError as error:
        raise ImageError(str(error)) from error
    try:
        image = image_of(text, manifest.body, manifest.digest, wanted, _RegistryBlobs(registry))
    except BaseException:
        registry.close()
        raise
    image.close = registry.close
    return image


def remote_digest(text: str, options: RegistryOptions) -> str:
    """The digest of the manifest or index that a name means, whatever kind of artifact it is.

    Raises:
        ImageError: it cannot be had from the registry nor from any of its mirrors.
    """
    try:
        registry, manifest = _found(parse_image(text), options)
    except WebError as error:
        raise ImageError(str(error)) from error
    registry.close()
    return manifest.digest


def _found(reference: Reference, options: RegistryOptions) -> tuple[Registry, Manifest]:
    """Whoever has the manifest; a mirror that fails is passed over."""
    *mirrors, origin = registries(reference, options)
    for mirror in mirrors:
        try:
            return mirror, mirror.manifest(reference.version)
        except WebError:
            mirror.close()
    try:
        return origin, origin.manifest(reference.version)
    except BaseException:
        origin.close()
        raise
