"""Artifacts in OCI registries that hold manifests or a Helm chart: Flux's, ORAS's, Helm's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from seawall.sources.registry.client import Registry, RegistryOptions
from seawall.sources.registry.reference import parse_artifact
from seawall.sources.web.errors import WebError

_HELM_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_TITLE = "org.opencontainers.image.title"
_MAX_LAYER = 256 << 20
_MAX_LAYERS = 64


class OciError(Exception):
    """An artifact that cannot be had; the message says why and what to do."""


class Layer(Struct, frozen=True):
    """A layer: its bytes, whether it is a Helm chart, and the file name that it was pushed under (may be empty)."""

    data: bytes
    is_chart: bool
    title: str


def pull(text: str, options: RegistryOptions | None = None) -> list[Layer]:
    """The layers of an artifact.

    Plain HTTP is spoken only to loopback addresses, or where the options say so.

    Raises:
        OciError: the registry cannot be reached or refuses, a digest is wrong, or a bound is exceeded.
    """
    try:
        reference = parse_artifact(text)
        registry = Registry(reference, options or RegistryOptions())
        try:
            return list(_layers(registry, _decoded(registry.manifest(reference.version).body)))
        finally:
            registry.close()
    except WebError as error:
        raise OciError(str(error)) from error


def _layers(registry: Registry, manifest: dict[str, Any]) -> Iterator[Layer]:
    layers = manifest.get("layers")
    if not isinstance(layers, list) or len(layers) > _MAX_LAYERS:
        raise OciError("is no artifact with manifests or a chart (an index of images, or without layers)")
    for layer in layers:
        digest, kind = str(layer.get("digest")), str(layer.get("mediaType"))
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            raise OciError(f"has a layer with the digest {digest[:80]!r}, which is not sha256")
        if "provenance" in kind:
            continue
        data = registry.small_blob(digest, _MAX_LAYER)
        title = (layer.get("annotations") or {}).get(_TITLE)
        yield Layer(data, kind == _HELM_CHART, title if isinstance(title, str) else "")


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OciError("has a manifest that is no JSON") from error
    if not isinstance(value, dict):
        raise OciError("has a manifest that is no JSON object")
    for layer in value.get("layers") or ():
        if not isinstance(layer, dict) or not isinstance(layer.get("annotations") or {}, dict):
            raise OciError("has a malformed manifest")
    return value
