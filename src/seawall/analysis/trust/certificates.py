"""Chains of certificates that sign code, at a moment. Source: RFC 5280, section 6, without names' constraints.

A certificate with a critical extension that is not understood here is refused. See docs/adr/0068-trust.md.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from seawall.analysis.trust.errors import BadPolicy, Expired, Invalid, Untrusted
from seawall.analysis.trust.keys import check_key
from seawall.analysis.trust.text import MAX_CHAIN, pem_blocks

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, CertificateRevocationList

#: Extensions that are looked at: usages, constraints, alternative names, the identifiers of keys.
_UNDERSTOOD = frozenset(("2.5.29.15", "2.5.29.19", "2.5.29.37", "2.5.29.17", "2.5.29.14", "2.5.29.35"))
#: Refused also where it is not critical: what it forbids would pass.
_NAME_CONSTRAINTS = "2.5.29.30"
_MOST_STEPS = 100
_USERNAME = "1.3.6.1.4.1.57264.1.7"
_FULCIO = "1.3.6.1.4.1.57264.1."
#: What certificates of Fulcio say of a build, by the last part of the extension (fulcio/docs/oid-info.md).
CLAIMS = {
    "build-signer-uri": "9", "build-signer-digest": "10", "runner-environment": "11", "source-repository-uri": "12",
    "source-repository-digest": "13", "source-repository-ref": "14", "source-repository-identifier": "15",
    "source-repository-owner-uri": "16", "source-repository-owner-identifier": "17", "build-config-uri": "18",
    "build-config-digest": "19", "build-trigger": "20", "run-invocation-uri": "21",
    "source-repository-visibility-at-signing": "22",
}  # fmt: skip


class Authorities(Struct, frozen=True):
    """Whom to trust: roots, certificates that may stand between, and lists of what was revoked."""

    roots: tuple[Certificate, ...]
    between: tuple[Certificate, ...] = ()
    revoked: tuple[CertificateRevocationList, ...] = ()


def load(der: bytes) -> Certificate:
    """A certificate.

    Raises:
        Invalid: it is malformed, or of a key that is not trusted.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import (
        DuplicateExtension,
        InvalidVersion,
        UnsupportedGeneralNameType,
        load_der_x509_certificate,
    )

    try:
        with warnings.catch_warnings():  # of what is odd and still read, such as negative serial numbers
            warnings.simplefilter("ignore")
            certificate = load_der_x509_certificate(der)
            check_key(certificate.public_key())
            # The parts that are only read, and then refused, when they are asked for.
            _ = certificate.extensions, certificate.subject, certificate.issuer
    except (ValueError, UnsupportedAlgorithm, DuplicateExtension, InvalidVersion, UnsupportedGeneralNameType) as error:
        raise Invalid(f"a certificate is malformed: {str(error)[:120]}") from error
    return certificate


def read_certificates(pem: str, what: str) -> tuple[Certificate, ...]:
    """All certificates of a PEM file.

    Raises:
        BadPolicy: it holds none, or something else.
    """
    try:
        blocks = pem_blocks(pem, what)
        if any(label != "CERTIFICATE" for label, _ in blocks):
            raise BadPolicy(f"{what} must hold certificates alone")
        return tuple(load(der) for _, der in blocks)
    except Invalid as error:
        raise BadPolicy(str(error) if what in str(error) else f"{what}: {error}") from error


def read_revoked(data: bytes, what: str) -> CertificateRevocationList:
    """A list of revoked certificates, in PEM or DER.

    Raises:
        BadPolicy: it is something else.
    """
    from cryptography.x509 import load_der_x509_crl, load_pem_x509_crl

    try:
        return load_pem_x509_crl(data) if data.startswith(b"-----BEGIN") else load_der_x509_crl(data)
    except ValueError as error:
        raise BadPolicy(f"{what} is no list of revoked certificates (CRL)") from error


def subject_of(certificate: Certificate) -> str:
    """The certificate's subject as RFC 4514 writes it."""
    return certificate.subject.rfc4514_string()


