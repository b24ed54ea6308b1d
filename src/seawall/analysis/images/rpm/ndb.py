"""rpm's own database format, ``Packages.db`` of SUSE.

Source: rpm's ``lib/backend/ndb/rpmpkg.c``: pages of 4,096 bytes of slots, each naming a run of 16-byte blocks; a blob
begins with ``BlbS``, its package number, a generation and its length.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from seawall.analysis.images.errors import Unreadable

_PAGE, _SLOT, _BLOCK = 4096, 16, 16
_MAX_PAGES = 2048


def ndb_blobs(data: bytes) -> Iterator[bytes]:
    """Every header blob.

    Raises:
        Unreadable: it is no such database, or is damaged.
    """
    if len(data) < _PAGE or data[:4] != b"RpmP":
        raise Unreadable("is no ndb database of rpm")
    version, _, pages = struct.unpack_from("<III", data, 4)
    if version != 0 or not 0 < pages <= _MAX_PAGES or pages * _PAGE > len(data):
        raise Unreadable("is an ndb database with a head that cannot be true")
    left = len(data)
    for offset in range(2 * _SLOT, pages * _PAGE, _SLOT):
        number, block = struct.unpack_from("<II", data, offset + 4)
        if data[offset : offset + 4] != b"Slot":
            raise Unreadable("is an ndb database with a damaged slot")
        if not block:
            continue
        blob = _blob(data, number, block * _BLOCK)
        left -= len(blob)
        if left < 0:
            raise Unreadable("is an ndb database whose packages overlap")
        yield blob


def _blob(data: bytes, number: int, start: int) -> bytes:
    if start + 16 > len(data):
        raise Unreadable("is an ndb database that is cut short")
    magic, own, _, size = struct.unpack_from("<4sIII", data, start)
    if magic != b"BlbS" or own != number or start + 16 + size > len(data):
        raise Unreadable("is an ndb database with a damaged package")
    return data[start + 16 : start + 16 + size]
