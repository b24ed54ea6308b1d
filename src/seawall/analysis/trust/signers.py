"""Signers of a policy, ready to verify: each takes a claim and says who made it, or why it does not count."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from seawall.analysis.trust.certificates import (
    CLAIMS,
    Authorities,
    chain_of,
    fulcio_value,
    issuer_of,
    load,
    names_of,
    read_certificates,
    read_revoked,
    subject_of,
    told,
)
from seawall.analysis.trust.claims import Claim
from seawall.analysis.trust.errors import BadPolicy, Invalid, Untrusted
from seawall.analysis.trust.form import Certificates, Keyless, Signer
from seawall.analysis.trust.keys import key_der, key_name, read_key, refuse_elsewhere, verifies
from seawall.analysis.trust.log import Logged, verify_entry
from seawall.analysis.trust.sct import verify_sct
from seawall.analysis.trust.timestamps import stamped_at
from seawall.analysis.trust.trustroot import Authority, TrustRoot, read_trust_root

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from cryptography.x509 import Certificate

#: Reads a file that a policy names.
Read = Callable[[str], bytes]
_MOST_NAME = 2048
_ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


class Signed(Struct, frozen=True):
    """Who made a signature, when (None where nothing proves it), and what shows it."""

    identity: str
    issuer: str = ""
    time: datetime | None = None
    evidence: tuple[str, ...] = ()


class Verifier(Protocol):
    """One way to sign."""

    def verify(self, claim: Claim, now: datetime) -> Signed:
        """Who made it.

        Raises:
            Invalid: it does not hold.
            Untrusted: somebody else made it.
        """


class Named:
    """A name that must be exactly, or as a whole by a pattern."""

    def __init__(self, exactly: str, pattern: str, what: str) -> None:
        self._exactly, self._what = exactly, what
        if exactly and pattern:
            raise BadPolicy(f"give either {what} or {what}Pattern")
        try:
            self._pattern = re.compile(pattern) if pattern else None
        except re.error as error:
            raise BadPolicy(f"{what}Pattern is no regular expression: {error}") from error
        self.asked = bool(exactly or pattern)

    def fits(self, name: str) -> bool:
        """Whether the name is meant."""
        if self._exactly:
            return name == self._exactly
        return self._pattern is None or (len(name) <= _MOST_NAME and self._pattern.fullmatch(name) is not None)


class KeyVerifier:
    """Signatures of keys; any of them counts."""

    def __init__(self, keys: list[PublicKeyTypes], root: TrustRoot | None) -> None:
        self._keys, self._root = keys, root

    def verify(self, claim: Claim, now: datetime) -> Signed:
        """As in :class:`Verifier`; with a trust root, an entry in a log is asked for."""
        for key in self._keys:
            if verifies(key, claim.signature, claim.message):
                entry = _logged(claim, key_der(key), self._root)[0] if self._root is not None else None
                evidence = (f"signature of the key {key_name(key)}", *((entry.told,) if entry else ()))
                return Signed(f"key {key_name(key)}", time=entry.time if entry else None, evidence=evidence)
        raise Untrusted("it verifies with none of the keys: another key made it, or it was changed since")


class KeylessVerifier:
    """Signatures of identities: Fulcio's certificate, the log, and who it was."""

    def __init__(self, form: Keyless, root: TrustRoot) -> None:
        self._identity = Named(form.identity, form.identity_pattern, "identity")
        self._issuer = Named(form.issuer, form.issuer_pattern, "issuer")
        if not self._identity.asked or not self._issuer.asked:
            raise BadPolicy("keyless needs an identity and an issuer: anybody can sign as somebody")
        for name in form.claims:
            if name not in CLAIMS:
                raise BadPolicy(f"there is no claim {name!r}; there are {', '.join(CLAIMS)}")
            if not form.claims[name]:
                raise BadPolicy(f"say what the claim {name} must be")
        self._claims = {name: Named(value, "", name) for name, value in form.claims.items()}
        self._root = root
        self._log, self._certificate_log = form.log, form.certificate_log

    def verify(self, claim: Claim, now: datetime) -> Signed:
        """As in :class:`Verifier`: the certificate has to be good at every time that is proved."""
        leaf, _ = _leaf(claim)
        entries = _logged(claim, claim.certificates[0], self._root) if self._log or claim.entries else []
        stamps = [stamped_at(each, claim.signature, self._root.timestamps) for each in claim.timestamps]
        times = [*stamps, *(each.time for each in entries if each.time is not None)]
        if not times:
            raise Invalid("nothing that is trusted says when it was made")
        for when in times:
            self._chained(leaf, when)
        if not verifies(leaf.public_key(), claim.signature, claim.message):
            raise Invalid("the signature does not hold: it, or what it signs, was changed")
        who, issuer = self._who(leaf)
        evidence = [f"certificate for {who} by {issuer}", *(each.told for each in entries)]
        evidence += [f"timestamp of {told(each)}" for each in stamps]
        return Signed(who, issuer, min(times), tuple(evidence))

    def _chained(self, leaf: Certificate, when: datetime) -> None:
        problem: Exception = Untrusted("the certificate leads to no authority of the trust root")
        for authority in self._root.authorities:
            try:
                chain = chain_of(leaf, (), authority.chain, when)
                if not authority.used_at(when):
                    raise Invalid(f"the authority that issued the certificate was not in use at {told(when)}")
                if self._certificate_log:
                    verify_sct(leaf, chain[min(1, len(chain) - 1)], self._root)
            except Untrusted:
                continue
            except Invalid as error:
                problem = error
                continue
            return
        raise problem

    def _who(self, leaf: Certificate) -> tuple[str, str]:
        issuer, names = issuer_of(leaf), names_of(leaf)
        who = next((name for name in names if self._identity.fits(name)), "")
        if not who or not self._issuer.fits(issuer):
            raise Untrusted(f"it is by {_shown(', '.join(names))}, whom {_shown(issuer) or 'nobody'} vouches for")
        for name, wanted in self._claims.items():
            value = fulcio_value(leaf, CLAIMS[name])
            if not wanted.fits(value):
                raise Untrusted(f"its {name} is {_shown(value) or 'not told'}")
        return who, issuer


