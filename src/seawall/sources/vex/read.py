"""Reading VEX: which of the three forms a document is in, and its statements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from seawall.model.vex import VexStatement, VexStatus
from seawall.sources.csaf import CsafDocument, CsafVulnerability, Note, Products

_MAX_BYTES = 64 << 20


class VexProblem(Exception):
    """A document that is no VEX, or a broken one; the message says which and why."""


class _Kind(Struct, frozen=True):
    context: Any = msgspec.field(name="@context", default=None)
    bom_format: str = msgspec.field(name="bomFormat", default="")
    document: Any = None


def read_vex(path: str) -> list[VexStatement]:
    """The statements in a file.

    Raises:
        VexProblem: it cannot be read, or is no VEX document.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise VexProblem(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise VexProblem(f"{path} is larger than {_MAX_BYTES >> 20} MiB")
    return parse_vex(data, path)


def parse_vex(data: bytes, name: str) -> list[VexStatement]:
    """The statements in a document; ``name`` is for messages and as their source.

    Raises:
        VexProblem: it is no VEX document.
    """
    try:
        kind = msgspec.json.decode(data, type=_Kind)
        if isinstance(kind.context, str) and "openvex" in kind.context:
            return list(_openvex(msgspec.json.decode(data, type=_OpenVex), name))
        if kind.bom_format == "CycloneDX":
            return list(_cyclonedx(msgspec.json.decode(data, type=_Bom), name))
        if isinstance(kind.document, dict) and "csaf_version" in kind.document:
            return list(_csaf(msgspec.json.decode(data, type=CsafDocument), name))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise VexProblem(f"{name}: {error}") from error
    raise VexProblem(f"{name} is neither OpenVEX nor CycloneDX nor CSAF, as JSON")


class _Component(Struct, frozen=True):
    id: str = msgspec.field(name="@id", default="")
    identifiers: dict[str, str] = {}
    hashes: dict[str, str] = {}
    subcomponents: list[_Component | str] = []


class _Name(Struct, frozen=True):
    id: str = msgspec.field(name="@id", default="")
    name: str = ""
    aliases: list[str] = []


class _Statement(Struct, frozen=True):
    vulnerability: _Name | str
    status: VexStatus
    products: list[_Component | str] = []
    subcomponents: list[str] = []
    justification: str = ""
    impact_statement: str = ""
    status_notes: str = ""
    action_statement: str = ""
    timestamp: str = ""
    last_updated: str = ""


class _OpenVex(Struct, frozen=True):
    statements: list[_Statement]
    author: str = ""
    timestamp: str = ""


def _openvex(document: _OpenVex, name: str) -> Iterator[VexStatement]:
    for each in document.statements:
        named = each.vulnerability
        names = (named,) if isinstance(named, str) else (named.name or named.id.rpartition("/")[2], *named.aliases)
        common = {
            "vulnerabilities": tuple(filter(None, names)),
            "status": each.status,
            "justification": each.justification,
            "detail": each.impact_statement or each.status_notes or each.action_statement,
            "source": name,
            "author": document.author,
            "time": each.last_updated or each.timestamp or document.timestamp,
        }
        # One without products is for nothing, and counted as such.
        for product in each.products or [""]:
            parts = [] if isinstance(product, str) else product.subcomponents
            components = (*each.subcomponents, *(text for part in parts for text in _names_of(part)))
            yield VexStatement(products=_names_of(product), components=components, **common)  # type: ignore[arg-type]


def _names_of(component: _Component | str) -> tuple[str, ...]:
    if isinstance(component, str):
        return (component,)
    digest = component.hashes.get("sha-256") or component.hashes.get("sha256")
    texts = (component.id, component.identifiers.get("purl", ""), f"sha256:{digest}" if digest else "")
    return tuple(dict.fromkeys(filter(None, texts)))


class _BomComponent(Struct, frozen=True, rename="camel"):
    bom_ref: str = msgspec.field(name="bom-ref", default="")
    purl: str = ""
    name: str = ""
    components: list[_BomComponent] | None = None


class _Analysis(Struct, frozen=True, rename="camel"):
    state: str = ""
    justification: str = ""
    detail: str = ""
    last_updated: str = ""


class _Affects(Struct, frozen=True):
    ref: str = ""


class _Rating(Struct, frozen=True):
    id: str = ""


class _BomVulnerability(Struct, frozen=True, rename="camel"):
    id: str = ""
    references: list[_Rating] | None = None
    analysis: _Analysis | None = None
    affects: list[_Affects] | None = None


class _Metadata(Struct, frozen=True):
    component: _BomComponent | None = None
    timestamp: str = ""


class _Bom(Struct, frozen=True, rename="camel"):
    metadata: _Metadata = _Metadata()
    components: list[_BomComponent] | None = None
    vulnerabilities: list[_BomVulnerability] | None = None


#: CycloneDX's states of analysis as statuses of VEX.
_STATES = {
    "resolved": VexStatus.FIXED,
    "resolved_with_pedigree": VexStatus.FIXED,
    "exploitable": VexStatus.AFFECTED,
    "in_triage": VexStatus.UNDER_INVESTIGATION,
    "false_positive": VexStatus.NOT_AFFECTED,
    "not_affected": VexStatus.NOT_AFFECTED,
}


def _cyclonedx(bom: _Bom, name: str) -> Iterator[VexStatement]:
    purls = dict(_purls([each for each in (bom.metadata.component, *(bom.components or ())) if each is not None]))
    for each in bom.vulnerabilities or ():
        status = _STATES.get(each.analysis.state) if each.analysis is not None else None
        if status is None or each.analysis is None:
            continue
        names = (each.id, *(other.id for other in each.references or ()))
        for affected in each.affects or ():
            # A link to another document ends in the reference there.
            ref = affected.ref.partition("#")[2] if affected.ref.startswith("urn:cdx:") else affected.ref
            yield VexStatement(
                vulnerabilities=tuple(filter(None, names)),
                status=status,
                products=tuple(dict.fromkeys(filter(None, (purls.get(ref, ""), ref)))),
                justification=each.analysis.justification,
                detail=each.analysis.detail,
                source=name,
                time=each.analysis.last_updated or bom.metadata.timestamp,
            )


def _purls(components: list[_BomComponent]) -> Iterator[tuple[str, str]]:
    stack = list(components)
    while stack:
        component = stack.pop()
        if component.bom_ref and component.purl:
            yield component.bom_ref, component.purl
        stack += component.components or ()


_PRODUCT_STATUSES = {
    "known_not_affected": VexStatus.NOT_AFFECTED,
    "fixed": VexStatus.FIXED,
    "first_fixed": VexStatus.FIXED,
    "known_affected": VexStatus.AFFECTED,
    "first_affected": VexStatus.AFFECTED,
    "last_affected": VexStatus.AFFECTED,
    "under_investigation": VexStatus.UNDER_INVESTIGATION,
}


def _csaf(document: CsafDocument, name: str) -> Iterator[VexStatement]:
    products = Products(document.product_tree)
    header = document.document
    for each in document.vulnerabilities or ():
        names = tuple(filter(None, (each.cve, *(other.text for other in each.ids or ()))))
        for status_name, ids in (each.product_status or {}).items():
            status = _PRODUCT_STATUSES.get(status_name)
            if status is None or not names:
                continue
            for product_id in ids:
                part, whole = products.parts.get(product_id, (product_id, ""))
                product = whole or part
                purls = tuple(filter(None, (products.purl(product_id), products.purl(product), product)))
                component = products.purl(part) if whole else ""
                # A part of a distribution is named by its own URL alone; the platform is none that is scanned.
                if component and not products.purl(product):
                    purls, component = (component,), ""
                yield VexStatement(
                    vulnerabilities=names,
                    status=status,
                    products=purls,
                    components=(component,) if component else (),
                    justification=_remark(each.flags, product_id, "label"),
                    detail=_detail(each, product_id),
                    source=name,
                    author=header.publisher.name,
                    time=header.tracking.current_release_date,
                )


def _detail(each: CsafVulnerability, product_id: str) -> str:
    impact = [threat for threat in each.threats or () if threat.category == "impact"]
    return _remark(impact, product_id, "details") or _remark(each.remediations, product_id, "details")


def _remark(notes: list[Note] | None, product_id: str, what: str) -> str:
    for note in notes or ():
        if not note.product_ids or product_id in note.product_ids:
            text: str = getattr(note, what)
            return text
    return ""
