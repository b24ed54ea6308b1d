"""OpenShift's security context constraints: what they let pods ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.openshift import OpenShiftApiServer, SecurityContextConstraints
    from seawall.model.kube.rbac import RoleBinding
    from seawall.model.rule import Context

_SCC = "https://docs.openshift.com/container-platform/latest/authentication/managing-security-context-constraints.html"
#: Made by OpenShift itself; what counts is who is given them.
_BUILT_IN = frozenset(
    [
        "anyuid",
        "hostaccess",
        "hostmount-anyuid",
        "hostmount-anyuid-v2",
        "hostnetwork",
        "hostnetwork-v2",
        "insights-runtime-extractor-scc",
        "machine-api-termination-handler",
        "node-exporter",
        "nonroot",
        "nonroot-v2",
        "privileged",
        "privileged-genevalogging",
        "restricted",
        "restricted-v2",
        "restricted-v3",
    ]
)
_EVERYONE = frozenset(("system:authenticated", "system:unauthenticated", "system:serviceaccounts"))


def _built_in(scc: SecurityContextConstraints) -> bool:
    return scc.metadata.name in _BUILT_IN


@rule(
    "scc-privileged",
    title="Constraint that admits privileged containers",
    severity=Severity.HIGH,
    scope=Scope.ADMISSION,
    on="SecurityContextConstraints",
    why="Whoever may use it runs privileged containers, and so owns the nodes.",
    remediation="Set allowPrivilegedContainer to false, and allow the single capability that is needed.",
    controls="mitre-attack:T1611",
    aliases="kube-linter:scc-deny-privileged-container",
    references=(_SCC,),
    notes="The constraints that OpenShift makes itself are left out.",
)
def scc_privileged(scc: SecurityContextConstraints, ctx: Context) -> Hits:
    if scc.allow_privileged_container and not _built_in(scc):
        yield Hit("privileged containers are admitted", "allowPrivilegedContainer")


@rule(
    "scc-any-user",
    title="Constraint that admits containers of any user",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on="SecurityContextConstraints",
    why="Whoever may use it runs containers as root, from where more of the kernel can be attacked.",
    remediation="Set runAsUser.type to MustRunAsRange or MustRunAsNonRoot.",
    controls="mitre-attack:T1611",
    aliases="kyverno:disallow-security-context-constraint-anyuid",
    references=(_SCC,),
    notes="The constraints that OpenShift makes itself are left out.",
)
def scc_any_user(scc: SecurityContextConstraints, ctx: Context) -> Hits:
    if scc.run_as_user.type == "RunAsAny" and not _built_in(scc):
        yield Hit("containers of any user are admitted", "runAsUser.type")


@rule(
    "scc-any-selinux-context",
    title="Constraint that admits any SELinux context",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on="SecurityContextConstraints",
    why="Whoever may use it picks a type such as spc_t, which lifts the confinement that separates containers from the "
    "node and from each other.",
    remediation="Set seLinuxContext.type to MustRunAs.",
    controls="mitre-attack:T1611",
    references=(_SCC,),
    notes="The constraints that OpenShift makes itself are left out.",
)
def scc_any_selinux_context(scc: SecurityContextConstraints, ctx: Context) -> Hits:
    if scc.se_linux_context.type == "RunAsAny" and not _built_in(scc):
        yield Hit("any SELinux context is admitted", "seLinuxContext.type")


@rule(
    "scc-host-access",
    title="Constraint that admits pods into the node",
    severity=Severity.HIGH,
    scope=Scope.ADMISSION,
    on="SecurityContextConstraints",
    why="Whoever may use it shares the node's processes, memory, network or files: a short way to owning it.",
    remediation="Set the field to false.",
    controls="mitre-attack:T1611",
    references=(_SCC,),
    notes="Ports of the node are told as low. The constraints that OpenShift makes itself are left out.",
)
def scc_host_access(scc: SecurityContextConstraints, ctx: Context) -> Hits:
    if _built_in(scc):
        return
    for field, allowed, what in (
        ("allowHostPID", scc.allow_host_pid, "the node's processes"),
        ("allowHostIPC", scc.allow_host_ipc, "the node's shared memory"),
        ("allowHostNetwork", scc.allow_host_network, "the node's network"),
        ("allowHostDirVolumePlugin", scc.allow_host_dir_volume_plugin, "paths of the node"),
        ("allowHostPorts", scc.allow_host_ports, "ports of the node"),
    ):
        if allowed:
            severity = Severity.LOW if field == "allowHostPorts" else None
            yield Hit(f"pods may use {what}", field, severity=severity)


@rule(
    "scc-any-capability",
    title="Constraint that admits every capability",
    severity=Severity.HIGH,
    scope=Scope.ADMISSION,
    on="SecurityContextConstraints",
    why="With every capability a container is all but privileged.",
    remediation="List the capabilities that are needed in allowedCapabilities.",
    controls="mitre-attack:T1611",
    references=(_SCC,),
    notes="The constraints that OpenShift makes itself are left out.",
)
def scc_any_capability(scc: SecurityContextConstraints, ctx: Context) -> Hits:
    for i, capability in numbered(scc.allowed_capabilities or ()):
        if capability in ("*", "ALL", "SYS_ADMIN") and not _built_in(scc):
            yield Hit(f"containers may add {capability}", f"allowedCapabilities[{i}]")


@rule(
    "scc-for-everyone",
    title="Wide constraint given to everyone",
    severity=Severity.CRITICAL,
    scope=Scope.ADMISSION,
    on="SecurityContextConstraints",
    why="Every user, or every service account, of the cluster may make pods that own the nodes.",
    remediation="Remove the group, and grant the constraint to the one service account that needs it by a Role.",
    controls="mitre-attack:T1611 mitre-attack:T1078",
    references=(_SCC,),
    notes="Judged for constraints that admit privileged containers, any user, the node's namespaces or its paths.",
)
def scc_for_everyone(scc: SecurityContextConstraints, ctx: Context) -> Hits:
    wide = scc.allow_privileged_container or scc.allow_host_pid or scc.allow_host_dir_volume_plugin
    if not (wide or scc.allow_host_network or scc.run_as_user.type == "RunAsAny"):
        return
    for i, group in numbered(scc.groups or ()):
        if group in _EVERYONE:
            yield Hit(f"the constraint is given to {group}", f"groups[{i}]")


@rule(
    "openshift-etcd-unencrypted",
    title="OpenShift keeps its Secrets in clear",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="OpenShiftAPIServer",
    why="Whoever gets hold of etcd's disk, or a backup of it, reads every Secret of the cluster.",
    remediation="Set spec.encryption.type to aesgcm or aescbc.",
    controls="mitre-attack:T1552 nsa-cisa:secrets",
    aliases="kyverno:enforce-etcd-encryption",
    references=("https://docs.openshift.com/container-platform/latest/security/encrypting-etcd.html",),
)
def openshift_etcd_unencrypted(server: OpenShiftApiServer, ctx: Context) -> Hits:
    if server.spec.encryption.type in ("", "identity"):
        yield Hit("Secrets are stored in clear", "spec.encryption.type")


@rule(
    "openshift-self-provisioner",
    title="Everyone may make projects",
    severity=Severity.LOW,
    scope=Scope.RBAC,
    on="ClusterRoleBinding",
    why="Whoever logs in makes namespaces, and is their administrator, where no quota or policy was set up.",
    remediation="Remove the binding of self-provisioner to system:authenticated:oauth.",
    controls="mitre-attack:T1078",
    aliases="kyverno:disallow-self-provisioner-binding",
    references=(
        "https://docs.openshift.com/container-platform/latest/applications/projects/configuring-project-creation.html",
    ),
    default=False,
)
def openshift_self_provisioner(binding: RoleBinding, ctx: Context) -> Hits:
    if binding.role_ref.name == "self-provisioner":
        for i, subject in numbered(binding.subjects):
            if subject.name.startswith("system:authenticated"):
                yield Hit(f"{subject.name} may make projects", f"subjects[{i}].name")
