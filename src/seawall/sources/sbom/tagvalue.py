"""SPDX 2.2 and 2.3 in its tag-value form, turned into the object that the JSON form has."""

from __future__ import annotations

import re
from typing import Any

from seawall.model.images import ImageInventory
from seawall.sources.sbom.component import SbomError
from seawall.sources.sbom.spdx import read_spdx

_LINE = re.compile(r"([A-Za-z][A-Za-z0-9]*):[ \t]*(.*)")
_MAX_LINES = 10_000_000
_FIELDS = {
    "SPDXID": "SPDXID",
    "PackageVersion": "versionInfo",
    "PackageLicenseConcluded": "licenseConcluded",
    "PackageLicenseDeclared": "licenseDeclared",
    "PackageSourceInfo": "sourceInfo",
    "PrimaryPackagePurpose": "primaryPackagePurpose",
}


def read_tags(data: bytes, reference: str) -> ImageInventory:
    """The inventory.

    Raises:
        SbomError: as for the JSON form, or a text is never closed.
    """
    document: dict[str, Any] = {"packages": [], "relationships": []}
    current: dict[str, Any] | None = None
    notes: dict[str, list[dict[str, str]]] = {}
    about = ""
    for tag, value in _tags(data.decode("utf-8", "replace")):
        if tag == "SPDXVersion":
            document["spdxVersion"] = value
        elif tag == "Relationship":
            parts = value.split()
            if len(parts) == 3:
                document["relationships"].append({"relationshipType": parts[1], "relatedSpdxElement": parts[2]})
        elif tag == "SPDXREF":
            about = value
        elif tag == "AnnotationComment":
            notes.setdefault(about, []).append({"comment": value})
        elif tag == "PackageName":
            current = {"name": value, "externalRefs": [], "checksums": []}
            document["packages"].append(current)
        elif tag in ("FileName", "SnippetSPDXID", "LicenseID"):
            current = None
        elif current is not None:
            _field(current, tag, value)
    for package in document["packages"]:
        package["annotations"] = notes.get(package.get("SPDXID", ""), [])
    return read_spdx(document, reference)


def _field(current: dict[str, Any], tag: str, value: str) -> None:
    if tag in _FIELDS:
        current.setdefault(_FIELDS[tag], value)
    elif tag == "ExternalRef":
        parts = value.split(None, 2)
        if len(parts) == 3:
            current["externalRefs"].append({"referenceType": parts[1], "referenceLocator": parts[2]})
    elif tag == "PackageChecksum":
        algorithm, _, digest = value.partition(":")
        current["checksums"].append({"algorithm": algorithm.strip(), "checksumValue": digest.strip()})


def _tags(text: str) -> list[tuple[str, str]]:
    """Tags with their values; a value in ``<text>`` may span lines."""
    lines = text.splitlines()
    if len(lines) > _MAX_LINES:
        raise SbomError(f"has more than {_MAX_LINES:,} lines")
    found: list[tuple[str, str]] = []
    index = 0
    while index < len(lines):
        match = _LINE.match(lines[index])
        index += 1
        if not match:
            continue
        value = match[2].strip()
        if value.startswith("<text>"):
            parts = [value[6:]]
            while "</text>" not in parts[-1]:
                if index >= len(lines):
                    raise SbomError(f"has a text that is never closed, of {match[1]}")
                parts.append(lines[index])
                index += 1
            value = "\n".join(parts).partition("</text>")[0]
        found.append((match[1], value))
    return found
