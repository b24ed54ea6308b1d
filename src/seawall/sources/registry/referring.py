"""What refers to an image: signatures, bills of materials, attestations. Source: OCI distribution specification."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from seawall.sources.registry.client import Registry
from seawall.sources.web.errors import ApiError, WebError

_MAX_PAGES = 50
#: Statuses by which registries say that they know no such API.
_UNKNOWN = frozenset((400, 404, 405, 501))


class Referrer(Struct, rename="camel"):
    """A manifest that refers to another; what it is, is its artifact type, or else its media type."""

    digest: str
    media_type: str = ""
    artifact_type: str | None = None
    size: int = -1
    annotations: dict[str, str] | None = None


class _Index(Struct):
    manifests: tuple[Referrer, ...] | None = None


def referrers(registry: Registry, digest: str) -> list[Referrer]:
    """What refers to a manifest: by the API, or by the tag that stands in for it in older registries.

    Raises:
        ApiError: the registry refuses to tell.
        WebError: what it sends is of no use.
    """
    found: list[Referrer] = []
    path = f"/v2/{registry.reference.name}/referrers/{digest}"
    try:
        for _ in range(_MAX_PAGES):
            reply = registry.get(path)
            found += _listed(reply.body)
            path = registry.next_page(reply)
            if not path:
                return found
        raise WebError(f"the registry lists referrers on more than {_MAX_PAGES} pages")
    except ApiError as error:
        if error.status not in _UNKNOWN or found:
            raise
    try:
        return _listed(registry.manifest(digest.replace(":", "-", 1)).body)
    except ApiError as error:
        if error.status != 404:
            raise
        return []


def _listed(body: bytes) -> list[Referrer]:
    try:
        return list(msgspec.json.decode(body, type=_Index).manifests or ())
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WebError("the registry's list of referrers is malformed") from error
