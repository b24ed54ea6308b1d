"""Registries as an audit saw them: who may read and write, and what lies in them too long or unsigned."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.registry import Registry, RegistryRepository
    from seawall.model.rule import Context

_NIST = "https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-190.pdf"
_OCI = "https://github.com/opencontainers/distribution-spec/blob/main/spec.md"
_SOON = 30
#: Tags that are moved by design: branches, channels, and versions that leave parts out.
_MOVING = (
    r"(?i)(?:latest|stable|edge|nightly|main|master|head|trunk|dev|devel|develop|staging|prod|production|release|canary|"
    r"beta|alpha|rc|next|current|v?\d+(?:\.\d+)?)\Z"
)
_MOST_NAMED = 5


@rule(
    "registry-plain-http",
    title="Registry that speaks plain HTTP",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Registry",
    why="Whoever is on the way reads what is pulled, puts other images in its place, and takes the logins.",
    remediation="Serve the registry by HTTPS only, and redirect HTTP to it or turn it off.",
    controls="nist-800-190:4.2.1",
    references=(_NIST,),
)
def registry_plain_http(registry: Registry, ctx: Context) -> Hits:
    if registry.spec.plain_http:
        yield Hit(f"{registry.spec.address or registry.metadata.name} answers without TLS", "spec.plainHttp")


@rule(
    "registry-certificate",
    title="Registry whose certificate is not trusted",
    severity=Severity.HIGH,
    scope=Scope.IMAGE,
    on="Registry",
    why="Clients can use it only with verification turned off, and then anybody on the way can answer in its place.",
    remediation="Give it a certificate of an authority that its clients know, for the name that they use.",
    controls="nist-800-190:4.2.1",
    references=(_NIST,),
)
def registry_certificate(registry: Registry, ctx: Context) -> Hits:
    tls = registry.spec.tls
    if tls is not None and tls.problem:
        yield Hit(f"the certificate is not trusted: {tls.problem}", "spec.tls.problem")


@rule(
    "registry-certificate-expires",
    title="Registry whose certificate runs out soon",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="Registry",
    why="When it runs out no node can pull, and the quick way out that people take is to turn verification off.",
    remediation="Renew the certificate, by a machine.",
    controls="nist-800-190:4.2.1",
    references=(_NIST,),
)
def registry_certificate_expires(registry: Registry, ctx: Context) -> Hits:
    tls = registry.spec.tls
    if tls is not None and not tls.problem and tls.days_left is not None and tls.days_left < _SOON:
        yield Hit(f"the certificate is valid for {tls.days_left} days more, until {tls.not_after}", "spec.tls.daysLeft")


@rule(
    "registry-anonymous-catalog",
    title="Registry that lists its repositories to anybody",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="Registry",
    why="The list tells an attacker which software runs here, under which names to look for it, and what to pull.",
    remediation="Ask for a login before the catalog is told, or turn it off.",
    controls="nist-800-190:4.2.3",
    references=(_OCI, _NIST),
)
def registry_anonymous_catalog(registry: Registry, ctx: Context) -> Hits:
    if registry.spec.anonymous_catalog:
        yield Hit("lists its repositories without a login", "spec.anonymousCatalog")


@rule(
    "registry-anonymous-push",
    title="Repository that anybody may push to",
    severity=Severity.CRITICAL,
    scope=Scope.IMAGE,
    on="RegistryRepository",
    why="An attacker replaces an image that runs in the cluster by one of his own, without any login.",
    remediation="Let only the build system push, with credentials of its own.",
    controls="nist-800-190:4.2.3 mitre-attack:T1525",
    references=(_NIST,),
)
def registry_anonymous_push(repository: RegistryRepository, ctx: Context) -> Hits:
    if repository.spec.anonymous_push:
        yield Hit("an upload without a login was begun (and cancelled)", "spec.anonymousPush")


@rule(
    "registry-anonymous-pull",
    title="Repository that anybody may pull from",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="RegistryRepository",
    why="Images hold code, internal names and, too often, credentials; whoever reaches the registry reads them all.",
    remediation="Ask for a login, unless the images are meant for everybody.",
    controls="nist-800-190:4.2.3",
    references=(_NIST,),
)
def registry_anonymous_pull(repository: RegistryRepository, ctx: Context) -> Hits:
    if repository.spec.anonymous_pull:
        yield Hit("gives its images without a login", "spec.anonymousPull")


@rule(
    "registry-moving-tag",
    title="Tag that is moved from image to image",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="RegistryRepository",
    why="What runs under the tag changes without a change of any manifest, and nobody can tell which image ran.",
    remediation="Give every image a tag of its own, make tags immutable where the registry can, and deploy by digest.",
    controls="nist-800-190:4.2.2",
    references=(_NIST,),
)
def registry_moving_tag(repository: RegistryRepository, ctx: Context) -> Hits:
    for index, tag in numbered(repository.spec.tags):
        if re.match(_MOVING, tag.name):
            yield Hit(
                f"the tag {tag.name} says by its name that it is moved", ("spec", "tags", index),
                confidence=Confidence.MEDIUM,
            )  # fmt: skip


@rule(
    "registry-stale-image",
    title="Image that was built long ago",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="RegistryRepository",
    why="Nothing that was mended since is in it; whoever deploys it, perhaps by an old manifest, opens the holes anew.",
    remediation="Delete what is not used, by a rule of the registry, and build what is used anew at least monthly.",
    controls="nist-800-190:4.2.2",
    references=(_NIST,),
)
def registry_stale_image(repository: RegistryRepository, ctx: Context) -> Hits:
    for index, tag in numbered(repository.spec.tags):
        if tag.age_days is not None and tag.age_days > repository.spec.stale_after_days:
            yield Hit(f"the image of the tag {tag.name} is {tag.age_days} days old", ("spec", "tags", index))


@rule(
    "registry-unsigned-image",
    title="Image without a signature",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="RegistryRepository",
    why="Nothing proves who built the image: one that an attacker pushed looks like any other.",
    remediation="Sign images where they are built (cosign, notation), and let admission refuse those without.",
    controls="nist-800-190:4.1.5",
    references=("https://docs.sigstore.dev/cosign/signing/overview/", _NIST),
    notes="That there is a signature is seen; whose it is, and whether it holds, `seawall image verify` tells.",
)
def registry_unsigned_image(repository: RegistryRepository, ctx: Context) -> Hits:
    for index, tag in numbered(repository.spec.tags):
        if tag.signed is False:
            yield Hit(f"no signature refers to the image of the tag {tag.name}", ("spec", "tags", index))


@rule(
    "registry-untagged-images",
    title="Repository that fills with images nobody names",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="RegistryRepository",
    why="They are never scanned, never mended and can still be pulled by digest; and the disk fills until pushes fail.",
    remediation="Let the registry delete untagged manifests and signatures whose image is gone.",
    controls="nist-800-190:4.2.2",
    references=(_NIST,),
)
def registry_untagged_images(repository: RegistryRepository, ctx: Context) -> Hits:
    spec = repository.spec
    if spec.untagged:
        yield Hit(f"{spec.untagged} images have no tag", "spec.untagged")
    if spec.orphans:
        more = len(spec.orphans) - _MOST_NAMED
        named = ", ".join(spec.orphans[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        yield Hit(f"the images are gone that these tags belong to: {named}", "spec.orphans")
