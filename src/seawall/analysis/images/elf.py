"""ELF files, as far as an inventory needs them: segments, sections and the interpreter.

Format: System V ABI, "Object Files". Everything is checked against the bytes at hand; nothing is followed outside them.
"""

from __future__ import annotations

import struct

from msgspec import Struct

from seawall.analysis.images.errors import Unreadable

MAGIC = b"\x7fELF"
_MAX_SEGMENTS = 512
LOAD, INTERPRETER = 1, 3
WRITABLE = 2


class Part(Struct, frozen=True, gc=False):
    """A segment or section: kind, flags, place in the file and in memory."""

    kind: int
    flags: int
    offset: int
    size: int
    address: int


class Elf:
    """An ELF file in bytes.

    Raises:
        Unreadable: it is none, or its tables cannot be true.
    """

    def __init__(self, data: bytes) -> None:
        if data[:4] != MAGIC or len(data) < 64 or data[4] not in (1, 2) or data[5] not in (1, 2):
            raise Unreadable("is no ELF file")
        self.data = data
        self.wide = data[4] == 2
        self.order = "<" if data[5] == 1 else ">"
        if self.wide:
            (self._ph, self._sh) = struct.unpack_from(f"{self.order}QQ", data, 32)
            sizes = struct.unpack_from(f"{self.order}HHHHHH", data, 52)
        else:
            (self._ph, self._sh) = struct.unpack_from(f"{self.order}II", data, 28)
            sizes = struct.unpack_from(f"{self.order}HHHHHH", data, 40)
        _, self._ph_size, self._ph_count, self._sh_size, self._sh_count, self._names = sizes

    def segments(self) -> list[Part]:
        """Program headers; those beyond the bytes at hand are missing."""
        shape, length = (f"{self.order}IIQQQQ", 56) if self.wide else (f"{self.order}IIIIIII", 32)
        if self._ph_count > _MAX_SEGMENTS or self._ph_size < length:
            return []
        parts = []
        for index in range(self._ph_count):
            start = self._ph + index * self._ph_size
            if start + length > len(self.data):
                break
            values = struct.unpack_from(shape, self.data, start)
            if self.wide:
                kind, flags, offset, address, _, size = values
            else:
                kind, offset, address, _, size, _, flags = values
            parts.append(Part(kind, flags, offset, size, address))
        return parts

    def sections(self) -> dict[str, Part]:
        """Sections by name; empty where the file has no table of them."""
        shape, length = (f"{self.order}IIQQQQII", 64) if self.wide else (f"{self.order}IIIIIIII", 40)
        if not self._sh or not self._sh_count or self._sh_size < length:
            return {}
        if self._sh + self._sh_count * self._sh_size > len(self.data):
            raise Unreadable("is an ELF file with a section table that cannot be true")
        rows = [
            struct.unpack_from(shape, self.data, self._sh + index * self._sh_size) for index in range(self._sh_count)
        ]
        if self._names >= len(rows):
            return {}
        names = self.data[rows[self._names][4] : rows[self._names][4] + min(rows[self._names][5], 1 << 20)]
        found = {}
        for name, kind, flags, address, offset, size, *_ in rows:
            end = names.find(b"\0", name)
            if end > name:
                found[names[name:end].decode("utf-8", "replace")] = Part(kind, flags, offset, size, address)
        return found

    def content(self, part: Part, limit: int) -> bytes:
        """The bytes of a part, at most ``limit``."""
        return self.data[part.offset : part.offset + min(part.size, limit)]

    def at(self, address: int, size: int, segments: list[Part]) -> bytes:
        """Bytes at an address of memory; fewer where the file has no more."""
        for part in segments:
            if part.kind == LOAD and part.address <= address < part.address + part.size:
                start = part.offset + address - part.address
                return self.data[start : start + min(size, part.address + part.size - address)]
        return b""


def interpreter(head: bytes) -> str:
    """The dynamic loader that a program names, if the beginning of the file tells."""
    try:
        for part in Elf(head).segments():
            if part.kind == INTERPRETER and part.size < 4096 and part.offset + part.size <= len(head):
                return head[part.offset : part.offset + part.size].rstrip(b"\0").decode("utf-8", "replace")
    except Unreadable:
        pass
    return ""