def chain_of(
    leaf: Certificate,
    given: Sequence[Certificate],
    authorities: Authorities,
    when: datetime,
    *,
    purpose_optional: bool = False,
) -> list[Certificate]:
    """The chain from a signer's certificate to a root, all valid at a moment, the root last.

    ``purpose_optional`` lets a certificate pass that does not say what it is for.

    Raises:
        Untrusted: it leads to none of the roots.
        Expired: it does, but a certificate is not valid at that moment.
        Invalid: it does, but a certificate is revoked or may not be used so.
    """
    _check_leaf(leaf, purpose_optional)
    problems: list[Exception] = []
    candidates = [*authorities.between, *given][: 4 * MAX_CHAIN]
    for chain in _paths([leaf], candidates, authorities.roots, [_MOST_STEPS]):
        try:
            for depth, certificate in enumerate(chain):
                _check_time(certificate, when)
                _check_critical(certificate)
                if depth:
                    _check_authority(certificate, depth - 1)
            _check_revoked(chain, authorities.revoked, when)
        except Invalid as problem:
            problems.append(problem)
            continue
        return chain
    if problems:
        raise problems[0]
    raise Untrusted(f"the certificate of {subject_of(leaf) or ', '.join(names_of(leaf))} leads to no trusted root")


def _paths(
    chain: list[Certificate], candidates: Sequence[Certificate], roots: Sequence[Certificate], left: list[int]
) -> Iterator[list[Certificate]]:
    """Every way to a root by signatures. ``left`` holds how many steps may still be taken: certificates can be made so
    that each seems to have issued each other."""
    last = chain[-1]
    left[0] -= 1
    if left[0] < 0:
        raise Invalid("the certificates lead to each other in too many ways")
    for root in roots:
        if root == last:
            yield chain
        elif _issued(last, root):
            yield [*chain, root]
    if len(chain) >= 6:
        return
    for each in candidates:
        if each not in chain and each not in roots and _issued(last, each):
            yield from _paths([*chain, each], candidates, roots, left)


