"""Fetching what is attached to an image as signature or attestation: by the referrers API, or by cosign's tags.

Sources: OCI distribution specification (referrers), cosign's SIGNATURE_SPEC.md and BUNDLE_SPEC.md, Notary project's
signature-specification.md. Nothing is verified here but digests.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from seawall.model.trust import Attached, Form
from seawall.sources.registry.client import Registry, RegistryOptions, registries
from seawall.sources.registry.reference import Reference
from seawall.sources.registry.referring import Referrer, referrers
from seawall.sources.web.errors import ApiError, Oversized, WebError

_BUNDLE, _COSIGN, _NOTATION = (
    "application/vnd.dev.sigstore.bundle",
    "application/vnd.dev.cosign.artifact.",
    "application/vnd.cncf.notary.signature",
)
_FORMS: dict[str, Form] = {_BUNDLE: "bundle", _COSIGN: "cosign", _NOTATION: "notation"}
_SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
_ENVELOPE = "application/vnd.dsse.envelope.v1+json"
_NOTATION_FORMS = frozenset(("application/jose+json", "application/cose"))
#: More than any image has; who attaches more than this keeps it from being judged, and not from being refused.
MAX_ARTIFACTS, MAX_LAYERS = 100, 100
MAX_ONE, MAX_ALL = 32 << 20, 64 << 20


class _Part(Struct, frozen=True, rename="camel"):
    digest: str = ""
    media_type: str = ""
    size: int = -1
    annotations: dict[str, str] | None = None


class _Manifest(Struct, frozen=True, rename="camel"):
    config: _Part | None = None
    layers: tuple[_Part, ...] | None = None
    artifact_type: str | None = None
    subject: _Part | None = None


def attached_to(reference: Reference, digest: str, options: RegistryOptions) -> list[Attached]:
    """Everything that says it is a signature or attestation of a manifest.

    A mirror need not have them: what mirrors and the registry itself have counts together.

    Raises:
        WebError: the registry does not tell, what it sends is of no use, or it is more than is read.
    """
    found: dict[tuple[str, str], Attached] = {}
    *mirrors, origin = registries(reference, options)
    for registry in (*mirrors, origin):
        try:
            found.update(((each.where, each.media_type), each) for each in _Fetching(registry, digest).all())
        except WebError:
            if registry is origin:
                raise
        finally:
            registry.close()
    return list(found.values())


class _Fetching:
    """What one registry has; bounded over all."""

    def __init__(self, registry: Registry, digest: str) -> None:
        self._registry, self._digest = registry, digest
        self._left = MAX_ALL

    def all(self) -> Iterator[Attached]:
        listed = [each for each in referrers(self._registry, self._digest) if self._may_be(each)]
        if len(listed) > MAX_ARTIFACTS:
            raise Oversized(
                f"{len(listed)} signatures are attached to {self._digest}, and {MAX_ARTIFACTS} are the most"
            )
        for each in listed:
            yield from self._artifact(each)
        for suffix in ("sig", "att"):
            yield from self._tagged(f"{self._digest.replace(':', '-', 1)}.{suffix}")

    def _may_be(self, referrer: Referrer) -> bool:
        """A type that is not told (older registries) may be anything: its manifest tells."""
        kind = referrer.artifact_type
        return not kind or kind.startswith(tuple(_FORMS))

    def _artifact(self, referrer: Referrer) -> Iterator[Attached]:
        manifest = _decoded(self._registry.manifest(referrer.digest).body)
        kind = manifest.artifact_type or (manifest.config.media_type if manifest.config is not None else "")
        form = next((form for prefix, form in _FORMS.items() if kind.startswith(prefix)), None)
        if form is None:
            return
        if form == "cosign":
            yield from self._layers(referrer.digest, manifest)
            return
        for layer in self._bounded(manifest):
            if form == "bundle" and not layer.media_type.startswith(_BUNDLE):
                continue
            if form == "notation" and layer.media_type not in _NOTATION_FORMS:
                continue
            yield Attached(form, referrer.digest, layer.media_type, self._blob(layer))

    def _tagged(self, tag: str) -> Iterator[Attached]:
        try:
            manifest = self._registry.manifest(tag)
        except ApiError as error:
            if error.status != 404:
                raise
            return
        yield from self._layers(tag, _decoded(manifest.body))

    def _layers(self, where: str, manifest: _Manifest) -> Iterator[Attached]:
        for layer in self._bounded(manifest):
            if layer.media_type in (_SIMPLE, _ENVELOPE):
                place = f"{where} {layer.digest}"
                yield Attached("cosign", place, layer.media_type, self._blob(layer), layer.annotations or {})

    def _bounded(self, manifest: _Manifest) -> tuple[_Part, ...]:
        layers = manifest.layers or ()
        if len(layers) > MAX_LAYERS:
            raise Oversized(f"a signature has {len(layers)} layers, and {MAX_LAYERS} are the most")
        return layers

    def _blob(self, layer: _Part) -> bytes:
        if not layer.digest.startswith(("sha256:", "sha512:")):
            raise WebError(f"a signature has the digest {layer.digest[:80]!r}, which is neither sha256 nor sha512")
        data = self._registry.small_blob(layer.digest, min(MAX_ONE, max(self._left, 0)))
        self._left -= len(data)
        return data


def _decoded(body: bytes) -> _Manifest:
    try:
        return msgspec.json.decode(body, type=_Manifest)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WebError(f"the manifest of a signature is malformed: {str(error)[:100]}") from error
