"""One layer, read once: unpacked, its digests checked, its entries told with whiteouts for what they are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from seawall.model.images import Entry, EntryKind, LayerInfo, NotLooked
from seawall.sources.images.errors import BadLayer
from seawall.sources.images.limits import DEFAULT_LIMITS, Limits
from seawall.sources.images.tar import Tar, TarEntry
from seawall.sources.images.unpack import unpacked

_DIGEST = re.compile(r"(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})\Z")
#: Marks of a layer (OCI image specification, "Whiteouts"); what else begins like the second is aufs' own.
_WHITEOUT, _META, _OPAQUE = ".wh.", ".wh..wh.", ".wh..wh..opq"
#: Problems told one by one; more of them are only counted.
_MOST_PROBLEMS = 100


def is_digest(text: str) -> bool:
    """Whether this is a digest of an algorithm that is read: sha256 or sha512."""
    return _DIGEST.match(text) is not None


def hasher(digest: str) -> Any:
    """A new hash of a digest's algorithm; sha256 for an empty one."""
    return hashlib.new(digest.partition(":")[0] or "sha256")


class LayerWalk:
    """A pass over a layer: iterate once, then read ``problems`` and ``trusted``.

    What is malformed ends the iteration early and is in ``problems``. ``trusted`` is whether the stored bytes are
    those of the layer's digest: if they are not, nothing that was told may be used. ``found`` is the digest of the
    stored bytes, ``plain`` that of the plain tar. Without a digest to expect all is trusted.

    Iterating raises:
        ImageError: the bytes cannot be had at all.
    """

    def __init__(self, info: LayerInfo, pieces: Iterable[bytes], limits: Limits = DEFAULT_LIMITS) -> None:
        self.info = info
        self._told: list[tuple[str, str]] = []
        self.trusted = False
        self.plain = self.found = ""
        self._limits = limits
        self._unnamed = 0
        self._size = 0
        # A layer known by the digest of its plain tar is verified by that, however it is stored.
        self._stored = None if info.digest and info.digest == info.diff_id else hasher(info.digest)
        self._plain = hasher(info.diff_id)
        self._pieces = self._hashed(pieces)

    def __iter__(self) -> Iterator[Entry]:
        plain = self._plainly()
        try:
            for entry in Tar(plain, self._report, self._limits):
                marked = self._marked(entry)
                if marked is not None:
                    yield marked
        except BadLayer as error:
            self._report(error.entry, str(error))
        self._finish(plain)

    def _hashed(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        stored = self._stored
        for piece in pieces:
            self._size += len(piece)
            if stored is not None:
                stored.update(piece)
            yield piece

    def _plainly(self) -> Iterator[bytes]:
        update = self._plain.update
        for piece in unpacked(self._pieces, self._limits):
            update(piece)
            yield piece

    def _finish(self, plain: Iterator[bytes]) -> None:
        """Read what follows the archive's end, so that digests can be told."""
        whole = not self._told
        try:
            for _ in plain:
                pass
        except BadLayer as error:
            whole = False
            self._report("", str(error))
        for _ in self._pieces:
            pass
        self.plain = f"{self._plain.name}:{self._plain.hexdigest()}"
        info = self.info
        self.found = f"{self._stored.name}:{self._stored.hexdigest()}" if self._stored is not None else self.plain
        self.trusted = not info.digest or self.found == info.digest
        if not self.trusted:
            self._told, self._unnamed = [("", f"holds {self._size} bytes that are not of this digest")], 0
        elif whole and info.diff_id and self.plain != info.diff_id:
            self._report("", f"unpacks to {self.plain}, and the image's configuration says {info.diff_id}")

    def _marked(self, entry: TarEntry) -> TarEntry | None:
        path = entry.path
        if _WHITEOUT not in path:
            return entry
        folder, slash, name = path.rpartition("/")
        if not name.startswith(_WHITEOUT):
            return entry
        if name == _OPAQUE:
            entry.kind, entry.path = EntryKind.OPAQUE, folder
            return entry
        if name.startswith(_META):
            return None
        removed = name[len(_WHITEOUT) :]
        if removed in ("", ".", ".."):
            self._report(path, "takes away something without a name")
            return None
        entry.kind, entry.path = EntryKind.WHITEOUT, f"{folder}{slash}{removed}"
        return entry

    @property
    def problems(self) -> list[NotLooked]:
        """What could not be looked into, by layer and entry; whole once the pass is over."""
        layer = f"layer {self.info.digest or self.info.diff_id or self.found}"
        found = [NotLooked(f"{layer}, entry {entry[:300]}" if entry else layer, why) for entry, why in self._told]
        if self._unnamed:
            found.append(NotLooked(layer, f"has {self._unnamed} more entries that cannot be judged"))
        return found

    def _report(self, entry: str, problem: str) -> None:
        if len(self._told) >= _MOST_PROBLEMS:
            self._unnamed += 1
        else:
            # Names may hold bytes that are no UTF-8, and no report could write those.
            self._told.append((readable(entry), problem))


def readable(name: str) -> str:
    """A name that can be written anywhere; undecodable bytes become marks."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
