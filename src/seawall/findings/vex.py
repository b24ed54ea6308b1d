"""What VEX statements mean for an image's vulnerabilities: waived, or shown with what was said."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from seawall.model.finding import Waiver
from seawall.model.images import ImageInventory, Package
from seawall.model.purl import Purl, PurlError, parse_purl
from seawall.model.vex import VexStatement, VexStatus
from seawall.model.vulnerabilities import Vulnerability, VulnerablePackage, image_name

_CLEARED = (VexStatus.NOT_AFFECTED, VexStatus.FIXED)


@lru_cache(maxsize=1 << 14)
def _purl(text: str) -> Purl | None:
    try:
        return parse_purl(text) if text.startswith("pkg:") else None
    except PurlError:
        return None


class Vex:
    """Statements by the names of the vulnerabilities; ``unused`` tells those that nothing was found for."""

    def __init__(self, statements: Iterable[VexStatement]) -> None:
        self._by_name: dict[str, list[VexStatement]] = {}
        self._used: set[int] = set()
        self._all = list(statements)
        for statement in self._all:
            for name in statement.vulnerabilities:
                self._by_name.setdefault(name, []).append(statement)

    @property
    def unused(self) -> int:
        """How many statements were for nothing that was found."""
        return len(self._all) - len(self._used)

    def waiver(self, vulnerability: Vulnerability, inventory: ImageInventory) -> Waiver | None:
        """The waiver of a vulnerability, if statements clear every package that it is in.

        Of several statements for a package the latest counts.
        """
        told = self.statements(vulnerability, inventory)
        if not told or any(statement is None or statement.status not in _CLEARED for statement in told):
            return None
        statement = next(each for each in told if each is not None)
        word = "fixed" if statement.status is VexStatus.FIXED else "not affected"
        why = "; ".join(filter(None, (statement.justification.replace("_", " "), statement.detail)))
        return Waiver(f"{word}: {why}" if why else word, f"VEX {statement.source}", statement.author or None)

    def note(self, vulnerability: Vulnerability, inventory: ImageInventory) -> str:
        """What statements that do not clear it say: ``affected`` or ``under investigation``; empty without such."""
        for statement in self.statements(vulnerability, inventory):
            if statement is not None and statement.status not in _CLEARED:
                return statement.status.value.replace("_", " ")
        return ""

    def statements(self, vulnerability: Vulnerability, inventory: ImageInventory) -> list[VexStatement | None]:
        """For each package of a vulnerability the statement that counts, or None."""
        if not self._by_name:
            return []
        names = (vulnerability.id, *vulnerability.names)
        candidates = [each for name in names for each in self._by_name.get(name, ())]
        return [self._of(package, candidates, inventory) for package in vulnerability.packages] if candidates else []

    def _of(
        self, vulnerable: VulnerablePackage, candidates: list[VexStatement], inventory: ImageInventory
    ) -> VexStatement | None:
        found = [each for each in candidates if _applies(each, vulnerable.package, inventory)]
        self._used.update(id(each) for each in found)
        return max(found, key=lambda each: each.time) if found else None


def _applies(statement: VexStatement, package: Package, inventory: ImageInventory) -> bool:
    if any(_is_image(product, inventory) for product in statement.products):
        components = statement.components
        return not components or any(_is_package(component, package) for component in components)
    # A statement on a package as such, or on one as part of another product than this image.
    return not statement.components and any(_is_package(product, package) for product in statement.products)


def _is_image(product: str, inventory: ImageInventory) -> bool:
    digests = {inventory.digest, inventory.index_digest} - {""}
    if product in digests or product in (inventory.reference, image_name(inventory.reference, inventory.digest)):
        return True
    purl = _purl(product)
    if purl is None or purl.type not in ("oci", "docker"):
        return False
    if purl.version.startswith("sha256:"):
        return purl.version in digests
    repository = image_name(inventory.reference, "sha256:").partition("@")[0]
    wanted = purl.qualifiers.get("repository_url", "").removesuffix("/")
    tag = purl.version or purl.qualifiers.get("tag", "")
    if tag and not inventory.reference.partition("@")[0].endswith(f":{tag}"):
        return False
    if wanted:
        return repository in (wanted, f"{wanted}/{purl.name}")
    return repository.rpartition("/")[2] == purl.name


def _is_package(product: str, package: Package) -> bool:
    if product == package.purl:
        return True
    wanted, own = _purl(product), _purl(package.purl)
    if wanted is None or own is None:
        return False
    if (wanted.type, wanted.namespace) != (own.type, own.namespace):
        return False
    if wanted.name not in (own.name, package.source_name) or (wanted.version and wanted.version != own.version):
        return False
    return all(own.qualifiers.get(key, value) == value for key, value in wanted.qualifiers.items() if key != "distro")
