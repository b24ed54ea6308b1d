"""Pod Security Standards, what the restricted level asks beyond baseline, with every version's gates.

Source: as for ``pss_baseline``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.picks import asks_for_more
from seawall.model.finding import Severity
from seawall.model.kube.base import InvalidField, numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container, PodTemplate
    from seawall.model.rule import Context

_PSS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"


@rule(
    "volume-types",
    title="Volume type outside the restricted list",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Volumes of other types reach past the pod: to the node, or with the node's credentials to a store.",
    remediation="Use configMap, csi, downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, projected or "
    "secret volumes.",
    controls="pss:restricted",
    aliases="KSV-0028 kyverno:restrict-volume-types",
    references=(_PSS,),
    notes="A volume without a source is an emptyDir. Paths of the node have a rule of their own, host-path-volume, to "
    "which both levels hold.",
)
def volume_types(pod: PodTemplate, ctx: Context) -> Hits:
    for i, v in numbered(pod.spec.volumes):
        sources = (v.config_map, v.csi, v.downward_api, v.empty_dir, v.ephemeral, v.image, v.projected, v.secret)
        permitted = v.persistent_volume_claim is not None or any(source is not None for source in sources)
        if not permitted and v.host_path is None and _has_source(ctx, i):
            yield Hit(f"volume {v.name!r} is of a type that restricted pods may not use", f"spec.volumes[{i}]")


def _has_source(ctx: Context, index: int) -> bool:
    """Whether a volume says what it is; the API makes an emptyDir of one that does not."""
    volume = ctx.resource.value_at((*ctx.resource.kind.template, "spec", "volumes", index))
    return not isinstance(volume, dict) or any(key != "name" and volume[key] is not None for key in volume)


@rule(
    "allow-privilege-escalation",
    title="Privilege escalation not switched off",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="Without allowPrivilegeEscalation: false a process can gain rights that it was not started with, for example "
    "by a setuid program in the image.",
    remediation="Set securityContext.allowPrivilegeEscalation to false.",
    controls="pss:restricted>=1.8 cis:5.2.6 mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="KSV-0001 CKV_K8S_20 C-0016 C-0197 C-0217 kube-linter:privilege-escalation-container "
    "kyverno:disallow-privilege-escalation prowler:core_minimize_allowPrivilegeEscalation_containers",
    references=(_PSS,),
    since="1.8",
    notes="Windows pods are exempt since Kubernetes 1.25.",
)
def allow_privilege_escalation(c: Container, ctx: Context) -> Hits:
    if is_exempt(ctx):
        return
    if c.security_context.allow_privilege_escalation is not False:
        message = f"container {c.name!r} may gain privileges after its start"
        yield Hit(message, "securityContext.allowPrivilegeEscalation")


def is_exempt(ctx: Context) -> bool:
    """Windows pods are exempt from the Linux controls of restricted since Kubernetes 1.25."""
    return ctx.version >= (1, 25) and bool(ctx.pod.spec.is_windows)


@rule(
    "run-as-non-root",
    title="Container may run as root",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Root in a container is root on the node as soon as one wall of the container breaks, and it may change every "
    "file of the image.",
    remediation="Set runAsNonRoot: true in the pod's security context, and give the image a numeric user.",
    controls="pss:restricted cis:5.2.7 mitre-attack:T1611 nsa-cisa:non-root",
    aliases="KSV-0012 CKV_K8S_23 C-0013 C-0198 C-0218 kube-linter:run-as-non-root kyverno:require-run-as-nonroot "
    "prowler:core_minimize_root_containers_admission",
    references=(_PSS,),
    notes="Since Kubernetes 1.35 a pod in a user namespace (hostUsers: false) is exempt. Containers with a runAsUser "
    "other than 0 are told by non-root-unchecked.",
)
def run_as_non_root(pod: PodTemplate, ctx: Context) -> Hits:
    if ctx.version >= (1, 35) and pod.spec.host_users is False:
        return
    whole, user = pod.spec.security_context.run_as_non_root, _user_of_all(pod)
    if whole is False and not user:
        yield Hit("the pod says that its containers may run as root", "spec.securityContext.runAsNonRoot")
    for field, i, c in pod.spec.all_containers():
        own = c.security_context.run_as_non_root
        if (own is False or (own is None and not whole)) and not _user(c, user):
            path = f"spec.{field}[{i}].securityContext.runAsNonRoot"
            yield Hit(f"container {c.name!r} may run as root", path)


def _user_of_all(pod: PodTemplate) -> int | None:
    """The user of containers that name none; one that cannot be read keeps nobody from root."""
    try:
        return pod.spec.security_context.run_as_user
    except InvalidField:
        return None


def _user(c: Container, whole: int | None) -> int | None:
    own = c.security_context.run_as_user
    return whole if own is None else own


def _names_user(pod: PodTemplate) -> object:
    """A test for the rule of users that are named and not checked."""
    spec = pod.spec
    return spec.security_context.run_as_user or any(c.security_context.run_as_user for _, _, c in spec.all_containers())


@rule(
    "non-root-unchecked",
    title="Nothing refuses root to a container",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="pod",
    why="A user other than root is named, but nobody holds on to it: who takes runAsUser out again runs the container "
    "as root, and Pod Security admission counts runAsNonRoot alone.",
    remediation="Set runAsNonRoot: true in the pod's security context, beside runAsUser.",
    controls="pss:restricted cis:5.2.7",
    aliases="KSV-0012 kyverno:require-run-as-nonroot",
    references=(_PSS,),
    notes="Since Kubernetes 1.35 a pod in a user namespace (hostUsers: false) is exempt. Containers without a "
    "runAsUser are told by run-as-non-root.",
    when=_names_user,
)
def non_root_unchecked(pod: PodTemplate, ctx: Context) -> Hits:
    if ctx.version >= (1, 35) and pod.spec.host_users is False:
        return
    whole, user = pod.spec.security_context.run_as_non_root, _user_of_all(pod)
    if whole is False and user:
        yield Hit("the pod says that its containers may run as root", "spec.securityContext.runAsNonRoot")
    for field, i, c in pod.spec.all_containers():
        own = c.security_context.run_as_non_root
        if (own is False or (own is None and not whole)) and _user(c, user):
            path = f"spec.{field}[{i}].securityContext.runAsNonRoot"
            yield Hit(f"container {c.name!r} is to run as user {_user(c, user)}, unchecked", path)


@rule(
    "run-as-root-user",
    title="Container runs as user 0",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="pod",
    why="User 0 is root: see run-as-non-root.",
    remediation="Remove runAsUser: 0, or set another user.",
    controls="pss:restricted>=1.23 cis:5.2.7 mitre-attack:T1611",
    aliases="KSV-0105 kyverno:require-run-as-non-root-user",
    references=(_PSS,),
    notes="Part of restricted since Kubernetes 1.23; since 1.35 a pod with hostUsers: false is exempt.",
)
def run_as_root_user(pod: PodTemplate, ctx: Context) -> Hits:
    if ctx.version >= (1, 35) and pod.spec.host_users is False:
        return
    if pod.spec.security_context.run_as_user == 0:
        yield Hit("the pod's containers run as user 0", "spec.securityContext.runAsUser")
    for field, i, c in pod.spec.all_containers():
        if c.security_context.run_as_user == 0:
            yield Hit(f"container {c.name!r} runs as user 0", f"spec.{field}[{i}].securityContext.runAsUser")


@rule(
    "drop-all-capabilities",
    title="Capabilities not dropped",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="The runtime gives every container a set of root's powers, NET_RAW among them, that hardly a program needs.",
    remediation='Set securityContext.capabilities.drop to ["ALL"].',
    controls="pss:restricted>=1.22 cis8-11:5.2.10 cis12:5.2.9 mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="KSV-0003 KSV-0106 CKV_K8S_37 C-0055 C-0201 C-0220 kyverno:drop-all-capabilities "
    "prowler:core_minimize_containers_capabilities_assigned",
    references=(_PSS,),
    notes="Part of restricted since Kubernetes 1.22; Windows pods are exempt since 1.25.",
)
def drop_all_capabilities(c: Container, ctx: Context) -> Hits:
    dropped = c.security_context.capabilities.drop
    if "ALL" not in dropped and not is_exempt(ctx) and _spelt_all(dropped) is None:
        yield Hit(f"container {c.name!r} does not drop all capabilities", "securityContext.capabilities.drop")


def _spelt_all(dropped: tuple[str, ...]) -> int | None:
    """Where ALL stands in a list in any case: containerd and CRI-O take it so."""
    return next((i for i, name in numbered(dropped) if name.upper() == "ALL"), None)


@rule(
    "drop-all-uncounted",
    title="Capabilities dropped in a spelling that admission does not count",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="The runtime drops every capability, but Pod Security admission looks for ALL and refuses the pod, or warns of "
    "it, for as long as it stands so.",
    remediation='Write ["ALL"] in securityContext.capabilities.drop.',
    controls="pss:restricted>=1.22",
    references=(_PSS,),
    notes="Part of restricted since Kubernetes 1.22; Windows pods are exempt since 1.25.",
    when=asks_for_more,
)
def drop_all_uncounted(c: Container, ctx: Context) -> Hits:
    dropped = c.security_context.capabilities.drop
    if "ALL" not in dropped and not is_exempt(ctx):
        place = _spelt_all(dropped)
        if place is not None:
            path = f"securityContext.capabilities.drop[{place}]"
            yield Hit(f"container {c.name!r} drops {dropped[place]!r}, not 'ALL'", path)


@rule(
    "add-only-net-bind-service",
    title="Capability other than NET_BIND_SERVICE added",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="After everything is dropped, a restricted container needs at most the right to bind ports below 1024.",
    remediation="Remove the capability from securityContext.capabilities.add.",
    controls="pss:restricted>=1.22 cis8-11:5.2.9 mitre-attack:T1611",
    aliases="KSV-0106 kyverno:disallow-capabilities-strict",
    references=(_PSS,),
    notes="Part of restricted since Kubernetes 1.22; Windows pods are exempt since 1.25.",
    when=asks_for_more,
)
def add_only_net_bind_service(c: Container, ctx: Context) -> Hits:
    if is_exempt(ctx):
        return
    for i, capability in numbered(c.security_context.capabilities.add):
        if capability != "NET_BIND_SERVICE":
            path = f"securityContext.capabilities.add[{i}]"
            yield Hit(f"container {c.name!r} adds the capability {capability}", path)


@rule(
    "proc-mount-restricted",
    title="Masks of /proc lifted in a user namespace",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="A user namespace blunts what an unmasked /proc gives away, but restricted pods keep the masks all the same.",
    remediation='Remove procMount or set it to "Default".',
    controls="pss:restricted>=1.35",
    references=(_PSS,),
    since="1.35",
    when=asks_for_more,
)
def proc_mount_restricted(c: Container, ctx: Context) -> Hits:
    kind = c.security_context.proc_mount
    if kind is not None and kind != "Default" and ctx.pod.spec.host_users is False:
        yield Hit(f"container {c.name!r} mounts /proc {kind!r}", "securityContext.procMount")
