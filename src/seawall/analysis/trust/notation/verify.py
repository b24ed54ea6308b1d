"""Judging a signature of Notation by its trust policy. Source: Notary project's trust-store-trust-policy.md, "Signature
Evaluation". Plugins and revocation by network are not supported; where they are asked for, a signature is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from seawall.analysis.trust.certificates import Authorities, chain_of, is_listed, load, read_revoked, subject_of, told
from seawall.analysis.trust.errors import Expired, Invalid, Untrusted
from seawall.analysis.trust.form import Notation
from seawall.analysis.trust.notation.envelope import X509, Envelope, read_envelope
from seawall.analysis.trust.notation.policy import (
    ReadFolder,
    Scoped,
    read_notation_policy,
    scoped_for,
    subject_attributes,
)
from seawall.analysis.trust.signers import Read, Signed
from seawall.analysis.trust.text import from_json
from seawall.analysis.trust.timestamps import response_of, stamped_at
from seawall.analysis.trust.trustroot import Authority
from seawall.model.trust import LAX, Attached

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, CertificateRevocationList

T = TypeVar("T")
_ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
#: By algorithm: the hash, and the size of the key (RSA: bits; EC: bytes of each half of a signature).
_RSA = {"PS256": ("SHA256", 2048), "PS384": ("SHA384", 3072), "PS512": ("SHA512", 4096)}
_EC = {"ES256": ("SHA256", 32), "ES384": ("SHA384", 48), "ES512": ("SHA512", 66)}


class _Target(Struct, frozen=True, rename="camel"):
    digest: str
    media_type: str = ""
    size: int = -1


class _Payload(Struct, frozen=True, rename="camel"):
    target_artifact: _Target


class NotationVerifier:
    """A trust policy of Notation with its stores."""

    def __init__(self, form: Notation, read: Read, read_folder: ReadFolder) -> None:
        self._policy = read_notation_policy(read(form.policy), form.policy, form.trust_store.rstrip("/"), read_folder)
        self._revoked = tuple(read_revoked(read(file), file) for file in form.revoked)

    def verify(self, attached: Attached, repository: str, digest: str, now: datetime) -> Signed:
        """Who made the signature.

        Raises:
            Invalid: it does not hold, by what the policy enforces.
            Untrusted: somebody else made it.
        """
        scoped = scoped_for(self._policy, repository)
        if scoped is None:
            raise Untrusted(f"the trust policy of Notation has no statement for {repository}")
        envelope = read_envelope(attached.data, attached.media_type)
        chain = [load(each) for each in envelope.certificates]
        if not chain:
            raise Invalid("the signature has no certificate")
        _verify_integrity(envelope, chain[0])
        target = from_json(envelope.payload, _Payload, "the payload").target_artifact
        if target.digest != digest:
            raise Invalid(f"it is of another image: {target.digest[:80]}")
        return _Judging(scoped, envelope, chain, self._revoked, now).judge()


def _verify_integrity(envelope: Envelope, leaf: Certificate) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

    key, name = leaf.public_key(), envelope.algorithm
    try:
        if name in _RSA and isinstance(key, rsa.RSAPublicKey):
            kind, bits = _RSA[name]
            made = getattr(hashes, kind)()
            if key.key_size != bits:
                raise Invalid(f"{name} is for keys of {bits} bits, and the key has {key.key_size}")
            pss = padding.PSS(padding.MGF1(made), made.digest_size)
            key.verify(envelope.signature, envelope.message, pss, made)
        elif name in _EC and isinstance(key, ec.EllipticCurvePublicKey):
            kind, size = _EC[name]
            if (key.curve.key_size + 7) // 8 != size or len(envelope.signature) != 2 * size:
                raise Invalid(f"{name} does not go with the key, or the signature has another length")
            halves = (int.from_bytes(each, "big") for each in (envelope.signature[:size], envelope.signature[size:]))
            made = getattr(hashes, kind)()
            key.verify(utils.encode_dss_signature(*halves), envelope.message, ec.ECDSA(made))
        else:
            raise Invalid(f"the algorithm {name[:20]} is not one of Notation's, or not for this key")
    except InvalidSignature as error:
        raise Invalid("the signature does not hold: it, or what it signs, was changed") from error


class _Judging:
    """One signature, one statement. What the policy enforces raises; what it logs is noted."""

    def __init__(
        self,
        scoped: Scoped,
        envelope: Envelope,
        chain: list[Certificate],
        revoked: tuple[CertificateRevocationList, ...],
        now: datetime,
    ) -> None:
        self._scoped, self._envelope, self._now = scoped, envelope, now
        self._leaf, self._given = chain[0], chain[1:]
        self._revoked = revoked
        self._notes: list[str] = []

    def judge(self) -> Signed:
        when = self._time()
        chain = self._check("authenticity", lambda: self._authentic(when))
        self._check("expiry", self._expiry)
        self._check("revocation", lambda: self._revocation(chain or []))
        evidence = (f"certificate for {subject_of(self._leaf)}", f"statement {self._scoped.name}", *self._notes)
        issuer = self._leaf.issuer.rfc4514_string()
        return Signed(subject_of(self._leaf), issuer, when if when != self._now else None, evidence)

    def _check(self, name: str, do: Callable[[], T]) -> T | None:
        """Run a check as the policy says; what it gives, or None where it failed and that is only noted."""
        action = self._scoped.actions[name]
        if action == "skip":
            return None
        try:
            return do()
        except (Invalid, Untrusted) as problem:
            if action == "enforce":
                raise
            self._notes.append(f"{LAX}{name}: {problem}")
            return None

    def _time(self) -> datetime:
        """The moment at which the certificates have to be valid."""
        envelope = self._envelope
        if envelope.scheme != X509:
            return envelope.signed_at
        expired = any(each.not_valid_after_utc < self._now for each in (self._leaf, *self._given))
        stampers = [Authority(Authorities((each,)), *_ALWAYS) for each in self._scoped.stores.get("tsa", ())]
        if not stampers or (self._scoped.after_expiry and not expired):
            return self._now
        if self._scoped.actions["authenticTimestamp"] == "skip":
            return self._now
        try:
            if not envelope.timestamp:
                raise Invalid("the signature has no timestamp, and the trust policy asks for one (tsa)")
            when = stamped_at(response_of(envelope.timestamp), envelope.signature, stampers)
        except Invalid as problem:
            if self._scoped.actions["authenticTimestamp"] == "enforce":
                raise
            self._notes.append(f"{LAX}authenticTimestamp: {problem}")
            return self._now
        self._notes.append(f"timestamp of {told(when)}")
        return when

    def _authentic(self, when: datetime) -> list[Certificate]:
        kind = "ca" if self._envelope.scheme == X509 else "signingAuthority"
        roots = self._scoped.stores.get(kind, ())
        if not roots:
            raise Untrusted(f"the trust policy names no trust store of the kind {kind}")
        try:
            chain = self._chain(roots, when)
        except Expired as problem:
            # A certificate out of its time is for the check of timestamps.
            if self._scoped.actions["authenticTimestamp"] == "enforce":
                raise
            self._notes.append(f"{LAX}authenticTimestamp: {problem}")
            chain = self._chain(roots, self._leaf.not_valid_after_utc)
        identities = self._scoped.identities
        if identities is not None:
            subject = subject_attributes(self._leaf.subject)
            if not any(each <= subject for each in identities):
                raise Untrusted(f"it is by {subject_of(self._leaf)}")
        return chain

    def _chain(self, roots: tuple[Certificate, ...], when: datetime) -> list[Certificate]:
        authorities = Authorities(roots, (), self._revoked)
        return chain_of(self._leaf, self._given, authorities, when, purpose_optional=True)

    def _expiry(self) -> None:
        expires = self._envelope.expires
        if expires is not None and expires < self._now:
            raise Invalid(f"the signature expired at {told(expires)}")

    def _revocation(self, chain: list[Certificate]) -> None:
        if not is_listed(chain, self._revoked):
            raise Invalid(
                "whether its certificate is revoked is not known: name the authority's list (revoked), or override "
                "the check revocation in Notation's trust policy"
            )
