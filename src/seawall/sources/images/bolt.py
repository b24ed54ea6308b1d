"""A reader of bbolt files, bounded, for the few keys that are wanted of one. Source: go.etcd.io/bbolt, ``page.go``.

The file may be in use: the newest whole meta page is taken, and what it points to is left alone by writers until two
further transactions were committed. A reader that loses that race finds a page that makes no sense, and says so.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from seawall.sources.images.errors import ImageError

_PAGE = struct.Struct("<QHHI")
_META = struct.Struct("<IIIIQQQQQQ")
_LEAF = struct.Struct("<IIII")
_BRANCH_ITEM = struct.Struct("<IIQ")
_MAGIC, _VERSION = 0xED0CDAED, 2
_IS_BRANCH, _IS_LEAF = 0x01, 0x02
_MAX_PAGE, _MAX_OVERFLOW, _MAX_DEPTH, _MAX_PAGES = 1 << 16, 1 << 14, 32, 1 << 18
_FNV_OFFSET, _FNV_PRIME, _WORD = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


class Item(NamedTuple):
    """A key of a bucket; ``bucket`` is what is below it where it is one itself, else None."""

    key: bytes
    value: bytes
    bucket: bytes | None


class Bolt:
    """A file of keys in nested buckets.

    Raises:
        ImageError: it cannot be read, or is none.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            with open(path, "rb", buffering=0) as file:
                self._handle = os.dup(file.fileno())
        except OSError as error:
            raise ImageError(f"{path} cannot be read: {error.strerror}") from error
        self._left = _MAX_PAGES
        self._page_size = 0
        try:
            self.root = self._newest()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)

    def find(self, *keys: str) -> bytes | None:
        """The bucket below the root with these names, each inside the one before; None where there is none."""
        bucket: bytes | None = self.root
        for key in keys:
            wanted = key.encode()
            bucket = next((item.bucket for item in self.items(bucket or b"") if item.key == wanted), None)
            if bucket is None:
                return None
        return bucket

    def items(self, bucket: bytes) -> Iterator[Item]:
        """The keys of a bucket (its root page's number, or the page itself where it is inline), in order."""
        if len(bucket) < 16:
            raise self._broken()
        page = int.from_bytes(bucket[:8], "little")
        yield from self._items(self._page(page) if page else bucket[16:], 0)

    def _newest(self) -> bytes:
        metas = [meta for size in (0, *(1 << power for power in range(10, 17))) if (meta := self._meta(size))]
        if not metas:
            raise ImageError(f"{self._path} is no bbolt file")
        _, self._page_size, root = max(metas)
        return root.to_bytes(8, "little") + bytes(8)

    def _meta(self, at: int) -> tuple[int, int, int] | None:
        """Transaction, page size and root page of the meta page there, if there is one."""
        data = os.pread(self._handle, _META.size, at + _PAGE.size)
        if len(data) < _META.size:
            return None
        magic, version, size, _, root, _, _, _, transaction, checksum = _META.unpack(data)
        if magic != _MAGIC or version != _VERSION or checksum != _fnv(data[:56]) or (at and at != size):
            return None
        return (transaction, size, root) if 512 <= size <= _MAX_PAGE else None

    def _page(self, number: int) -> bytes:
        self._left -= 1
        size = self._page_size
        head = os.pread(self._handle, _PAGE.size, number * size) if number < 1 << 40 else b""
        if self._left < 0 or len(head) < _PAGE.size:
            raise self._broken()
        told, _, _, overflow = _PAGE.unpack(head)
        if told != number or overflow > _MAX_OVERFLOW:
            raise self._broken()
        return os.pread(self._handle, size * (overflow + 1), number * size)

    def _items(self, page: bytes, depth: int) -> Iterator[Item]:
        if depth > _MAX_DEPTH or len(page) < _PAGE.size:
            raise self._broken()
        _, flags, count, _ = _PAGE.unpack_from(page)
        if _PAGE.size + count * _LEAF.size > len(page) or not flags & (_IS_BRANCH | _IS_LEAF):
            raise self._broken()
        for index in range(count):
            at = _PAGE.size + index * _LEAF.size
            if flags & _IS_BRANCH:
                yield from self._items(self._page(_BRANCH_ITEM.unpack_from(page, at)[2]), depth + 1)
                continue
            nested, start, keys, values = _LEAF.unpack_from(page, at)
            middle, end = at + start + keys, at + start + keys + values
            if end > len(page):
                raise self._broken()
            value = page[middle:end]
            yield Item(page[at + start : middle], value, value if nested & 1 else None)

    def _broken(self) -> ImageError:
        return ImageError(f"{self._path} is damaged, or was written to meanwhile; try again")


def _fnv(data: bytes) -> int:
    """FNV-1a of 64 bits."""
    value = _FNV_OFFSET
    for byte in data:
        value = (value ^ byte) * _FNV_PRIME & _WORD
    return value
