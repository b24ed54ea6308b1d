"""Vulnerabilities: packages that are known to be broken, and distributions that nobody mends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.images import Image, ImageVulnerability
    from seawall.model.rule import Context

_MOST_PACKAGES = 3


@rule(
    "vulnerable-package",
    title="Package with a known vulnerability",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Image",
    why="How to exploit it is public: an attacker who reaches the package needs no discovery of his own.",
    remediation="Upgrade the package to a version without it, or the base image that brings it; where it cannot be "
    "reached, say so in a VEX document with the reason.",
    controls="nist-800-190:4.1.1",
    references=("https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-190.pdf",),
)
def vulnerable_package(image: Image, ctx: Context) -> Hits:
    for index, each in numbered(image.spec.vulnerabilities):
        yield Hit(
            _told(each),
            ("spec", "vulnerabilities", index),
            severity=each.severity,
            confidence=_confidence(each),
        )


def _confidence(each: ImageVulnerability) -> Confidence:
    if each.disputed:
        return Confidence.LOW
    return Confidence.MEDIUM if each.declared else Confidence.HIGH


def _told(each: ImageVulnerability) -> str:
    """``CVE-2024-1 in openssl 3.0.1 (fixed in 3.0.2), exploited: summary``."""
    more = len(each.packages) - _MOST_PACKAGES
    packages = ", ".join(each.packages[:_MOST_PACKAGES]) + (f" and {more} more" if more > 0 else "")
    notes = ", known to be exploited" * each.exploited + ", disputed" * each.disputed
    fixed = f" (fixed in {', '.join(each.fixed)})" if each.fixed else " (not fixed)"
    return f"{each.id} in {packages}{fixed}{notes}" + (f": {each.summary}" if each.summary else "")


@rule(
    "outdated-distribution",
    title="Distribution that gets no more fixes",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Image",
    why="What is found in its packages from now on stays open for good, and advisories no longer name it, so a scan "
    "that finds nothing says nothing.",
    remediation="Build on a release that is supported.",
    controls="nist-800-190:4.1.1",
    references=("https://endoflife.date/",),
)
def outdated_distribution(image: Image, ctx: Context) -> Hits:
    os = image.spec.os
    if os is not None and os.end_of_life:
        yield Hit(f"{os.name or 'its distribution'} has had no fixes since {os.end_of_life}", "spec.os.endOfLife")
