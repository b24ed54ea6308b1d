"""Archives that can be read only once, from the start: standard input, and compressed files.

Layers may come before the manifest that names them. So all that looks like a layer is looked into as it passes, and
kept under the digests that its bytes turn out to have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from msgspec import Struct

from seawall.model.images import Entry, EntryKind, LayerInfo, NotLooked
from seawall.sources.images.config import MAX_CONFIG
from seawall.sources.images.errors import BadLayer, ImageError
from seawall.sources.images.layer import LayerWalk
from seawall.sources.images.limits import Limits
from seawall.sources.images.tar import Tar, TarEntry, normal_path
from seawall.sources.images.unpack import packing_of, unpacked

T = TypeVar("T")
_MAX_KEPT = 64 << 20
_MAX_LINKS = 8
_HEAD = 512


class Passed(Struct, Generic[T], frozen=True):
    """What was found in a layer that passed by."""

    contents: T
    problems: tuple[NotLooked, ...]


class Stream(Generic[T]):
    """An archive that has passed by: its documents as files, and its layers by their digests (stored and plain).

    Raises:
        ImageError: it is no archive, or cut short.
    """

    def __init__(self, pieces: Iterable[bytes], collect: Callable[[Iterable[Entry]], T], limits: Limits) -> None:
        self.layers: dict[str, Passed[T]] = {}
        self._documents: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._kept = 0
        self._collect = collect
        self._limits = limits
        try:
            for entry in Tar(unpacked(pieces, limits), lambda name, problem: None, limits):
                self._see(entry)
        except BadLayer as error:
            where = f" (at {error.entry[:200]!r})" if error.entry else ""
            raise ImageError(f"is no whole archive of an image{where}: it {error}") from error

    def _see(self, entry: TarEntry) -> None:
        if entry.kind is EntryKind.HARDLINK:
            self._links[entry.path] = entry.target
        elif entry.kind is EntryKind.SYMLINK:
            self._links[entry.path] = normal_path(f"{entry.path.rpartition('/')[0]}/{entry.target}") or ""
        elif entry.kind is EntryKind.FILE and not entry.is_sparse:
            head = entry.head(_HEAD)
            if packing_of(head) is not None or head[257:262] == b"ustar" or (head and not head.strip(b"\0")):
                walk = LayerWalk(LayerInfo("", "", entry.size), entry.stored(), self._limits)
                contents = self._collect(walk)
                self.layers[walk.found] = self.layers[walk.plain] = Passed(contents, tuple(walk.problems))
            elif entry.size <= MAX_CONFIG and head[:1] in (b"{", b"["):
                self._kept += entry.size
                if self._kept > _MAX_KEPT:
                    raise ImageError(f"holds more than {_MAX_KEPT >> 20} MiB of documents")
                self._documents[entry.path] = entry.read(MAX_CONFIG)

    def __contains__(self, name: str) -> bool:
        return self._real(name) in self._documents

    def pieces(self, name: str) -> Iterator[bytes]:
        """A document's content; see :class:`seawall.sources.images.files.Files`."""
        real = self._real(name)
        if real not in self._documents:
            raise ImageError(f"holds no {name[:200]}")
        yield self._documents[real]

    def _real(self, name: str) -> str:
        for _ in range(_MAX_LINKS):
            if name not in self._links:
                break
            name = self._links[name]
        return name
