"""One pass over a layer: what each entry is, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from seawall.analysis.images.contents import (
    VERSION,
    Item,
    LayerContents,
    PackagesItem,
    ProgramItem,
    UnreadItem,
    pack_paths,
)
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.options import DEFAULT, CollectOptions
from seawall.analysis.images.parsers import Parser, parser_for
from seawall.analysis.images.programs import INTERESTING, directory, inspect, is_library
from seawall.analysis.images.text import printable
from seawall.model.images import Entry, EntryKind, EntryTooLarge, NotLooked, Package

_FILE, _DIRECTORY = EntryKind.FILE, EntryKind.DIRECTORY


def collect(entries: Iterable[Entry], options: CollectOptions = DEFAULT) -> LayerContents:
    """What one layer holds, or a whole root file system given as one.

    What cannot be looked into becomes an item that says so; only what the entries themselves raise (a truncated
    layer) is raised.
    """
    collector = _Collector(options)
    for entry in entries:
        collector.add(entry)
    return collector.contents()


class _Collector:
    def __init__(self, options: CollectOptions) -> None:
        self._options = options
        self._items: dict[str, tuple[Item, ...]] = {}
        self._written: list[str] = []
        self._directories: list[str] = []
        self._whiteouts: list[str] = []
        self._opaques: list[str] = []
        self._links: dict[str, str] = {}
        self._left_out = 0

    def add(self, entry: Entry) -> None:
        kind, path = entry.kind, entry.path
        if "\0" in path or not path.isascii():
            path = printable(path)
        if kind is _FILE:
            self._written.append(path)
            self._keep(path, self._file(entry, path))
        elif kind is _DIRECTORY:
            self._directories.append(path)
            # Everybody may write there, and delete what others wrote: the sticky bit is missing.
            open_to_all = entry.mode & 0o1002 == 0o002
            self._keep(path, (directory(entry, path),) if open_to_all else ())
        elif kind is EntryKind.WHITEOUT:
            self._whiteouts.append(path)
        elif kind is EntryKind.OPAQUE:
            self._opaques.append(path)
        else:
            self._written.append(path)
            self._keep(path, self._hard_link(entry, path) if kind is EntryKind.HARDLINK else ())
            if kind is EntryKind.SYMLINK and "/" not in path:
                self._links[path] = printable(entry.target)

    def _keep(self, path: str, items: tuple[Item, ...]) -> None:
        if not items:
            # A later entry of the same name replaces the earlier.
            self._items.pop(path, None)
        elif len(self._items) < self._options.items:
            self._items[path] = items
        else:
            self._left_out += 1

    def _file(self, entry: Entry, path: str) -> tuple[Item, ...]:
        items: tuple[Item, ...] = ()
        parser = parser_for(path)
        if parser is not None and entry.size:
            items = self._parse(parser, entry, path)
        if entry.mode & INTERESTING or entry.capability or is_library(path):
            items += inspect(entry, path, self._options)
        return items

    def _parse(self, parser: Parser, entry: Entry, path: str) -> tuple[Item, ...]:
        limit: int = getattr(self._options, parser.bound)
        try:
            return parser.parse(entry.read(limit), path)
        except EntryTooLarge:
            reason = f"is larger than {limit >> 20} MiB"
        except Unreadable as error:
            reason = str(error)
        return (UnreadItem(NotLooked(path, reason)),)

    def _hard_link(self, entry: Entry, path: str) -> tuple[Item, ...]:
        """What its target is, under this name too, since the target may be deleted by a later layer."""
        target = printable(entry.target)
        items: list[Item] = []
        for item in self._items.get(target, ()):
            if isinstance(item, ProgramItem):
                items.append(ProgramItem(replace(item.program, path=path)))
            elif isinstance(item, PackagesItem):
                items.append(PackagesItem(tuple(_moved(package, target, path) for package in item.packages)))
        if not items and parser_for(path) is not None and target not in self._items:
            problem = NotLooked(path, f"is a hard link to {target}, whose content was not kept")
            return (UnreadItem(problem),)
        return tuple(items)

    def contents(self) -> LayerContents:
        not_looked: tuple[NotLooked, ...] = ()
        if self._left_out:
            not_looked = (NotLooked("", f"{self._left_out:,} files are beyond the {self._options.items:,} kept"),)
        return LayerContents(
            version=VERSION,
            items=self._items,
            whiteouts=tuple(self._whiteouts),
            opaques=tuple(self._opaques),
            links=self._links,
            written=pack_paths(self._written),
            directories=pack_paths(self._directories),
            not_looked=not_looked,
        )


def _moved(package: Package, old: str, new: str) -> Package:
    """A package proven by a file under another of its names; the part within the file (``!/``) stays."""
    places = tuple(new + place[len(old) :] if place.startswith(old) else place for place in package.locations)
    return replace(package, locations=places)
