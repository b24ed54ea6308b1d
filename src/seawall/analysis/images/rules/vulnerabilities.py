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
    return _vulnerabilities(image)


@rule(
    "vulnerable-component",
    title="Software of the cluster with a known vulnerability",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="Component",
    why="A hole in a kubelet, a container runtime or a controller is a way out of every container that it serves, and "
    "how to use it is public.",
    remediation="Upgrade the component to a version without it; the vendor's own builds may have the fix under an "
    "older number: say so in a VEX document with the reason.",
    controls="nist-800-190:4.4.1",
    references=("https://kubernetes.io/docs/reference/issues-security/official-cve-feed/",),
    notes="Judged by `seawall scan --components`.",
)
def vulnerable_component(component: Image, ctx: Context) -> Hits:
    return _vulnerabilities(component)


@rule(
    "vulnerable-host-package",
    title="Package of a node with a known vulnerability",
    severity=Severity.HIGH,
    scope=Scope.NODE,
    on="Host",
    why="A hole in the kernel or in a library of the node opens all pods that run there, and how to use it is public.",
    remediation="Upgrade the node's packages, or replace it by one with a newer system image; where the hole cannot be "
    "reached, say so in a VEX document with the reason.",
    controls="nist-800-190:4.5.3",
    references=("https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-190.pdf",),
    notes="Judged by `seawall node audit --vulnerabilities`.",
)
def vulnerable_host_package(host: Image, ctx: Context) -> Hits:
    return _vulnerabilities(host)


def _vulnerabilities(image: Image) -> Hits:
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
    return _outdated(image)


@rule(
    "outdated-host-distribution",
    title="Node with a distribution that gets no more fixes",
    severity=Severity.HIGH,
    scope=Scope.NODE,
    on="Host",
    why="What is found in its kernel and packages from now on stays open for good, under all pods of the node.",
    remediation="Move the node to a release of its distribution that is supported.",
    controls="nist-800-190:4.5.3",
    references=("https://endoflife.date/",),
    notes="Judged by `seawall node audit --vulnerabilities`.",
)
def outdated_host_distribution(host: Image, ctx: Context) -> Hits:
    return _outdated(host)


def _outdated(image: Image) -> Hits:
    os = image.spec.os
    if os is not None and os.end_of_life:
        yield Hit(f"{os.name or 'its distribution'} has had no fixes since {os.end_of_life}", "spec.os.endOfLife")
