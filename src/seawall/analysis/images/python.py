"""Python packages that are installed: ``*.dist-info`` and ``*.egg-info``.

Format: packaging.python.org, "Core metadata specifications" and "Recording installed projects".
"""

from __future__ import annotations

import csv
import re

from seawall.analysis.images.contents import Item, PackagesItem, RecordItem
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.text import decoded
from seawall.model.images import Package
from seawall.model.purl import make_purl

_HEAD = re.compile(r"^([A-Za-z-]+):[ \t]*([^\n]*)$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,200}[A-Za-z0-9])?").fullmatch
_MAX_FILES = 200_000


def package(
    name: str, version: str, location: str, *, licences: tuple[str, ...] = (), declared: bool = False
) -> Package:
    """A project of PyPI."""
    purl = make_purl("pypi", "", name, version)
    return Package("pypi", name, version, purl, licences=licences, locations=(location,), declared=declared)


def metadata(data: bytes, path: str) -> tuple[Item, ...]:
    """``METADATA`` or ``PKG-INFO``.

    Raises:
        Unreadable: it has no name or version.
    """
    head, _, _ = decoded(data[: 256 * 1024]).replace("\r\n", "\n").partition("\n\n")
    fields: dict[str, list[str]] = {}
    for found in _HEAD.finditer(head):
        fields.setdefault(found[1].lower(), []).append(found[2].strip())
    name, version = fields.get("name", [""])[0], fields.get("version", [""])[0]
    if not _NAME(name) or not version:
        raise Unreadable("is metadata of a Python package without a name and version")
    return (PackagesItem((package(name, version, path, licences=_licences(fields)),)),)


def _licences(fields: dict[str, list[str]]) -> tuple[str, ...]:
    expression = fields.get("license-expression", [""])[0]
    if expression:
        return (expression,)
    text = fields.get("license", [""])[0]
    if text and text.upper() != "UNKNOWN" and len(text) <= 100:
        return (text,)
    classifiers = [
        value.rpartition("::")[2].strip() for value in fields.get("classifier", ()) if value.startswith("License ::")
    ]
    return tuple(value for value in classifiers if value != "OSI Approved")


def record(data: bytes, path: str) -> tuple[Item, ...]:
    """``RECORD``: paths relative to the directory that holds the ``dist-info``.

    Raises:
        Unreadable: it is no such file.
    """
    folder = path.rpartition("/")[0]
    base = folder.rpartition("/")[0]
    try:
        rows = [row[0] for row in csv.reader(decoded(data).splitlines()) if row and row[0]]
    except csv.Error as error:
        raise Unreadable(f"is no list of files: {error}") from error
    return (RecordItem(f"{folder}/METADATA", _joined(base, rows)),)


def installed_files(data: bytes, path: str) -> tuple[Item, ...]:
    """setuptools' ``installed-files.txt``: paths relative to the ``egg-info`` directory."""
    folder = path.rpartition("/")[0]
    return (RecordItem(f"{folder}/PKG-INFO", _joined(folder, decoded(data).splitlines())),)


def _joined(base: str, names: list[str]) -> str:
    """Paths under a base; what leads out of the root is left out."""
    if len(names) > _MAX_FILES:
        raise Unreadable(f"lists more than {_MAX_FILES:,} files")
    found = []
    for name in names:
        if name.startswith("/"):
            found.append(name.lstrip("/"))
            continue
        if "../" not in name:
            found.append(f"{base}/{name}" if base else name)
            continue
        parts = base.split("/") if base else []
        for part in name.split("/"):
            if part == "..":
                if not parts:
                    break
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        else:
            found.append("/".join(parts))
    return "\n".join(found)
