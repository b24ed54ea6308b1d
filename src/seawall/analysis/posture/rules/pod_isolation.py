"""Pods and the node: namespaces, groups and kernel parameters that let one reach into the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.analysis.posture.picks import has_sysctls, names_identity, shares_namespaces
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container, PodTemplate
    from seawall.model.rule import Context

_CONTEXT = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/"
_USER_NAMESPACES = "https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/"


@rule(
    "share-process-namespace",
    title="Containers of the pod see each other's processes",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Every container of the pod can signal the others' processes, and read their variables and files through "
    "/proc: an attacker in a sidecar has the secrets of the program beside it.",
    remediation="Remove shareProcessNamespace; debug with an ephemeral container that names its target.",
    controls="mitre-attack:T1057",
    references=("https://kubernetes.io/docs/tasks/configure-pod-container/share-process-namespace/",),
    when=shares_namespaces,
)
def share_process_namespace(pod: PodTemplate, ctx: Context) -> Hits:
    if pod.spec.share_process_namespace:
        yield Hit("the containers of the pod share their processes", "spec.shareProcessNamespace")


@rule(
    "user-namespace",
    title="Pod without a user namespace",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Root in the container is root on the node once it gets out; in a user namespace it is nobody there.",
    remediation="Set hostUsers: false where the volumes and the nodes' kernels allow it.",
    controls="mitre-attack:T1611",
    references=(_USER_NAMESPACES,),
    since="1.33",
    default=False,
    notes="Pods that share a namespace of the node cannot have one; Windows has none.",
)
def user_namespace(pod: PodTemplate, ctx: Context) -> Hits:
    spec = pod.spec
    cannot = spec.host_network or spec.host_pid or spec.host_ipc or spec.is_windows
    if spec.host_users is not False and not cannot:
        yield Hit("the pod's users are the node's users", "spec.hostUsers")


@rule(
    "runtime-class",
    title="Pod runs under the node's default runtime",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Containers of the default runtime share the node's kernel, and a hole in it is a way out; sandboxes such as "
    "gVisor or Kata put a second wall around code that is not trusted.",
    remediation="Name a RuntimeClass with a sandbox in runtimeClassName for code that you do not trust.",
    aliases="C-0297 kyverno:restrict-runtimeclass",
    references=("https://kubernetes.io/docs/concepts/containers/runtime-class/",),
    default=False,
)
def runtime_class(pod: PodTemplate, ctx: Context) -> Hits:
    if not pod.spec.runtime_class_name:
        yield Hit("the pod names no runtime class", "spec.runtimeClassName")


@rule(
    "ephemeral-container",
    title="Debug container left in a pod",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="An ephemeral container brings a shell and tools next to the program, and stays until the pod is deleted; "
    "attackers add one to run code where they may not create pods.",
    remediation="Find out who added it and why, and delete the pod so that a clean one takes its place.",
    controls="mitre-attack:T1609",
    aliases="kyverno:block-ephemeral-containers",
    references=("https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/",),
)
def ephemeral_container(c: Container, ctx: Context) -> Hits:
    if ctx.field == "ephemeralContainers":
        yield Hit(f"the debug container {c.name!r} ({c.image}) was added to the pod", "name")


@rule(
    "container-terminal",
    title="Container keeps a terminal or standard input open",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="container",
    why="A service needs neither; with them whoever may attach to the pod types into its process.",
    remediation="Remove stdin and tty.",
    controls="mitre-attack:T1609",
    references=("https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#debugging",),
    default=False,
    notes="Ephemeral containers are there for a terminal and pass.",
)
def container_terminal(c: Container, ctx: Context) -> Hits:
    if (c.stdin or c.tty) and ctx.field != "ephemeralContainers":
        yield Hit(
            f"container {c.name!r} keeps {'a terminal' if c.tty else 'its input'} open", "tty" if c.tty else "stdin"
        )


@rule(
    "host-aliases",
    title="Pod writes lines of its own into /etc/hosts",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Names in hostAliases pass over DNS and its logs: who may edit the workload sends its connections elsewhere.",
    remediation="Remove hostAliases and let DNS answer, by a Service of type ExternalName if need be.",
    controls="mitre-attack:T1557",
    aliases="KSV-0007",
    references=("https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/",),
    default=False,
)
def host_aliases(pod: PodTemplate, ctx: Context) -> Hits:
    for i, alias in numbered(pod.spec.host_aliases):
        names = ", ".join(alias.hostnames[:3])
        yield Hit(f"the pod takes {names or 'no name'} to be {alias.ip}", f"spec.hostAliases[{i}]")


@rule(
    "sysctl-injection",
    title="Kernel parameter that smuggles in another",
    severity=Severity.CRITICAL,
    scope=Scope.WORKLOAD,
    on="pod",
    why="CRI-O before its fix cuts values at + and = and so sets any parameter on the node, kernel.core_pattern among "
    "them, by which an attacker runs a program as root there (CVE-2022-0811).",
    remediation="Remove the sysctl, and find out who wrote it; update CRI-O.",
    controls="mitre-attack:T1611",
    aliases="kyverno:prevent-cr8escape",
    references=("https://nvd.nist.gov/vuln/detail/CVE-2022-0811",),
    when=has_sysctls,
)
def sysctl_injection(pod: PodTemplate, ctx: Context) -> Hits:
    for i, sysctl in numbered(pod.spec.security_context.sysctls):
        if "+" in sysctl.value or "=" in sysctl.value:
            yield Hit(f"the value of {sysctl.name} holds another setting", f"spec.securityContext.sysctls[{i}].value")


@rule(
    "root-group",
    title="Pod runs with the root group",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="pod container",
    why="Files of the root group, on host paths and shared volumes too, are open to the container's processes.",
    remediation="Set runAsGroup, fsGroup and supplementalGroups to groups of the application, above 0.",
    controls="mitre-attack:T1611",
    aliases="KSV-0116 C-0013 kyverno:require-non-root-groups kyverno:psp-check-supplemental-groups",
    references=(_CONTEXT,),
    notes="Judged where a group is set.",
    when=names_identity,
)
def root_group(view: Any, ctx: Context) -> Hits:
    if view is not ctx.pod:
        if view.security_context.run_as_group == 0:
            yield Hit(f"container {view.name!r} has the root group", "securityContext.runAsGroup")
        return
    whole = view.spec.security_context
    for field, group in (("runAsGroup", whole.run_as_group), ("fsGroup", whole.fs_group)):
        if group == 0:
            yield Hit(f"the pod's {field} is 0, the root group", f"spec.securityContext.{field}")
    for i, group in numbered(whole.supplemental_groups):
        if group == 0:
            yield Hit("the pod is a member of the root group", f"spec.securityContext.supplementalGroups[{i}]")


@rule(
    "image-groups",
    title="Image decides on the groups of the process",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Groups that /etc/group of the image gives the user are added without a word in the manifest, and no policy "
    "sees them; files on volumes may be open to them.",
    remediation="Set securityContext.supplementalGroupsPolicy to Strict.",
    references=(f"{_CONTEXT}#supplementalgroupspolicy",),
    since="1.33",
    default=False,
)
def image_groups(pod: PodTemplate, ctx: Context) -> Hits:
    if pod.spec.security_context.supplemental_groups_policy != "Strict" and not pod.spec.is_windows:
        yield Hit("the image may add groups to the process", "spec.securityContext.supplementalGroupsPolicy")


@rule(
    "windows-administrator",
    title="Windows container runs as an administrator",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="pod container",
    why="ContainerAdministrator may change everything in the container and has the most to attack in the node.",
    remediation="Set windowsOptions.runAsUserName to ContainerUser.",
    controls="mitre-attack:T1611",
    aliases="kyverno:require-run-as-containeruser",
    references=("https://kubernetes.io/docs/tasks/configure-pod-container/configure-runasusername/",),
    when=names_identity,
)
def windows_administrator(view: Any, ctx: Context) -> Hits:
    whole = view is ctx.pod
    context = view.spec.security_context if whole else view.security_context
    if _is_administrator(context.windows_options.run_as_user_name):
        who, base = ("the pod", "spec.") if whole else (f"container {view.name!r}", "")
        path = f"{base}securityContext.windowsOptions.runAsUserName"
        yield Hit(f"{who} runs as an administrator of Windows", path)


def _is_administrator(name: str | None) -> bool:
    if name is None:
        return False
    return name.rpartition("\\")[2].lower() in ("containeradministrator", "administrator", "system")
