"""Security contexts that are left out or say less than they should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container, PodTemplate
    from seawall.model.rule import Context

_CONTEXT = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/"
_CAPABILITIES = "https://man7.org/linux/man-pages/man7/capabilities.7.html"
_CONTROLS = "cis8-10:5.7.3 cis11-12:5.6.3 nsa-cisa:pod-security"


@rule(
    "pod-security-context",
    title="Pod without a security context",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Nobody has said what the pod's processes may do, so they may do what the image and the runtime let them.",
    remediation="Set spec.securityContext: runAsNonRoot, seccompProfile and fsGroup apply to the pod as a whole.",
    controls=_CONTROLS,
    aliases="KSV-0118 CKV_K8S_29 C-0211",
    references=(_CONTEXT,),
    default=False,
)
def pod_security_context(pod: PodTemplate, ctx: Context) -> Hits:
    if not ctx.resource.value_at((*ctx.resource.kind.template, "spec", "securityContext")):
        yield Hit("the pod has no security context", "spec.securityContext")


@rule(
    "container-security-context",
    title="Container without a security context",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Nobody has said what the container's processes may do, so they may do what the image and the runtime let "
    "them.",
    remediation="Set securityContext: allowPrivilegeEscalation, capabilities and readOnlyRootFilesystem are a "
    "container's.",
    controls=_CONTROLS,
    aliases="KSV-0118 CKV_K8S_30 C-0211",
    references=(_CONTEXT,),
    default=False,
)
def container_security_context(pod: PodTemplate, ctx: Context) -> Hits:
    for field, i, c in pod.spec.all_containers():
        if not ctx.resource.value_at((*ctx.resource.kind.template, "spec", field, i, "securityContext")):
            yield Hit(f"container {c.name!r} has no security context", f"spec.{field}[{i}].securityContext")


@rule(
    "no-capability-dropped",
    title="Container keeps every capability",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="container",
    why="Nobody has looked at which of root's powers the program needs.",
    remediation='Set securityContext.capabilities.drop to ["ALL"].',
    controls="cis8-11:5.2.10 cis12:5.2.9 nsa-cisa:pod-security",
    aliases="KSV-0004",
    references=(_CONTEXT, _CAPABILITIES),
    default=False,
    notes="drop-all-capabilities asks for all of them.",
)
def no_capability_dropped(c: Container, ctx: Context) -> Hits:
    if not c.security_context.capabilities.drop:
        yield Hit(f"container {c.name!r} drops no capability", "securityContext.capabilities.drop")


@rule(
    "net-raw-not-dropped",
    title="Container may forge packets",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="Docker's and containerd's defaults include NET_RAW: with it an attacker poses as other pods and takes in "
    "their traffic.",
    remediation="Drop NET_RAW, or ALL.",
    controls="cis:5.2.8 mitre-attack:T1557 nsa-cisa:pod-security",
    aliases="CKV_K8S_28 C-0199 kube-linter:drop-net-raw-capability kyverno:drop-cap-net-raw "
    "prowler:core_minimize_net_raw_capability_admission",
    references=(_CONTEXT, _CAPABILITIES),
    default=False,
)
def net_raw_not_dropped(c: Container, ctx: Context) -> Hits:
    dropped = {capability.upper().removeprefix("CAP_") for capability in c.security_context.capabilities.drop}
    if not {"ALL", "NET_RAW"}.intersection(dropped) and not ctx.pod.spec.is_windows:
        yield Hit(f"container {c.name!r} does not drop NET_RAW", "securityContext.capabilities.drop")


@rule(
    "user-id-unset",
    title="Image decides which user a container runs as",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="container",
    why="The user of an image is often one that exists on the node, or root, and may change with any new version.",
    remediation="Set runAsUser to 10000 or above.",
    aliases="KSV-0020 CKV_K8S_40",
    references=(_CONTEXT,),
    default=False,
    notes="low-user-id tells of ids that are set too low.",
)
def user_id_unset(c: Container, ctx: Context) -> Hits:
    spec = ctx.pod.spec
    if c.security_context.run_as_user is None and spec.security_context.run_as_user is None and not spec.is_windows:
        yield Hit(f"container {c.name!r} names no user id", "securityContext.runAsUser")


@rule(
    "low-group-id",
    title="Container runs as a group of the node",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="Groups below 10000 often exist on the node: a process that gets out of the container has that group's files.",
    remediation="Set runAsGroup to 10000 or above.",
    controls="mitre-attack:T1611",
    aliases="KSV-0021 kube-score:container-security-context-user-group-id kyverno:validate-userid-groupid-fsgroup",
    references=(_CONTEXT,),
    default=False,
    notes="Judged where runAsGroup is set.",
)
def low_group_id(c: Container, ctx: Context) -> Hits:
    own, whole = c.security_context.run_as_group, ctx.pod.spec.security_context.run_as_group
    group = whole if own is None else own
    if group is not None and group < 10000:
        message = f"container {c.name!r} runs as group {group}"
        if own is None:
            yield Hit(message, "spec.securityContext.runAsGroup", on="pod")
        else:
            yield Hit(message, "securityContext.runAsGroup")


@rule(
    "group-id-unset",
    title="Image decides which group a container runs as",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="container",
    why="Without a group of its own a container runs as the image's, which is 0 unless the image says otherwise, and "
    "files of the group root are its own.",
    remediation="Set runAsGroup to 10000 or above.",
    aliases="KSV-0021",
    references=(_CONTEXT,),
    default=False,
    notes="low-group-id tells of ids that are set too low.",
)
def group_id_unset(c: Container, ctx: Context) -> Hits:
    spec = ctx.pod.spec
    if c.security_context.run_as_group is None and spec.security_context.run_as_group is None and not spec.is_windows:
        yield Hit(f"container {c.name!r} names no group id", "securityContext.runAsGroup")


@rule(
    "system-namespace-workload",
    title="Workload in kube-system",
    severity=Severity.MEDIUM,
    scope=Scope.NAMESPACE,
    on="pod",
    why="Pods there are near the accounts that run the cluster, are often exempt from policies, and are trusted on "
    "sight.",
    remediation="Move the workload to a namespace of its own.",
    controls="nsa-cisa:namespaces",
    aliases="KSV-0037",
    references=("https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",),
    default=False,
    notes="Pods that the control plane is made of, and pods of a system priority class, pass.",
)
def system_namespace_workload(pod: PodTemplate, ctx: Context) -> Hits:
    if ctx.resource.ref.namespace == "kube-system" and not pod.spec.priority_class_name.startswith("system-"):
        yield Hit("the workload runs in kube-system", "metadata.namespace", on="object")


@rule(
    "system-namespace-addition",
    title="Workload in kube-system with a system priority",
    severity=Severity.INFO,
    scope=Scope.NAMESPACE,
    on="pod",
    why="What is not part of the control plane stands beside it, and by its priority drives out other pods: near the "
    "accounts that run the cluster, and trusted on sight.",
    remediation="Move the workload to a namespace of its own, and give it a priority class of your own.",
    controls="nsa-cisa:namespaces",
    aliases="KSV-0037",
    references=("https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/",),
    default=False,
    notes="Static pods of the control plane are known by their labels component and tier: control-plane. Workloads of "
    "other priorities are told by system-namespace-workload.",
)
def system_namespace_addition(pod: PodTemplate, ctx: Context) -> Hits:
    labels = pod.metadata.labels
    own = labels.get("tier") == "control-plane" and "component" in labels
    if ctx.resource.ref.namespace == "kube-system" and pod.spec.priority_class_name.startswith("system-") and not own:
        yield Hit("the workload stands in kube-system as if it were part of the system", "spec.priorityClassName")
