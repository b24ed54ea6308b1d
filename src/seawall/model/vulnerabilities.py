"""Vulnerabilities of images: what matching inventories against advisories gives."""

from __future__ import annotations

from msgspec import Struct

from seawall.model.advisories import Cvss
from seawall.model.finding import ResourceRef
from seawall.model.images import ImageInventory, Package

API_VERSION = "seawall.dev/v1"


class VulnerablePackage(Struct, frozen=True, gc=False):
    """A package that a vulnerability is in.

    ``fixed`` are the versions that mend it, the nearest first; ``state`` is what the distribution decided where
    there is none (`seawall.model.advisories.Affected`).
    """

    package: Package
    advisories: tuple[str, ...]
    fixed: tuple[str, ...] = ()
    state: str = ""


class Vulnerability(Struct, frozen=True, gc=False):
    """A vulnerability of an image, once under all its names.

    ``severity`` is one of ours, ``judged_by`` who says so (``debian``, ``CVSS 3.1``, or empty where nobody does).
    ``epss`` is -1 where it is not known.
    """

    id: str
    names: tuple[str, ...]
    packages: tuple[VulnerablePackage, ...]
    severity: str
    judged_by: str
    summary: str = ""
    cvss: Cvss | None = None
    epss: float = -1.0
    epss_percentile: float = -1.0
    kev_added: str = ""
    kev_due: str = ""
    ransomware: bool = False
    disputed: bool = False
    published: str = ""
    references: tuple[str, ...] = ()

    @property
    def fixable(self) -> bool:
        """Whether there is a version without it of every package that it is in."""
        return all(each.fixed for each in self.packages)


class Unjudged(Struct, frozen=True, gc=False):
    """Packages that could not be judged: how many, the first of them, and why."""

    reason: str
    count: int
    first: str


class ImageVerdict(Struct, frozen=True, gc=False):
    """What is known of an image: its vulnerabilities, the worst first, and what could not be judged.

    ``end_of_life`` is the day after which the distribution gets no fixes, where that is past; empty otherwise.
    """

    vulnerabilities: tuple[Vulnerability, ...]
    unjudged: tuple[Unjudged, ...]
    end_of_life: str = ""


def image_ref(inventory: ImageInventory) -> ResourceRef:
    """The resource that findings on an image are about: ``repository@digest``, or the reference of what has none.

    Software of the cluster is a Component by name and version, packages of a host are its node's.
    """
    if inventory.kind == "node":
        return ResourceRef(API_VERSION, "Node", inventory.reference)
    if inventory.kind == "component":
        return ResourceRef(API_VERSION, "Component", inventory.reference)
    return ResourceRef(API_VERSION, "Image", image_name(inventory.reference, inventory.digest))


def image_name(reference: str, digest: str) -> str:
    """``registry/repository@sha256:...`` without the tag, which moves."""
    if not digest:
        return reference
    repository = reference.partition("@")[0]
    head, slash, tail = repository.rpartition("/")
    return f"{head}{slash}{tail.partition(':')[0]}@{digest}"
