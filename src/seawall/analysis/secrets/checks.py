"""Tests of values beyond their form: checksums, structure, what tokens say of themselves."""

from __future__ import annotations

import binascii
import re
import zlib
from base64 import b32decode, b64decode, urlsafe_b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from seawall.analysis.secrets.allowed import is_blank, is_code, is_example, is_identifier, is_repetitive, is_words
from seawall.model.finding import Severity
from seawall.model.jwt import Claims, moment, read_claims


class Judged(Struct, frozen=True):
    """What a check found out: ``notes`` for people; ``severity`` where it differs from the detector's."""

    notes: tuple[str, ...] = ()
    severity: Severity | None = None


#: Given the match, the value and the time, what it is; None where it is no secret.
Check = Callable[[re.Match[bytes], bytes, datetime], Judged | None]
_FINE = Judged()
_BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def crc_base62(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """The last six digits are the CRC-32 of the body in base 62: tokens of GitHub and npm.

    Source: "Behind GitHub's new authentication token formats", 2021.
    """
    body = value.partition(b"_")[2]
    return _FINE if base62_checksum(body[:-6]) == body[-6:] else None


def base62_checksum(body: bytes) -> bytes:
    """The CRC-32 of a body as six digits of base 62."""
    left, digits = zlib.crc32(body), bytearray()
    while left:
        left, digit = divmod(left, 62)
        digits.append(_BASE62[digit])
    return bytes(reversed(digits)).rjust(6, b"0")


def grafana(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """``glsa_``, a secret, and its CRC-32 in hexadecimal."""
    head, _, checksum = value.rpartition(b"_")
    body = head.removeprefix(b"glsa_")
    return _FINE if int(checksum, 16) in (zlib.crc32(body), zlib.crc32(head)) else Judged(("its checksum differs",))


def gitlab(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """A routable token ends with its length and CRC-32 in base 36; an old one is of 20 characters."""
    body = value.removeprefix(b"glpat-")
    if b"." not in value:
        return _FINE if len(body) in range(20, 28) else None
    head, checksum = value[:-7], value[-7:]
    return _FINE if zlib.crc32(head.rstrip(b".")) == int(checksum, 36) else Judged(("its checksum differs",))


def aws_id(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """Base 32, with the number of the account in it."""
    number = int.from_bytes(b32decode(value[4:])[:6], "big") & 0x7FFFFFFFFF80
    kind = "temporary" if value.startswith(b"ASIA") else "long-lived"
    return Judged((f"{kind}, of the account {number >> 7:012d}",))


def pem(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """A private key in PEM: whole, and encrypted or not."""
    kind = (match["kind"] or b"").decode().strip()
    text = re.sub(rb"(?:\\[nr])+|&#(?:1[03]|x[aAdD]);|\\(?=\n)", b"\n", value)
    # Strings that a program joins.
    text = re.sub(rb"[\"'`]\s{0,60}[+.,&]?\s{0,60}[\"'`]", b"\n", text)
    headers, body = _pem_parts(text)
    data = _decoded(body)
    if data is None or len(data) < 30 or is_repetitive(data):
        return None
    if kind == "OPENSSH":
        return _openssh(data)
    if data[:1] != b"\x30":
        # Old encrypted keys are ciphertext; anything else must begin with an ASN.1 sequence.
        if b"ENCRYPTED" not in headers:
            return None
        return Judged(("encrypted with a passphrase",), Severity.MEDIUM)
    if kind == "ENCRYPTED" or b"ENCRYPTED" in headers:
        return Judged(("encrypted with a passphrase",), Severity.MEDIUM)
    return Judged((kind,) if kind else ())


def _pem_parts(text: bytes) -> tuple[bytes, bytes]:
    lines = [line.strip() for line in text.splitlines()]
    headers = [line for line in lines if b": " in line]
    return b"\n".join(headers), b"".join(line for line in lines if b": " not in line)


def _openssh(data: bytes) -> Judged | None:
    """Source: OpenSSH, PROTOCOL.key: a mark, then the name of the cipher."""
    mark = b"openssh-key-v1\0"
    if not data.startswith(mark):
        return None
    size = int.from_bytes(data[len(mark) : len(mark) + 4], "big")
    cipher = data[len(mark) + 4 : len(mark) + 4 + min(size, 64)]
    return _FINE if cipher == b"none" else Judged(("encrypted with a passphrase",), Severity.MEDIUM)


def pem_inside(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """The key inside of a Google service account's file."""
    body = re.sub(rb"-----[A-Z ]+-----|-----END|\\[nr]|\s", b"", value)
    data = _decoded(body)
    return _FINE if data is not None and data[:1] == b"\x30" and not is_repetitive(data) else None


def pem64(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """PEM once more in base64, as kubeconfigs hold it."""
    data = _decoded(value)
    return _FINE if data is not None and b"PRIVATE KEY-----" in data and len(data) > 100 else None


def pgp(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """Armour around base64."""
    body = b"".join(line for line in value.split() if b":" not in line and not line.startswith(b"="))
    data = _decoded(body)
    return _FINE if data is not None and len(data) > 40 and data[0] & 0x80 else None


def putty(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """A PuTTY key says whether it is encrypted."""
    if match["kind"].strip() == b"none":
        return _FINE
    return Judged(("encrypted with a passphrase",), Severity.MEDIUM)


_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """The checksum of BIP 173 over the whole."""
    prefix, _, body = value.decode().lower().rpartition("1")
    polynomial = 1
    digits = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + [_BECH32.index(c) for c in body]
    for digit in digits:
        top = polynomial >> 25
        polynomial = (polynomial & 0x1FFFFFF) << 5 ^ digit
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            polynomial ^= generator if top >> bit & 1 else 0
    return _FINE if polynomial == 1 else Judged(("its checksum differs",))


class _Header(Struct, frozen=True):
    alg: str = ""
    typ: str = ""
    enc: str = ""


class _Audience(Struct, frozen=True):
    aud: Any = None


def jwt(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """A JSON Web Token, with what its header and claims say."""
    head, payload, signature = value.split(b".")
    try:
        header = msgspec.json.decode(_url_decoded(head), type=_Header)
        audience = msgspec.json.decode(_url_decoded(payload), type=_Audience).aud
    except (msgspec.DecodeError, ValueError):
        return None
    claims = read_claims(value.decode())
    if not header.alg or claims is None:
        return None
    notes = []
    if header.alg.lower() == "none":
        notes.append("unsigned (alg none): whoever accepts it accepts forged ones")
    elif len(signature) < 20:
        return None
    if claims.service_account:
        notes.append("of a service account of Kubernetes")
    elif audience is not None and claims.issuer:
        notes.append("with an audience")
    ends = moment(claims.expires)
    severity = None
    if ends is None:
        notes.append("never expires")
        severity = Severity.CRITICAL if claims.service_account else None
    elif ends < now:
        notes.append(f"expired on {ends:%Y-%m-%d}")
        severity = Severity.LOW
    else:
        notes.append(f"good until {ends:%Y-%m-%d}")
    return None if _is_public(claims, header) else Judged(tuple(notes), severity)


def _is_public(claims: Claims, header: _Header) -> bool:
    """The token that a well-known page prints as its example."""
    return claims.subject == "1234567890" and header.alg.startswith(("HS", "RS", "ES", "PS", "Ed"))


def basic(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """``user:password`` in base64."""
    data = _decoded(value)
    if data is None:
        return None
    user, colon, secret = data.partition(b":")
    if not colon or not user or not _printable(data):
        return None
    return password(match, secret, now)


def password(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """A password that somebody thought up, and no blank."""
    if len(value) < 3 or is_blank(value) or is_code(value) or is_example(value) or is_words(value):
        return None
    return _FINE


def opaque(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """A token without a form: letters and digits in no order."""
    if is_blank(value) or is_code(value) or is_example(value) or is_identifier(value) or len(value) < 12:
        return None
    digits = sum(48 <= byte < 58 for byte in value)
    return _FINE if digits >= 2 and len(set(value)) >= 8 else None


_NEIGHBOUR = (
    rb"(?:server|data source|host|hostname|hosts|endpoint|driver|user ?id|uid|user|username|dbname|database"
    rb"|initial catalog|accountname|bootstrap[.]servers)"
)
_PAIRS_BEFORE = re.compile(
    rb"\b%b ?= ?\\?[\"']?[^;,\s&\"'<>(]{1,120}\\?[\"']?[;& ] ?(?:[\w ]{2,30}= ?[^;\"'\r\n=]{0,100}[;& ] ?){0,6}\Z"
    % _NEIGHBOUR,
    re.IGNORECASE,
)
_PAIRS_AFTER = re.compile(
    rb"\\?[\"']?[;& ] ?(?:[\w ]{2,30}= ?[^;\"'\r\n=]{0,100}[;& ] ?){0,6}%b ?=" % _NEIGHBOUR, re.IGNORECASE
)


def connection(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """A password among the other settings of one connection: ``Server=db;User ID=sa;Password=...``."""
    before = _PAIRS_BEFORE.search(match.string, max(match.start() - 400, 0), match.start())
    if value.endswith(b","):
        return None
    if before is None and _PAIRS_AFTER.match(match.string, match.end("v")) is None:
        return None
    return None if is_identifier(value) and not value[-1:].isdigit() else password(match, value, now)


def password_or_base64(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """A password, or one in base64, as FileZilla keeps it."""
    data = _decoded(value) if b"base64" in match[0] else value
    return password(match, data, now) if data is not None else None


def grafana_key(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """JSON in base64: a key, its name and the organisation's number."""
    data = _decoded(value) or b""
    return _FINE if data.startswith(b'{"k":"') and b'"n":"' in data else None


def discord(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """The number of the bot in base64, a time, and a signature."""
    return _FINE if (_decoded(value.partition(b".")[0]) or b"").isdigit() else None


def tunnel(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """JSON in base64: the account, the tunnel and its secret."""
    data = _decoded(value) or b""
    return _FINE if data.startswith(b'{"a":"') and b'"t":"' in data and b'"s":"' in data else None


def hash_of(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """The hash of a password."""
    return None if is_repetitive(value.rpartition(b"$")[2]) or b"example" in value.lower() else _FINE


def b64_64(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """64 bytes in base64. The key that every installation of the storage emulator has is none."""
    data = _decoded(value)
    return (
        _FINE
        if data is not None and len(data) == 64 and not value.startswith(b"Eby8vdM02xNOcqFlqUwJPLlmEtlCDX")
        else None
    )


def sas(match: re.Match[bytes], value: bytes, now: datetime) -> Judged | None:
    """A shared access signature: its neighbours say which version, what for, and until when."""
    start = max(match.start() - 600, 0)
    around = match.string[start : match.end() + 600]
    if b"sv=" not in around and b"sr=" not in around:
        return None
    found = re.search(rb"[?&;]se=([0-9TZ%A-Fa-f:.-]{10,40})", around)
    try:
        ends = datetime.fromisoformat(unquote(found[1].decode())) if found else None
    except ValueError:
        ends = None
    if ends is None:
        return _FINE
    if ends.tzinfo is None:
        ends = ends.replace(tzinfo=UTC)
    if ends < now:
        return Judged((f"expired on {ends:%Y-%m-%d}",), Severity.LOW)
    return Judged((f"good until {ends:%Y-%m-%d}",))


def _decoded(value: bytes) -> bytes | None:
    value = b"".join(value.split()).rstrip(b"=")
    try:
        return b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _url_decoded(value: bytes) -> bytes:
    return urlsafe_b64decode(value + b"=" * (-len(value) % 4))


def _printable(data: bytes) -> bool:
    try:
        return data.decode("utf-8").isprintable()
    except UnicodeDecodeError:
        return False


CHECKS: dict[str, Check] = {
    "crc_base62": crc_base62,
    "grafana": grafana,
    "gitlab": gitlab,
    "aws_id": aws_id,
    "pem": pem,
    "pem_inside": pem_inside,
    "pem64": pem64,
    "pgp": pgp,
    "putty": putty,
    "bech32": bech32,
    "jwt": jwt,
    "basic": basic,
    "password": password,
    "opaque": opaque,
    "connection": connection,
    "password_or_base64": password_or_base64,
    "grafana_key": grafana_key,
    "tunnel": tunnel,
    "discord": discord,
    "hash": hash_of,
    "b64_64": b64_64,
    "sas": sas,
}
