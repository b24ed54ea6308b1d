"""CSAF 2.0's product trees, as advisories and VEX documents have them (docs.oasis-open.org/csaf)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

_MAX_DEPTH = 64


class Helper(Struct, frozen=True):
    """How to recognise a product elsewhere."""

    purl: str = ""
    cpe: str = ""


class Product(Struct, frozen=True):
    """A product by its id in the document."""

    product_id: str
    name: str = ""
    product_identification_helper: Helper | None = None


class Branch(Struct, frozen=True):
    """A branch of the tree: more branches, or a product."""

    name: str = ""
    category: str = ""
    product: Product | None = None
    branches: list[Branch] | None = None


class Relationship(Struct, frozen=True):
    """A product that is part of another: a package of a distribution, a component of an image."""

    product_reference: str
    relates_to_product_reference: str
    full_product_name: Product


class ProductTree(Struct, frozen=True):
    """All products of a document."""

    branches: list[Branch] | None = None
    full_product_names: list[Product] | None = None
    relationships: list[Relationship] | None = None


class Note(Struct, frozen=True):
    """A remark on products; without ids it is for all."""

    category: str = ""
    label: str = ""
    details: str = ""
    product_ids: list[str] | None = None


class CsafScore(Struct, frozen=True):
    """The scores for some products."""

    cvss_v2: dict[str, object] | None = None
    cvss_v3: dict[str, object] | None = None
    cvss_v4: dict[str, object] | None = None

    def vectors(self) -> list[str]:
        """The vectors, the newest version first."""
        found = (each.get("vectorString") for each in (self.cvss_v4, self.cvss_v3, self.cvss_v2) if each)
        return [vector for vector in found if isinstance(vector, str)]


class Title(Struct, frozen=True):
    """A text of a vulnerability."""

    category: str = ""
    text: str = ""


class Id(Struct, frozen=True):
    """Another name of a vulnerability."""

    text: str = ""


class CsafVulnerability(Struct, frozen=True):
    """A vulnerability with the status of each product."""

    cve: str = ""
    ids: list[Id] | None = None
    title: str = ""
    notes: list[Title] | None = None
    product_status: dict[str, list[str]] | None = None
    flags: list[Note] | None = None
    threats: list[Note] | None = None
    remediations: list[Note] | None = None
    scores: list[CsafScore] | None = None
    release_date: str = ""


class Publisher(Struct, frozen=True):
    """Who published a document."""

    name: str = ""


class Severity(Struct, frozen=True):
    """The publisher's own word on how bad it is."""

    text: str = ""


class Tracking(Struct, frozen=True):
    """The history of a document."""

    id: str = ""
    current_release_date: str = ""
    initial_release_date: str = ""


class Header(Struct, frozen=True):
    """What a document says of itself."""

    category: str = ""
    title: str = ""
    csaf_version: str = ""
    publisher: Publisher = Publisher()
    tracking: Tracking = Tracking()
    aggregate_severity: Severity | None = None


class CsafDocument(Struct, frozen=True):
    """A whole document, as far as it is read here."""

    document: Header
    product_tree: ProductTree | None = None
    vulnerabilities: list[CsafVulnerability] | None = None


class Products:
    """The products of a document by their ids, and what is part of what."""

    def __init__(self, tree: ProductTree | None) -> None:
        self._helpers: dict[str, Helper] = {}
        #: Of a product that is part of another: (the part, the whole).
        self.parts: dict[str, tuple[str, str]] = {}
        if tree is None:
            return
        for product in (*_walk(tree.branches or (), 0), *(tree.full_product_names or ())):
            self._add(product)
        for each in tree.relationships or ():
            self._add(each.full_product_name)
            self.parts[each.full_product_name.product_id] = (
                each.product_reference,
                each.relates_to_product_reference,
            )

    def _add(self, product: Product) -> None:
        if product.product_identification_helper is not None:
            self._helpers[product.product_id] = product.product_identification_helper

    def purl(self, product_id: str) -> str:
        """The package URL of a product; empty where it has none."""
        helper = self._helpers.get(product_id)
        return helper.purl if helper is not None else ""

    def cpe(self, product_id: str) -> str:
        """The CPE of a product; empty where it has none."""
        helper = self._helpers.get(product_id)
        return helper.cpe if helper is not None else ""


def _walk(branches: list[Branch] | tuple[()], depth: int) -> Iterator[Product]:
    if depth > _MAX_DEPTH:
        return
    for branch in branches:
        if branch.product is not None:
            yield branch.product
        if branch.branches:
            yield from _walk(branch.branches, depth + 1)
