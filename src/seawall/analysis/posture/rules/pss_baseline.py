"""Pod Security Standards, baseline level, with the gates of every Kubernetes version.

Source: Kubernetes' pod-security-admission policy checks and the Pod Security Standards page of its documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.analysis.posture.picks import (
    asks_for_more,
    has_odd_confinement,
    has_sysctls,
    sees_others,
    shares_namespaces,
)
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container, Handler, NetworkAction, PodTemplate, Profile, SeLinuxOptions
    from seawall.model.rule import Context

_PSS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
_SYSCTLS = {
    "kernel.shm_rmid_forced": 0,
    "net.ipv4.ip_local_port_range": 0,
    "net.ipv4.tcp_syncookies": 0,
    "net.ipv4.ping_group_range": 0,
    "net.ipv4.ip_unprivileged_port_start": 0,
    "net.ipv4.ip_local_reserved_ports": 27,
    "net.ipv4.tcp_keepalive_time": 29,
    "net.ipv4.tcp_fin_timeout": 29,
    "net.ipv4.tcp_keepalive_intvl": 29,
    "net.ipv4.tcp_keepalive_probes": 29,
    "net.ipv4.tcp_rmem": 32,
    "net.ipv4.tcp_wmem": 32,
    "net.ipv4.tcp_slow_start_after_idle": 37,
    "net.ipv4.tcp_notsent_lowat": 37,
}
BASELINE_CAPABILITIES = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
_SELINUX_TYPES = frozenset(("", "container_t", "container_init_t", "container_kvm_t"))
_APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP_POD_ANNOTATION = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER_ANNOTATION = "container.seccomp.security.alpha.kubernetes.io/"
_PROFILES = frozenset(("RuntimeDefault", "Localhost"))


@rule(
    "privileged-container",
    title="Container runs privileged",
    severity=Severity.CRITICAL,
    scope=Scope.WORKLOAD,
    on="container",
    why="A privileged container has every capability, sees the node's devices and is not confined by seccomp or "
    "AppArmor: whoever runs code in it owns the node and every pod on it.",
    remediation="Remove securityContext.privileged, or set it to false; add only the single capability or device that "
    "the program needs.",
    controls="pss:baseline cis:5.2.2 mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="KSV-0017 CKV_K8S_16 C-0057 C-0193 C-0213 kube-linter:privileged-container "
    "kube-score:container-security-context-privileged kyverno:disallow-privileged-containers "
    "prowler:core_minimize_privileged_containers",
    references=(_PSS,),
    when=asks_for_more,
)
def privileged_container(c: Container, ctx: Context) -> Hits:
    if c.security_context.privileged:
        yield Hit(f"container {c.name!r} runs privileged", "securityContext.privileged")


def _host_namespace(which: str) -> str:
    return (
        f"Sharing the node's {which} takes away a wall between the pod and the node: processes, traffic or memory of "
        "the node and of its other pods come within reach."
    )


@rule(
    "host-network",
    title="Pod shares the node's network",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="pod",
    why=_host_namespace("network") + " Network policies do not hold such a pod, and it reaches services that listen "
    "on the node's loopback address.",
    remediation="Remove hostNetwork; publish ports through a Service instead.",
    controls="pss:baseline cis:5.2.5 mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="KSV-0009 CKV_K8S_19 C-0041 C-0196 C-0216 kube-linter:host-network kyverno:disallow-host-namespaces "
    "prowler:core_minimize_hostNetwork_containers",
    references=(_PSS,),
    when=shares_namespaces,
)
def host_network(pod: PodTemplate, ctx: Context) -> Hits:
    if pod.spec.host_network:
        yield Hit("the pod shares the node's network", "spec.hostNetwork")


@rule(
    "host-pid",
    title="Pod shares the node's process ids",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="pod",
    why=_host_namespace("process ids") + " With a few more rights one can enter the namespaces of any process.",
    remediation="Remove hostPID.",
    controls="pss:baseline cis:5.2.3 mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="KSV-0010 CKV_K8S_17 C-0038 C-0194 C-0214 C-0275 kube-linter:host-pid "
    "prowler:core_minimize_hostPID_containers",
    references=(_PSS,),
    when=shares_namespaces,
)
def host_pid(pod: PodTemplate, ctx: Context) -> Hits:
    if pod.spec.host_pid:
        yield Hit("the pod sees and can signal the node's processes", "spec.hostPID")


@rule(
    "host-ipc",
    title="Pod shares the node's IPC namespace",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="pod",
    why=_host_namespace("inter-process communication"),
    remediation="Remove hostIPC; share memory between containers of one pod by an emptyDir with medium Memory.",
    controls="pss:baseline cis:5.2.4 mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="KSV-0008 CKV_K8S_18 C-0038 C-0195 C-0215 C-0276 kube-linter:host-ipc "
    "prowler:core_minimize_hostIPC_containers",
    references=(_PSS,),
    when=shares_namespaces,
)
def host_ipc(pod: PodTemplate, ctx: Context) -> Hits:
    if pod.spec.host_ipc:
        yield Hit("the pod shares memory and semaphores with the node", "spec.hostIPC")


@rule(
    "host-path-volume",
    title="Pod mounts a path of the node",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="pod",
    why="A hostPath volume gives the pod files of the node, and what it writes outlives it. Paths such as /, /etc, "
    "/var/lib/kubelet or a runtime socket are a way to own the node.",
    remediation="Use a volume that belongs to the pod: emptyDir, configMap, a persistentVolumeClaim or a CSI driver.",
    controls="pss:baseline cis8-11:5.2.12 cis12:5.2.11 mitre-attack:T1611",
    aliases="KSV-0023 C-0048 C-0203 kube-linter:sensitive-host-mounts kyverno:disallow-host-path "
    "kyverno:limit-hostpath-vols prowler:core_minimize_hostpath_volume_mounts",
    references=(_PSS, "https://kubernetes.io/docs/concepts/storage/volumes/#hostpath"),
)
def host_path_volume(pod: PodTemplate, ctx: Context) -> Hits:
    for i, volume in numbered(pod.spec.volumes):
        if volume.host_path is not None:
            yield Hit(
                f"volume {volume.name!r} mounts {volume.host_path.path!r} of the node",
                f"spec.volumes[{i}].hostPath",
            )


@rule(
    "host-port",
    title="Container takes a port of the node",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="A host port opens the container on the node's own addresses, past Services and often past network policies, "
    "and ties the pod to nodes where the port is free.",
    remediation="Remove hostPort and publish the port through a Service.",
    controls="pss:baseline cis8-11:5.2.13 cis12:5.2.12 mitre-attack:T1190",
    aliases="KSV-0024 CKV_K8S_26 C-0044 C-0204 kyverno:disallow-host-ports kyverno:disallow-host-ports-range "
    "prowler:core_minimize_admission_hostport_containers",
    references=(_PSS,),
)
def host_port(c: Container, ctx: Context) -> Hits:
    for i, port in numbered(c.ports):
        if port.host_port:
            yield Hit(f"container {c.name!r} takes port {port.host_port} of the node", f"ports[{i}].hostPort")


@rule(
    "windows-host-process",
    title="Windows container runs as a host process",
    severity=Severity.CRITICAL,
    scope=Scope.WORKLOAD,
    on="pod",
    why="A HostProcess container runs directly on the Windows node with its rights.",
    remediation="Remove windowsOptions.hostProcess.",
    controls="pss:baseline cis8-11:5.2.11 cis12:5.2.10 mitre-attack:T1611",
    aliases="KSV-0103 C-0202 kyverno:disallow-host-process "
    "prowler:core_minimize_admission_windows_hostprocess_containers",
    references=(_PSS,),
    when=has_odd_confinement,
)
def windows_host_process(pod: PodTemplate, ctx: Context) -> Hits:
    if pod.spec.security_context.windows_options.host_process:
        yield Hit("the pod runs as a host process", "spec.securityContext.windowsOptions.hostProcess")
    for field, i, c in pod.spec.all_containers():
        if c.security_context.windows_options.host_process:
            path = f"spec.{field}[{i}].securityContext.windowsOptions.hostProcess"
            yield Hit(f"container {c.name!r} runs as a host process", path)


@rule(
    "added-capabilities",
    title="Container adds capabilities beyond the baseline",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="Each added capability is a part of root's power over the kernel. Several of them (SYS_ADMIN, SYS_PTRACE, "
    "SYS_MODULE, NET_ADMIN, DAC_READ_SEARCH) are known ways out of a container.",
    remediation="Remove the capability from securityContext.capabilities.add.",
    controls="pss:baseline cis8-11:5.2.9 mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="KSV-0022 CKV_K8S_25 C-0046 C-0200 C-0219 kyverno:disallow-capabilities "
    "kyverno:psp-restrict-adding-capabilities prowler:core_minimize_containers_added_capabilities",
    references=(_PSS,),
    when=asks_for_more,
)
def added_capabilities(c: Container, ctx: Context) -> Hits:
    for i, capability in numbered(c.security_context.capabilities.add):
        if capability not in BASELINE_CAPABILITIES:
            path = f"securityContext.capabilities.add[{i}]"
            lone = capability == "SYS_PTRACE" and not sees_others(ctx.pod)
            severity = Severity.MEDIUM if lone else None
            yield Hit(f"container {c.name!r} adds the capability {capability}", path, severity=severity)


@rule(
    "usual-capabilities-added",
    title="Container adds a capability of the baseline",
    severity=Severity.INFO,
    scope=Scope.WORKLOAD,
    on="container",
    why="What the baseline lets pods add is what runtimes give anyway: a part of root's power all the same, that "
    "hardly a program needs.",
    remediation="Remove the capability from securityContext.capabilities.add, unless the program binds a port below "
    "1024 and has NET_BIND_SERVICE alone.",
    aliases="KSV-0022 CKV_K8S_25",
    references=(_PSS,),
    default=False,
    notes="Capabilities beyond the baseline are told by added-capabilities.",
    when=asks_for_more,
)
def usual_capabilities_added(c: Container, ctx: Context) -> Hits:
    for i, capability in numbered(c.security_context.capabilities.add):
        if capability in BASELINE_CAPABILITIES:
            path = f"securityContext.capabilities.add[{i}]"
            yield Hit(f"container {c.name!r} adds the capability {capability}", path)


@rule(
    "apparmor-unconfined",
    title="AppArmor profile switched off or not a permitted one",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="pod",
    why="AppArmor keeps a container from files and kernel interfaces that it does not need; unconfined, a break-out "
    "has one wall less to climb.",
    remediation="Remove the setting (the runtime's profile then applies) or use RuntimeDefault or Localhost.",
    controls="pss:baseline mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="KSV-0002 kyverno:restrict-apparmor-profiles",
    references=(_PSS, "https://kubernetes.io/docs/tutorials/security/apparmor/"),
    when=has_odd_confinement,
)
def apparmor_unconfined(pod: PodTemplate, ctx: Context) -> Hits:
    for key, value in pod.metadata.annotations.items():
        if key.startswith(_APPARMOR_ANNOTATION) and not (
            value in ("", "runtime/default") or value.startswith("localhost/")
        ):
            yield Hit(f"annotation {key} sets the AppArmor profile {value!r}", f'metadata.annotations["{key}"]')
    profile = pod.spec.security_context.app_armor_profile
    if profile is not None and profile.type not in _PROFILES:
        yield Hit(f"the pod's AppArmor profile is {profile.type!r}", "spec.securityContext.appArmorProfile.type")
    for field, i, c in pod.spec.all_containers():
        profile = c.security_context.app_armor_profile
        if profile is not None and profile.type not in _PROFILES:
            path = f"spec.{field}[{i}].securityContext.appArmorProfile.type"
            yield Hit(f"container {c.name!r} has the AppArmor profile {profile.type!r}", path)


@rule(
    "selinux-options",
    title="SELinux type, user or role customised",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="pod",
    why="An SELinux type of one's choice (spc_t, for example) lifts the confinement that separates containers from "
    "the node; user and role are never needed in a container.",
    remediation="Remove seLinuxOptions.user and role, and use no type, container_t, container_init_t, container_kvm_t "
    "or (since Kubernetes 1.31) container_engine_t.",
    controls="pss:baseline mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="KSV-0025 kyverno:disallow-selinux",
    references=(_PSS,),
    notes="container_engine_t is permitted since Kubernetes 1.31.",
    when=has_odd_confinement,
)
def selinux_options(pod: PodTemplate, ctx: Context) -> Hits:
    engine = ctx.version >= (1, 31)
    yield from _selinux(pod.spec.security_context.se_linux_options, "the pod", "spec", engine)
    for field, i, c in pod.spec.all_containers():
        options = c.security_context.se_linux_options
        yield from _selinux(options, f"container {c.name!r}", f"spec.{field}[{i}]", engine)


def _selinux(options: SeLinuxOptions, who: str, base: str, engine: bool) -> Hits:
    path = f"{base}.securityContext.seLinuxOptions"
    if options.type not in _SELINUX_TYPES and not (engine and options.type == "container_engine_t"):
        yield Hit(f"{who} sets the SELinux type {options.type!r}", f"{path}.type")
    if options.user:
        yield Hit(f"{who} sets the SELinux user {options.user!r}", f"{path}.user")
    if options.role:
        yield Hit(f"{who} sets the SELinux role {options.role!r}", f"{path}.role")


@rule(
    "proc-mount",
    title="Masks of /proc lifted",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="The runtime hides parts of /proc that tell about the node or change it; Unmasked shows them.",
    remediation='Remove procMount or set it to "Default".',
    controls="pss:baseline mitre-attack:T1611",
    aliases="KSV-0027 kube-linter:unsafe-proc-mount kyverno:disallow-proc-mount",
    references=(_PSS,),
    notes="Since Kubernetes 1.35 baseline permits it in a user namespace (hostUsers: false); restricted never does.",
    when=asks_for_more,
)
def proc_mount(c: Container, ctx: Context) -> Hits:
    kind = c.security_context.proc_mount
    relaxed = ctx.version >= (1, 35) and ctx.pod.spec.host_users is False
    if kind is not None and kind != "Default" and not relaxed:
        yield Hit(f"container {c.name!r} mounts /proc {kind!r}", "securityContext.procMount")


@rule(
    "seccomp-unconfined",
    title="Seccomp profile switched off",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Seccomp keeps a process from kernel calls that it does not need; many ways out of a container begin with "
    "one that the default profile blocks.",
    remediation="Set seccompProfile.type to RuntimeDefault.",
    controls="pss:baseline cis8-10:5.7.2 cis11-12:5.6.2 mitre-attack:T1611",
    aliases="KSV-0104 kyverno:restrict-seccomp",
    references=(_PSS, "https://kubernetes.io/docs/tutorials/security/seccomp/"),
    notes="Before Kubernetes 1.19 the annotations are judged, since then the fields.",
)
def seccomp_unconfined(pod: PodTemplate, ctx: Context) -> Hits:
    if ctx.version < (1, 19):
        yield from _seccomp_annotations(pod)
        return
    profile = pod.spec.security_context.seccomp_profile
    if not seccomp_allowed(profile):
        yield Hit("the pod's seccomp profile is not a permitted one", "spec.securityContext.seccompProfile.type")
    for field, i, c in pod.spec.all_containers():
        if not seccomp_allowed(c.security_context.seccomp_profile):
            path = f"spec.{field}[{i}].securityContext.seccompProfile.type"
            yield Hit(f"container {c.name!r} has no permitted seccomp profile", path)


def seccomp_allowed(profile: Profile | None) -> bool:
    """Whether a seccomp profile, if set, is one that baseline and restricted permit."""
    return profile is None or profile.type in _PROFILES


def _seccomp_annotations(pod: PodTemplate) -> Hits:
    keys = [SECCOMP_POD_ANNOTATION]
    keys += [SECCOMP_CONTAINER_ANNOTATION + c.name for _, _, c in pod.spec.all_containers()]
    for key in keys:
        value = pod.metadata.annotations.get(key)
        if value is not None and value not in ("runtime/default", "docker/default"):
            if value.startswith("localhost/"):
                continue
            yield Hit(f"annotation {key} sets the seccomp profile {value!r}", f'metadata.annotations["{key}"]')


@rule(
    "unsafe-sysctl",
    title="Kernel parameter outside the safe set",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Kernel parameters that are not confined to the pod change the node for everyone on it.",
    remediation="Remove the sysctl, or set it on the node for all.",
    controls="pss:baseline mitre-attack:T1611",
    aliases="KSV-0026 kube-linter:unsafe-sysctls kyverno:restrict-sysctls",
    references=(_PSS, "https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/"),
    notes="The safe set grew in Kubernetes 1.27, 1.29, 1.32 and 1.37.",
    when=has_sysctls,
)
def unsafe_sysctl(pod: PodTemplate, ctx: Context) -> Hits:
    for i, sysctl in numbered(pod.spec.security_context.sysctls):
        since = _SYSCTLS.get(sysctl.name)
        if since is None or ctx.version < (1, since):
            yield Hit(f"the pod sets the sysctl {sysctl.name}", f"spec.securityContext.sysctls[{i}].name")


@rule(
    "probe-host",
    title="Probe or lifecycle hook aims at another host",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="The kubelet makes the request, with the node's address: a probe at a host of one's choice reaches into "
    "networks that the pod itself may not enter.",
    remediation="Remove the host field; probes then go to the pod's own address.",
    controls="pss:baseline>=1.34 mitre-attack:T1046",
    references=(_PSS,),
    since="1.34",
)
def probe_host(c: Container, ctx: Context) -> Hits:
    for path, handler in _handlers(c):
        for name, action in _actions(handler):
            if action.host:
                yield Hit(f"container {c.name!r} probes the host {action.host!r}", f"{path}.{name}.host")


def _handlers(c: Container) -> Iterator[tuple[str, Handler]]:
    for path, handler in (
        ("livenessProbe", c.liveness_probe),
        ("readinessProbe", c.readiness_probe),
        ("startupProbe", c.startup_probe),
        ("lifecycle.postStart", c.lifecycle.post_start),
        ("lifecycle.preStop", c.lifecycle.pre_stop),
    ):
        if handler is not None:
            yield path, handler


def _actions(handler: Handler) -> Iterator[tuple[str, NetworkAction]]:
    if handler.http_get is not None:
        yield "httpGet", handler.http_get
    if handler.tcp_socket is not None:
        yield "tcpSocket", handler.tcp_socket
