"""Kubelet and kube-proxy: how they keep the node, and what they let pods do to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.flags import CONFIG_REFERENCE, REFERENCE, at_flag, seconds, version_of
from seawall.analysis.posture.kubelet import FIELDS, KUBELET, Kubelet, Source, setting
from seawall.model.finding import Severity
from seawall.model.programs import Program
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.components import KubeProxyConfiguration
    from seawall.model.rule import Context

_KUBELET = f"{REFERENCE}kubelet/"
_PROXY = f"{REFERENCE}kube-proxy/"
_BOTH = "A flag beats the file; with --config an absent flag is left to the KubeletConfiguration."
_PROXY_TARGETS = "kube-proxy KubeProxyConfiguration"

_IDLE = "streaming-connection-idle-timeout"
_PROTECT = Source("protect-kernel-defaults", "protectKernelDefaults", lambda k: k.protect_kernel_defaults, False, False)
_CHAINS = Source(
    "make-iptables-util-chains", "makeIPTablesUtilChains", lambda k: k.make_iptables_util_chains, True, True
)
_EVENTS = Source("event-qps", "eventRecordQPS", lambda k: k.event_record_qps, 50, 50)
_PIDS = Source("pod-max-pids", "podPidsLimit", lambda k: k.pod_pids_limit, -1, -1)
_SECCOMP = Source("seccomp-default", "seccompDefault", lambda k: k.seccomp_default, False, False)
_SYSCTLS = Source("allowed-unsafe-sysctls", "allowedUnsafeSysctls", lambda k: k.allowed_unsafe_sysctls, (), ())
_MANIFESTS = Source("manifest-url", "staticPodURL", lambda k: k.static_pod_url, "", "")


@rule(
    "kubelet-idle-timeout",
    title="Idle sessions into pods never end",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on="kubelet",
    why="A forgotten kubectl exec or port-forward stays open for whoever comes upon the terminal, and many of them "
    "use up the node's connections.",
    remediation="Remove --streaming-connection-idle-timeout (four hours), or set it to a few hours at most.",
    controls="cis:4.2.5",
    aliases="KCV-0085 CKV_K8S_143 C-0176 prowler:kubelet_streaming_connection_timeout",
    references=(_KUBELET, FIELDS),
    notes="Four hours by default; 0 means never as a flag, and the default in a KubeletConfiguration, where kubeadm "
    "writes it.",
)
def kubelet_idle_timeout(kubelet: Program, ctx: Context) -> Hits:
    if seconds(kubelet.text(_IDLE, "4h")) == 0:
        yield at_flag(kubelet, _IDLE, "idle sessions into pods are never closed")


@rule(
    "kubelet-protect-kernel-defaults",
    title="Kubelet changes kernel settings of the node",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on=KUBELET,
    why="Settings that the node was hardened with are silently set back, instead of the kubelet refusing to start.",
    remediation="Set the kernel parameters that the kubelet expects and protectKernelDefaults to true.",
    aliases="KCV-0083 CKV_K8S_144 C-0177",
    references=(_KUBELET, FIELDS),
    default=False,
    notes=f"Off by default. {_BOTH}",
)
def kubelet_protect_kernel_defaults(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _PROTECT)
    if found is not None and not found.value:
        yield Hit("the kubelet changes kernel settings that are not as it expects", found.path)


@rule(
    "kubelet-iptables-chains",
    title="Kubelet leaves its iptables rules out",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on=KUBELET,
    why="The chains also drop packets that reach the node's loopback services from outside; without them these are "
    "open to the network (CVE-2020-8558).",
    remediation="Remove makeIPTablesUtilChains: false (--make-iptables-util-chains=false).",
    controls="cis:4.2.6",
    aliases="KCV-0084 CKV_K8S_145 C-0178 prowler:kubelet_manage_iptables",
    references=(_KUBELET, FIELDS),
    notes=f"On by default. {_BOTH}",
)
def kubelet_iptables_chains(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _CHAINS)
    if found is not None and not found.value:
        yield Hit("the kubelet does not keep its iptables rules", found.path)


@rule(
    "kubelet-hostname-override",
    title="Node given another name than its own",
    severity=Severity.INFO,
    scope=Scope.NODE,
    on="kubelet",
    why="A name that is not the machine's breaks the check of certificates between the API server and the node, and "
    "log entries no longer lead to the machine.",
    remediation="Remove --hostname-override, unless the cloud provider asks for it.",
    controls="cis:4.2.7",
    aliases="KCV-0086 CKV_K8S_146 C-0179",
    references=(_KUBELET,),
    default=False,
)
def kubelet_hostname_override(kubelet: Program, ctx: Context) -> Hits:
    if kubelet.get("hostname-override") is not None:
        yield at_flag(kubelet, "hostname-override", "the node is given another name than its own")


@rule(
    "kubelet-event-rate",
    title="Kubelet drops events",
    severity=Severity.INFO,
    scope=Scope.NODE,
    on=KUBELET,
    why="Events are what tells of pods that are killed, fail to start or are thrown out; an attack that makes many "
    "loses the rest.",
    remediation="Remove eventRecordQPS (--event-qps), or set it to the default of the version or more.",
    controls="cis:4.2.8",
    aliases="KCV-0087 C-0180 prowler:kubelet_event_record_qps",
    references=(_KUBELET, FIELDS),
    default=False,
    notes="Judged where the rate is below the default: 50 a second since Kubernetes 1.27, 5 before; 0 sets no limit.",
)
def kubelet_event_rate(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _EVENTS)
    if found is not None and 0 < found.value < _usual_events(subject, ctx):
        yield Hit(f"the kubelet tells {found.value} events a second and drops the rest", found.path)


def _usual_events(subject: Kubelet, ctx: Context) -> int:
    version = version_of(subject, ctx) if isinstance(subject, Program) else ctx.version
    return 50 if version >= (1, 27) else 5


@rule(
    "kubelet-event-flood",
    title="Kubelet may send more events than usual",
    severity=Severity.INFO,
    scope=Scope.NODE,
    on=KUBELET,
    why="A pod that fails in a loop has its node fill the API server and etcd with events, and with nodes enough that "
    "holds up everyone else.",
    remediation="Remove eventRecordQPS (--event-qps), unless the API server is known to bear the rate.",
    controls="mitre-attack:T1499",
    aliases="CKV_K8S_147",
    references=(_KUBELET, FIELDS),
    default=False,
    notes="Judged where the rate is above the default: 50 a second since Kubernetes 1.27, 5 before. 0, which sets no "
    "limit, passes: the CIS benchmarks allow it.",
)
def kubelet_event_flood(subject: Kubelet, ctx: Context) -> Hits:
    usual = _usual_events(subject, ctx)
    found = setting(subject, _EVENTS)
    if found is not None and found.value > usual and _is_given(subject):
        yield Hit(f"the kubelet may send {found.value} events a second, {usual} being usual", found.path)


def _is_given(subject: Kubelet) -> bool:
    """Whether the rate was chosen; the default that stands for an absent one is that of the newest version."""
    return (
        subject.get(_EVENTS.flag) is not None if isinstance(subject, Program) else subject.event_record_qps is not None
    )


@rule(
    "kubelet-pid-limit",
    title="Pods may use up the node's processes",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on=KUBELET,
    why="One pod that starts processes without end brings the whole node down, every other pod on it included.",
    remediation="Set podPidsLimit (--pod-max-pids), for example to 4096.",
    controls="cis:4.2.13 mitre-attack:T1499",
    aliases="C-0284",
    references=("https://kubernetes.io/docs/concepts/policy/pid-limiting/", FIELDS),
    notes=f"No limit by default. {_BOTH}",
)
def kubelet_pid_limit(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _PIDS)
    if found is not None and found.value <= 0:
        yield Hit("pods may start any number of processes", found.path)


@rule(
    "kubelet-seccomp-default",
    title="Pods without a seccomp profile run unconfined",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on=KUBELET,
    why="A container that names no profile may make every kernel call, and many ways out of a container begin with one "
    "that the runtime's profile blocks.",
    remediation="Set seccompDefault to true (--seccomp-default).",
    controls="cis11-12:4.2.14 mitre-attack:T1611",
    references=("https://kubernetes.io/docs/tutorials/security/seccomp/", FIELDS),
    since="1.25",
    default=False,
    notes=f"Off by default. {_BOTH}",
)
def kubelet_seccomp_default(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _SECCOMP)
    if found is not None and not found.value:
        yield Hit("containers without a seccomp profile are unconfined", found.path)


@rule(
    "kubelet-unsafe-sysctls",
    title="Node lets pods set unsafe kernel parameters",
    severity=Severity.MEDIUM,
    scope=Scope.NODE,
    on=KUBELET,
    why="Pods that no admission holds may change parameters that act on the whole node and on other pods; some lead to "
    "code execution on it.",
    remediation="Remove allowedUnsafeSysctls, or keep it to nodes that take only the pods that need it.",
    controls="mitre-attack:T1611",
    references=("https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/", FIELDS),
)
def kubelet_unsafe_sysctls(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _SYSCTLS)
    if found is not None and found.value:
        yield Hit(f"pods may set {', '.join(found.value)}", found.path)


@rule(
    "kubelet-manifest-url",
    title="Kubelet fetches pods in clear",
    severity=Severity.HIGH,
    scope=Scope.NODE,
    on=KUBELET,
    why="The kubelet runs whatever pod the address gives it, past admission: whoever is on the way runs privileged "
    "containers on the node.",
    remediation="Remove staticPodURL (--manifest-url), or use an https:// address.",
    controls="mitre-attack:T1557 mitre-attack:T1610",
    references=("https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/", FIELDS),
)
def kubelet_manifest_url(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _MANIFESTS)
    if found is not None and found.value.lower().startswith("http://"):
        yield Hit("static pods are fetched in clear", found.path, secret="@" in found.value)


@rule(
    "kube-proxy-metrics-address",
    title="kube-proxy's metrics open to everyone",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on=_PROXY_TARGETS,
    why="The port tells about the node's services and serves profiles and settings without a login.",
    remediation="Set metricsBindAddress (--metrics-bind-address) to 127.0.0.1:10249.",
    controls="cis9-12:4.3.1 mitre-attack:T1046",
    aliases="C-0291",
    references=(_PROXY, CONFIG_REFERENCE),
    notes="127.0.0.1:10249 by default. With --config the flag has no effect; then the KubeProxyConfiguration is "
    "judged.",
)
def kube_proxy_metrics_address(subject: Program | KubeProxyConfiguration, ctx: Context) -> Hits:
    if isinstance(subject, Program):
        name = "metrics-bind-address"
        address = "" if subject.has_config else subject.text(name)
        if address and "$" not in address and not _is_loopback(address):
            yield at_flag(subject, name, f"metrics are served on {address}")
    elif subject.metrics_bind_address and not _is_loopback(subject.metrics_bind_address):
        yield Hit(f"metrics are served on {subject.metrics_bind_address}", "metricsBindAddress")


def _is_loopback(address: str) -> bool:
    return address.startswith(("127.", "localhost", "[::1]")) or address == "::1"


@rule(
    "kube-proxy-profiling",
    title="kube-proxy offers profiles",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on=_PROXY_TARGETS,
    why="Profiles tell about the program's inner state, and making them costs so much time that they serve to slow the "
    "node's services down.",
    remediation="Remove enableProfiling: true (--profiling).",
    references=(_PROXY, CONFIG_REFERENCE),
    notes="Off by default.",
)
def kube_proxy_profiling(subject: Program | KubeProxyConfiguration, ctx: Context) -> Hits:
    message = "kube-proxy offers profiles of itself"
    if isinstance(subject, Program):
        if not subject.has_config and subject.switch("profiling", False):
            yield at_flag(subject, "profiling", message)
    elif subject.enable_profiling:
        yield Hit(message, "enableProfiling")


@rule(
    "join-without-ca-check",
    title="Joining node does not check the API server",
    severity=Severity.HIGH,
    scope=Scope.NODE,
    on="JoinConfiguration",
    why="Whoever plays the API server while a node joins is given its token and sends it the configuration of his "
    "choice.",
    remediation="Set discovery.bootstrapToken.caCertHashes and remove unsafeSkipCAVerification.",
    controls="mitre-attack:T1557",
    references=("https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-join/",),
)
def join_without_ca_check(config: Kubelet, ctx: Context) -> Hits:
    token = config.discovery.bootstrap_token
    if token is not None and token.unsafe_skip_ca_verification:
        yield Hit("the CA of the API server is not checked", "discovery.bootstrapToken.unsafeSkipCAVerification")
