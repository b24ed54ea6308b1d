"""Software of the cluster itself, by version: what runs on its nodes and what controls it."""

from __future__ import annotations

from msgspec import Struct

from seawall.model.finding import ResourceRef
from seawall.model.images import Package


class ComponentUse(Struct, frozen=True, gc=False):
    """A piece of control software at a version, as packages that advisories know, and the objects that prove it.

    ``reason`` says why it cannot be judged, where that is so; ``packages`` is empty then.
    """

    name: str
    version: str
    packages: tuple[Package, ...]
    resources: tuple[ResourceRef, ...]
    reason: str = ""
