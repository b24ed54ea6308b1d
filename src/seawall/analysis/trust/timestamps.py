"""Timestamps of RFC 3161: when a signature existed, as an authority that is trusted says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from seawall.analysis.trust.errors import Invalid
from seawall.analysis.trust.trustroot import Authority

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse


def stamped_at(response: bytes, message: bytes, authorities: Iterable[Authority]) -> datetime:
    """When a trusted authority saw the message.

    Raises:
        Invalid: the timestamp is malformed, of something else, or of nobody that is trusted.
    """
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        stamp = decode_timestamp_response(response)
    except ValueError as error:
        raise Invalid("the timestamp is malformed") from error
    reason = "the timestamp is of no trusted authority"
    for authority in authorities:
        certificates = [*authority.chain.between, *authority.chain.roots]
        builder = VerifierBuilder(roots=list(authority.chain.roots), intermediates=list(authority.chain.between))
        own = [each for each in certificates if _may_stamp(each)]
        if own:
            builder = builder.tsa_certificate(own[0])
        try:
            builder.build().verify_message(stamp, message)
        except (VerificationError, ValueError, TypeError) as error:
            if "Mismatch" in str(error):
                reason = "the timestamp is of something else"
            continue
        return _checked(stamp, authority)
    raise Invalid(reason)


def response_of(token: bytes) -> bytes:
    """A bare token (as Notation keeps it) as the response that an authority gives it in: ``{{granted}, token}``."""
    body = b"\x30\x03\x02\x01\x00" + token
    length = len(body).to_bytes(4, "big").lstrip(b"\0")
    head = bytes((0x80 | len(length),)) + length if len(body) > 127 else length
    return b"\x30" + head + body


def _checked(stamp: TimeStampResponse, authority: Authority) -> datetime:
    when = stamp.tst_info.gen_time
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    for each in (*authority.chain.roots, *authority.chain.between):
        if not each.not_valid_before_utc <= when <= each.not_valid_after_utc:
            raise Invalid("the timestamp's authority was not valid then")
    if not authority.used_at(when):
        raise Invalid("the timestamp's authority was not in use then")
    return when


def _may_stamp(certificate: object) -> bool:
    from cryptography.x509 import Certificate, ExtendedKeyUsage, ExtensionNotFound
    from cryptography.x509.oid import ExtendedKeyUsageOID

    if not isinstance(certificate, Certificate):
        return False
    try:
        usage = certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.TIME_STAMPING in usage and certificate.issuer != certificate.subject
