"""Lock files of Rust, Ruby, C and C++ (Conan), Elixir, Dart."""

from __future__ import annotations

import re

from seawall.analysis.images.contents import Item, PackagesItem
from seawall.analysis.images.documents import json_object, mapping, text, toml_packages
from seawall.analysis.images.ruby import package as gem
from seawall.analysis.images.rust import crate
from seawall.analysis.images.text import decoded
from seawall.model.images import Package
from seawall.model.purl import make_purl


def cargo(data: bytes, path: str) -> tuple[Item, ...]:
    """``Cargo.lock``: packages that come from somewhere; those of the workspace have no source."""
    found = []
    for entry in toml_packages(data):
        name, version = entry.get("name", ""), entry.get("version", "")
        if name and version and entry.get("source"):
            found.append(crate(name, version, path, declared=True))
    return (PackagesItem(tuple(found)),)


_GEM = re.compile(r"^    ([A-Za-z0-9][\w.-]{0,200}) \(([0-9][^()\s]{0,200})\)$", re.MULTILINE)
_GEM_SECTION = re.compile(r"^(GEM|PLUGIN SOURCE)\n((?:[ \t][^\n]*\n|\n(?=[ \t]))*)", re.MULTILINE)
_PLATFORM = re.compile(r"^([0-9][0-9A-Za-z.]*?)-((?:x86|x64|arm|aarch|java|universal|mswin|mingw)[\w.-]*)$")


def gemfile(data: bytes, path: str) -> tuple[Item, ...]:
    """``Gemfile.lock``: what ``GEM`` sections resolve to; gems of paths and git are not RubyGems'."""
    found = []
    for section in _GEM_SECTION.finditer(decoded(data).replace("\r\n", "\n") + "\n"):
        for match in _GEM.finditer(section[2]):
            platform = _PLATFORM.match(match[2])
            version, kind = (platform[1], platform[2]) if platform else (match[2], "")
            found.append(gem(match[1], version, path, platform=kind, declared=True))
    return (PackagesItem(tuple(dict.fromkeys(found))),)


_CONAN = re.compile(r"([a-z0-9_][a-z0-9_+.-]{1,100})/([^@#\s/]{1,100})(?:@([^#/\s]*)/([^#\s]*))?(?:#.*)?").fullmatch


def conan(data: bytes, path: str) -> tuple[Item, ...]:
    """``conan.lock``: references in ``requires`` (Conan 2) or in the nodes of a graph (Conan 1)."""
    document = json_object(data)
    references = [
        item
        for key in ("requires", "build_requires", "python_requires")
        for item in (document[key] if isinstance(document.get(key), list) else ())
    ]
    nodes = mapping(mapping(document.get("graph_lock")).get("nodes"))
    references += [mapping(node).get("ref") for node in nodes.values()]
    found: dict[str, Package] = {}
    for reference in references:
        match = _CONAN(text(reference).partition("%")[0])
        if match:
            qualifiers = {"user": match[3] or "", "channel": match[4] or ""} if match[3] not in (None, "_") else None
            purl = make_purl("conan", "", match[1], match[2], qualifiers)
            found[purl] = Package("conan", match[1], match[2], purl, locations=(path,), declared=True)
    return (PackagesItem(tuple(found.values())),)


_MIX = re.compile(
    r'^[ \t]{0,20}"[^"\n]{1,200}":[ \t]*\{:hex,\s*:"?([a-z0-9_]{1,200})"?,\s*"([^"\n]{1,200})"', re.MULTILINE
)


def mix(data: bytes, path: str) -> tuple[Item, ...]:
    """``mix.lock``: an Elixir map of which ``:hex`` entries are packages of Hex."""
    found = [
        Package("hex", name, version, make_purl("hex", "", name, version), locations=(path,), declared=True)
        for name, version in dict.fromkeys(match.groups() for match in _MIX.finditer(decoded(data)))
    ]
    return (PackagesItem(tuple(found)),)


_PUB_NAME = re.compile(r"^  ([A-Za-z0-9_]{1,200}):\s*$")
_PUB_FIELD = re.compile(r"""^    (source|version|dependency): ["']?([^"'\n]{1,200}?)["']?\s*$""")


def pubspec(data: bytes, path: str) -> tuple[Item, ...]:
    """``pubspec.lock``: packages whose source is ``hosted``, a line at a time."""
    entries: dict[str, dict[str, str]] = {}
    name, inside = "", False
    for line in decoded(data).splitlines():
        if line[:1] not in (" ", "", "#"):
            inside, name = line.rstrip() == "packages:", ""
            continue
        opening = _PUB_NAME.match(line) if inside else None
        if opening:
            name = opening[1]
            entries[name] = {}
        elif name and (field := _PUB_FIELD.match(line)):
            entries[name][field[1]] = field[2]
    found = [
        Package(
            "pub",
            key,
            value["version"],
            make_purl("pub", "", key, value["version"]),
            locations=(path,),
            declared=True,
            development=value.get("dependency") == "direct dev",
        )
        for key, value in entries.items()
        if value.get("source") == "hosted" and value.get("version")
    ]
    return (PackagesItem(tuple(found)),)
