"""Images: how they are named, and from where they are pulled."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from seawall.analysis.posture.picks import has_known_image
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container
    from seawall.model.rule import Context

_IMAGES = "https://kubernetes.io/docs/concepts/containers/images/"


class Reference(Struct, frozen=True):
    """The parts of an image reference; ``tag`` and ``digest`` are empty where they are not given."""

    registry: str
    repository: str
    tag: str
    digest: str


@lru_cache(maxsize=1024)
def parse_reference(image: str) -> Reference:
    """Cut ``registry:port/name:tag@digest`` into its parts; without a registry it is Docker Hub's."""
    rest, _, digest = image.partition("@")
    head, slash, tail = rest.partition("/")
    named = bool(slash) and ("." in head or ":" in head or head == "localhost")
    registry, path = (head, tail) if named else ("docker.io", rest)
    repository, _, tag = path.partition(":")
    return Reference(registry, repository, tag, digest)


@rule(
    "image-latest-tag",
    title="Image without a fixed tag",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="container",
    why="What latest means changes without notice: whoever can push to the repository decides what runs here next, and "
    "nobody can tell which version ran.",
    remediation="Name a version's tag, or better a digest.",
    controls="mitre-attack:T1525",
    aliases="KSV-0013 CKV_K8S_14 C-0075 kube-linter:latest-tag kube-score:container-image-tag "
    "kyverno:disallow-latest-tag prowler:core_image_tag_fixed",
    references=(_IMAGES,),
)
def image_latest_tag(c: Container, ctx: Context) -> Hits:
    ref = parse_reference(c.image)
    if c.image and not ref.digest and ref.tag in ("", "latest"):
        yield Hit(f"container {c.name!r} uses {c.image!r}, the latest image whatever it is", "image")


@rule(
    "image-no-digest",
    title="Image not pinned by a digest",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="container",
    why="A tag can be moved to another image by whoever can push to the repository; a digest cannot.",
    remediation="Add the image's digest (name:tag@sha256:...).",
    controls="mitre-attack:T1525",
    aliases="CKV_K8S_43 C-0306 kyverno:require-image-checksum",
    references=(_IMAGES,),
    default=False,
)
def image_no_digest(c: Container, ctx: Context) -> Hits:
    if c.image and not parse_reference(c.image).digest:
        yield Hit(f"container {c.name!r} uses {c.image!r} without a digest", "image")


@rule(
    "image-pull-policy",
    title="Image of a movable tag not pulled anew",
    severity=Severity.LOW,
    scope=Scope.IMAGE,
    on="container",
    why="A node that has an image of that name runs it without asking the registry: a stale or planted one, and "
    "without checking that the pod may pull it.",
    remediation="Set imagePullPolicy to Always, or pin the image by a digest.",
    controls="mitre-attack:T1525",
    aliases="CKV_K8S_15 C-0075 kube-score:container-image-pull-policy kyverno:imagepullpolicy-always",
    references=("https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy",),
    default=False,
    notes="Without a policy, Kubernetes takes Always for latest and IfNotPresent for other tags.",
)
def image_pull_policy(c: Container, ctx: Context) -> Hits:
    ref = parse_reference(c.image)
    usual = "Always" if ref.tag in ("", "latest") else "IfNotPresent"
    policy = c.image_pull_policy or usual
    if c.image and not ref.digest and policy != "Always":
        yield Hit(f"container {c.name!r} pulls {c.image!r} by the policy {policy}", "imagePullPolicy")


@rule(
    "deprecated-registry",
    title="Image from a registry that is no longer kept up",
    severity=Severity.MEDIUM,
    scope=Scope.IMAGE,
    on="container",
    why="k8s.gcr.io has been frozen since April 2023: its images get no more fixes, and holes in them stay open.",
    remediation="Take the image from registry.k8s.io.",
    controls="mitre-attack:T1525",
    aliases="C-0253 kyverno:restrict-deprecated-registry",
    references=("https://kubernetes.io/blog/2023/02/06/k8s-gcr-io-freeze-announcement/",),
    when=has_known_image,
)
def deprecated_registry(c: Container, ctx: Context) -> Hits:
    ref = parse_reference(c.image)
    old = ref.registry == "gcr.io" and ref.repository.startswith(("google_containers/", "google-containers/"))
    if old or ref.registry == "k8s.gcr.io":
        yield Hit(f"container {c.name!r} takes {c.image!r} from a frozen registry", "image")
