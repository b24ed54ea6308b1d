"""Images in registries: by way of mirrors, by platform, and what refers to them (signatures, SBOMs, attestations)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from seawall.model.images import Platform
from seawall.sources.images.errors import ImageError
from seawall.sources.images.image import Image, image_of
from seawall.sources.images.manifest import Descriptor, Document
from seawall.sources.registry.client import Manifest, Registry, RegistryOptions, registries
from seawall.sources.registry.reference import Reference, parse_image
from seawall.sources.web.errors import ApiError, WebError

_MAX_PAGES = 50


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


def referrers(registry: Registry, digest: str) -> list[Descriptor]:
    """What refers to a manifest: by the API, or by the tag that stands in for it in older registries.

    Raises:
        ApiError: the registry refuses to tell.
        WebError: what it sends is of no use.
    """
    name = registry.reference.name
    found: list[Descriptor] = []
    path = f"/v2/{name}/referrers/{digest}"
    try:
        for _ in range(_MAX_PAGES):
            reply = registry.get(path)
            found += _listed(reply.body)
            path = registry.next_page(reply)
            if not path:
                return found
    except ApiError as error:
        if error.status not in (400, 404, 405, 501):
            raise
    try:
        return _listed(registry.manifest(digest.replace(":", "-", 1)).body)
    except ApiError as error:
        if error.status != 404:
            raise
        return []


def _listed(body: bytes) -> list[Descriptor]:
    try:
        return list(msgspec.json.decode(body, type=Document).manifests or ())
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WebError("the registry's list of referrers is malformed") from error
