"""Capabilities by name: what each of root's powers is good for in the wrong hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.picks import asks_for_more, sees_others
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import Container
    from seawall.model.rule import Context

_CONTEXT = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/"
_MANUAL = "https://man7.org/linux/man-pages/man7/capabilities.7.html"
_REFERENCES = (_CONTEXT, _MANUAL)
_CONTROLS = "cis8-11:5.2.9 mitre-attack:T1611 nsa-cisa:pod-security"

#: Every capability that Linux knows (capabilities(7), up to 5.9), and ALL.
_NAMES = """
ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH
FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE
NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE
SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM
"""
_KNOWN = frozenset(_NAMES.split())


def _adds_any(c: Container) -> object:
    return c.security_context.capabilities.add


def _adds(c: Container, *names: str) -> Hits:
    """A hit for each of these capabilities that a container adds, in any spelling that a runtime takes."""
    for i, capability in numbered(c.security_context.capabilities.add):
        if capability.upper().removeprefix("CAP_") in names:
            yield Hit(f"container {c.name!r} adds {capability}", f"securityContext.capabilities.add[{i}]")


@rule(
    "sys-module-capability",
    title="Capability SYS_MODULE added",
    severity=Severity.CRITICAL,
    scope=Scope.WORKLOAD,
    on="container",
    why="SYS_MODULE loads code into the node's kernel: whoever runs code in the container owns the node.",
    remediation="Remove SYS_MODULE; load modules on the node, before the kubelet starts.",
    controls=_CONTROLS,
    aliases="KSV-0120 C-0046",
    references=_REFERENCES,
    when=_adds_any,
)
def sys_module_capability(c: Container, ctx: Context) -> Hits:
    yield from _adds(c, "SYS_MODULE")


@rule(
    "sys-rawio-capability",
    title="Capability SYS_RAWIO added",
    severity=Severity.CRITICAL,
    scope=Scope.WORKLOAD,
    on="container",
    why="SYS_RAWIO reaches the machine's ports, memory and disks below the kernel: with a device at hand an attacker "
    "reads and changes whatever the node holds.",
    remediation="Remove SYS_RAWIO; give hardware to pods by a device plugin.",
    controls=_CONTROLS,
    aliases="C-0046",
    references=_REFERENCES,
    when=_adds_any,
)
def sys_rawio_capability(c: Container, ctx: Context) -> Hits:
    yield from _adds(c, "SYS_RAWIO")


@rule(
    "sys-ptrace-capability",
    title="Capability SYS_PTRACE added",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="SYS_PTRACE reads and writes the memory of every process in sight. With hostPID, or a shared process "
    "namespace, an attacker puts code into processes outside the container.",
    remediation="Remove SYS_PTRACE; debug with an ephemeral container for as long as it takes.",
    controls=f"{_CONTROLS} mitre-attack:T1055",
    aliases="C-0046",
    references=_REFERENCES,
    notes="Medium where the container sees no processes but its own.",
    when=_adds_any,
)
def sys_ptrace_capability(c: Container, ctx: Context) -> Hits:
    severity = None if sees_others(ctx.pod) else Severity.MEDIUM
    for hit in _adds(c, "SYS_PTRACE"):
        yield Hit(hit.message, hit.path, severity=severity)


@rule(
    "dac-read-search-capability",
    title="Capability DAC_READ_SEARCH added",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="DAC_READ_SEARCH opens files by handle, past the container's own root: an attacker reads any file of the "
    "node, keys and tokens among them (the way out known as Shocker).",
    remediation="Remove DAC_READ_SEARCH.",
    controls=_CONTROLS,
    aliases="C-0046",
    references=_REFERENCES,
    when=_adds_any,
)
def dac_read_search_capability(c: Container, ctx: Context) -> Hits:
    yield from _adds(c, "DAC_READ_SEARCH")


@rule(
    "bpf-capability",
    title="Capability to load kernel programs added",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="BPF and PERFMON load programs into the kernel that see every process, file and packet of the node: an "
    "attacker reads other pods' secrets, and hides.",
    remediation="Remove BPF and PERFMON except for the agent whose purpose is to trace, and keep that one in a "
    "namespace of its own.",
    controls=f"{_CONTROLS} mitre-attack:T1014",
    aliases="C-0046",
    references=_REFERENCES,
    when=_adds_any,
)
def bpf_capability(c: Container, ctx: Context) -> Hits:
    yield from _adds(c, "BPF", "PERFMON")


@rule(
    "net-admin-capability",
    title="Capability NET_ADMIN added",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="NET_ADMIN changes addresses, routes and firewall rules: an attacker steers the pod's traffic, or with "
    "hostNetwork the node's, and has more of the kernel to attack.",
    remediation="Remove NET_ADMIN; leave the network's set-up to the network plugin.",
    controls=f"{_CONTROLS} mitre-attack:T1557",
    aliases="C-0046",
    references=_REFERENCES,
    notes="High where the pod shares the node's network.",
    when=_adds_any,
)
def net_admin_capability(c: Container, ctx: Context) -> Hits:
    severity = Severity.HIGH if ctx.pod.spec.host_network else None
    for hit in _adds(c, "NET_ADMIN"):
        yield Hit(hit.message, hit.path, severity=severity)


@rule(
    "net-raw-capability",
    title="Capability NET_RAW added",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="NET_RAW forges packets: an attacker answers for other pods' addresses on the node's network and takes in "
    "what is meant for them, such as name lookups.",
    remediation="Remove NET_RAW; for ping set the sysctl net.ipv4.ping_group_range.",
    controls="cis:5.2.8 mitre-attack:T1557",
    aliases="KSV-0119 C-0046",
    references=(*_REFERENCES, "https://blog.aquasec.com/dns-spoofing-kubernetes-clusters"),
    notes="Runtimes give NET_RAW unless it is dropped; net-raw-not-dropped tells of that.",
    when=_adds_any,
)
def net_raw_capability(c: Container, ctx: Context) -> Hits:
    yield from _adds(c, "NET_RAW")


@rule(
    "mac-capability",
    title="Capability to change mandatory access control added",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="MAC_ADMIN and MAC_OVERRIDE change or pass over the profiles that confine programs: an attacker switches off "
    "the wall that is left.",
    remediation="Remove MAC_ADMIN and MAC_OVERRIDE; load profiles on the node.",
    controls=f"{_CONTROLS} mitre-attack:T1562.001",
    aliases="C-0046",
    references=_REFERENCES,
    when=_adds_any,
)
def mac_capability(c: Container, ctx: Context) -> Hits:
    yield from _adds(c, "MAC_ADMIN", "MAC_OVERRIDE")


@rule(
    "node-state-capability",
    title="Capability to set the node's clock or restart it added",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="The clock is the whole node's, and so is a restart: an attacker makes old certificates and tokens valid "
    "again, confuses logs, or takes the node down.",
    remediation="Remove SYS_TIME and SYS_BOOT; keep time by a service of the node.",
    controls="cis8-11:5.2.9 mitre-attack:T1499 mitre-attack:T1070.006",
    aliases="C-0046",
    references=_REFERENCES,
    when=_adds_any,
)
def node_state_capability(c: Container, ctx: Context) -> Hits:
    yield from _adds(c, "SYS_TIME", "SYS_BOOT")


@rule(
    "syslog-capability",
    title="Capability SYSLOG added",
    severity=Severity.MEDIUM,
    scope=Scope.WORKLOAD,
    on="container",
    why="SYSLOG reads the kernel's log and its addresses, with which an attacker aims at a hole in the kernel.",
    remediation="Remove SYSLOG; read the kernel's log on the node.",
    controls="cis8-11:5.2.9 mitre-attack:T1082",
    aliases="C-0046",
    references=_REFERENCES,
    when=_adds_any,
)
def syslog_capability(c: Container, ctx: Context) -> Hits:
    yield from _adds(c, "SYSLOG")


@rule(
    "capability-name",
    title="Capability name that no runtime takes",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="container",
    why="A misspelt capability is not dropped, though the manifest looks as if it were, and admission that compares "
    "names, as the Pod Security Standards do, does not count it.",
    remediation="Write the name in capitals and without CAP_, for example NET_RAW.",
    references=_REFERENCES,
    when=asks_for_more,
)
def capability_name(c: Container, ctx: Context) -> Hits:
    capabilities = c.security_context.capabilities
    if not _KNOWN.issuperset(capabilities.drop):
        for i, name in numbered(capabilities.drop):
            if name not in _KNOWN:
                yield Hit(f"container {c.name!r} drops {name!r}", f"securityContext.capabilities.drop[{i}]")
    if not _KNOWN.issuperset(capabilities.add):
        for i, name in numbered(capabilities.add):
            if name not in _KNOWN:
                yield Hit(f"container {c.name!r} adds {name!r}", f"securityContext.capabilities.add[{i}]")
