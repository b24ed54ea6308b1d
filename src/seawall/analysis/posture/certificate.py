"""Who an X.509 certificate is for and how long it holds, read from its DER form.

Only three fields are needed and nothing is verified, so this walks the outer structure of RFC 5280 instead of taking
in a library; see docs/adr/0005-certificates.md.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

#: Longer than any client certificate; more is not read.
_MAX_BYTES = 64 * 1024
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")

_SEQUENCE, _SET, _OID, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x31, 0x06, 0x17, 0x18, 0xA0
_ORGANIZATION, _COMMON_NAME = b"\x55\x04\x0a", b"\x55\x04\x03"


class Certificate(NamedTuple):
    """The user (common name) and groups (organizations) that Kubernetes takes from a client certificate."""

    user: str
    groups: tuple[str, ...]
    lifetime: timedelta


class NoCertificate(Exception):
    """What was given is not a certificate that can be read."""


def read_certificate(encoded: str) -> Certificate:
    """Read the first certificate of base64-encoded PEM, as kubeconfig files hold it.

    Raises:
        NoCertificate: it is something else, or longer than 64 KiB.
    """
    if len(encoded) > 2 * _MAX_BYTES:
        raise NoCertificate("too long")
    try:
        match = _PEM.search(binascii.a2b_base64("".join(encoded.split()), strict_mode=True))
        if match is None:
            raise NoCertificate("no PEM block")
        return _certificate(binascii.a2b_base64(b"".join(match[1].split()), strict_mode=True))
    except ValueError as error:
        raise NoCertificate("not base64") from error


def _certificate(der: bytes) -> Certificate:
    fields = [item for item in _items(_body(_body(der, _SEQUENCE), _SEQUENCE)) if item[0] != _VERSION]
    # serial number, signature, issuer, validity, subject, ...
    if len(fields) < 5:
        raise NoCertificate("cut short")
    times = [_time(tag, body) for tag, body in _items(_of(fields[3], _SEQUENCE))]
    if len(times) != 2:
        raise NoCertificate("no validity")
    names = list(_names(_of(fields[4], _SEQUENCE)))
    users = [text for kind, text in names if kind == _COMMON_NAME]
    groups = tuple(text for kind, text in names if kind == _ORGANIZATION)
    return Certificate(users[-1] if users else "", groups, times[1] - times[0])


def _names(subject: bytes) -> Iterator[tuple[bytes, str]]:
    for relative in _items(subject):
        for attribute in _items(_of(relative, _SET)):
            parts = list(_items(_of(attribute, _SEQUENCE)))
            if len(parts) == 2 and parts[0][0] == _OID:
                yield parts[0][1], parts[1][1].decode("utf-8", "replace")


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
