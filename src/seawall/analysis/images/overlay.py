"""What became of a file of a layer: still there, replaced, or deleted, and by which layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from seawall.analysis.images.contents import LayerContents, unpack_paths


class Fate(NamedTuple):
    """``state`` of a path; ``layer`` is the index of the layer that replaced or deleted it, or its own."""

    state: Literal["there", "replaced", "deleted"]
    layer: int


class Overlay:
    """The layers of an image over each other, the lowest first (OCI image-spec, layer.md, "Changesets")."""

    def __init__(self, contents: Sequence[LayerContents]) -> None:
        self._contents = contents
        self._layers: dict[int, _Changes] = {}

    def fate(self, path: str, layer: int) -> Fate:
        """What the layers above ``layer`` did to a file that it holds."""
        for index in range(layer + 1, len(self._contents)):
            if index not in self._layers:
                self._layers[index] = _Changes(self._contents[index])
            state = self._layers[index].effect(path)
            if state is not None:
                return Fate(state, index)
        return Fate("there", layer)


class _Changes:
    """What one layer does to those below it."""

    def __init__(self, contents: LayerContents) -> None:
        self._written = unpack_paths(contents.written)
        self._directories = unpack_paths(contents.directories)
        self._removed = set(contents.whiteouts)
        self._emptied = set(contents.opaques)

    def effect(self, path: str) -> Literal["replaced", "deleted"] | None:
        if path in self._written:
            return "replaced"
        if path in self._removed or path in self._directories:
            return "deleted"
        folder = path.rpartition("/")[0]
        while folder:
            # A file, a link or a mark where the folder was takes all below it away.
            if folder in self._removed or folder in self._written or folder in self._emptied:
                return "deleted"
            folder = folder.rpartition("/")[0]
        return "deleted" if "" in self._emptied else None
