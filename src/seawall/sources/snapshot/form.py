"""The form of a snapshot file: frames of compressed JSON, each with a digest that also covers all before it.

After the magic come one header, any number of blocks of records (a line each), and one trailer. A frame is its type,
the lengths of what is stored and of what it unpacks to (both bounded), a digest, and the zlib stream. The digest is
BLAKE2b of the previous frame's digest and of this frame: a file that was cut, edited or put together anew does not
read to its end. It is no signature: who can write the file can write a valid one.
"""

from __future__ import annotations

import struct
import zlib
from hashlib import blake2b
from typing import Any, BinaryIO, NamedTuple

import msgspec
from msgspec import Struct

from seawall.model.finding import SourceError
from seawall.model.paths import Path
from seawall.model.resource import Suppression, UnreadKind
from seawall.sources.snapshot import MAGIC

SCHEMA = "seawall.snapshot/v1"
HEADER, BLOCK, TRAILER = b"H", b"B", b"T"
#: No frame unpacks to more than this, and no file to more than that.
MAX_FRAME_BYTES = 64 * 1024 * 1024
MAX_TOTAL_BYTES = 8 * 1024 * 1024 * 1024
MAX_RECORDS = 5_000_000
_FRAME = struct.Struct(">cII16s")
_LEVEL = 6


class SnapshotError(Exception):
    """The file is no snapshot that can be read, or cannot be written."""


class Header(Struct, rename="camel"):
    """What is known before anything is read."""

    schema: str
    tool: str
    created: str
    inputs: list[dict[str, str]]
    kubernetes_version: str | None = None


class Record(Struct, array_like=True):
    """An object with where it came from. ``duplicates`` are the paths of keys given twice in a manifest,
    ``suppressions`` what comments in it waive."""

    file: str
    unit: str
    cluster: str | None
    line: int
    column: int
    duplicates: tuple[Path, ...]
    suppressions: tuple[Suppression, ...]
    object: msgspec.Raw


class Trailer(Struct, rename="camel"):
    """The account of the reading that the snapshot was made from."""

    objects: int
    scrubbed: int
    files: int = 0
    errors: list[SourceError] = []
    unread: list[UnreadKind] = []
    skipped: dict[str, int] = {}
    unrendered: list[tuple[str, str]] = []
    notes: list[str] = []


class Frame(NamedTuple):
    """A frame as read: its type, what it unpacks to, and where it began."""

    type: bytes
    data: bytes
    offset: int


class FrameWriter:
    """Writes frames one after another."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = b""
        file.write(MAGIC)

    def write(self, kind: bytes, data: bytes) -> None:
        """Write a frame; ``data`` must be within the bound."""
        packed = zlib.compress(data, _LEVEL)
        self._digest = chain(self._digest, kind, len(data), packed)
        self._file.write(_FRAME.pack(kind, len(packed), len(data), self._digest) + packed)


class FrameReader:
    """Reads and checks frames one after another."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = b""
        magic = file.read(len(MAGIC))
        if magic != MAGIC:
            told = f"it is of form {magic[-1]}" if magic[:-1] == MAGIC[:-1] else "its first bytes are not a snapshot's"
            raise SnapshotError(f"this version of Seawall cannot read it: {told}")

    def next(self) -> Frame:
        """The next frame.

        Raises:
            SnapshotError: the file ends, is damaged, or exceeds a bound.
        """
        offset = self._file.tell()
        kind, data, digest, packed = _read(self._file)
        self._digest = chain(self._digest, kind, len(data), packed)
        if digest != self._digest:
            raise SnapshotError(f"it was changed or damaged (at byte {offset}); take it again")
        return Frame(kind, data, offset)

    def at_end(self) -> bool:
        """Whether nothing follows."""
        return not self._file.read(1)


def read_frame_at(file: BinaryIO, offset: int) -> bytes:
    """What a frame that was checked before unpacks to."""
    file.seek(offset)
    return _read(file)[1]


def _read(file: BinaryIO) -> tuple[bytes, bytes, bytes, bytes]:
    head = file.read(_FRAME.size)
    if len(head) < _FRAME.size:
        raise SnapshotError("it ends early; copy or take it again")
    kind, packed_length, length, digest = _FRAME.unpack(head)
    if kind not in (HEADER, BLOCK, TRAILER) or max(packed_length, length) > MAX_FRAME_BYTES + 1024:
        raise SnapshotError(f"it was changed or damaged (at byte {file.tell() - _FRAME.size}); take it again")
    packed = file.read(packed_length)
    if len(packed) < packed_length:
        raise SnapshotError("it ends early; copy or take it again")
    unpack = zlib.decompressobj()
    try:
        data = unpack.decompress(packed, length + 1)
    except zlib.error as error:
        raise SnapshotError(f"it was changed or damaged ({error}); take it again") from error
    if len(data) != length or not unpack.eof or unpack.unused_data:
        raise SnapshotError("it was changed or damaged (a length is wrong); take it again")
    return kind, data, digest, packed


def chain(before: bytes, kind: bytes, length: int, packed: bytes) -> bytes:
    """The digest of a frame after another."""
    return blake2b(before + kind + struct.pack(">I", length) + packed, digest_size=16).digest()


def decode(data: bytes, into: Any) -> Any:
    """Decode a frame's JSON.

    Raises:
        SnapshotError: it is not what it should be.
    """
    try:
        return msgspec.json.decode(data, type=into)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise SnapshotError(f"it holds what no snapshot holds: {error}") from error
