"""Text that stands in base64 in a text, and in gzip in that: Secrets of Kubernetes, releases of Helm, cloud-init."""

from __future__ import annotations

import binascii
import re
import zlib
from base64 import b64decode
from collections.abc import Iterator
from typing import NamedTuple

#: Shorter ones decode to nothing worth while; longer ones are cut by the window.
_EDGE, _TAIL = rb"(?<![A-Za-z0-9+/=_-])", rb"={0,2}(?![A-Za-z0-9+/=_-])"
_BASE64 = re.compile(_EDGE + rb"[A-Za-z0-9+/]{18,}+" + _TAIL)
#: In a Secret any value is encoded, however short.
_SHORT = re.compile(_EDGE + rb"[A-Za-z0-9+/]{2,}+" + _TAIL)
_NAME = re.compile(rb"(?<![\w.-])([\w.-]{1,64})[\"']?\s{0,3}[:=]\s{0,3}[\"']?\Z")
_KIND_SECRET = re.compile(rb"kind[\"']?\s{0,4}:\s{0,4}[\"']?Secret\b")
_GZIP = b"\x1f\x8b\x08"
#: Bytes that all parts of one window, or one packed part, may come to.
_MOST = 8 << 20
_MOST_PARTS = 20_000
_DEPTH = 2
_SHORTEST = 20


class Part(NamedTuple):
    """What was encoded: where it stood, in which encodings, under which name."""

    at: int
    data: bytes
    layers: tuple[str, ...]
    name: str


def decoded_parts(data: bytes, low: int, high: int) -> Iterator[Part]:
    """The encoded texts that begin in a range of the data; all of them together are bounded."""
    short = b"Secret" in data and _KIND_SECRET.search(data) is not None
    left = _MOST
    count = 0
    for match in (_SHORT if short else _BASE64).finditer(data, low, len(data)):
        if match.start() >= high or left <= 0 or count >= _MOST_PARTS:
            return
        size = match.end() - match.start()
        if size % 4:
            continue
        before = _NAME.search(data, max(match.start() - 80, 0), match.start())
        if size < _SHORTEST and before is None:
            continue
        count += 1
        for part in _unfolded(match[0], ("base64",), match.start(), before[1] if before else b"", 1):
            left -= len(part.data)
            yield part


def _unfolded(text: bytes, layers: tuple[str, ...], at: int, name: bytes, depth: int) -> Iterator[Part]:
    try:
        inner = b64decode(text)
    except (binascii.Error, ValueError):
        return
    if inner.startswith(_GZIP):
        inner = _unpacked(inner)
        layers = (*layers, "gzip")
    if not _is_text(inner):
        return
    if depth < _DEPTH and _BASE64.fullmatch(inner.strip()) and len(inner) >= _SHORTEST:
        deeper = list(_unfolded(inner.strip(), (*layers, "base64"), at, name, depth + 1))
        if deeper:
            yield from deeper
            return
    # Under its name, so that a setting is seen as one.
    line = name + b": " + inner if name and b"\n" not in inner.strip() else inner
    yield Part(at, line, layers, name.decode("utf-8", "replace"))


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(data, _MOST)
    except zlib.error:
        return b""


def _is_text(data: bytes) -> bool:
    if not data or b"\0" in data[:4096]:
        return False
    try:
        text = data[:4096].decode("utf-8", "strict" if len(data) <= 4096 else "ignore")
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\r\n\t" for letter in text)
