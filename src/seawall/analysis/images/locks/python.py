"""Lock files of Python: requirements, Pipfile.lock, poetry.lock, uv.lock, pdm.lock, pylock.toml."""

from __future__ import annotations

import re
from typing import Any

from seawall.analysis.images.contents import Item, PackagesItem
from seawall.analysis.images.documents import json_object, mapping, text, toml_packages
from seawall.analysis.images.python import package
from seawall.analysis.images.text import decoded

#: PEP 508, of which only an exact version is a proof: ``name[extra] == 1.2.3 ; marker``.
_PINNED = re.compile(
    r"^[ \t]*([A-Za-z0-9][A-Za-z0-9._-]{0,200})[ \t]*(?:\[[^\]\n]{0,500}\])?[ \t]*"
    r"={2,3}[ \t]*([A-Za-z0-9][\w.!+-]{0,200})[ \t]*(?=$|[;#\\\s])",
    re.MULTILINE,
)


#: Where uv says that a package is the project itself or a part of it.
_LOCAL = re.compile(r"\{\s*(?:virtual|editable|directory)\s*=")


def requirements(data: bytes, path: str) -> tuple[Item, ...]:
    """``requirements.txt`` and its kin: the lines that pin one version."""
    found = {(match[1], match[2]): None for match in _PINNED.finditer(decoded(data))}
    return _item([package(name, version, path, declared=True) for name, version in found])


def pipfile(data: bytes, path: str) -> tuple[Item, ...]:
    """``Pipfile.lock``."""
    document = json_object(data)
    found = []
    for group in ("default", "develop"):
        for name, entry in mapping(document.get(group)).items():
            version = text(mapping(entry).get("version"))
            if version.startswith("=="):
                development = group == "develop"
                found.append(package(name, version.lstrip("="), path, declared=True, development=development))
    return _item(found)


def toml_lock(data: bytes, path: str) -> tuple[Item, ...]:
    """``poetry.lock``, ``pdm.lock``, ``uv.lock`` (``[[package]]``) and ``pylock.toml`` (``[[packages]]``).

    The project itself, as uv lists it, is left out.
    """
    found = []
    for entry in toml_packages(data):
        name, version, source = entry.get("name", ""), entry.get("version", ""), entry.get("source", "")
        local = _LOCAL.match(source) or entry.get("source.type") in ("directory", "file") or "directory" in entry
        if name and version and not local:
            found.append(package(name, version, path, declared=True))
    return _item(found)


def _item(found: list[Any]) -> tuple[Item, ...]:
    return (PackagesItem(tuple(found)),)
