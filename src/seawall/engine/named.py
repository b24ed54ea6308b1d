"""Origins of resources that were made here, and stand at no line of any file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from seawall.model.finding import Location
from seawall.model.paths import Path, format_path
from seawall.sources.made import API_VERSION

if TYPE_CHECKING:
    from seawall.model.kube.images import Image


class NamedOrigin:
    """What is placed by a name alone: an image by its reference, a file that was searched by its path.

    ``make`` gives what is known of it as an object; it is asked only where a person wants to see that.
    """

    unit = ""

    def __init__(self, name: str, make: Callable[[], dict[str, Any]]) -> None:
        self.file = name
        self._make = make

    def read(self) -> dict[str, Any]:
        """What is known of it, as an object."""
        return self._make()

    def locate(self, paths: Sequence[Path]) -> list[Location]:
        """The thing itself, whatever the path."""
        return [Location(self.file, 0, 0, format_path(path)) for path in paths]


def image_origin(reference: str, view: Image) -> NamedOrigin:
    """An image stands in no file: it is placed by its name."""

    def make() -> dict[str, Any]:
        import msgspec

        return {"apiVersion": API_VERSION, "kind": "Image", **msgspec.to_builtins(view)}

    return NamedOrigin(reference, make)
