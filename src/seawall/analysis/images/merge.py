"""The overlay of layers: OCI image-spec, layer.md, "Changesets" (whiteouts, opaque whiteouts, replacements)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from seawall.analysis.images.contents import DatabaseItem, Item, LayerContents, OsPackage, PackagesItem, unpack_paths
from seawall.model.images import Package

T = TypeVar("T", bound=Item)
Key = tuple[str, str, str, str]


def package_key(package: OsPackage | Package) -> Key:
    """What must be the same for a package to be the same in two layers."""
    return package.type, package.name, package.arch, package.version


class Merged:
    """What is visible at the top: items by path with the layer that wrote them, links, and who brought a package."""

    def __init__(self) -> None:
        self.items: dict[str, tuple[int, tuple[Item, ...]]] = {}
        self.links: dict[str, str] = {}
        self._kinds: dict[type, list[tuple[str, int, Item]]] = {}
        self._brought: dict[str, dict[Key, int]] = {}

    def of(self, kind: type[T]) -> Iterator[tuple[str, int, T]]:
        """Path, layer and item of every item of a kind, by path."""
        if not self._kinds:
            for path in sorted(self.items):
                layer, items = self.items[path]
                for item in items:
                    self._kinds.setdefault(type(item), []).append((path, layer, item))
        yield from self._kinds.get(kind, ())  # type: ignore[misc]

    def brought(self, path: str, package: OsPackage | Package, layer: int) -> int:
        """The first layer in which this file told of this package, without a break since."""
        return self._brought.get(path, {}).get(package_key(package), layer)

    def lay(self, index: int, layer: LayerContents) -> None:
        """Put a layer on top."""
        self._kinds.clear()
        if self.items or self.links:
            self._hide(layer)
        for path, items in layer.items.items():
            self.items[path] = (index, items)
            keys = [
                package_key(package)
                for item in items
                if isinstance(item, (DatabaseItem, PackagesItem))
                for package in item.packages
            ]
            if keys:
                before = self._brought.get(path, {})
                self._brought[path] = {key: before.get(key, index) for key in keys}
        self.links.update(layer.links)

    def _hide(self, layer: LayerContents) -> None:
        written, directories = unpack_paths(layer.written), unpack_paths(layer.directories)
        removed = set(layer.whiteouts)
        covered = _Covered(written | removed, removed, set(layer.opaques))
        for path in list(self.items):
            gone = path in removed or covered.below(path)
            if gone or path in written or path in directories:
                del self.items[path]
            if gone or path in directories:
                self._brought.pop(path, None)
        for path in list(self.links):
            if path in removed or path in written or path in directories or covered.below(path):
                del self.links[path]


class _Covered:
    """Whether something above a path is no directory any more, was removed, or was emptied."""

    def __init__(self, replaced: set[str], removed: set[str], opaques: set[str]) -> None:
        self._stops = replaced | removed | opaques
        self._known: dict[str, bool] = {}
        self._root = "" in opaques

    def below(self, path: str) -> bool:
        new = []
        folder = path.rpartition("/")[0]
        while folder and folder not in self._known and folder not in self._stops:
            new.append(folder)
            folder = folder.rpartition("/")[0]
        found = folder in self._stops or self._known.get(folder, False) if folder else self._root
        self._known.update(dict.fromkeys(new, found))
        return found


def merge(layers: Sequence[LayerContents]) -> Merged:
    """All layers, the lowest first."""
    merged = Merged()
    for index, layer in enumerate(layers):
        merged.lay(index, layer)
    return merged
