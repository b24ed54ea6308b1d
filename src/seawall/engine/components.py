"""Vulnerabilities of the cluster's own software (NIST SP 800-190 4.4.1), as findings on a component each."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from seawall.analysis.images.components import components_of
from seawall.engine.result import ScanResult
from seawall.engine.vulnerabilities import VulnerabilityOptions, join, judge_images
from seawall.model.finding import Finding, RelatedEvidence, ResourceRef
from seawall.model.images import ImageInventory, NotLooked
from seawall.model.resource import Inventory

#: Findings name the objects that run a component, up to so many.
_MOST_RESOURCES = 20


def add_components(result: ScanResult, options: VulnerabilityOptions) -> None:
    """Judge the software of the cluster that was scanned, and add what is found to the scan's result.

    What cannot be judged (a kernel, an image without a version) makes the result incomplete.

    Raises:
        DatabaseProblem: there is no database, or it cannot be used.
        VexProblem: a VEX file cannot be read.
    """
    components = list(component_inventories(result.inventory))
    runs = {inventory.reference: resources for inventory, resources in components}
    judged = judge_images((inventory for inventory, _ in components), options, what="component")
    judged.findings = [placed(each, runs[each.resource.name]) for each in judged.findings]
    join(result, judged)
    if not components:
        result.notes.append("no nodes and no known control software were found to judge by the advisories")


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
