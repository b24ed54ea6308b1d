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
    name: str,
    version: str,
    location: str,
    *,
    licences: tuple[str, ...] = (),
    requires: tuple[str, ...] = (),
    declared: bool = False,
    development: bool = False,
) -> Package:
    """A project of PyPI."""
    return Package(
        "pypi",
        name,
        version,
        make_purl("pypi", "", name, version),
        licences=licences,
        locations=(location,),
        declared=declared,
        requires=requires,
        development=development,
    )


def metadata(data: bytes, path: str) -> tuple[Item, ...]:
    """``METADATA`` or ``PKG-INFO``.

    Raises:
        Unreadable: it has no name or version.
    """
    head, _, _ = decoded(data[: 256 * 1024]).replace("\r\n", "\n").partition("\n\n")
    fields: dict[str, list[str]] = {}
    for line in _HEAD.finditer(head):
        fields.setdefault(line[1].lower(), []).append(line[2].strip())
    name, version = fields.get("name", [""])[0], fields.get("version", [""])[0]
    if not _NAME(name) or not version:
        raise Unreadable("is metadata of a Python package without a name and version")
    found = package(name, version, path, licences=_licences(fields), requires=_requires(fields))
    return (PackagesItem((found,)),)


_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


def _requires(fields: dict[str, list[str]]) -> tuple[str, ...]:
    """Names of ``Requires-Dist``, but for those of extras, which nobody may have asked for."""
    names = [_REQUIREMENT.match(value) for value in fields.get("requires-dist", ()) if "extra ==" not in value]
    return tuple(dict.fromkeys(found[0] for found in names if found))


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
