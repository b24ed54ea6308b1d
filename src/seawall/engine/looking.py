"""Analyses of the bytes of files, run in the one pass over each layer that takes its inventory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from seawall.analysis.images import LayerContents
from seawall.analysis.images.overlay import Overlay
from seawall.model.images import Entry, EntryTooLarge, Feed, ImageInventory, LayerLook


class Looked(Struct):
    """An image that was read: its inventory, and what each look found in each layer.

    ``found`` is by the look's key, one for each of ``layers`` (a root file system is one); None where a layer could
    not be read. ``overlay`` tells what became of a file of a layer.
    """

    inventory: ImageInventory
    found: dict[str, list[bytes | None]]
    contents: Sequence[LayerContents]

    @property
    def overlay(self) -> Overlay:
        """What later layers did to the files of earlier ones."""
        return Overlay(self.contents)


def watched(entries: Iterable[Entry], looks: Sequence[LayerLook]) -> Iterator[Entry]:
    """The entries as they are, each shown to every look before it is passed on."""
    for entry in entries:
        feeds = [feed for look in looks if (feed := look.see(entry)) is not None]
        if feeds:
            _feed(entry, feeds)
        yield entry


def _feed(entry: Entry, feeds: Sequence[Feed]) -> None:
    problem, length = "", 0
    try:
        for piece in entry.pieces():
            length += len(piece)
            for feed in feeds:
                feed.feed(piece)
    except EntryTooLarge:
        problem = "has holes, and is too large to be read with them"
    else:
        if length < entry.size:
            problem = "is cut short"
    for feed in feeds:
        feed.end(problem)
