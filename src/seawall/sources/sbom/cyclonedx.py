"""CycloneDX 1.2 to 1.6 as a JSON object, by whatever tool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.model.images import ImageInventory, NotLooked, OsRelease
from seawall.sources.sbom.component import Component, SbomError, Subject, inventory, make_os

_VERSIONS = frozenset({"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"})
_MAX_COMPONENTS = 1_000_000
_MAX_DEPTH = 64
_TEXT = 4096
#: Components that are packages; files, devices, models and data are not looked up anywhere.
_PACKAGES = frozenset({"library", "framework", "application", "platform", "firmware"})


def read_cyclonedx(document: dict[str, Any], reference: str) -> ImageInventory:
    """The inventory.

    Raises:
        SbomError: its version is not read, ``components`` is no list, or there are too many.
    """
    if document.get("bomFormat") != "CycloneDX":
        raise SbomError(f"has the format {_text(document.get('bomFormat'))[:40]!r}, not CycloneDX")
    version = _text(document.get("specVersion"))
    if version not in _VERSIONS:
        raise SbomError(f"is CycloneDX {version[:20]!r}; versions 1.2 to 1.6 are read")
    if not isinstance(document.get("components", []), list):
        raise SbomError("has components that are no list")
    metadata = _mapping(document.get("metadata"))
    root = _mapping(metadata.get("component"))
    system: OsRelease | None = None
    found: list[Component] = []
    for item in _all(document.get("components", []), 0):
        if len(found) >= _MAX_COMPONENTS:
            raise SbomError(f"has more than {_MAX_COMPONENTS:,} components")
        kind = _text(item.get("type"))
        if kind == "operating-system":
            system = system or make_os(_text(item.get("name")), _text(item.get("version")), _properties(item))
        elif kind in _PACKAGES and not _is_manifest(item):
            found.append(_component(item))
    return inventory(reference, _subject(root, document), system, found)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value[:_TEXT].strip() if isinstance(value, str) else ""


def _all(items: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Components, and those nested in them."""
    if depth > _MAX_DEPTH:
        raise SbomError(f"has components nested deeper than {_MAX_DEPTH}")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield item
            yield from _all(item.get("components"), depth + 1)


def _is_manifest(item: dict[str, Any]) -> bool:
    """Trivy writes each lock file as an application without a URL, whose packages are components of their own."""
    return _text(item.get("type")) == "application" and not item.get("purl")


def _properties(item: dict[str, Any]) -> dict[str, str]:
    values = item.get("properties")
    found: dict[str, str] = {}
    for entry in values if isinstance(values, list) else ():
        entry = _mapping(entry)
        found.setdefault(_text(entry.get("name")), _text(entry.get("value")))
    return found


def _component(item: dict[str, Any]) -> Component:
    properties = _properties(item)
    occurrences = _mapping(item.get("evidence")).get("occurrences")
    places = [_text(_mapping(entry).get("location")) for entry in occurrences] if isinstance(occurrences, list) else []
    places += [
        value for key, value in properties.items()
        if key == "aquasecurity:trivy:FilePath" or (key.startswith("syft:location:") and key.endswith(":path"))
    ]  # fmt: skip
    return Component(
        name=_text(item.get("name")),
        version=_text(item.get("version")),
        group=_text(item.get("group")),
        purl=_text(item.get("purl")),
        licences=_licences(item.get("licenses")),
        locations=tuple(dict.fromkeys(filter(None, places))),
        properties=properties,
    )


def _licences(values: Any) -> tuple[str, ...]:
    found = []
    for entry in values[:100] if isinstance(values, list) else ():
        entry = _mapping(entry)
        licence = _mapping(entry.get("license"))
        found.append(_text(entry.get("expression")) or _text(licence.get("id")) or _text(licence.get("name")))
    return tuple(filter(None, found))


def _subject(root: dict[str, Any], document: dict[str, Any]) -> Subject:
    version = _text(root.get("version"))
    values = root.get("properties")
    pairs = [
        (_text(_mapping(entry).get("name")), _text(_mapping(entry).get("value")))
        for entry in (values if isinstance(values, list) else ())
    ]
    problems = [NotLooked(*value.partition(": ")[::2]) for name, value in pairs if name == "seawall:not-looked"]
    if not problems and any(
        _text(_mapping(entry).get("aggregate")).startswith("incomplete")
        for entry in (document["compositions"] if isinstance(document.get("compositions"), list) else ())
    ):
        problems = [NotLooked("", "the document says that it is incomplete")]
    found = dict(pairs)
    digest = (
        version if version.startswith("sha256:") else found.get("aquasecurity:trivy:RepoDigest", "").rpartition("@")[2]
    )
    return Subject(
        name=_text(root.get("name")),
        digest=digest,
        platform=found.get("seawall:platform", ""),
        not_looked=tuple(problems),
    )
