"""CycloneDX 1.6 (ECMA-424) as JSON: an image's inventory as a bill of materials."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from seawall import __version__
from seawall.model.images import Executable, ImageInventory, OsRelease, Package
from seawall.reports.licences import expression, is_id
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

_ROOT, _SYSTEM = "root", "operating-system"
_DEFAULT = SbomOptions()
#: The schema's own pattern, in the parts that os-release uses.
_CPE = re.compile(r"cpe:(?:/[aho](?::[\w.\-~%]*){0,6}|2\.3:[aho*-](?::[\w.\-*?\\]+){10})").fullmatch


def render(inventory: ImageInventory, options: SbomOptions = _DEFAULT) -> bytes:
    """The document; the same inventory gives the same bytes, but for ``options.created``."""
    packages = list(inventory.packages)
    names = references(packages)
    components = [] if inventory.os is None else [_system(inventory.os)]
    components += [_package(package, name, inventory, options) for package, name in zip(packages, names, strict=True)]
    components += [_program(program) for program in inventory.executables if program.sha256]
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": _metadata(inventory),
        "components": components,
        "dependencies": _graph(inventory, packages, names),
    }
    if inventory.not_looked:
        document["compositions"] = [{"aggregate": "incomplete", "assemblies": [_ROOT]}]
    serial = content_id(msgspec.json.encode(document))
    if options.created:
        document["metadata"] = {"timestamp": options.created, **document["metadata"]}
    head = {key: document[key] for key in ("$schema", "bomFormat", "specVersion")}
    return msgspec.json.format(msgspec.json.encode({**head, "serialNumber": f"urn:uuid:{serial}", **document})) + b"\n"


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def _metadata(inventory: ImageInventory) -> dict[str, Any]:
    root: dict[str, Any] = {
        "type": "container" if inventory.kind == "image" else "application",
        "bom-ref": _ROOT,
        "name": inventory.reference or "unnamed",
    }
    if inventory.digest:
        root["version"] = inventory.digest
    purl = image_purl(inventory)
    if purl:
        root["purl"] = purl
    root["properties"] = [_property(name, value) for name, value in _image_properties(inventory)]
    tool = {"type": "application", "name": "seawall", "version": __version__}
    return {"tools": {"components": [tool]}, "component": root}


def _image_properties(inventory: ImageInventory) -> list[tuple[str, str]]:
    found = [(f"{PREFIX}kind", inventory.kind)]
    if inventory.platform:
        found.append((f"{PREFIX}platform", str(inventory.platform)))
    if inventory.index_digest:
        found.append((f"{PREFIX}index-digest", inventory.index_digest))
    if inventory.base:
        found.append((f"{PREFIX}base:name", inventory.base.name))
        found.append((f"{PREFIX}base:layers", str(inventory.base.layers)))
        found.append((f"{PREFIX}base:evidence", inventory.base.evidence))
    found += [(f"{PREFIX}layer", f"{layer.digest} {layer.diff_id}") for layer in inventory.layers]
    found += [(f"{PREFIX}not-looked", f"{problem.where}: {problem.reason}") for problem in inventory.not_looked]
    return found


def _system(os: OsRelease) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "operating-system", "bom-ref": _SYSTEM, "name": os.id}
    if os.version_id or os.codename:
        component["version"] = os.version_id or os.codename
    if os.name:
        component["description"] = os.name
    if _CPE(os.cpe):
        component["cpe"] = os.cpe
    values = [_property(f"{PREFIX}os:codename", os.codename)] if os.codename else []
    values += [_property(f"{PREFIX}os:like", name) for name in os.id_like]
    if values:
        component["properties"] = values
    return component


def _package(package: Package, name: str, inventory: ImageInventory, options: SbomOptions) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "library", "bom-ref": name}
    title = package.name
    if package.type in _GROUPED:
        group, sign, title = title.rpartition(_GROUPED[package.type])
        if sign:
            component["group"] = group
    component["name"] = title
    if package.version:
        component["version"] = package.version
    licences = _licences(package.licences)
    if licences:
        component["licenses"] = licences
    if package.purl:
        component["purl"] = package.purl
    if package.locations:
        places = sorted({*package.locations, *(package.files if options.files else ())})
        component["evidence"] = {"occurrences": [{"location": place} for place in places]}
    values = [_property(key, value) for key, value in properties(package, inventory)]
    if values:
        component["properties"] = values
    return component


#: What separates the group from the name in a package's full name.
_GROUPED = {"maven": ":", "npm": "/", "composer": "/"}


def _licences(texts: tuple[str, ...]) -> list[dict[str, Any]]:
    """One expression alone, or any number of licences; the schema allows no mixture."""
    expressions = [expression(text) for text in texts]
    if len(texts) == 1 and expressions[0] and not is_id(expressions[0]):
        return [{"expression": expressions[0]}]
    found = [
        {"license": {"id": known} if is_id(known) else {"name": text}}
        for text, known in zip(texts, expressions, strict=True)
        if text.strip()
    ]
    unique: list[dict[str, Any]] = []
    for entry in found:
        if entry not in unique:
            unique.append(entry)
    return unique


def _program(program: Executable) -> dict[str, Any]:
    return {
        "type": "file",
        "bom-ref": f"file:{program.path}",
        "name": program.path,
        "hashes": [{"alg": "SHA-256", "content": program.sha256}],
        "properties": [_property(f"{PREFIX}layer:index", str(program.layer))],
    }


def _graph(inventory: ImageInventory, packages: list[Package], names: list[str]) -> list[dict[str, Any]]:
    """The root contains the system and what is the system's part of nothing; the system its own packages."""
    inside = contained(packages, names)
    inner = {name for group in inside.values() for name in group}
    system = [name for package, name in zip(packages, names, strict=True) if package.type in OS_TYPES]
    graph: dict[str, list[str]] = {_ROOT: []}
    if inventory.os is not None:
        graph[_ROOT].append(_SYSTEM)
        graph[_SYSTEM] = system
    else:
        graph[_ROOT] += system
    own = set(system) | inner
    graph[_ROOT] += [name for name in names if name not in own]
    for edges in (inside, needed(packages, names)):
        for name, targets in edges.items():
            graph.setdefault(name, []).extend(targets)
    return [
        {"ref": ref, "dependsOn": sorted(set(targets))} for ref, targets in graph.items() if targets or ref == _ROOT
    ]
