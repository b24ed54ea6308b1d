"""Images from registries of one kind only.

These are house rules of which no two suit one house: they answer to no framework, and only ``--profile all``, or a
profile of one's own, asks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.rules.images import parse_reference
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container
    from seawall.model.rule import Context

_IMAGES = "https://kubernetes.io/docs/concepts/containers/images/"
_WHY = (
    "Images from elsewhere pass by the registry's scans and access control: whoever can push there decides what runs "
    "here."
)
_OWN = "Copy the image into the registry, and name it from there; make this rule part of a profile of your own."
_PUBLIC = frozenset(("docker.io", "index.docker.io", "ghcr.io"))
_GOOGLE = ("gcr.io", "pkg.dev")
_AZURE = ("azurecr.io",)
_AMAZON = ("amazonaws.com", "amazonaws.com.cn", "public.ecr.aws")
#: Registries that projects and vendors publish in, besides those of the clouds.
_KNOWN = {
    *("docker.io", "index.docker.io", "ghcr.io", "quay.io", "registry.k8s.io", "k8s.gcr.io", "mcr.microsoft.com"),
    *("registry.access.redhat.com", "registry.redhat.io", "registry.gitlab.com", "nvcr.io", "icr.io"),
    "docker.elastic.co",
}


def _is_of(registry: str, domains: tuple[str, ...]) -> bool:
    return any(registry == domain or registry.endswith(f".{domain}") for domain in domains)


def _outside(c: Container, domains: tuple[str, ...], whose: str) -> Hits:
    registry = parse_reference(c.image).registry
    if c.image and not _is_of(registry, domains):
        yield Hit(f"container {c.name!r} takes {c.image!r} from outside {whose} registries", "image")


@rule(
    "image-public-registry",
    title="Image from a public registry",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="container",
    why="Anyone may publish there, names are taken over when their owners leave, and limits on downloads stop "
    "deployments.",
    remediation=_OWN,
    aliases="KSV-0034",
    references=(_IMAGES,),
    default=False,
    notes="Docker Hub, which images without a registry come from, and ghcr.io.",
)
def image_public_registry(c: Container, ctx: Context) -> Hits:
    if c.image and parse_reference(c.image).registry in _PUBLIC:
        yield Hit(f"container {c.name!r} takes {c.image!r} from a public registry", "image")


@rule(
    "image-unknown-registry",
    title="Image from a registry that is not widely known",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="container",
    why="Whoever runs the registry decides what runs here, and may answer each cluster with another image.",
    remediation=_OWN,
    aliases="KSV-0125 C-0001 C-0078 kyverno:restrict-image-registries",
    references=(_IMAGES,),
    default=False,
    notes="Registries of the large clouds and of well-known projects and vendors pass; one's own is told too.",
)
def image_unknown_registry(c: Container, ctx: Context) -> Hits:
    registry = parse_reference(c.image).registry
    if c.image and registry not in _KNOWN and not _is_of(registry, (*_GOOGLE, *_AZURE, *_AMAZON)):
        yield Hit(f"container {c.name!r} takes {c.image!r} from {registry}", "image")


@rule(
    "image-outside-azure",
    title="Image from outside Azure's registries",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="container",
    why=_WHY,
    remediation=_OWN,
    aliases="KSV-0032",
    references=(_IMAGES,),
    default=False,
)
def image_outside_azure(c: Container, ctx: Context) -> Hits:
    yield from _outside(c, _AZURE, "Azure's")


@rule(
    "image-outside-google",
    title="Image from outside Google's registries",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="container",
    why=_WHY,
    remediation=_OWN,
    aliases="KSV-0033",
    references=(_IMAGES,),
    default=False,
)
def image_outside_google(c: Container, ctx: Context) -> Hits:
    yield from _outside(c, _GOOGLE, "Google's")


@rule(
    "image-outside-amazon",
    title="Image from outside Amazon's registries",
    severity=Severity.INFO,
    scope=Scope.IMAGE,
    on="container",
    why=_WHY,
    remediation=_OWN,
    aliases="KSV-0035",
    references=(_IMAGES,),
    default=False,
)
def image_outside_amazon(c: Container, ctx: Context) -> Hits:
    yield from _outside(c, _AMAZON, "Amazon's")
