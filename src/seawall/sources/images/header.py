"""Headers of tar entries: ustar, GNU and pax, read as Go's archive/tar does, which container runtimes unpack with.

Sources: POSIX.1-2017 pax, "Basic Tar Format" and "Sparse Formats" of the GNU tar manual, archive/tar of Go.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from seawall.sources.images.errors import BadLayer

BLOCK = 512
_FIELDS = struct.Struct("100s8s8s8s12s12x8s1s100s8s80x155s")
_CHECKSUM = slice(148, 156)
_SPACES = b" " * 8
_ADLER = 65521
_DIGITS = b"01234567"
_CAPABILITY = "SCHILY.xattr.security.capability"
_LIBARCHIVE = "LIBARCHIVE.xattr.security.capability"

#: What numbers of eight bytes (modes, owners) mean; few differ, and looking one up is faster than reading it.
_numbers: dict[bytes, int] = {}
_MOST_NUMBERS = 4096


class Header(NamedTuple):
    """The fields of one block. ``prefix`` is empty where the form has none."""

    name: bytes
    mode: int
    uid: int
    gid: int
    size: int
    type: bytes
    link: bytes
    prefix: bytes
    gnu: bool


def read_header(block: bytes) -> Header:
    """The header in a block of 512 bytes.

    Raises:
        BadLayer: it is none.
    """
    name, mode, uid, gid, size, checksum, kind, link, magic, prefix = _FIELDS.unpack_from(block)
    _check(block, checksum)
    return Header(
        _text(name),
        _number(mode),
        _number(uid),
        _number(gid),
        number(size),
        kind,
        _text(link),
        _text(prefix) if magic[:6] == b"ustar\0" else b"",
        magic == b"ustar  \0",
    )


def _text(field: bytes) -> bytes:
    end = field.find(b"\0")
    return field if end < 0 else field[:end]


def _check(block: bytes, field: bytes) -> None:
    expected = number(field)
    plain = block[:148] + _SPACES + block[156:]
    # The lower half of Adler-32 is the sum of the bytes plus one modulo 65521, at the speed of C.
    if (expected + 1) % _ADLER == zlib.adler32(plain) & 0xFFFF:
        return
    signed = sum(plain) - 256 * sum(byte > 127 for byte in plain)
    if expected != signed:
        raise BadLayer("is no tar archive here: the checksum of a header is wrong")


def _number(field: bytes) -> int:
    found = _numbers.get(field)
    if found is None:
        found = number(field)
        if len(_numbers) < _MOST_NUMBERS:
            _numbers[field] = found
    return found


def number(field: bytes) -> int:
    """A number in octal, or in base 256 where the first bit is set; 0 for an empty field.

    Raises:
        BadLayer: it is neither.
    """
    first = field[0]
    if first & 0x80:
        value = int.from_bytes(field, "big", signed=False) & ((1 << (8 * len(field) - 1)) - 1)
        if first & 0x40:
            value -= 1 << (8 * len(field) - 1)
        return value
    text = field.strip(b" \0")
    if text.translate(None, _DIGITS):
        text = text.partition(b"\0")[0].strip(b" ")
        if text.translate(None, _DIGITS):
            raise BadLayer(f"is no tar archive here: a header has the number {field[:12]!r}")
    return int(text, 8) if text else 0


class Extended(NamedTuple):
    """What pax records say of the next entry; None where they say nothing."""

    path: bytes | None
    link: bytes | None
    size: int | None
    uid: int | None
    gid: int | None
    capability: bytes
    sparse: dict[str, str]
    pieces: list[tuple[int, int]]


def read_extended(data: bytes) -> Extended:
    """The records of a pax header. Of a key that comes twice the last counts, and an empty value takes it back.

    Raises:
        BadLayer: it is malformed.
    """
    values: dict[str, bytes] = {}
    sparse: dict[str, str] = {}
    offsets: list[int] = []
    pieces: list[tuple[int, int]] = []
    for key, value in _records(data):
        if key == "GNU.sparse.offset":
            offsets.append(_decimal(value))
        elif key == "GNU.sparse.numbytes":
            if len(offsets) != len(pieces) + 1:
                raise BadLayer("has a sparse map whose offsets and lengths do not pair")
            pieces.append((offsets[-1], _decimal(value)))
        elif key.startswith("GNU.sparse."):
            sparse[key[11:]] = value.decode("utf-8", "surrogateescape")
        else:
            values[key] = value
    for key in ("path", "linkpath"):
        if b"\0" in values.get(key, b""):
            raise BadLayer(f"has a {key} with a NUL in it")
    return Extended(
        values.get("path") or None,
        values.get("linkpath") or None,
        _optional(values, "size"),
        _optional(values, "uid"),
        _optional(values, "gid"),
        values.get(_CAPABILITY) or _from_libarchive(values.get(_LIBARCHIVE, b"")),
        sparse,
        pieces,
    )


def _records(data: bytes) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        digits = data[at:space]
        if space < 0 or not digits.isdigit():
            if not data[at:].strip(b"\0"):
                break
            raise BadLayer("has a malformed extended header")
        end = at + int(digits)
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if end > len(data) or end <= space + 1 or data[end - 1 : end] != b"\n" or not equals or not key:
            raise BadLayer("has a malformed extended header")
        found.append((key.decode("utf-8", "surrogateescape"), value))
        at = end
    return found


def _optional(values: dict[str, bytes], key: str) -> int | None:
    value = values.get(key)
    return _decimal(value) if value else None


def _decimal(value: bytes) -> int:
    if not value.isdigit() or len(value) > 19:
        raise BadLayer(f"has the number {value[:20]!r} in an extended header")
    return int(value)


def _from_libarchive(value: bytes) -> bytes:
    """libarchive writes values in base 64, with percent signs around what it must."""
    try:
        return base64.b64decode(unquote_to_bytes(value) + b"==")
    except binascii.Error:
        return b""
