"""PHP packages: what Composer writes down as installed, and its lock file."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.analysis.images.contents import Item, PackagesItem
from seawall.analysis.images.documents import json_object, objects, text
from seawall.analysis.images.errors import Unreadable
from seawall.model.images import Package
from seawall.model.purl import make_purl


def _packages(entries: Any, path: str, declared: bool, development: bool = False) -> list[Package]:
    found = []
    for entry in objects(entries):
        name, version = text(entry.get("name")), text(entry.get("version"))
        if not name or not version:
            continue
        vendor, _, short = name.rpartition("/")
        # Composer writes tags as they are: v6.4.1 is version 6.4.1.
        plain = version[1:] if version[:1] in "vV" and version[1:2].isdigit() else version
        licences = entry.get("license")
        names = tuple(item for item in licences[:20] if isinstance(item, str)) if isinstance(licences, list) else ()
        purl = make_purl("composer", vendor, short, plain)
        found.append(
            Package(
                "composer", name, plain, purl,
                licences=names, locations=(path,), declared=declared, development=development,
            )
        )  # fmt: skip
    return found


def installed(data: bytes, path: str) -> tuple[Item, ...]:
    """``vendor/composer/installed.json``: an object with ``packages`` (Composer 2) or a list (Composer 1).

    Raises:
        Unreadable: it is neither.
    """
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("is no JSON that can be read") from error
    entries = value.get("packages") if isinstance(value, dict) else value
    if not isinstance(entries, list):
        raise Unreadable("is no list of Composer's")
    return (PackagesItem(tuple(_packages(entries, path, declared=False))),)


def lock(data: bytes, path: str) -> tuple[Item, ...]:
    """``composer.lock``."""
    value = json_object(data)
    found = _packages(value.get("packages"), path, True)
    found += _packages(value.get("packages-dev"), path, True, development=True)
    return (PackagesItem(tuple(found)),)
