"""Tar archives walked in one pass: nothing written, memory bounded, entries as :class:`seawall.model.images.Entry`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from seawall.model.images import EntryKind, EntryTooLarge
from seawall.sources.images.errors import BadLayer
from seawall.sources.images.header import BLOCK, Extended, Header, read_extended, read_header
from seawall.sources.images.limits import DEFAULT_LIMITS, Limits
from seawall.sources.images.sparse import Map, check_map, old_map, pax_map

_ZEROS = bytes(BLOCK)
_KINDS = {
    b"0": EntryKind.FILE,
    b"\0": EntryKind.FILE,
    b"7": EntryKind.FILE,
    b"S": EntryKind.FILE,
    b"1": EntryKind.HARDLINK,
    b"2": EntryKind.SYMLINK,
    b"3": EntryKind.DEVICE,
    b"4": EntryKind.DEVICE,
    b"5": EntryKind.DIRECTORY,
    b"6": EntryKind.FIFO,
}
#: Records of these types are about the next entry: GNU's long names, pax headers (X is Solaris'). Global ones are
#: passed over, as Go does: what a runtime does not read may not rename what is judged.
_LONG_NAME, _LONG_LINK, _GLOBAL = b"L", b"K", b"g"
_SPECIAL = frozenset((b"L", b"K", b"g", b"x", b"X"))
_MAX_SIZE = 1 << 62


class _Feed:
    """The bytes of the archive, in pieces as they come; a source with a ``jump`` is not read where it is skipped."""

    __slots__ = ("_at", "_jump", "_next", "_piece", "failure")

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._next = pieces.__next__
        self._jump: Callable[[int], bool] | None = getattr(pieces, "jump", None)
        self._piece = b""
        self._at = 0
        #: What went wrong while an entry's content was read, to be raised when the walk goes on.
        self.failure: BadLayer | None = None

    def block(self) -> bytes:
        """The next block of 512 bytes; empty at the end."""
        at = self._at
        block = self._piece[at : at + BLOCK]
        if len(block) == BLOCK:
            self._at = at + BLOCK
            return block
        if not block and not self._more():
            return b""
        return self.take(BLOCK)

    def _more(self) -> bool:
        """Go on to the next piece that is not empty."""
        try:
            piece = self._next()
            while not piece:
                piece = self._next()
        except StopIteration:
            return False
        self._piece, self._at = piece, 0
        return True

    def take(self, count: int) -> bytes:
        """Exactly so many bytes; callers bound the count."""
        at = self._at
        data = self._piece[at : at + count]
        self._at = at + len(data)
        if len(data) == count:
            return data
        parts, missing = [data], count - len(data)
        while missing:
            if not self._more():
                raise BadLayer("is cut short")
            part = self._piece[:missing]
            self._at = len(part)
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def some(self, most: int) -> bytes:
        """The next bytes, as many as are at hand, at least one and at most so many."""
        at = self._at
        data = self._piece[at : at + most]
        if not data:
            if not self._more():
                raise BadLayer("is cut short")
            return self.some(most)
        self._at = at + len(data)
        return data

    @property
    def left(self) -> int:
        """Bytes of the piece at hand that were not taken."""
        return len(self._piece) - self._at

    def skip(self, count: int) -> None:
        """Pass over so many bytes."""
        left = len(self._piece) - self._at
        if count > left and self._jump is not None:
            if not self._jump(count - left):
                raise BadLayer("is cut short")
            self._at = len(self._piece)
            return
        while count > left:
            count -= left
            if not self._more():
                raise BadLayer("is cut short")
            left = len(self._piece)
        self._at += count


class TarEntry:
    """One entry; its content can be had until the next entry is asked for."""

    __slots__ = (
        "_feed",
        "_held",
        "_map",
        "_stored",
        "_taken",
        "capability",
        "gid",
        "kind",
        "mode",
        "path",
        "size",
        "target",
        "uid",
    )

    def __init__(self, path: str, kind: EntryKind, header: Header, feed: _Feed) -> None:
        self.path = path
        self.kind = kind
        self.mode = header.mode & 0o7777
        self.uid = header.uid
        self.gid = header.gid
        self.size = 0
        self.target = ""
        self.capability = b""
        self._feed = feed
        self._held = b""
        self._stored = self._taken = 0
        self._map: Map | None = None

    def head(self, count: int) -> bytes:
        """The first bytes, at most ``count``."""
        count = min(count, self.size)
        if self._map is None:
            return self._hold(count)[:count]
        out = bytearray(count)
        stored = 0
        for offset, length in self._map:
            if offset >= count:
                break
            part = min(length, count - offset)
            data = self._hold(stored + part)[stored : stored + part]
            out[offset : offset + len(data)] = data
            stored += length
        return bytes(out)

    def read(self, limit: int) -> bytes:
        """The whole content.

        Raises:
            EntryTooLarge: it is larger than ``limit`` bytes.
        """
        if self.size > limit:
            raise EntryTooLarge(f"{self.path} has {self.size} bytes, more than {limit}")
        return self.head(self.size)

    def pieces(self) -> Iterator[bytes]:
        """The whole content in pieces; a broken archive ends it early, which the walk tells when it goes on.

        Raises:
            EntryTooLarge: it has holes.
        """
        if self._map is not None:
            raise EntryTooLarge(f"{self.path} has holes")
        return self._until_broken()

    def _until_broken(self) -> Iterator[bytes]:
        try:
            yield from self.stored()
        except BadLayer as error:
            self._feed.failure = error

    @property
    def is_sparse(self) -> bool:
        """Whether its content has holes."""
        return self._map is not None

    @property
    def ahead(self) -> int:
        """How many bytes were taken of the archive beyond where its content begins, as long as none was read."""
        return self._feed.left

    def stored(self) -> Iterator[bytes]:
        """The stored content as it comes; afterwards there is nothing more to be had of it."""
        if self._held:
            yield self._held
        while self._taken < self._stored:
            piece = self._feed.some(self._stored - self._taken)
            self._taken += len(piece)
            yield piece

    def _hold(self, count: int) -> bytes:
        """The first so many stored bytes, kept at hand."""
        held = self._held
        if len(held) < count:
            more = self._more(count - len(held))
            self._taken += len(more)
            self._held = held = held + more if held else more
        return held

    def _more(self, count: int) -> bytes:
        """The next stored bytes; fewer where the archive is broken, which the walk tells when it goes on."""
        parts, feed = [], self._feed
        try:
            while count and feed.failure is None:
                parts.append(feed.some(count))
                count -= len(parts[-1])
        except BadLayer as error:
            feed.failure = error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _leave(self) -> None:
        """Pass over what was not read, and the filling of the last block."""
        if self._feed.failure is not None:
            raise self._feed.failure
        self._feed.skip(self._stored - self._taken + -self._stored % BLOCK)


#: Told of an entry that is passed over: its name, and why.
Report = Callable[[str, str], None]


class Tar:
    """A walk over an archive.

    Iterating raises :class:`BadLayer` where the archive is malformed; its ``entry`` is the entry at hand. What is
    only passed over is told to ``report``.
    """

    def __init__(self, pieces: Iterator[bytes], report: Report, limits: Limits = DEFAULT_LIMITS) -> None:
        self._feed = _Feed(pieces)
        self._report = report
        self._limits = limits
        self._name = ""

    def __iter__(self) -> Iterator[TarEntry]:
        try:
            yield from self._entries()
        except BadLayer as error:
            error.entry = error.entry or self._name
            raise

    def _entries(self) -> Iterator[TarEntry]:
        block = self._feed.block
        count = 0
        name = link = None
        extended: Extended | None = None
        while head := block():
            if head == _ZEROS:
                if block() not in (_ZEROS, b""):
                    raise BadLayer("goes on after a block of zeros")
                return
            header = read_header(head)
            kind = header.type
            count += 1
            if count > self._limits.entries:
                raise BadLayer(f"holds more than {self._limits.entries} entries")
            if kind in _SPECIAL:
                data = self._special(header)
                if kind == _LONG_NAME:
                    name = data.partition(b"\0")[0]
                elif kind == _LONG_LINK:
                    link = data.partition(b"\0")[0]
                elif kind != _GLOBAL:
                    extended = read_extended(data)
                continue
            entry = self._entry(head, header, name, link, extended)
            name = link = extended = None
            if entry is not None:
                yield entry
                entry._leave()
        if name or link or extended:
            raise BadLayer("is cut short")

    def _special(self, header: Header) -> bytes:
        if not 0 <= header.size <= self._limits.special:
            raise BadLayer(f"has an extended header of {header.size} bytes")
        data = self._feed.take(header.size)
        self._feed.skip(-header.size % BLOCK)
        return data

    def _entry(
        self, head: bytes, header: Header, name: bytes | None, link: bytes | None, extended: Extended | None
    ) -> TarEntry | None:
        """The entry whose header was read; None, and its content passed over, for one that cannot be judged."""
        written = name
        if written is None and extended is not None:
            sparse_name = extended.sparse.get("name")
            written = sparse_name.encode("utf-8", "surrogateescape") if sparse_name else extended.path
        if written is None:
            written = header.prefix + b"/" + header.name if header.prefix else header.name
        text = written.decode("utf-8", "surrogateescape")
        self._name = text
        kind = _KINDS.get(header.type)
        path = normal_path(text)
        entry = TarEntry(path or "", kind or EntryKind.FILE, header, self._feed)
        if header.type == b"\0" and text.endswith("/"):
            kind = entry.kind = EntryKind.DIRECTORY
        if kind is None or kind is EntryKind.FILE:
            self._measure(entry, head, header, extended)
        if extended is not None:
            entry.uid = header.uid if extended.uid is None else extended.uid
            entry.gid = header.gid if extended.gid is None else extended.gid
            entry.capability = extended.capability
        problem = ""
        if kind is None:
            problem = f"is of the unknown type {header.type!r}"
        elif path is None:
            problem = "has a name that leads out of the image"
        elif kind is EntryKind.SYMLINK or kind is EntryKind.HARDLINK:
            target = link or (extended and extended.link) or header.link
            problem = _aim(entry, target.decode("utf-8", "surrogateescape"))
        if not problem and path:
            return entry
        if problem or kind is not EntryKind.DIRECTORY:
            self._report(text, problem or "has no name")
        entry._leave()
        return None

    def _measure(self, entry: TarEntry, head: bytes, header: Header, extended: Extended | None) -> None:
        """Find out how much content is stored, and how large the file is."""
        stored = header.size
        if extended is not None and extended.size is not None:
            stored = extended.size
        if not 0 <= stored < _MAX_SIZE:
            raise BadLayer(f"has an entry of {stored} bytes")
        entry.size = entry._stored = stored
        if header.type == b"S":
            pieces, entry.size = old_map(head, self._feed.take, self._limits.segments)
        elif extended is not None and (extended.sparse or extended.pieces):
            pieces, size, taken = pax_map(extended, self._feed.take, self._limits.segments)
            if size is None:
                return
            entry.size = size
            entry._stored -= taken
        else:
            return
        check_map(pieces, entry.size, entry._stored)
        entry._map = pieces


def _aim(entry: TarEntry, target: str) -> str:
    """Set where a link points; returns what is wrong with it."""
    if entry.kind is EntryKind.SYMLINK:
        entry.target = target
        return ""
    path = normal_path(target)
    if not path:
        return f"is a hard link to {target[:200]!r}, which leads out of the image"
    entry.target = path
    return ""


def normal_path(name: str) -> str | None:
    """A name as a relative path without ``.`` and ``..``; None where it leads upwards. Empty for the root itself."""
    path = name.strip("/") if name[:1] == "/" or name[-1:] == "/" else name
    if path[:2] == "./":
        path = path[2:]
    if path[:1] != "." and "/." not in path and "//" not in path and path[:1] != "/":
        return path
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part and part != ".":
            parts.append(part)
    return "/".join(parts)
