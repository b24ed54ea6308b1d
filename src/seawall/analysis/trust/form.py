"""The form of a trust policy: what a person writes in ``seawall-trust.yaml``, or under ``trust:`` of the project."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Text = Annotated[str, Meta(min_length=1)]
Positive = Annotated[int, Meta(ge=1)]


class Keyless(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Who signs by an identity: a certificate of Fulcio for ``identity`` that ``issuer`` vouches for, each exactly or
    by a pattern for the whole of it, and in the log. ``claims`` are further things that the certificate must say.

    ``log: false`` and ``certificateLog: false`` are for services without such logs (as GitHub's for private
    repositories): then a timestamp of the trust root has to say when it was signed.
    """

    identity: str = ""
    identity_pattern: str = ""
    issuer: str = ""
    issuer_pattern: str = ""
    claims: dict[str, str] = {}
    trust_root: str = ""
    log: bool = True
    certificate_log: bool = True


class Certificates(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Who signs with a certificate of one's own authority. ``timestamp_roots`` are those of timestamp authorities:
    without a timestamp, the certificate has to be valid today."""

    roots: tuple[Text, ...]
    intermediates: tuple[Text, ...] = ()
    identity: str = ""
    identity_pattern: str = ""
    timestamp_roots: tuple[Text, ...] = ()
    revoked: tuple[Text, ...] = ()


class Notation(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Signatures of the Notary project: its own trust policy, and the folder of its trust stores; ``revoked`` are
    lists of revoked certificates (CRL)."""

    policy: Text
    trust_store: Text
    revoked: tuple[Text, ...] = ()


class Signer(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One who signs, by exactly one of the four ways; of several ``keys`` any one counts.

    ``transparency`` asks for an entry in the log also where a key signs. ``legacy: false`` refuses cosign's older form
    under tags.
    """

    name: Text
    keys: tuple[Text, ...] = ()
    keyless: Keyless | None = None
    certificates: Certificates | None = None
    notation: Notation | None = None
    transparency: bool = False
    legacy: bool = True


class Condition(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A CEL expression over ``predicate``, ``statement``, ``image`` and ``now`` that has to hold, and what is told
    else."""

    expression: Text
    message: str = ""


class RequiredAttestation(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An attestation that an image must have: its type, whose signature counts (any one), and what must hold of it.

    ``predicate`` is a type (a glob), or a short name that cosign has (``slsaprovenance1``, ``vuln``). ``every`` asks
    the conditions of all that the signers made, and not of one.
    """

    predicate: Text
    signed_by: tuple[Text, ...]
    conditions: tuple[Condition, ...] = ()
    every: bool = False


class Requirement(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What images of some repositories must carry. ``at_least`` of the signers suffice (0: all of them)."""

    images: tuple[Text, ...]
    excluding: tuple[Text, ...] = ()
    signed_by: tuple[Text, ...] = ()
    at_least: Annotated[int, Meta(ge=0)] = 0
    attestations: tuple[RequiredAttestation, ...] = ()


class Bases(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Base images that may be built on.

    ``images`` are read from their registry, and their layers compared. ``layers`` are chain IDs of the layers of
    bases. ``named`` are globs of the name (or ``name@digest``) that the image's own labels may say, which proves
    nothing by itself: whoever builds an image writes them. An image of the list itself is approved.
    """

    images: tuple[Text, ...] = ()
    layers: tuple[Text, ...] = ()
    named: tuple[Text, ...] = ()


class TrustPolicy(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The whole of it. ``registries`` and ``repositories`` are globs (``*`` within a part, ``**`` over parts): an image
    must be of one of either; none of both allows all."""

    registries: tuple[Text, ...] = ()
    repositories: tuple[Text, ...] = ()
    maximum_age_days: Positive | None = None
    bases: Bases | None = None
    trust_root: str = ""
    signers: tuple[Signer, ...] = ()
    requirements: tuple[Requirement, ...] = ()
