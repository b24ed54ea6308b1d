"""Seccomp as the restricted level asks for it: the field, and the annotations that came before it.

Source: as for ``pss_baseline``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.rules.pss_baseline import SECCOMP_CONTAINER_ANNOTATION, SECCOMP_POD_ANNOTATION
from seawall.analysis.posture.rules.pss_restricted import is_exempt
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.model.kube.pod import Container, PodTemplate
    from seawall.model.rule import Context

_PSS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
_REFERENCES = (_PSS, "https://kubernetes.io/docs/tutorials/security/seccomp/")
_CONTROLS = "pss:restricted>=1.19 cis8-10:5.7.2 cis11-12:5.6.2 mitre-attack:T1611"
_REMEDIATION = "Set seccompProfile.type in the security context, and remove the annotation."
_NOTES = (
    "From Kubernetes 1.19 to 1.26 the API server puts the annotation's profile into the field. Windows pods are exempt "
    "since 1.25."
)
#: The values that name the runtime's own profile.
_DEFAULT = ("runtime/default", "docker/default")
_UNCONFINED = "unconfined"


@rule(
    "seccomp-profile",
    title="Seccomp profile not set",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="Unless the kubelet is told otherwise, a container without a profile may make every kernel call.",
    remediation="Set seccompProfile.type to RuntimeDefault in the pod's security context.",
    controls=_CONTROLS,
    aliases="KSV-0030 KSV-0104 CKV_K8S_31 C-0210 kube-score:container-seccomp-profile kyverno:restrict-seccomp-strict "
    "prowler:core_seccomp_profile_docker_default",
    references=_REFERENCES,
    since="1.19",
    notes="Windows pods are exempt since Kubernetes 1.25. Pods that use the old annotations are told by "
    "seccomp-annotation, seccomp-annotation-other and seccomp-annotation-unconfined.",
)
def seccomp_profile(c: Container, ctx: Context) -> Hits:
    if _is_missing(c, ctx) and _annotation(c, ctx.pod) is None:
        yield Hit(f"container {c.name!r} has no seccomp profile", "securityContext.seccompProfile")


def _is_missing(c: Container, ctx: Context) -> bool:
    profile = c.security_context.seccomp_profile or ctx.pod.spec.security_context.seccomp_profile
    return not is_exempt(ctx) and (profile is None or profile.type not in ("RuntimeDefault", "Localhost"))


def _annotation(c: Container, pod: PodTemplate) -> str | None:
    """The annotation that says something of the container's profile, or None."""
    annotations = pod.metadata.annotations
    keys = (SECCOMP_CONTAINER_ANNOTATION + c.name, SECCOMP_POD_ANNOTATION)
    return next((key for key in keys if key in annotations), None) if annotations else None


def _names_seccomp(pod: PodTemplate) -> object:
    """A test for the rules of annotations."""
    annotations = pod.metadata.annotations
    return annotations and any("seccomp.security.alpha" in key for key in annotations)


def _annotated(pod: PodTemplate, ctx: Context) -> Iterator[tuple[Container, str, str]]:
    """The containers that rely on an annotation for their profile, with the annotation and its value."""
    for _, _, c in pod.spec.all_containers():
        key = _annotation(c, pod)
        if key is not None and _is_missing(c, ctx):
            yield c, key, pod.metadata.annotations[key]


@rule(
    "seccomp-annotation",
    title="Seccomp profile set by an annotation that no longer counts",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Kubernetes 1.27 and later do not read the annotation: a container that was held by a profile may now make "
    "every kernel call, and nobody is told.",
    remediation=_REMEDIATION,
    controls=_CONTROLS,
    references=_REFERENCES,
    since="1.19",
    when=_names_seccomp,
    notes=f"Judged where the annotation names the runtime's profile. {_NOTES}",
)
def seccomp_annotation(pod: PodTemplate, ctx: Context) -> Hits:
    for c, key, value in _annotated(pod, ctx):
        if value in _DEFAULT:
            message = f"container {c.name!r} is to have a seccomp profile by the annotation {key}"
            yield Hit(message, ("metadata", "annotations", key))


@rule(
    "seccomp-annotation-other",
    title="Seccomp profile of one's own set by an annotation that no longer counts",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Kubernetes 1.27 and later do not read the annotation: the profile that was written for the container holds it "
    "no more, and nobody is told.",
    remediation=_REMEDIATION,
    controls=_CONTROLS,
    aliases="KSV-0030 CKV_K8S_31",
    references=_REFERENCES,
    since="1.19",
    when=_names_seccomp,
    notes=_NOTES,
)
def seccomp_annotation_other(pod: PodTemplate, ctx: Context) -> Hits:
    for c, key, value in _annotated(pod, ctx):
        if value not in (*_DEFAULT, _UNCONFINED):
            message = f"container {c.name!r} is to have a profile of its own by the annotation {key}"
            yield Hit(message, ("metadata", "annotations", key))


@rule(
    "seccomp-annotation-unconfined",
    title="Seccomp profile switched off by an annotation",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="pod",
    why="The container is to make every kernel call. Kubernetes 1.27 and later do not read the annotation, but nothing "
    "puts a profile in its place.",
    remediation="Remove the annotation, and set seccompProfile.type to RuntimeDefault in the security context.",
    controls=_CONTROLS,
    aliases="KSV-0030 KSV-0104 CKV_K8S_31",
    references=_REFERENCES,
    since="1.19",
    when=_names_seccomp,
    notes=_NOTES,
)
def seccomp_annotation_unconfined(pod: PodTemplate, ctx: Context) -> Hits:
    for c, key, value in _annotated(pod, ctx):
        if value == _UNCONFINED:
            message = f"the annotation {key} takes the seccomp profile from container {c.name!r}"
            yield Hit(message, ("metadata", "annotations", key))
