"""Envelopes of Notation, JWS and COSE, to one form. Source: Notary project's specifications, signature-envelope-jws.md
and signature-envelope-cose.md."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

from seawall.analysis.trust.errors import Invalid
from seawall.analysis.trust.notation.cbor import Tagged, read_cbor
from seawall.analysis.trust.text import MAX_CHAIN, from_base64, from_base64url, from_json

JWS, COSE = "application/jose+json", "application/cose"
PAYLOAD = "application/vnd.cncf.notary.payload.v1+json"
_PREFIX = "io.cncf.notary."
_SCHEME, _TIME, _AUTHENTIC, _EXPIRY = (
    f"{_PREFIX}{name}" for name in ("signingScheme", "signingTime", "authenticSigningTime", "expiry")
)
X509, AUTHORITY = "notary.x509", "notary.x509.signingAuthority"
#: Critical headers that are judged here; those of plugins are not.
_UNDERSTOOD = frozenset((_SCHEME, _AUTHENTIC, _EXPIRY))
_COSE_ALGORITHMS = {-37: "PS256", -38: "PS384", -39: "PS512", -7: "ES256", -35: "ES384", -36: "ES512"}
_COSE_ALG, _COSE_CRIT, _COSE_TYPE, _COSE_CHAIN = 1, 2, 3, 33


class Envelope(Struct, frozen=True):
    """A signature, not verified yet. ``message`` is what was signed; ``signed_at`` is what the signer claims, and
    ``authentic`` whether an authority for signing vouches for it. ``certificates`` are in DER, the signer's first."""

    algorithm: str
    message: bytes
    payload: bytes
    signature: bytes
    certificates: tuple[bytes, ...]
    scheme: str
    signed_at: datetime
    expires: datetime | None
    timestamp: bytes


class _Header(Struct, frozen=True):
    x5c: tuple[str, ...] = ()
    timestamp: str = field(name=f"{_PREFIX}timestampSignature", default="")


class _Jws(Struct, frozen=True):
    payload: str
    protected: str
    signature: str
    header: _Header = _Header()


def read_envelope(data: bytes, media_type: str) -> Envelope:
    """Read an envelope.

    Raises:
        Invalid: it is malformed, or asks for something that is not supported.
    """
    if media_type == JWS:
        return _jws(data)
    if media_type == COSE:
        return _cose(data)
    raise Invalid(f"signatures of Notation in the form {media_type[:80]!r} are not supported")


def _jws(data: bytes) -> Envelope:
    given = from_json(data, _Jws, "the signature")
    told = from_json(from_base64url(given.protected, "the protected header"), dict[str, Any], "the protected header")
    critical = told.get("crit")
    times = {name: _rfc3339(told[name], name) for name in (_TIME, _AUTHENTIC, _EXPIRY) if name in told}
    if len(given.header.x5c) > MAX_CHAIN:
        raise Invalid(f"the signature has more than {MAX_CHAIN} certificates")
    return _envelope(
        told,
        critical,
        times,
        algorithm=str(told.get("alg")),
        content=told.get("cty"),
        message=f"{given.protected}.{given.payload}".encode(),
        payload=from_base64url(given.payload, "the payload"),
        signature=from_base64url(given.signature, "the signature"),
        certificates=tuple(from_base64(each, "a certificate") for each in given.header.x5c),
        timestamp=from_base64(given.header.timestamp, "the timestamp") if given.header.timestamp else b"",
    )


