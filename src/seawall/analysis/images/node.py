"""Node packages that are installed: ``package.json`` under ``node_modules``, as npm documents it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from seawall.analysis.images.contents import Item, PackagesItem
from seawall.analysis.images.errors import Unreadable
from seawall.model.images import Package
from seawall.model.purl import make_purl

_NAME = re.compile(r"(?:@[^/@\s%]{1,214}/)?[^/@\s%]{1,214}").fullmatch


class _Manifest(Struct):
    name: Any = None
    version: Any = None
    license: Any = None
    licenses: Any = None
    dependencies: Any = None


_DECODER = msgspec.json.Decoder(_Manifest)


def package(
    name: str,
    version: str,
    location: str,
    *,
    licences: tuple[str, ...] = (),
    requires: tuple[str, ...] = (),
    declared: bool = False,
    development: bool = False,
) -> Package:
    """A package of npm; ``name`` has its scope."""
    scope, _, short = name.rpartition("/")
    return Package(
        "npm",
        name,
        version,
        make_purl("npm", scope, short, version),
        licences=licences,
        locations=(location,),
        declared=declared,
        requires=requires,
        development=development,
    )


def is_name(name: str) -> bool:
    """Whether text can be the name of a package."""
    return _NAME(name) is not None


def is_package_root(path: str) -> bool:
    """Whether a ``package.json`` stands where a package does: right under ``node_modules`` or a scope of it.

    Others, deeper within a package, only say how a folder's modules are read (``{"type": "module"}``) or are fixtures.
    """
    parts = path.split("/")
    return len(parts) >= 3 and (
        parts[-3] == "node_modules" or (len(parts) >= 4 and parts[-4] == "node_modules" and parts[-3][:1] == "@")
    )


def manifest(data: bytes, path: str) -> tuple[Item, ...]:
    """A package's ``package.json``; nothing where it has no name or version.

    Raises:
        Unreadable: it is no JSON object.
    """
    try:
        found = _DECODER.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("is no JSON object") from error
    name, version = found.name, found.version
    if not isinstance(name, str) or not isinstance(version, str) or not is_name(name) or not version.strip():
        return ()
    licences = _licences(found.license if found.license is not None else found.licenses)
    needed = tuple(key for key in found.dependencies if is_name(key)) if isinstance(found.dependencies, dict) else ()
    return (PackagesItem((package(name, version.strip().lstrip("v="), path, licences=licences, requires=needed),)),)


def _licences(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list):
        names = [item.get("type") if isinstance(item, dict) else item for item in value[:20]]
    else:
        names = [value]
    return tuple(name for name in names if isinstance(name, str) and 0 < len(name) <= 200)
