"""What Bitnami builds from source: images carry ``opt/bitnami/NAME/.spdx-NAME.spdx``, SPDX in JSON."""

from __future__ import annotations

import re

from seawall.analysis.images.contents import Item, PackagesItem
from seawall.analysis.images.documents import json_object, objects, text
from seawall.analysis.images.errors import Unreadable
from seawall.model.images import Package
from seawall.model.purl import PurlError, parse_purl

_SILENT = ("", "NOASSERTION", "NONE")
_PLACE = re.compile(r"opt/bitnami/(?:[^/]+/)?\.spdx-[^/]+\.spdx").fullmatch


def is_place(path: str) -> bool:
    """Whether the file stands where Bitnami puts it."""
    return _PLACE(path) is not None


def document(data: bytes, path: str) -> tuple[Item, ...]:
    """The packages of type ``bitnami`` in it; what they were built from is told by lock files and archives.

    Raises:
        Unreadable: it is no SPDX document.
    """
    values = json_object(data)
    if not text(values.get("spdxVersion")).startswith("SPDX-2"):
        raise Unreadable("is no SPDX document")
    found = []
    for entry in objects(values.get("packages")):
        licence = text(entry.get("licenseConcluded"))
        for reference in objects(entry.get("externalRefs")):
            try:
                purl = parse_purl(text(reference.get("referenceLocator")))
            except PurlError:
                continue
            if purl.type == "bitnami" and purl.version:
                url = text(reference.get("referenceLocator"))
                licences = () if licence in _SILENT else (licence,)
                found.append(
                    Package(
                        "bitnami",
                        purl.name,
                        purl.version,
                        url,
                        purl.qualifiers.get("arch", ""),
                        licences=licences,
                        locations=(path,),
                    )
                )
    return (PackagesItem(tuple(dict.fromkeys(found))),)
