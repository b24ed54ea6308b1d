"""What an X.509 certificate says: for whom, by whom, for how long, under which names, with what key.

Nothing is verified, so this walks the structure of RFC 5280 instead of taking in a library; it reads what strict
libraries refuse, which is what an audit must tell. See docs/adr/0005-certificates.md and 0056-x509.md.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from msgspec import Struct

#: Longer than any client or server certificate; more is not read.
MAX_BYTES = 64 * 1024
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")

_SEQUENCE, _SET, _OID, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x31, 0x06, 0x17, 0x18, 0xA0
_OCTETS, _BITS, _INTEGER, _BOOLEAN, _EXTENSIONS = 0x04, 0x03, 0x02, 0x01, 0xA3
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_ORGANIZATION, _COMMON_NAME = b"\x55\x04\x0a", b"\x55\x04\x03"
_ALTERNATIVE_NAMES, _BASIC_CONSTRAINTS = b"\x55\x1d\x11", b"\x55\x1d\x13"
_MAX_NAMES = 1000

#: Signature and key algorithms by the bytes of their object identifiers (RFC 3279, 4055, 5758, 8410).
_RSA, _EC, _DSA = (
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01",
    b"\x2a\x86\x48\xce\x3d\x02\x01",
    b"\x2a\x86\x48\xce\x38\x04\x01",
)
_PKCS1 = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01"
_SIGNATURES = {
    _PKCS1 + b"\x02": "md2-rsa",
    _PKCS1 + b"\x04": "md5-rsa",
    _PKCS1 + b"\x05": "sha1-rsa",
    _PKCS1 + b"\x0a": "rsa-pss",
    _PKCS1 + b"\x0b": "sha256-rsa",
    _PKCS1 + b"\x0c": "sha384-rsa",
    _PKCS1 + b"\x0d": "sha512-rsa",
    _PKCS1 + b"\x0e": "sha224-rsa",
    b"\x2a\x86\x48\xce\x38\x04\x03": "sha1-dsa",
    b"\x2a\x86\x48\xce\x3d\x04\x01": "sha1-ecdsa",
    b"\x2a\x86\x48\xce\x3d\x04\x03\x01": "sha224-ecdsa",
    b"\x2a\x86\x48\xce\x3d\x04\x03\x02": "sha256-ecdsa",
    b"\x2a\x86\x48\xce\x3d\x04\x03\x03": "sha384-ecdsa",
    b"\x2a\x86\x48\xce\x3d\x04\x03\x04": "sha512-ecdsa",
    b"\x2b\x65\x70": "ed25519",
    b"\x2b\x65\x71": "ed448",
}
_CURVES = {
    b"\x2a\x86\x48\xce\x3d\x03\x01\x01": 192,
    b"\x2b\x81\x04\x00\x21": 224,
    b"\x2a\x86\x48\xce\x3d\x03\x01\x07": 256,
    b"\x2b\x81\x04\x00\x22": 384,
    b"\x2b\x81\x04\x00\x23": 521,
}
_EDWARDS = {b"\x2b\x65\x70": ("ed25519", 256), b"\x2b\x65\x71": ("ed448", 448)}


class Certificate(Struct, frozen=True):
    """What is read of a certificate.

    ``user`` and ``groups`` are what Kubernetes takes from a client certificate (common name, organizations);
    ``issuer`` is the issuer's common name, or its first organization. ``key`` is ``rsa``, ``ec``, ``ed25519``,
    ``ed448``, ``dsa`` or empty; ``bits`` its size, 0 where it is not known; ``signature`` is ``sha256-rsa`` and the
    like, empty for others.
    """

    user: str
    groups: tuple[str, ...]
    begins: datetime
    ends: datetime
    issuer: str = ""
    self_issued: bool = False
    authority: bool = False
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    key: str = ""
    bits: int = 0
    signature: str = ""

    @property
    def lifetime(self) -> timedelta:
        """From the first to the last moment at which it holds."""
        return self.ends - self.begins


class NoCertificate(Exception):
    """What was given is not a certificate that can be read."""


def read_certificate(encoded: str) -> Certificate:
    """Read the first certificate of base64-encoded PEM, as kubeconfig files hold it.

    Raises:
        NoCertificate: it is something else, or longer than 64 KiB.
    """
    if len(encoded) > 2 * MAX_BYTES:
        raise NoCertificate("too long")
    try:
        pem = binascii.a2b_base64("".join(encoded.split()), strict_mode=True)
    except ValueError as error:
        raise NoCertificate("not base64") from error
    return read_pem(pem)


def read_pem(pem: bytes) -> Certificate:
    """Read the first certificate of PEM.

    Raises:
        NoCertificate: it is something else, or longer than 128 KiB.
    """
    if len(pem) > 2 * MAX_BYTES:
        raise NoCertificate("too long")
    match = _PEM.search(pem)
    if match is None:
        raise NoCertificate("no PEM block")
    try:
        der = binascii.a2b_base64(b"".join(match[1].split()), strict_mode=True)
    except ValueError as error:
        raise NoCertificate("not base64") from error
    return read_der(der)


def read_der(der: bytes) -> Certificate:
    """Read a certificate in its binary form.

    Raises:
        NoCertificate: it is something else, or longer than 64 KiB.
    """
    if len(der) > MAX_BYTES:
        raise NoCertificate("too long")
    whole = list(_items(_body(der, _SEQUENCE)))
    fields = [item for item in _items(_of(whole[0], _SEQUENCE) if whole else b"") if item[0] != _VERSION]
    # serial number, signature, issuer, validity, subject, key, extensions
    if len(fields) < 5:
        raise NoCertificate("cut short")
    times = [_time(tag, body) for tag, body in _items(_of(fields[3], _SEQUENCE))]
    if len(times) != 2:
        raise NoCertificate("no validity")
    user, groups = _name(_of(fields[4], _SEQUENCE))
    issuer, issuers = _name(_of(fields[2], _SEQUENCE))
    key, bits = _key(fields[5][1]) if len(fields) > 5 else ("", 0)
    dns_names, addresses, authority = _extensions(fields[6:])
    return Certificate(
        user,
        groups,
        times[0],
        times[1],
        issuer=issuer or next(iter(issuers), ""),
        self_issued=fields[2][1] == fields[4][1],
        authority=authority,
        dns_names=dns_names,
        addresses=addresses,
        key=key,
        bits=bits,
        signature=_SIGNATURES.get(_algorithm(_of(fields[1], _SEQUENCE)), ""),
    )


def read_name(der: bytes) -> str:
    """A distinguished name in its binary form as its common name, or its first organization; may be empty.

    Raises:
        NoCertificate: it is something else.
    """
    user, groups = _name(_body(der, _SEQUENCE))
    return user or next(iter(groups), "")


def _name(subject: bytes) -> tuple[str, tuple[str, ...]]:
    names = list(_names(subject))
    users = [text for kind, text in names if kind == _COMMON_NAME]
    return users[-1] if users else "", tuple(text for kind, text in names if kind == _ORGANIZATION)


def _names(subject: bytes) -> Iterator[tuple[bytes, str]]:
    for relative in _items(subject):
        for attribute in _items(_of(relative, _SET)):
            parts = list(_items(_of(attribute, _SEQUENCE)))
            if len(parts) == 2 and parts[0][0] == _OID:
                yield parts[0][1], parts[1][1].decode("utf-8", "replace")


def _algorithm(body: bytes) -> bytes:
    first = next(_items(body), (0, b""))
    return first[1] if first[0] == _OID else b""


def _key(body: bytes) -> tuple[str, int]:
    """The kind and size of a SubjectPublicKeyInfo."""
    parts = list(_items(body))
    if len(parts) != 2 or parts[0][0] != _SEQUENCE or parts[1][0] != _BITS:
        return "", 0
    algorithm = [item for item in _items(parts[0][1]) if item[0] == _OID]
    kind = algorithm[0][1] if algorithm else b""
    if kind == _RSA:
        modulus = next(_items(_body(parts[1][1][1:], _SEQUENCE)), (0, b""))[1]
        return "rsa", int.from_bytes(modulus, "big").bit_length()
    if kind == _EC:
        return "ec", _CURVES.get(algorithm[1][1], 0) if len(algorithm) > 1 else 0
    return _EDWARDS.get(kind, ("dsa" if kind == _DSA else "", 0))


def _extensions(fields: list[tuple[int, bytes]]) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """DNS names, addresses and whether it is an authority; of other extensions nothing is read."""
    names: list[str] = []
    addresses: list[str] = []
    authority = False
    for tag, body in fields:
        for extension in _items(_body(body, _SEQUENCE)) if tag == _EXTENSIONS else ():
            parts = list(_items(_of(extension, _SEQUENCE)))
            if len(parts) < 2 or parts[-1][0] != _OCTETS:
                continue
            if parts[0][1] == _ALTERNATIVE_NAMES:
                _alternatives(parts[-1][1], names, addresses)
            elif parts[0][1] == _BASIC_CONSTRAINTS:
                held = next(_items(_body(parts[-1][1], _SEQUENCE)), (0, b""))
                authority = held[0] == _BOOLEAN and held[1] != b"\x00"
    return tuple(names), tuple(addresses), authority


def _alternatives(der: bytes, names: list[str], addresses: list[str]) -> None:
    from ipaddress import ip_address

    for tag, value in _items(_body(der, _SEQUENCE)):
        if len(names) + len(addresses) >= _MAX_NAMES:
            return
        if tag == _DNS_NAME:
            names.append(value.decode("ascii", "replace"))
        elif tag == _IP_ADDRESS and len(value) in (4, 16):
            addresses.append(str(ip_address(value)))


def _time(tag: int, body: bytes) -> datetime:
    text = body.decode("ascii", "replace")
    if tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise NoCertificate("no time")
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise NoCertificate("no time") from error


def _body(der: bytes, tag: int) -> bytes:
    """The contents of the first item, which must have this tag."""
    for item in _items(der):
        return _of(item, tag)
    raise NoCertificate("cut short")


def _of(item: tuple[int, bytes], tag: int) -> bytes:
    if item[0] != tag:
        raise NoCertificate("another structure")
    return item[1]


def _items(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The tags and contents of items one after another; definite lengths of up to four bytes, one-byte tags."""
    at = 0
    while at < len(der):
        if at + 2 > len(der):
            raise NoCertificate("cut short")
        tag, length = der[at], der[at + 1]
        at += 2
        if length >= 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4 or at + count > len(der):
                raise NoCertificate("a length that cannot be read")
            length = int.from_bytes(der[at : at + count], "big")
            at += count
        if at + length > len(der):
            raise NoCertificate("cut short")
        yield tag, der[at : at + length]
        at += length
