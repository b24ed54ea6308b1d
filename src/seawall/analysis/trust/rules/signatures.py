"""Who signed an image, and what is attested of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.images import Image, ImageAttestation
    from seawall.model.rule import Context

_REFERENCES = (
    "https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-190.pdf",
    "https://docs.sigstore.dev/cosign/verifying/verify/",
)
_CONTROLS = "nist-800-190:4.1.5"


@rule(
    "image-not-signed",
    title="Image without a signature that the trust policy asks for",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Image",
    why="Nothing tells that this is the image that was built: whoever can push to the registry may have put it there.",
    remediation="Sign the image where it is built, by its digest (`cosign sign`, `notation sign`), and copy signatures "
    "along when it is copied.",
    controls=_CONTROLS,
    aliases="C-0237 kyverno:verify-image kyverno:verify-image-ivpol",
    references=_REFERENCES,
)
def image_not_signed(image: Image, ctx: Context) -> Hits:
    yield from _signers(image, "missing", "has no signature, and {name} must have signed it")


@rule(
    "signature-invalid",
    title="Signature that does not hold",
    severity=Severity.CRITICAL,
    scope=Scope.IMAGE,
    on="Image",
    why="A signature that was changed, has expired or is of another image is what an attacker leaves who swaps images.",
    remediation="Find out who pushed it; run the image again only once it is signed anew where it is built.",
    controls=_CONTROLS,
    aliases="C-0236",
    references=_REFERENCES,
)
def signature_invalid(image: Image, ctx: Context) -> Hits:
    yield from _signers(image, "invalid", "no signature of {name} holds")
    for index, each in _attestations(image, "invalid"):
        yield Hit(f"no attestation {each.predicate} holds: {each.reason}", ("spec", "trust", "attestations", index))


@rule(
    "signer-not-trusted",
    title="Image signed by somebody else than the trust policy asks for",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Image",
    why="Anybody can sign an image; a signature says something only where it is known who makes it.",
    remediation="Have it signed by the signer that the policy names, or name this one there if it is to be trusted.",
    controls=_CONTROLS,
    aliases="kyverno:verify-image-with-multi-keys",
    references=_REFERENCES,
)
def signer_not_trusted(image: Image, ctx: Context) -> Hits:
    yield from _signers(image, "untrusted", "is not signed by {name}")


@rule(
    "attestation-missing",
    title="Image without an attestation that the trust policy asks for",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Image",
    why="Without a provenance, a scan or a bill of materials that somebody trusted signed, nobody knows what it is.",
    remediation="Attest it where the image is built (`cosign attest`), signed by the signer that the policy names.",
    controls=_CONTROLS,
    aliases="C-0304 kyverno:verify-sbom-cyclonedx kyverno:verify-slsa-provenance-keyless "
    "kyverno:require-vulnerability-scan",
    references=_REFERENCES,
)
def attestation_missing(image: Image, ctx: Context) -> Hits:
    for index, each in _attestations(image, "missing"):
        yield Hit(f"has no attestation {each.predicate}", ("spec", "trust", "attestations", index))


@rule(
    "attestation-not-trusted",
    title="Attestation by somebody else than the trust policy asks for",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Image",
    why="Anybody who may push can attest anything; only what a trusted signer attests says something.",
    remediation="Have it attested by the signer that the policy names.",
    controls=_CONTROLS,
    references=_REFERENCES,
)
def attestation_not_trusted(image: Image, ctx: Context) -> Hits:
    for index, each in _attestations(image, "untrusted"):
        yield Hit(
            f"no attestation {each.predicate} is of a trusted signer: {each.reason}",
            ("spec", "trust", "attestations", index),
        )


@rule(
    "attestation-condition-failed",
    title="Attestation that says what the trust policy does not accept",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Image",
    why="It is known from whoever built the image that it was not built, or is not, as it should be.",
    remediation="Read what the attestation says, mend the build or the image, and attest it anew.",
    controls=_CONTROLS,
    references=_REFERENCES,
)
def attestation_condition_failed(image: Image, ctx: Context) -> Hits:
    for index, each in _attestations(image, "broken"):
        yield Hit(f"its attestation {each.predicate}: {each.reason}", ("spec", "trust", "attestations", index))


def _signers(image: Image, state: str, told: str) -> Iterator[Hit]:
    for index, each in numbered(image.spec.trust.signers if image.spec.trust is not None else ()):
        if each.state == state:
            reason = f": {each.reason}" if each.reason else ""
            yield Hit(f"{told.format(name=each.signer)}{reason}", ("spec", "trust", "signers", index))


def _attestations(image: Image, state: str) -> Iterator[tuple[int, ImageAttestation]]:
    for index, each in numbered(image.spec.trust.attestations if image.spec.trust is not None else ()):
        if each.state == state:
            yield index, each
