"""What both forms of SBOM share: references, the image's package URL, and the properties that only Seawall knows."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from seawall.model.images import ImageInventory, Package
from seawall.model.purl import make_purl

PREFIX = "seawall:"
#: Types of package URLs that the distribution's own manager installs.
OS_TYPES = frozenset({"deb", "apk", "rpm", "alpm"})
_REFERENCE = re.compile(r"(?P<name>[^@\s]+?)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>[\w+.-]+:[0-9a-fA-F]+))?")


class SbomOptions(Struct, frozen=True):
    """``created`` is RFC 3339; without it nothing in the output depends on the time. ``files`` lists each package's."""

    created: str = ""
    files: bool = False


def image_purl(inventory: ImageInventory) -> str:
    """The package URL of type ``oci``; empty for what is no image or has no digest."""
    found = _REFERENCE.fullmatch(inventory.reference)
    if inventory.kind != "image" or not inventory.digest or not found:
        return ""
    name = found["name"]
    qualifiers = {"tag": found["tag"] or ""}
    if "/" in name:
        qualifiers["repository_url"] = name
    if inventory.platform:
        qualifiers["arch"] = inventory.platform.architecture
    return make_purl("oci", "", name.rpartition("/")[2], inventory.digest, qualifiers)


def references(packages: Iterable[Package]) -> list[str]:
    """A name for each package that no other has: its URL, with its place where the URL alone is not one."""
    packages = list(packages)
    counts: dict[str, int] = {}
    for package in packages:
        counts[package.purl] = counts.get(package.purl, 0) + 1
    taken: set[str] = set()
    names = []
    for package in packages:
        name = package.purl
        if not name or counts[name] > 1:
            name = f"{name or package.name}#{package.locations[0] if package.locations else ''}"
        plain, number = name, 1
        while name in taken:
            number += 1
            name = f"{plain}#{number}"
        taken.add(name)
        names.append(name)
    return names


def properties(package: Package, inventory: ImageInventory) -> Iterator[tuple[str, str]]:
    """Name and value of what neither form has a field for, in order."""
    if package.layer >= 0:
        yield f"{PREFIX}layer:index", str(package.layer)
        if package.layer < len(inventory.layers):
            layer = inventory.layers[package.layer]
            yield f"{PREFIX}layer:diff-id", layer.diff_id
            yield f"{PREFIX}layer:digest", layer.digest
    if package.source_name:
        yield f"{PREFIX}source:name", package.source_name
        yield f"{PREFIX}source:version", package.source_version
    if package.arch:
        yield f"{PREFIX}arch", package.arch
    if package.module:
        yield f"{PREFIX}module", package.module
    if package.owner:
        yield f"{PREFIX}owner", package.owner
    if package.declared:
        yield f"{PREFIX}declared", "true"
    if package.development:
        yield f"{PREFIX}development", "true"


def content_id(data: bytes) -> uuid.UUID:
    """An identifier that depends on the content alone."""
    return uuid.UUID(bytes=hashlib.sha256(data).digest()[:16], version=5)


def contained(packages: Sequence[Package], names: Sequence[str]) -> dict[str, list[str]]:
    """Which package holds which: a distribution's package the language packages whose files it owns."""
    by_name: dict[str, str] = {}
    for package, name in zip(packages, names, strict=True):
        if package.type in OS_TYPES:
            by_name.setdefault(package.name, name)
    found: dict[str, list[str]] = {}
    for package, name in zip(packages, names, strict=True):
        if package.owner and package.owner in by_name:
            found.setdefault(by_name[package.owner], []).append(name)
    return found


def needed(packages: Sequence[Package], names: Sequence[str]) -> dict[str, list[str]]:
    """Which package needs which, of those that are there: the nearest, where several are."""
    index: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for package, name in zip(packages, names, strict=True):
        if not package.declared:
            index.setdefault((package.type, _plain(package.type, package.name)), []).append((_place(package), name))
    found: dict[str, list[str]] = {}
    for package, name in zip(packages, names, strict=True):
        for wanted in package.requires:
            candidates = index.get((package.type, _plain(package.type, wanted)), [])
            if candidates:
                place = package.locations[0] if package.type == "npm" and package.locations else _place(package)
                _, nearest = max(candidates, key=lambda candidate: _common(candidate[0], place))
                if nearest != name:
                    found.setdefault(name, []).append(nearest)
    return found


def _plain(type_: str, name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower() if type_ == "pypi" else name


def _place(package: Package) -> str:
    """The directory in which a package is seen: what holds its ``node_modules/NAME``, or its ``dist-info``."""
    place = package.locations[0] if package.locations else ""
    if package.type == "npm":
        return place.removesuffix(f"/node_modules/{package.name}/package.json")
    return place.rpartition("/")[0].rpartition("/")[0]


def _common(outer: str, inner: str) -> int:
    """How near: the length of a directory that holds the other, -1 where it does not."""
    return len(outer) if not outer or inner == outer or inner.startswith(f"{outer}/") else -1
