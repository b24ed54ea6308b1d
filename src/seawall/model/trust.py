"""What is attached to an image as proof of where it comes from, and what came of verifying it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

#: A sigstore bundle, cosign's older signature or attestation, or a signature of the Notary project.
Form = Literal["bundle", "cosign", "notation"]


#: How evidence begins that tells of a check which failed, and which the policy does not enforce.
LAX = "not enforced: "


class Attached(Struct, frozen=True):
    """Something attached to an image that says it is a signature or attestation: as the registry holds it, unverified.

    ``where`` is the digest of its manifest or blob, or the tag that it stands under. ``data`` is the bundle, the signed
    payload or envelope of cosign's older form (whose signature and certificate are in ``annotations``), or Notation's
    envelope (of ``media_type``).
    """

    form: Form
    where: str
    media_type: str
    data: bytes
    annotations: dict[str, str] = {}


class ImageFacts(Struct, frozen=True):
    """What is known of an image when its trust is judged.

    ``repository`` is host and name (``docker.io/library/debian``), ``digest`` that of the manifest or index that the
    reference means, which is what signatures are about. ``layers`` are the digests of the plain layers, ``created`` is
    RFC 3339 or empty. ``base_name`` and ``base_digest`` are what its labels say that it was built on.
    """

    repository: str
    digest: str
    created: str = ""
    layers: tuple[str, ...] = ()
    base_name: str = ""
    base_digest: str = ""
    attached: tuple[Attached, ...] = ()


class Proof(Struct, frozen=True, rename="camel"):
    """A signature that holds: who made it, when (RFC 3339, empty where nothing proves it), and what shows that.

    ``evidence`` are lines such as ``certificate of https://... issued for ...`` or ``entry 12 of the log ...``.
    """

    signer: str
    form: Form
    where: str
    identity: str
    issuer: str = ""
    time: str = ""
    predicate: str = ""
    evidence: tuple[str, ...] = ()


class Refusal(Struct, frozen=True, rename="camel"):
    """A signature that does not count for a signer, and why.

    ``state`` is ``invalid`` where it is broken, expired or of another image, ``untrusted`` where somebody else made it.
    """

    signer: str
    form: Form
    where: str
    state: Literal["invalid", "untrusted"]
    reason: str
    predicate: str = ""


class ConditionResult(Struct, frozen=True, rename="camel"):
    """A condition on a predicate: ``problem`` says why it does not hold, and is empty where it does."""

    expression: str
    problem: str = ""


class AttestationResult(Struct, frozen=True, rename="camel"):
    """What became of a required attestation: ``kept``, ``missing``, ``invalid``, ``untrusted`` or ``broken`` (a
    condition does not hold)."""

    predicate: str
    state: Literal["kept", "missing", "invalid", "untrusted", "broken"]
    reason: str = ""
    signers: tuple[str, ...] = ()
    where: str = ""
    conditions: tuple[ConditionResult, ...] = ()


class SignerResult(Struct, frozen=True, rename="camel"):
    """What became of a required signer: ``trusted``, ``missing`` (nobody signed), ``invalid`` or ``untrusted``."""

    signer: str
    state: Literal["trusted", "missing", "invalid", "untrusted"]
    reason: str = ""


class TrustVerdict(Struct, frozen=True, rename="camel"):
    """What a policy says of an image.

    ``registry``, ``base`` and ``age`` are what is wrong with them, empty where nothing is. ``required`` says whether
    the policy asks for any signature or attestation of the image at all.
    """

    repository: str
    digest: str
    registry: str = ""
    base: str = ""
    age: str = ""
    required: bool = False
    signers: tuple[SignerResult, ...] = ()
    attestations: tuple[AttestationResult, ...] = ()
    proofs: tuple[Proof, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def trusted(self) -> bool:
        """Whether the policy has nothing against the image."""
        wrong = self.registry or self.base or self.age
        signed = all(each.state == "trusted" for each in self.signers)
        return not wrong and signed and all(each.state == "kept" for each in self.attestations)
