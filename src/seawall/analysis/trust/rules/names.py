"""Where an image comes from, what it was built on, and how old it is: what needs no signature to be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.images import Image
    from seawall.model.rule import Context

NIST = "https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-190.pdf"


@rule(
    "untrusted-registry",
    title="Image from a registry that the trust policy does not allow",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Image",
    why="Whoever can push to a registry that nobody chose runs code in the cluster.",
    remediation="Take the image from an allowed registry, copy it into one, or add its repository to the trust policy.",
    controls="nist-800-190:4.1.5",
    aliases="kyverno:advanced-restrict-image-registries kyverno:allowed-image-repos",
    references=(NIST,),
)
def untrusted_registry(image: Image, ctx: Context) -> Hits:
    if image.spec.trust is not None and image.spec.trust.registry:
        yield Hit(image.spec.trust.registry, "spec.trust.registry")


@rule(
    "unapproved-base-image",
    title="Image built on a base that the trust policy does not approve",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Image",
    why="What a stranger's base image holds is in every image that is built on it, and nobody here mends it.",
    remediation="Build on an approved base image, or approve this one in the trust policy.",
    controls="nist-800-190:4.1.5 nist-800-190:4.1.2",
    aliases="kyverno:allowed-base-images kyverno:require-base-image",
    references=(NIST,),
)
def unapproved_base_image(image: Image, ctx: Context) -> Hits:
    if image.spec.trust is not None and image.spec.trust.base:
        yield Hit(image.spec.trust.base, "spec.trust.base")


@rule(
    "image-too-old",
    title="Image older than the trust policy allows",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Image",
    why="An image that nobody has built for long lacks the fixes of all that time.",
    remediation="Build it again from a fresh base and roll it out.",
    controls="nist-800-190:4.2.2",
    aliases="kyverno:block-stale-images",
    references=(NIST,),
)
def image_too_old(image: Image, ctx: Context) -> Hits:
    if image.spec.trust is not None and image.spec.trust.age:
        yield Hit(image.spec.trust.age, "spec.trust.age")
