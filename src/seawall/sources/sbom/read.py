"""Which form a document has, and its inventory."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from seawall.model.images import ImageInventory
from seawall.sources.sbom.component import SbomError

#: The largest SBOMs of real images, with files, are some 50 MB; decoded they take ten times that.
_MAX_BYTES = 128 << 20
_BOM = b"\xef\xbb\xbf"


def looks_like_sbom(head: bytes) -> bool:
    """Whether the first bytes (4 KiB are enough for what tools write) are those of an SBOM."""
    return bool(re.search(rb'"bomFormat"|"spdxVersion"|cyclonedx\.org/schema/bom|^SPDXVersion:', head, re.MULTILINE))


def read_sbom(data: bytes, reference: str) -> ImageInventory:
    """The inventory that a document describes.

    Raises:
        SbomError: it is no SBOM of a form that is read, cannot be read, or exceeds a bound.
    """
    if len(data) > _MAX_BYTES:
        raise SbomError(f"is larger than {_MAX_BYTES >> 20} MiB")
    text = data.removeprefix(_BOM).lstrip()
    if text[:1] == b"{":
        return _json(text, reference)
    if text[:1] == b"<":
        from seawall.sources.sbom.xmlform import read_xml

        return read_xml(text, reference)
    if re.match(rb"(?:#[^\n]*\n|\s)*SPDXVersion:", text[:65536]):
        from seawall.sources.sbom.tagvalue import read_tags

        return read_tags(text, reference)
    raise SbomError("is no SBOM: neither CycloneDX (JSON, XML) nor SPDX (JSON, tag-value)")


def _json(text: bytes, reference: str) -> ImageInventory:
    try:
        document: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SbomError(f"is no JSON that can be read: {str(error)[:200]}") from error
    if isinstance(document, dict) and isinstance(document.get("bomFormat"), str):
        from seawall.sources.sbom.cyclonedx import read_cyclonedx

        return read_cyclonedx(document, reference)
    if isinstance(document, dict) and isinstance(document.get("spdxVersion"), str):
        from seawall.sources.sbom.spdx import read_spdx

        return read_spdx(document, reference)
    # An attestation (in-toto) carries the document inside.
    inner = document.get("predicate") if isinstance(document, dict) else None
    if isinstance(inner, dict) and ("bomFormat" in inner or "spdxVersion" in inner):
        return _json(msgspec.json.encode(inner), reference)
    raise SbomError("is JSON, but neither CycloneDX nor SPDX 2")
