"""Layers unpacked in small steps: gzip (by ISA-L where it is installed), zstd, bzip2 and xz, told by their first bytes.

All decompressors have the interface of :class:`bz2.BZ2Decompressor`, which bounds what one call gives: a bomb is
noticed by the bytes that came so far.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import import_module
from typing import NamedTuple, Protocol

from seawall.sources.images.errors import BadLayer, ImageError
from seawall.sources.images.limits import Limits

#: Bytes given at once: what is unpacked, hashed and parsed next stays in the processor's cache.
_STEP = 1 << 18
_MEMORY = 128 << 20
_WINDOW_LOG = 27


class Unpacker(Protocol):
    """What decompressors of one stream (member, frame) have in common."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes without more data."""

    @property
    def unused_data(self) -> bytes:
        """What follows the end."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """The next bytes, at most ``max_length``."""


class Packing(NamedTuple):
    """A form of compression: what makes an unpacker, and what that raises."""

    name: str
    make: Callable[[], Unpacker]
    errors: tuple[type[Exception], ...]


class _Zlib:
    """zlib's decompressor with the interface of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(31)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.eof and not self._zlib.unconsumed_tail and not self._full

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        tail = self._zlib.unconsumed_tail
        out = self._zlib.decompress(tail + data if tail else data, max(max_length, 0))
        # zlib may hold more back than it has input left.
        self._full = len(out) == max_length
        return out


def _gzip() -> Packing:
    try:
        isal = import_module("isal.igzip_lib")
    except ImportError:
        return Packing("gzip", _Zlib, (zlib.error,))
    return Packing("gzip", partial(isal.IgzipDecompressor, flag=isal.DECOMP_GZIP), (isal.error, EOFError))


def _zstd() -> Packing:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            zstd = import_module(name)
        except ImportError:
            continue
        options = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
        return Packing("zstd", partial(zstd.ZstdDecompressor, options=options), (zstd.ZstdError, EOFError))
    raise ImageError("has layers packed with zstd; to unpack them: pip install 'seawall[images]'")


def _bzip2() -> Packing:
    bz2 = import_module("bz2")
    return Packing("bzip2", bz2.BZ2Decompressor, (OSError, ValueError))


def _xz() -> Packing:
    lzma = import_module("lzma")
    return Packing("xz", partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, _MEMORY), (lzma.LZMAError,))


def packing_of(head: bytes) -> Packing | None:
    """The compression that data (6 bytes of it are enough) begins like; None for plain.

    Raises:
        ImageError: it is zstd, and no library for it is installed.
    """
    if head[:2] == b"\x1f\x8b":
        return _gzip()
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):
        return _zstd()
    if head[:3] == b"BZh":
        return _bzip2()
    if head[:6] == b"\xfd7zXZ\0":
        return _xz()
    return None


def unpacked(pieces: Iterable[bytes], limits: Limits) -> Iterator[bytes]:
    """The plain bytes of a packed or plain stream; several members or frames are one.

    Raises:
        BadLayer: the stream is corrupt or cut short, or unpacks to more than is borne with.
        ImageError: no library for it is installed.
    """
    source = iter(pieces)
    head = b""
    for piece in source:
        head += piece
        if len(head) >= 6:
            break
    packing = packing_of(head)
    meter = _Meter(limits)
    stream = _chain(head, source, meter)
    if packing is None:
        for piece in stream:
            meter.count(len(piece))
            yield piece
        return
    try:
        yield from _members(packing, stream, meter)
    except packing.errors as error:
        told = str(error) or type(error).__name__
        raise BadLayer(f"its {packing.name} data is corrupt: {told[:200]}") from error


class _Meter:
    """Keeps plain bytes in proportion to stored ones."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.stored = self.plain = 0

    def count(self, plain: int) -> None:
        self.plain += plain
        limits = self._limits
        if self.plain > limits.unpacked:
            raise BadLayer(f"unpacks to more than {limits.unpacked >> 20} MiB")
        if self.plain > limits.ratio_from and self.plain > self.stored * limits.ratio:
            raise BadLayer(f"{self.stored} bytes unpack to more than {limits.ratio} times as many, as a bomb's do")


def _chain(head: bytes, source: Iterator[bytes], meter: _Meter) -> Iterator[bytes]:
    meter.stored += len(head)
    if head:
        yield head
    for piece in source:
        meter.stored += len(piece)
        yield piece


def _members(packing: Packing, stream: Iterator[bytes], meter: _Meter) -> Iterator[bytes]:
    unpacker: Unpacker | None = None
    for piece in stream:
        data = piece
        # Zeros may pad what follows the last member.
        while unpacker is not None or data.strip(b"\0"):
            if unpacker is None:
                unpacker = packing.make()
            out = unpacker.decompress(data, _STEP)
            data = b""
            if out:
                meter.count(len(out))
                yield out
            if unpacker.eof:
                data, unpacker = unpacker.unused_data, None
            elif unpacker.needs_input:
                break
    if unpacker is not None:
        raise BadLayer(f"its {packing.name} data is cut short")
