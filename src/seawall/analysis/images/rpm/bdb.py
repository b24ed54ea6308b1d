"""The BerkeleyDB hash file ``Packages`` of rpm before 4.16.

Source: BerkeleyDB's ``dbinc/db_page.h``: a meta page, then pages of a header of 26 bytes and an index of 16-bit offsets
to keys and values by turns; a value that does not fit is a chain of overflow pages.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from seawall.analysis.images.errors import Unreadable

_HASH_MAGIC = 0x061561
_VERSIONS = range(7, 11)
_UNSORTED, _OVERFLOW, _SORTED = 2, 7, 13
_HEAD = 26
_INLINE, _OFF_PAGE = 1, 3


def bdb_blobs(data: bytes) -> Iterator[bytes]:
    """Every header blob.

    Raises:
        Unreadable: it is no such file, or is damaged.
    """
    return _File(data).values()


class _File:
    def __init__(self, data: bytes) -> None:
        if len(data) < 512:
            raise Unreadable("is no BerkeleyDB file")
        order = next((sign for sign in "<>" if struct.unpack_from(f"{sign}I", data, 12)[0] == _HASH_MAGIC), "")
        if not order:
            raise Unreadable("is no hash file of BerkeleyDB")
        version, page, algorithm = struct.unpack_from(f"{order}IIB", data, 16)
        if version not in _VERSIONS or page not in (1 << power for power in range(9, 17)):
            raise Unreadable("is a BerkeleyDB file with a head that cannot be true")
        if algorithm:
            raise Unreadable("is an encrypted BerkeleyDB file")
        self._data, self._order, self._page = data, order, page
        self._count = len(data) // page
        #: Each page belongs to one value at most: what visits more goes round in circles.
        self._left = self._count

    def values(self) -> Iterator[bytes]:
        for number in range(1, self._count):
            start = number * self._page
            if self._data[start + 25] in (_UNSORTED, _SORTED):
                yield from self._page_values(start)

    def _page_values(self, start: int) -> Iterator[bytes]:
        entries = struct.unpack_from(f"{self._order}H", self._data, start + 20)[0]
        if entries % 2 or _HEAD + 2 * entries > self._page:
            raise Unreadable("is a BerkeleyDB file with a damaged page")
        offsets = struct.unpack_from(f"{self._order}{entries}H", self._data, start + _HEAD)
        ends = (self._page, *offsets)
        for index in range(1, entries, 2):
            key = self._data[start + offsets[index - 1] : start + ends[index - 1]]
            # Number 0 holds the last number given, not a package.
            if key[1:5] == b"\0\0\0\0":
                continue
            item = self._data[start + offsets[index] : start + ends[index]]
            if not item:
                raise Unreadable("is a BerkeleyDB file with a damaged page")
            if item[0] == _INLINE:
                yield item[1:]
            elif item[0] == _OFF_PAGE and len(item) >= 12:
                yield self._chain(*struct.unpack_from(f"{self._order}II", item, 4))
            else:
                raise Unreadable("is a BerkeleyDB file with a value of an unknown kind")

    def _chain(self, number: int, size: int) -> bytes:
        parts, found = [], 0
        while number:
            self._left -= 1
            if number >= self._count or self._left < 0:
                raise Unreadable("is a BerkeleyDB file whose pages lead nowhere")
            start = number * self._page
            following, _, length, _, kind = struct.unpack_from(f"{self._order}IHHBB", self._data, start + 16)
            if kind != _OVERFLOW or length > self._page - _HEAD:
                raise Unreadable("is a BerkeleyDB file with a damaged page")
            parts.append(self._data[start + _HEAD : start + _HEAD + length])
            found += length
            number = following
        if found != size:
            raise Unreadable("is a BerkeleyDB file with a value that is cut short")
        return b"".join(parts)
