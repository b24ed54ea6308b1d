"""Lock files of Node: npm's, yarn's (both forms), pnpm's."""

from __future__ import annotations

import re
from typing import Any

from seawall.analysis.images.contents import Item, PackagesItem
from seawall.analysis.images.documents import json_object, mapping, text
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.node import is_name, package
from seawall.analysis.images.text import decoded

_MAX = 200_000
_MAX_DEPTH = 100


def _item(found: dict[tuple[str, str], bool], path: str) -> tuple[Item, ...]:
    if len(found) > _MAX:
        raise Unreadable(f"lists more than {_MAX:,} packages")
    return (
        PackagesItem(
            tuple(
                package(name, version, path, declared=True, development=development)
                for (name, version), development in found.items()
                if is_name(name)
            )
        ),
    )


def _note(found: dict[tuple[str, str], bool], name: str, version: str, development: bool) -> None:
    """A package in several places is for development only if it is in all of them."""
    found[name, version] = found.get((name, version), True) and development


def package_lock(data: bytes, path: str) -> tuple[Item, ...]:
    """``package-lock.json``, ``npm-shrinkwrap.json``: ``packages`` by folder (2, 3), or nested ``dependencies`` (1)."""
    document = json_object(data)
    found: dict[tuple[str, str], bool] = {}
    packages = document.get("packages")
    if isinstance(packages, dict):
        for folder, entry in packages.items():
            # The project itself and its workspaces stand outside node_modules.
            _, mark, name = folder.rpartition("node_modules/")
            entry = mapping(entry)
            version = text(entry.get("version"))
            if mark and version and not entry.get("link"):
                _note(found, text(entry.get("name")) or name, version, entry.get("dev") is True)
    else:
        _nested(document.get("dependencies"), found, 0)
    return _item(found, path)


def _nested(dependencies: Any, found: dict[tuple[str, str], bool], depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise Unreadable(f"is nested deeper than {_MAX_DEPTH} packages")
    for name, entry in mapping(dependencies).items():
        entry = mapping(entry)
        version = text(entry.get("version"))
        alias = re.fullmatch(r"npm:(.+)@([^@]+)", version)
        if alias:
            _note(found, alias[1], alias[2], entry.get("dev") is True)
        elif version[:1].isdigit():
            _note(found, name, version, entry.get("dev") is True)
        _nested(entry.get("dependencies"), found, depth + 1)


_YARN_KEY = re.compile(r'^"?((?:@[^/"@\s]+/)?[^@"\s/]+)@([^\n]*):[ \t]*$')
_YARN_VERSION = re.compile(r'^  version:? "?([^"\s]+)"?\s*$')
_YARN_RESOLUTION = re.compile(r'^  resolution: "?((?:@[^/"@\s]+/)?[^@"\s/]+)@npm:([^":\s]+)')


def yarn(data: bytes, path: str) -> tuple[Item, ...]:
    """``yarn.lock``: the older form and the YAML-like one of yarn 2 and later, a line at a time."""
    found: dict[tuple[str, str], bool] = {}
    name = version = ""
    skip = False
    for line in decoded(data).split("\n"):
        if line[:1] not in (" ", "#", ""):
            name = version = ""
            key = _YARN_KEY.match(line)
            if key:
                name = key[1]
                alias = re.match(r"npm:((?:@[^/@\s]+/)?[^@\s/]+)@", key[2])
                name = alias[1] if alias else name
                # Patches keep their package's version; what lies in the project has none of the registry's.
                skip = "@workspace:" in line or "@link:" in line or "@portal:" in line
            continue
        if not name or skip:
            continue
        told = _YARN_VERSION.match(line)
        if told:
            version = told[1]
            found[name, version] = False
            continue
        resolved = _YARN_RESOLUTION.match(line)
        if resolved and version and resolved[1] != name:
            found.pop((name, version), None)
            found[resolved[1], resolved[2]] = False
    return _item(found, path)


_PNPM_KEY = re.compile(r"""^  ['"]?/?((?:@[^/'"@\s]+/)?[^/'"@\s(]+)[@/](\d[^'":()_\s]*)[^:\n]*['"]?:\s*(?:\{\})?\s*$""")


def pnpm(data: bytes, path: str) -> tuple[Item, ...]:
    """``pnpm-lock.yaml``: keys of ``packages``: ``/name/1.0`` (5), ``/name@1.0`` (6), ``name@1.0`` (9)."""
    found: dict[tuple[str, str], bool] = {}
    inside = False
    key: re.Match[str] | None = None
    for line in decoded(data).split("\n"):
        if line[:1] not in (" ", "", "#"):
            inside, key = line.rstrip() in ("packages:", "snapshots:"), None
        elif inside and line[:2] == "  " and line[2:3] not in (" ", ""):
            key = _PNPM_KEY.match(line)
            if key:
                found.setdefault((key[1], key[2]), False)
        elif key and line == "    dev: true":
            found[key[1], key[2]] = True
    return _item(found, path)