class CertificateVerifier:
    """Signatures with certificates of one's own authority."""

    def __init__(self, form: Certificates, read: Read, root: TrustRoot | None) -> None:
        self._identity = Named(form.identity, form.identity_pattern, "identity")
        self._authorities = Authorities(
            _all_certificates(form.roots, read),
            _all_certificates(form.intermediates, read),
            tuple(read_revoked(read(file), file) for file in form.revoked),
        )
        stamps = _all_certificates(form.timestamp_roots, read)
        self._stampers = [Authority(Authorities((each,)), *_ALWAYS) for each in stamps]
        self._root = root

    def verify(self, claim: Claim, now: datetime) -> Signed:
        """As in :class:`Verifier`: good when a timestamp or the log says that it was made, else now."""
        leaf, given = _leaf(claim)
        times: list[datetime] = []
        evidence: list[str] = []
        if self._stampers:
            times += [stamped_at(each, claim.signature, self._stampers) for each in claim.timestamps]
            evidence += [f"timestamp of {told(each)}" for each in times]
        if self._root is not None:
            for entry in _logged(claim, claim.certificates[0], self._root):
                times += [entry.time] if entry.time is not None else []
                evidence.append(entry.told)
        for when in times or [now]:
            chain_of(leaf, given, self._authorities, when)
        if not verifies(leaf.public_key(), claim.signature, claim.message):
            raise Invalid("the signature does not hold: it, or what it signs, was changed")
        names = names_of(leaf) or [subject_of(leaf)]
        who = next((name for name in (*names, subject_of(leaf)) if self._identity.fits(name)), None)
        if who is None:
            raise Untrusted(f"it is by {_shown(', '.join(names))}")
        who = who or "nobody by name"
        return Signed(who, subject_of_issuer(leaf), min(times, default=None), (f"certificate for {who}", *evidence))


def subject_of_issuer(certificate: Certificate) -> str:
    """Who issued it, as RFC 4514 writes names."""
    return certificate.issuer.rfc4514_string()


def _shown(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."


def _all_certificates(files: tuple[str, ...], read: Read) -> tuple[Certificate, ...]:
    return tuple(each for file in files for each in read_certificates(_pem(file, read), file))


def _pem(text: str, read: Read) -> str:
    """PEM as it stands in the policy, or of the file that is named."""
    if text.lstrip().startswith("-----BEGIN"):
        return text
    return read(text).decode("utf-8", "replace")


def _leaf(claim: Claim) -> tuple[Certificate, list[Certificate]]:
    if not claim.certificates:
        raise Untrusted("it comes without a certificate: a bare key made it")
    leaf, *given = (load(each) for each in claim.certificates)
    return leaf, given


def _logged(claim: Claim, signer: bytes, root: TrustRoot) -> list[Logged]:
    if not claim.entries:
        raise Invalid("it is in no log")
    return [verify_entry(claim, entry, signer, root) for entry in claim.entries]


def prepare_signer(form: Signer, read: Read, trust_root: str) -> Verifier | None:
    """A signer, ready; None for one of Notation. ``read`` gets files, ``trust_root`` names the policy's own.

    Raises:
        BadPolicy: it cannot be used.
    """
    ways = [bool(form.keys), form.keyless is not None, form.certificates is not None, form.notation is not None]
    if sum(ways) != 1:
        raise BadPolicy("give exactly one of keys, keyless, certificates and notation")
    if form.notation is not None:
        return None
    file = (form.keyless.trust_root if form.keyless is not None else "") or trust_root
    needed = form.keyless is not None or form.transparency
    if needed and not file:
        raise BadPolicy("name the file with sigstore's trust root: trustRoot: trusted_root.json")
    root = read_trust_root(read(file), file) if needed else None
    if form.keyless is not None and root is not None:
        return KeylessVerifier(form.keyless, root)
    if form.certificates is not None:
        return CertificateVerifier(form.certificates, read, root)
    for key in form.keys:
        refuse_elsewhere(key)
    keys = [
        read_key(_pem(each, read), each if len(each) < 200 and "\n" not in each else "the key") for each in form.keys
    ]
    return KeyVerifier(keys, root)
