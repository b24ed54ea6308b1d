"""PodSecurityPolicies: what they let pods have, up to Kubernetes 1.24, the last version that knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.components import PodSecurityPolicy
    from seawall.model.rule import Context

_POLICIES = "https://v1-24.docs.kubernetes.io/docs/concepts/security/pod-security-policy/"
_LETS = "Whoever may use the policy may create pods with it"
_SECCOMP: tuple[str, ...] = ("metadata", "annotations", "seccomp.security.alpha.kubernetes.io/defaultProfileName")
_CONTROLS = "mitre-attack:T1611 nsa-cisa:pod-security"
_UNTIL = "1.25"


@rule(
    "psp-privileged",
    title="PodSecurityPolicy lets containers run privileged",
    severity=Severity.HIGH,
    scope=Scope.ADMISSION,
    on="PodSecurityPolicy",
    why=f"{_LETS}, and a privileged container owns the node.",
    remediation="Set spec.privileged to false.",
    controls=f"cis:5.2.2 {_CONTROLS}",
    aliases="CKV_K8S_2 C-0068",
    references=(_POLICIES,),
    until=_UNTIL,
)
def psp_privileged(policy: PodSecurityPolicy, ctx: Context) -> Hits:
    if policy.spec.privileged:
        yield Hit("the policy lets containers run privileged", "spec.privileged")


@rule(
    "psp-host-pid",
    title="PodSecurityPolicy lets pods see the node's processes",
    severity=Severity.HIGH,
    scope=Scope.ADMISSION,
    on="PodSecurityPolicy",
    why=f"{_LETS} that see and signal every process of the node and read its memory.",
    remediation="Set spec.hostPID to false.",
    controls=f"cis:5.2.3 {_CONTROLS}",
    aliases="CKV_K8S_1",
    references=(_POLICIES,),
    until=_UNTIL,
)
def psp_host_pid(policy: PodSecurityPolicy, ctx: Context) -> Hits:
    if policy.spec.host_pid:
        yield Hit("the policy lets pods see the node's processes", "spec.hostPID")


@rule(
    "psp-host-ipc",
    title="PodSecurityPolicy lets pods share the node's memory",
    severity=Severity.HIGH,
    scope=Scope.ADMISSION,
    on="PodSecurityPolicy",
    why=f"{_LETS} that read and change what processes of the node share.",
    remediation="Set spec.hostIPC to false.",
    controls=f"cis:5.2.4 {_CONTROLS}",
    aliases="CKV_K8S_3",
    references=(_POLICIES,),
    until=_UNTIL,
)
def psp_host_ipc(policy: PodSecurityPolicy, ctx: Context) -> Hits:
    if policy.spec.host_ipc:
        yield Hit("the policy lets pods share memory with the node", "spec.hostIPC")


@rule(
    "psp-host-network",
    title="PodSecurityPolicy lets pods into the node's network",
    severity=Severity.HIGH,
    scope=Scope.ADMISSION,
    on="PodSecurityPolicy",
    why=f"{_LETS} that no network policy holds and that reach what listens on the node's loopback address.",
    remediation="Set spec.hostNetwork to false.",
    controls=f"cis:5.2.5 {_CONTROLS}",
    aliases="CKV_K8S_4",
    references=(_POLICIES,),
    until=_UNTIL,
)
def psp_host_network(policy: PodSecurityPolicy, ctx: Context) -> Hits:
    if policy.spec.host_network:
        yield Hit("the policy lets pods into the node's network", "spec.hostNetwork")


@rule(
    "psp-privilege-escalation",
    title="PodSecurityPolicy lets containers gain privileges",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on="PodSecurityPolicy",
    why=f"{_LETS} in which a setuid program makes any process root.",
    remediation="Set spec.allowPrivilegeEscalation to false.",
    controls=f"cis:5.2.6 {_CONTROLS}",
    aliases="CKV_K8S_5",
    references=(_POLICIES,),
    until=_UNTIL,
    notes="On by default.",
)
def psp_privilege_escalation(policy: PodSecurityPolicy, ctx: Context) -> Hits:
    if policy.spec.allow_privilege_escalation is not False:
        yield Hit("the policy lets containers gain privileges", "spec.allowPrivilegeEscalation")


@rule(
    "psp-root",
    title="PodSecurityPolicy lets containers run as root",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on="PodSecurityPolicy",
    why=f"{_LETS} whose root is root on the node as soon as one wall of the container breaks.",
    remediation="Set spec.runAsUser.rule to MustRunAsNonRoot, or to MustRunAs with ranges above 0.",
    controls=f"cis:5.2.7 {_CONTROLS}",
    aliases="CKV_K8S_6",
    references=(_POLICIES,),
    until=_UNTIL,
)
def psp_root(policy: PodSecurityPolicy, ctx: Context) -> Hits:
    user = policy.spec.run_as_user
    held = user.rule == "MustRunAs" and all(each.min > 0 for each in user.ranges)
    if user.rule != "MustRunAsNonRoot" and not held:
        yield Hit("the policy lets containers run as root", "spec.runAsUser.rule")


@rule(
    "psp-net-raw",
    title="PodSecurityPolicy leaves containers NET_RAW",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on="PodSecurityPolicy",
    why=f"{_LETS} that forge packets and so take in the traffic of their neighbours.",
    remediation="Add NET_RAW or ALL to spec.requiredDropCapabilities.",
    controls="cis:5.2.8 mitre-attack:T1557 nsa-cisa:pod-security",
    aliases="CKV_K8S_7",
    references=(_POLICIES,),
    until=_UNTIL,
)
def psp_net_raw(policy: PodSecurityPolicy, ctx: Context) -> Hits:
    if not {"ALL", "NET_RAW"}.intersection(policy.spec.required_drop_capabilities):
        yield Hit("the policy does not take NET_RAW away", "spec.requiredDropCapabilities")


@rule(
    "psp-added-capabilities",
    title="PodSecurityPolicy lets containers add capabilities",
    severity=Severity.MEDIUM,
    scope=Scope.ADMISSION,
    on="PodSecurityPolicy",
    why=f"{_LETS} that have parts of root's power over the kernel; several of them are known ways out of a container.",
    remediation="Remove spec.allowedCapabilities.",
    controls=f"cis8-11:5.2.9 {_CONTROLS}",
    aliases="CKV_K8S_24",
    references=(_POLICIES,),
    until=_UNTIL,
)
def psp_added_capabilities(policy: PodSecurityPolicy, ctx: Context) -> Hits:
    if policy.spec.allowed_capabilities:
        allowed = ", ".join(policy.spec.allowed_capabilities)
        yield Hit(f"the policy lets containers add {allowed}", "spec.allowedCapabilities")


@rule(
    "psp-kept-capabilities",
    title="PodSecurityPolicy takes no capabilities away",
    severity=Severity.LOW,
    scope=Scope.ADMISSION,
    on="PodSecurityPolicy",
    why="The runtime gives every container a set of root's powers that hardly a program needs.",
    remediation="Set spec.requiredDropCapabilities to [ALL].",
    controls="cis8-11:5.2.10 cis12:5.2.9 mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="CKV_K8S_36",
    references=(_POLICIES,),
    until=_UNTIL,
)
def psp_kept_capabilities(policy: PodSecurityPolicy, ctx: Context) -> Hits:
    if not policy.spec.required_drop_capabilities:
        yield Hit("the policy takes no capabilities away", "spec.requiredDropCapabilities")


@rule(
    "psp-seccomp",
    title="PodSecurityPolicy sets no seccomp profile",
    severity=Severity.LOW,
    scope=Scope.ADMISSION,
    on="PodSecurityPolicy",
    why="Containers of the policy may make every kernel call unless their pod says otherwise.",
    remediation=f"Set the annotation {_SECCOMP[-1]} to runtime/default.",
    controls="cis8-10:5.7.2 cis11-12:5.6.2 mitre-attack:T1611",
    aliases="CKV_K8S_32",
    references=(_POLICIES,),
    until=_UNTIL,
)
def psp_seccomp(policy: PodSecurityPolicy, ctx: Context) -> Hits:
    if policy.metadata.annotations.get(_SECCOMP[-1]) not in ("runtime/default", "docker/default"):
        yield Hit("the policy sets no seccomp profile of the runtime", _SECCOMP)