def _cose(data: bytes) -> Envelope:
    outer = read_cbor(data)
    if not isinstance(outer, Tagged) or outer.tag != 18 or not isinstance(outer.value, list) or len(outer.value) != 4:
        raise Invalid("the signature is no COSE_Sign1")
    protected, unprotected, payload, signature = outer.value
    if not all(isinstance(each, bytes) for each in (protected, payload, signature)) or not isinstance(
        unprotected, dict
    ):
        raise Invalid("the signature is no COSE_Sign1")
    told = read_cbor(protected)
    if not isinstance(told, dict):
        raise Invalid("the protected header is malformed")
    chain = unprotected.get(_COSE_CHAIN)
    chain = [chain] if isinstance(chain, bytes) else chain
    if not isinstance(chain, list) or len(chain) > MAX_CHAIN or not all(isinstance(each, bytes) for each in chain):
        raise Invalid("the signature has no chain of certificates")
    timestamp = unprotected.get(f"{_PREFIX}timestampSignature", b"")
    return _envelope(
        {name: value for name, value in told.items() if isinstance(name, str)},
        told.get(_COSE_CRIT),
        {name: _epoch(told[name], name) for name in (_TIME, _AUTHENTIC, _EXPIRY) if name in told},
        algorithm=_cose_algorithm(told.get(_COSE_ALG)),
        content=told.get(_COSE_TYPE),
        message=_sig_structure(protected, payload),
        payload=payload,
        signature=signature,
        certificates=tuple(chain),
        timestamp=timestamp if isinstance(timestamp, bytes) else b"\0",
    )


def _envelope(
    told: dict[str, Any], critical: Any, times: dict[str, datetime], *, content: Any, **rest: Any
) -> Envelope:
    if content != PAYLOAD:
        raise Invalid(f"the signature is over {str(content)[:80]!r}, which is no payload of Notation")
    if not isinstance(critical, list) or not all(isinstance(each, str | int) for each in critical):
        raise Invalid("the signature names no critical headers")
    for name in critical:
        if name not in _UNDERSTOOD:
            raise Invalid(
                f"the signature has the critical header {str(name)[:80]}, which is not supported (no plugins)"
            )
        if name not in told:
            raise Invalid(f"the signature says that {name} is critical, and does not have it")
    scheme = told.get(_SCHEME)
    if scheme not in (X509, AUTHORITY) or _SCHEME not in critical:
        raise Invalid(f"the signing scheme {str(scheme)[:80]!r} is not known, or not marked critical")
    if _EXPIRY in times and _EXPIRY not in critical:
        raise Invalid("the signature's expiry is not marked critical")
    wanted = _TIME if scheme == X509 else _AUTHENTIC
    if wanted not in times or (scheme == AUTHORITY and _AUTHENTIC not in critical):
        raise Invalid(f"the signature has no {wanted.removeprefix(_PREFIX)}, or it is not marked critical")
    if (_AUTHENTIC if scheme == X509 else _TIME) in times:
        raise Invalid("the signature has a time that its scheme does not have")
    return Envelope(scheme=scheme, signed_at=times[wanted], expires=times.get(_EXPIRY), **rest)


def _cose_algorithm(number: Any) -> str:
    return _COSE_ALGORITHMS.get(number, "") if isinstance(number, int) else str(number)[:20]


def _sig_structure(protected: bytes, payload: bytes) -> bytes:
    """What COSE signs (RFC 9052, section 4.4): ``["Signature1", protected, h'', payload]``."""
    return b"\x84\x6aSignature1" + _bytes(protected) + b"\x40" + _bytes(payload)


def _bytes(data: bytes) -> bytes:
    length = len(data)
    if length < 24:
        return bytes((0x40 | length,)) + data
    for low, size in ((24, 1), (25, 2), (26, 4)):
        if length < 1 << 8 * size:
            return bytes((0x40 | low,)) + length.to_bytes(size, "big") + data
    raise Invalid("the signature is too long")


def _rfc3339(value: Any, name: str) -> datetime:
    if isinstance(value, str) and re.fullmatch(
        r"(?:19[7-9]|2\d\d)\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)", value
    ):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise Invalid(f"{name} is no time")


def _epoch(value: Any, name: str) -> datetime:
    if isinstance(value, Tagged) and value.tag == 1 and isinstance(value.value, int) and 0 <= value.value < 1 << 38:
        try:
            return datetime.fromtimestamp(value.value, UTC)
        except (ValueError, OverflowError, OSError):
            pass
    raise Invalid(f"{name} is no time")