def _issued(certificate: Certificate, issuer: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _check_time(certificate: Certificate, when: datetime) -> None:
    if not certificate.not_valid_before_utc <= when <= certificate.not_valid_after_utc:
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        name = subject_of(certificate) or ", ".join(names_of(certificate)) or "a certificate"
        raise Expired(f"the certificate of {name} is valid from {told(begins)} to {told(ends)}, not at {told(when)}")


def _check_critical(certificate: Certificate) -> None:
    for extension in certificate.extensions:
        name = extension.oid.dotted_string
        if name == _NAME_CONSTRAINTS or (extension.critical and name not in _UNDERSTOOD):
            raise Invalid(f"a certificate has the extension {name}, which is not supported")


def _check_leaf(leaf: Certificate, purpose_optional: bool) -> None:
    from cryptography.x509 import BasicConstraints, ExtendedKeyUsage, ExtensionNotFound, KeyUsage
    from cryptography.x509.oid import ExtendedKeyUsageOID

    extensions = leaf.extensions
    try:
        if extensions.get_extension_for_class(BasicConstraints).value.ca:
            raise Invalid("the signer's certificate is that of an authority")
    except ExtensionNotFound:
        pass
    try:
        if not extensions.get_extension_for_class(KeyUsage).value.digital_signature:
            raise Invalid("the signer's certificate is not for signatures")
    except ExtensionNotFound as error:
        raise Invalid("the signer's certificate does not say that it is for signatures") from error
    try:
        if ExtendedKeyUsageOID.CODE_SIGNING not in extensions.get_extension_for_class(ExtendedKeyUsage).value:
            raise Invalid("the signer's certificate is not for signing code")
    except ExtensionNotFound as error:
        if not purpose_optional:
            raise Invalid("the signer's certificate does not say that it is for signing code") from error


def _check_authority(certificate: Certificate, between: int) -> None:
    """``between`` are the authorities below it."""
    from cryptography.x509 import BasicConstraints, ExtendedKeyUsage, ExtensionNotFound, KeyUsage
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        constraints = certificate.extensions.get_extension_for_class(BasicConstraints).value
    except ExtensionNotFound as error:
        raise Invalid(f"{subject_of(certificate)} is no authority") from error
    if not constraints.ca:
        raise Invalid(f"{subject_of(certificate)} is no authority")
    if constraints.path_length is not None and between > constraints.path_length:
        raise Invalid(
            f"{subject_of(certificate)} may have {constraints.path_length} authorities below it, not {between}"
        )
    try:
        if not certificate.extensions.get_extension_for_class(KeyUsage).value.key_cert_sign:
            raise Invalid(f"{subject_of(certificate)} may not sign certificates")
    except ExtensionNotFound:
        pass
    try:
        purposes = certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound:
        return
    if ExtendedKeyUsageOID.CODE_SIGNING not in purposes and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in purposes:
        raise Invalid(f"{subject_of(certificate)} may not issue certificates for signing code")


def _check_revoked(chain: list[Certificate], lists: Iterable[CertificateRevocationList], when: datetime) -> None:
    for revoked in lists:
        for certificate, issuer in pairwise(chain):
            if revoked.issuer != issuer.subject:
                continue
            if not revoked.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
                raise Invalid(f"the list of revoked certificates of {subject_of(issuer)} is not signed by it")
            if revoked.next_update_utc is not None and revoked.next_update_utc < datetime.now(UTC):
                raise Invalid(
                    f"the list of revoked certificates of {subject_of(issuer)} is out of date; fetch a new one"
                )
            if revoked.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
                raise Invalid(f"the certificate of {subject_of(certificate)} is revoked")


def is_listed(chain: list[Certificate], lists: Iterable[CertificateRevocationList]) -> bool:
    """Whether each certificate below the root has a list by its issuer, or tells of no way to ask."""
    from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

    issuers = [each.issuer for each in lists]
    for certificate, issuer in pairwise(chain):
        ways = False
        for extension in certificate.extensions:
            if extension.oid == ExtensionOID.CRL_DISTRIBUTION_POINTS:
                ways = True
            elif extension.oid == ExtensionOID.AUTHORITY_INFORMATION_ACCESS:
                ways |= any(each.access_method == AuthorityInformationAccessOID.OCSP for each in extension.value)
        if ways and issuer.subject not in issuers:
            return False
    return True


def told(moment: datetime) -> str:
    """A moment as RFC 3339, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def names_of(certificate: Certificate) -> list[str]:
    """The alternative names that identities are written as: addresses, URIs, DNS names, Fulcio's user names."""
    from cryptography.x509 import DNSName, ExtensionNotFound, OtherName, RFC822Name, SubjectAlternativeName
    from cryptography.x509 import UniformResourceIdentifier as Uri

    try:
        found = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return []
    names = [str(each.value) for each in found if isinstance(each, Uri | RFC822Name | DNSName)]
    for each in found:
        if isinstance(each, OtherName) and each.type_id.dotted_string == _USERNAME:
            names += [_text(each.value)]
    return names


def _text(der: bytes) -> str:
    """A UTF8String in DER of less than 64 KiB, or the bytes as text."""
    if der[:1] == b"\x0c":
        short = len(der) > 1 and der[1] < 0x80
        start = 2 if short else 2 + (der[1] & 0x7F if len(der) > 1 else 0)
        return der[start:].decode("utf-8", "replace")
    return der.decode("utf-8", "replace")


def fulcio_value(certificate: Certificate, number: str) -> str:
    """What a certificate of Fulcio says in one of its own extensions; empty where it has none."""
    from cryptography.x509 import UnrecognizedExtension

    for extension in certificate.extensions:
        if extension.oid.dotted_string == _FULCIO + number and isinstance(extension.value, UnrecognizedExtension):
            return _text(extension.value.value)
    return ""


def issuer_of(certificate: Certificate) -> str:
    """Who vouched for the identity when Fulcio issued the certificate."""
    return fulcio_value(certificate, "8") or fulcio_value(certificate, "1")
