"""That a certificate stands in a certificate log: its embedded timestamp, signed by a log (RFC 6962, section 3.2)."""

from __future__ import annotations

from datetime import UTC
from hashlib import sha256
from typing import TYPE_CHECKING

from seawall.analysis.trust.errors import Invalid
from seawall.analysis.trust.keys import key_der, verifies
from seawall.analysis.trust.trustroot import TrustRoot

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from cryptography.x509.certificate_transparency import SignedCertificateTimestamp

_MOST = 8


def verify_sct(certificate: Certificate, issuer: Certificate, root: TrustRoot) -> None:
    """Verify that a trusted log has seen the certificate.

    Raises:
        Invalid: it tells of none, or none of it holds.
    """
    from cryptography.x509 import ExtensionNotFound, PrecertificateSignedCertificateTimestamps

    try:
        found = certificate.extensions.get_extension_for_class(PrecertificateSignedCertificateTimestamps).value
        signed = certificate.tbs_precertificate_bytes
    except (ExtensionNotFound, ValueError) as error:
        raise Invalid("the certificate does not tell of a certificate log") from error
    for each in list(found)[:_MOST]:
        log = root.certificate_logs.get(each.log_id)
        try:
            holds = log is not None and log.used_at(each.timestamp.replace(tzinfo=UTC))
        except (ValueError, OverflowError):  # a time that is none
            continue
        if holds and log is not None and verifies(log.key, each.signature, _signed(each, signed, issuer)):
            return
    raise Invalid("no certificate log that is trusted has signed for the certificate")


def _signed(each: SignedCertificateTimestamp, body: bytes, issuer: Certificate) -> bytes:
    """What the log signed: version 1, a certificate's timestamp, for a precertificate."""
    millis = int(each.timestamp.replace(tzinfo=UTC).timestamp()) * 1000 + each.timestamp.microsecond // 1000
    return b"".join(
        (
            b"\0\0",
            millis.to_bytes(8, "big"),
            b"\0\1",
            sha256(key_der(issuer.public_key())).digest(),
            len(body).to_bytes(3, "big"),
            body,
            len(each.extension_bytes).to_bytes(2, "big"),
            each.extension_bytes,
        )
    )
