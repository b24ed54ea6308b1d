"""SPDX 2.2 and 2.3 as a JSON object, by whatever tool."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.model.images import ImageInventory, NotLooked, OsRelease
from seawall.sources.sbom.component import Component, SbomError, Subject, inventory, make_os

_VERSIONS = frozenset({"SPDX-2.2", "SPDX-2.3"})
_MAX_PACKAGES = 1_000_000
_TEXT = 4096
_SILENT = frozenset({"NOASSERTION", "NONE", ""})
#: Packages that stand for the whole, a file or the system, not for something that was installed.
_WHOLES = frozenset({"CONTAINER", "OPERATING-SYSTEM", "FILE", "SOURCE", "ARCHIVE", "DEVICE"})


def read_spdx(document: dict[str, Any], reference: str) -> ImageInventory:
    """The inventory.

    Raises:
        SbomError: its version is not read, ``packages`` is no list, or there are too many.
    """
    version = _text(document.get("spdxVersion"))
    if version not in _VERSIONS:
        raise SbomError(f"is {version[:20]!r}; SPDX-2.2 and SPDX-2.3 are read")
    packages = document.get("packages", [])
    if not isinstance(packages, list):
        raise SbomError("has packages that are no list")
    if len(packages) > _MAX_PACKAGES:
        raise SbomError(f"has more than {_MAX_PACKAGES:,} packages")
    described = _described(document)
    texts = _texts(document)
    subject, system, found = Subject(), None, []
    for item in packages:
        if not isinstance(item, dict):
            continue
        component = _component(item, texts)
        purpose = _text(item.get("primaryPackagePurpose")).upper().replace("_", "-")
        if _text(item.get("SPDXID")) in described and (purpose in _WHOLES or not _is_package(component)):
            subject = _subject(item, component)
        elif purpose == "OPERATING-SYSTEM" and not component.purl:
            system = system or _system(component)
        elif purpose not in _WHOLES or component.purl:
            found.append(component)
    return inventory(reference, subject, system, found)


def _text(value: Any) -> str:
    return value[:_TEXT].strip() if isinstance(value, str) else ""


def _described(document: dict[str, Any]) -> set[str]:
    described = document.get("documentDescribes")
    found = {_text(id_) for id_ in described} if isinstance(described, list) else set()
    relationships = document.get("relationships")
    for entry in relationships if isinstance(relationships, list) else ():
        if isinstance(entry, dict) and _text(entry.get("relationshipType")) == "DESCRIBES":
            found.add(_text(entry.get("relatedSpdxElement")))
    return found


def _is_package(component: Component) -> bool:
    return bool(component.purl) and not component.purl.lower().startswith(("pkg:oci/", "pkg:docker/"))


def _texts(document: dict[str, Any]) -> dict[str, str]:
    """Licences that the document brings along, by their reference."""
    infos = document.get("hasExtractedLicensingInfos")
    return {
        _text(info.get("licenseId")): _text(info.get("extractedText"))[:200]
        for info in (infos if isinstance(infos, list) else ())
        if isinstance(info, dict)
    }


def _component(item: dict[str, Any], texts: dict[str, str]) -> Component:
    purl = ""
    references = item.get("externalRefs")
    for entry in references if isinstance(references, list) else ():
        if isinstance(entry, dict) and _text(entry.get("referenceType")).lower() == "purl" and not purl:
            purl = _text(entry.get("referenceLocator"))
    pairs = _annotated(item)
    licences = [_text(item.get(key)) for key in ("licenseConcluded", "licenseDeclared")]
    return Component(
        name=_text(item.get("name")),
        version=_text(item.get("versionInfo")),
        purl=purl,
        licences=tuple(dict.fromkeys(texts.get(text, text) for text in licences if text not in _SILENT)),
        locations=tuple(value for name, value in pairs if name == "seawall:location"),
        properties=dict(pairs),
        source_info=_text(item.get("sourceInfo")),
    )


def _annotated(item: dict[str, Any]) -> list[tuple[str, str]]:
    """Properties: Seawall's as a JSON list in an annotation, Trivy's as ``Key: value`` in attribution texts."""
    found: list[tuple[str, str]] = []
    annotations = item.get("annotations")
    for entry in annotations if isinstance(annotations, list) else ():
        comment = entry.get("comment") if isinstance(entry, dict) else None
        if isinstance(comment, str) and comment.startswith('["seawall:'):
            try:
                values = msgspec.json.decode(comment, type=list[str])
            except (msgspec.DecodeError, UnicodeEncodeError):
                continue
            found += [(name, value[:_TEXT]) for name, _, value in (pair.partition("=") for pair in values)]
    return found


def _system(component: Component) -> OsRelease:
    return make_os(component.name, component.version, component.properties)


def _subject(item: dict[str, Any], component: Component) -> Subject:
    digest = ""
    checksums = item.get("checksums")
    for entry in checksums if isinstance(checksums, list) else ():
        if isinstance(entry, dict) and _text(entry.get("algorithm")).upper() == "SHA256":
            digest = f"sha256:{_text(entry.get('checksumValue')).lower()}"
    if not digest and component.version.startswith("sha256:"):
        digest = component.version
    return Subject(
        name=component.name,
        digest=digest,
        platform=component.properties.get("seawall:platform", ""),
        not_looked=tuple(
            NotLooked(*value.partition(": ")[::2]) for name, value in _annotated(item) if name == "seawall:not-looked"
        ),
    )
