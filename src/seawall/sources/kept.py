"""Objects that cannot be read again where they came from, kept as text: as it came up to a bound, then compressed."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from seawall.model.finding import Location
from seawall.model.paths import Path, format_path

#: Objects are compressed together in blocks of about this size.
BLOCK_BYTES = 256 * 1024
#: This much is kept as it came; compressing costs more than the listing itself.
_PLAIN_BYTES = 64 * 1024 * 1024
_RECENT = 32


class Store(Protocol):
    """Something that gives an object's JSON text again."""

    def get(self, block: int, start: int, length: int) -> bytes:
        """The text at a place."""


class Kept:
    """Texts in memory."""

    def __init__(self, plain_bytes: int = _PLAIN_BYTES) -> None:
        self._blocks: list[bytes] = []
        self._compressed_from = -1
        self._plain_left = plain_bytes
        self._open: list[bytes] = []
        self._size = 0
        self._recent = RecentBlocks(self._block)

    def add(self, text: bytes) -> tuple[int, int, int]:
        """Keep a text; returns its place."""
        place = (len(self._blocks), self._size, len(text))
        self._open.append(text)
        self._size += len(text)
        if self._size >= BLOCK_BYTES:
            self._close_block()
        return place

    def _close_block(self) -> None:
        block = b"".join(self._open)
        self._open, self._size = [], 0
        self._plain_left -= len(block)
        if self._plain_left < 0:
            if self._compressed_from < 0:
                self._compressed_from = len(self._blocks)
            block = zlib.compress(block, 1)
        self._blocks.append(block)

    def _block(self, number: int) -> bytes:
        block = self._blocks[number]
        return zlib.decompress(block) if 0 <= self._compressed_from <= number else block

    def get(self, block: int, start: int, length: int) -> bytes:
        """The text at a place."""
        whole = b"".join(self._open) if block == len(self._blocks) else self._recent.get(block)
        return whole[start : start + length]


class RecentBlocks:
    """The blocks used last, unpacked: objects are mostly asked for in order."""

    def __init__(self, load: Callable[[int], bytes]) -> None:
        self._load = load
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def get(self, number: int) -> bytes:
        """A block, loaded if it is not at hand."""
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = self._load(number)
            if len(self._blocks) > _RECENT:
                self._blocks.popitem(last=False)
        else:
            self._blocks.move_to_end(number)
        return block


class KeptOrigin(Struct, gc=False):
    """An object without lines: it came from a cluster or a snapshot.

    ``kind`` and ``api_version`` are what a list says for its items, which may leave them out. ``line`` and ``column``
    tell where a snapshot's object began in its file; 0 where there was none.
    """

    file: str
    unit: str
    store: Store
    place: tuple[int, int, int]
    api_version: str = ""
    kind: str = ""
    line: int = 0
    column: int = 0

    def read(self) -> dict[str, Any]:
        """The original object, decoded again."""
        value: dict[str, Any] = with_type(msgspec.json.decode(self.store.get(*self.place)), self.api_version, self.kind)
        return value

    def locate(self, paths: Sequence[Path]) -> list[Location]:
        """The fields' paths, all at the object's own place."""
        return [Location(self.file, self.line, self.column, format_path(path)) for path in paths]


def with_type(value: Any, api_version: str, kind: str) -> Any:
    """An object with the type that its list gives, if it has none itself."""
    if type(value) is dict and kind and "kind" not in value:
        return {"apiVersion": api_version, "kind": kind, **value}
    return value
