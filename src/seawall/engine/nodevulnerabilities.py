"""Vulnerabilities of the packages that facts of nodes list, as findings on the node each."""

from __future__ import annotations

from collections.abc import Iterable

from seawall.engine.nodes import FactsDocument, NodeAudit
from seawall.engine.vulnerabilities import VulnerabilityOptions, join, judge_images
from seawall.model.distro import purl_distro, purl_namespace
from seawall.model.facts import Facts, HostPackage
from seawall.model.images import ImageInventory, NotLooked, OsRelease, Package
from seawall.model.purl import make_purl

_NONE_LISTED = "the facts list no packages; collect them anew with `seawall node collect`"


def add_vulnerabilities(audited: NodeAudit, documents: Iterable[FactsDocument], options: VulnerabilityOptions) -> None:
    """Judge the packages of each node, and add what is found to the audit; what cannot be judged makes it incomplete.

    Raises:
        DatabaseProblem: there is no database, or it cannot be used.
        VexProblem: a VEX file cannot be read.
    """
    join(audited.scan, judge_images((node_inventory(each.facts) for each in documents), options, what="node"))


def node_inventory(facts: Facts) -> ImageInventory:
    """The packages of a node as an inventory to judge."""
    host = facts.host
    os = OsRelease(host.os_id, host.os_version, "", host.os_name) if host.os_id else None
    problem = next((each.reason for each in facts.problems if each.fact == "packages"), _NONE_LISTED)
    return ImageInventory(
        reference=host.name,
        digest="",
        kind="node",
        platform=None,
        os=os,
        config=None,
        layers=(),
        packages=tuple(_package(each, os) for each in facts.packages or ()),
        executables=(),
        not_looked=() if facts.packages is not None else (NotLooked("packages", problem),),
    )


def _package(package: HostPackage, os: OsRelease | None) -> Package:
    qualifiers = {"arch": package.arch, "distro": purl_distro(os)}
    return Package(
        type=package.type,
        name=package.name,
        version=package.version,
        purl=make_purl(package.type, purl_namespace(os), package.name, package.version, qualifiers),
        arch=package.arch,
        source_name=package.source_name,
        source_version=package.source_version,
    )
