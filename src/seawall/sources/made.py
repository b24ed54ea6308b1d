"""Resources made from facts, for things that are no objects of Kubernetes: ``apiVersion: seawall.dev/v1``."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from seawall.model.finding import Location, ResourceRef
from seawall.model.kube.kinds import find_kind
from seawall.model.paths import Path, format_path
from seawall.model.resource import Resource
from seawall.model.views import to_view

API_VERSION = "seawall.dev/v1"


class MadeOrigin(Struct, gc=False):
    """Where a made resource comes from: what it was made from (a file, an address), without lines.

    ``places`` leads from fields of the resource to those of the source, by their first steps.
    """

    file: str
    document: dict[str, Any]
    unit: str = ""
    places: Mapping[Path, Path] = {}

    def read(self) -> dict[str, Any]:
        """The resource, as a copy."""
        return copy.deepcopy(self.document)

    def locate(self, paths: Sequence[Path]) -> list[Location]:
        """The fields' paths, in the source where they are known there."""
        return [Location(self.file, 0, 0, format_path(self._place(path))) for path in paths]

    def _place(self, path: Path) -> Path:
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]] + path[length:]
        return path


def make_resource(
    kind: str, name: str, spec: dict[str, Any], file: str, places: Mapping[Path, Path] | None = None
) -> Resource:
    """A resource of ours with its typed view, decoded as long as it lives (facts are small)."""
    document = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
    modelled = find_kind(API_VERSION, kind)
    view, problems = to_view(document, modelled.view) if modelled else (None, [])
    origin = MadeOrigin(file, document, places=places or {})
    ref = ResourceRef(API_VERSION, kind, name)
    resource = Resource(ref, uid="", kind=modelled, view=view, origin=origin, problems=problems)
    resource.hold(document)
    return resource
