"""SPDX 2.3 as JSON: an image's inventory as a bill of materials."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import quote

import msgspec

from seawall import __version__
from seawall.model.images import ImageInventory, OsRelease, Package
from seawall.reports.licences import expression
from seawall.reports.sbom import (
    OS_TYPES,
    PREFIX,
    SbomOptions,
    contained,
    content_id,
    image_purl,
    needed,
    properties,
    references,
)

_DEFAULT = SbomOptions()
_DOCUMENT, _ROOT, _SYSTEM = "SPDXRef-DOCUMENT", "SPDXRef-Image", "SPDXRef-OperatingSystem"
_TOOL = f"Tool: seawall-{__version__}"
_EPOCH = "1970-01-01T00:00:00Z"
_SECONDS = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z").fullmatch
_NONE = "NOASSERTION"


def render(inventory: ImageInventory, options: SbomOptions = _DEFAULT) -> bytes:
    """The document. SPDX demands a time of creation: it is the image's own unless ``options.created`` says another."""
    created = _created(inventory, options)
    packages = list(inventory.packages)
    ids = _ids(packages)
    extracted: dict[str, str] = {}
    entries = [_root(inventory, created)]
    if inventory.os is not None:
        entries.append(_system(inventory.os, created))
    entries += [
        _package(package, id_, inventory, created, extracted) for package, id_ in zip(packages, ids, strict=True)
    ]
    name = inventory.reference or "unnamed"
    document: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": name,
        "creationInfo": {"created": created, "creators": [_TOOL]},
        "packages": entries,
        "relationships": _relationships(inventory, packages, ids),
    }
    if extracted:
        document["hasExtractedLicensingInfos"] = [
            {"licenseId": id_, "name": text.split("\n", 1)[0][:200], "extractedText": text}
            for id_, text in sorted(extracted.items())
        ]
    serial = content_id(msgspec.json.encode(document))
    document["documentNamespace"] = f"https://seawall.dev/spdx/{quote(name, safe='')}-{serial}"
    return msgspec.json.format(msgspec.json.encode(document)) + b"\n"


def _created(inventory: ImageInventory, options: SbomOptions) -> str:
    for text in (options.created, inventory.config.created if inventory.config else ""):
        found = _SECONDS(text)
        if found:
            return f"{found[1]}Z"
    return _EPOCH


def _ids(packages: list[Package]) -> list[str]:
    """Identifiers that stay the same as long as the package does: SPDX allows letters, digits, dots and dashes."""
    return [
        f"SPDXRef-{package.type}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:20]}"
        for package, name in zip(packages, references(packages), strict=True)
    ]


def _annotation(values: list[tuple[str, str]], created: str) -> list[dict[str, str]]:
    return [
        {
            "annotationDate": created,
            "annotationType": "OTHER",
            "annotator": _TOOL,
            "comment": msgspec.json.encode([f"{name}={value}" for name, value in values]).decode(),
        }
    ]


def _plain(name: str, id_: str, version: str, purpose: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"SPDXID": id_, "name": name}
    if version:
        entry["versionInfo"] = version
    entry |= {
        "primaryPackagePurpose": purpose,
        "downloadLocation": _NONE,
        "filesAnalyzed": False,
        "licenseConcluded": _NONE,
        "licenseDeclared": _NONE,
        "copyrightText": _NONE,
    }
    return entry


def _locator(purl: str) -> list[dict[str, str]]:
    return [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}]


def _root(inventory: ImageInventory, created: str) -> dict[str, Any]:
    purpose = (
        "CONTAINER" if inventory.kind == "image" else "OPERATING-SYSTEM" if inventory.kind == "rootfs" else "OTHER"
    )
    entry = _plain(inventory.reference or "unnamed", _ROOT, inventory.digest, purpose)
    algorithm, _, digest = inventory.digest.partition(":")
    if algorithm == "sha256" and re.fullmatch(r"[0-9a-f]{64}", digest):
        entry["checksums"] = [{"algorithm": "SHA256", "checksumValue": digest}]
    purl = image_purl(inventory)
    if purl:
        entry["externalRefs"] = _locator(purl)
    values = [(f"{PREFIX}kind", inventory.kind)]
    if inventory.platform:
        values.append((f"{PREFIX}platform", str(inventory.platform)))
    values += [(f"{PREFIX}layer", f"{layer.digest} {layer.diff_id}") for layer in inventory.layers]
    values += [(f"{PREFIX}not-looked", f"{problem.where}: {problem.reason}") for problem in inventory.not_looked]
    entry["annotations"] = _annotation(values, created)
    return entry


def _system(os: OsRelease, created: str) -> dict[str, Any]:
    entry = _plain(os.id, _SYSTEM, os.version_id or os.codename, "OPERATING-SYSTEM")
    if os.name:
        entry["description"] = os.name
    if os.codename:
        entry["annotations"] = _annotation([(f"{PREFIX}os:codename", os.codename)], created)
    return entry


def _package(
    package: Package, id_: str, inventory: ImageInventory, created: str, extracted: dict[str, str]
) -> dict[str, Any]:
    entry = _plain(package.name, id_, package.version, "LIBRARY")
    entry["licenseDeclared"] = _declared(package.licences, extracted)
    if package.source_name:
        entry["sourceInfo"] = f"built package from: {package.source_name} {package.source_version}".rstrip()
    if package.purl:
        entry["externalRefs"] = _locator(package.purl)
    values = list(properties(package, inventory))
    values += [(f"{PREFIX}location", place) for place in package.locations]
    if values:
        entry["annotations"] = _annotation(values, created)
    return entry


def _declared(texts: tuple[str, ...], extracted: dict[str, str]) -> str:
    """The licences together, each as SPDX knows it or as a reference to its text."""
    parts = []
    for text in texts:
        if not text.strip():
            continue
        known = expression(text)
        if not known:
            known = f"LicenseRef-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"
            extracted[known] = text
        parts.append(f"({known})" if " " in known and len(texts) > 1 else known)
    return " AND ".join(dict.fromkeys(parts)) or _NONE


def _relationships(inventory: ImageInventory, packages: list[Package], ids: list[str]) -> list[dict[str, str]]:
    inside = contained(packages, ids)
    inner = {id_ for group in inside.values() for id_ in group}
    found = [(_DOCUMENT, "DESCRIBES", _ROOT)]
    if inventory.os is not None:
        found.append((_ROOT, "CONTAINS", _SYSTEM))
    for package, id_ in zip(packages, ids, strict=True):
        if package.type in OS_TYPES and inventory.os is not None:
            found.append((_SYSTEM, "CONTAINS", id_))
        elif id_ not in inner:
            found.append((_ROOT, "CONTAINS", id_))
    found += [(outer, "CONTAINS", id_) for outer, group in inside.items() for id_ in group]
    found += [
        (id_, "DEPENDS_ON", other) for id_, group in needed(packages, ids).items() for other in sorted(set(group))
    ]
    return [
        {"spdxElementId": left, "relationshipType": kind, "relatedSpdxElement": right} for left, kind, right in found
    ]
