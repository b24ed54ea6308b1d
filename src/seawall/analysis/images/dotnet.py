""".NET: ``*.deps.json`` of a published program, and NuGet's ``packages.lock.json``."""

from __future__ import annotations

from seawall.analysis.images.contents import Item, PackagesItem
from seawall.analysis.images.documents import json_object, mapping, text
from seawall.analysis.images.errors import Unreadable
from seawall.model.images import Package
from seawall.model.purl import make_purl

_MAX = 100_000


def package(name: str, version: str, location: str, *, declared: bool = False) -> Package:
    """A package of NuGet."""
    purl = make_purl("nuget", "", name, version)
    return Package("nuget", name, version, purl, locations=(location,), declared=declared)


def deps(data: bytes, path: str) -> tuple[Item, ...]:
    """``NAME.deps.json``: ``libraries`` that are packages; ``runtimepack.`` ones are the runtime's own.

    Raises:
        Unreadable: it is no such file.
    """
    libraries = mapping(json_object(data).get("libraries"))
    if len(libraries) > _MAX:
        raise Unreadable(f"lists more than {_MAX:,} packages")
    found = []
    for key, library in libraries.items():
        name, _, version = key.rpartition("/")
        kind = text(mapping(library).get("type"))
        if kind == "runtimepack":
            name = name.removeprefix("runtimepack.")
        elif kind != "package":
            continue
        if name and version:
            found.append(package(name, version, path))
    return (PackagesItem(tuple(found)),)


def lock(data: bytes, path: str) -> tuple[Item, ...]:
    """``packages.lock.json``: by framework, with the resolved version of each."""
    found: dict[tuple[str, str], Package] = {}
    for framework in mapping(json_object(data).get("dependencies")).values():
        for name, entry in mapping(framework).items():
            version = text(mapping(entry).get("resolved"))
            if name and version and text(mapping(entry).get("type")) != "Project":
                found[name, version] = package(name, version, path, declared=True)
    return (PackagesItem(tuple(found.values())),)
