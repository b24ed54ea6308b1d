"""Vulnerabilities of the cluster's own software (NIST SP 800-190 4.4.1), as findings on a component each."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from seawall.analysis.images.components import components_of
from seawall.model.finding import Finding, RelatedEvidence, ResourceRef
from seawall.model.images import ImageInventory, NotLooked
from seawall.model.resource import Inventory

#: Findings name the objects that run a component, up to so many.
_MOST_RESOURCES = 20


def component_inventories(inventory: Inventory) -> Iterator[tuple[ImageInventory, tuple[ResourceRef, ...]]]:
    """Each component of a cluster as an inventory to judge, with the objects that run it.

    One whose version is not known, or says nothing, is there with the reason: it is told as not looked into.
    """
    for use in components_of(inventory):
        reference = f"{use.name}@{use.version}" if use.version else use.name
        not_looked = (NotLooked(use.name, use.reason),) if use.reason else ()
        yield (
            ImageInventory(
                reference=reference,
                digest="",
                kind="component",
                platform=None,
                os=None,
                config=None,
                layers=(),
                packages=use.packages,
                executables=(),
                not_looked=not_looked,
            ),
            use.resources,
        )


def placed(finding: Finding, resources: tuple[ResourceRef, ...]) -> Finding:
    """A finding on a component with the objects that run it."""
    related = tuple(RelatedEvidence(each, "runs it") for each in resources[:_MOST_RESOURCES])
    return replace(finding, evidence=(*finding.evidence, *related))
