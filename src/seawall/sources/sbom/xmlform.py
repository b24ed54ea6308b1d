"""CycloneDX 1.2 to 1.6 as XML, turned into the object that the JSON form has.

expat alone expands entities of a document type: a document that has one is refused, so there is nothing to expand.
"""

from __future__ import annotations

import re
from typing import Any
from xml.parsers import expat

from seawall.model.images import ImageInventory
from seawall.sources.sbom.component import SbomError
from seawall.sources.sbom.cyclonedx import read_cyclonedx

_NAMESPACE = re.compile(r"http://cyclonedx\.org/schema/bom/(\d+\.\d+)")
_MAX_DEPTH = 200
_MAX_ELEMENTS = 20_000_000
_MAX_TEXT = 1 << 20


class _Reader:
    """Builds components as expat reports elements; of all else only the place is kept."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {"bomFormat": "CycloneDX", "metadata": {}, "components": [], "compositions": []}
        self.path: list[str] = []
        self.open: list[dict[str, Any]] = []
        self.property: dict[str, str] = {}
        self.text: list[str] = []
        self.size = 0
        self.elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        namespace, _, local = name.rpartition(" ")
        self.path.append(local)
        if len(self.path) > _MAX_DEPTH or self.elements > _MAX_ELEMENTS:
            raise SbomError("has too many elements, or too deep ones")
        if len(self.path) == 1:
            version = _NAMESPACE.fullmatch(namespace)
            if local != "bom" or not version:
                raise SbomError("is XML, but not CycloneDX")
            self.document["specVersion"] = version[1]
        elif local == "component":
            self._component(attributes)
        elif local == "property":
            self.property = {"name": attributes.get("name", "")}
        self.text, self.size = [], 0

    def _component(self, attributes: dict[str, str]) -> None:
        component: dict[str, Any] = {"type": attributes.get("type", ""), "properties": [], "licenses": []}
        place = self.path[:-1]
        if self.open:
            self.open[-1].setdefault("components", []).append(component)
        elif place == ["bom", "metadata"]:
            self.document["metadata"]["component"] = component
        elif place == ["bom", "components"]:
            self.document["components"].append(component)
        self.open.append(component)

    def data(self, text: str) -> None:
        self.size += len(text)
        if self.size > _MAX_TEXT:
            raise SbomError(f"has a text longer than {_MAX_TEXT >> 20} MiB")
        self.text.append(text)

    def end(self, name: str) -> None:
        local = self.path.pop()
        text = "".join(self.text).strip()
        self.text, self.size = [], 0
        if local == "component":
            self.open.pop()
        elif self.open:
            self._field(self.open[-1], local, text)
        elif local == "aggregate":
            self.document["compositions"].append({"aggregate": text})

    def _field(self, component: dict[str, Any], local: str, text: str) -> None:
        parent = self.path[-1]
        if parent == "component" and local in ("name", "version", "group", "purl"):
            component[local] = text
        elif local == "property":
            component["properties"].append({**self.property, "value": text})
        elif parent == "license" and local in ("id", "name"):
            component["licenses"].append({"license": {local: text}})
        elif parent == "licenses" and local == "expression":
            component["licenses"].append({"expression": text})
        elif parent == "occurrence" and local == "location":
            component.setdefault("evidence", {"occurrences": []})["occurrences"].append({"location": text})


def _refuse(*_: object) -> None:
    raise SbomError("has a document type, which may hide bombs")


def read_xml(data: bytes, reference: str) -> ImageInventory:
    """The inventory.

    Raises:
        SbomError: it is no XML, no CycloneDX, has a document type, or exceeds a bound.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise SbomError(f"is no XML that can be read: {str(error)[:200]}") from error
    return read_cyclonedx(reader.document, reference)
