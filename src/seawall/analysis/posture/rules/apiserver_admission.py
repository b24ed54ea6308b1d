"""API server: the admission plugins that stand between an allowed request and the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.flags import at_flag, version_of
from seawall.model.finding import Severity
from seawall.model.programs import Program
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.components import AdmissionConfiguration
    from seawall.model.rule import Context

_PLUGINS = "https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/"


def _enabled(server: Program) -> list[str]:
    return [*server.items("enable-admission-plugins"), *server.items("admission-control")]


def _not_enabled(server: Program, plugin: str) -> Hits:
    """A hit where a plugin that is off by default was not switched on."""
    if plugin not in _enabled(server):
        yield at_flag(server, "enable-admission-plugins", f"the admission plugin {plugin} is not switched on")


def _disabled(server: Program, plugin: str, ctx: Context) -> Hits:
    """A hit where a plugin that is on by default, since Kubernetes 1.10, was switched off."""
    if version_of(server, ctx) < (1, 10):
        yield from _not_enabled(server, plugin)
    elif plugin in server.items("disable-admission-plugins"):
        yield at_flag(server, "disable-admission-plugins", f"the admission plugin {plugin} is switched off")


@rule(
    "apiserver-event-rate-limit",
    title="Events are not limited",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver AdmissionConfiguration",
    why="One workload that fails in a loop, or an attacker who makes it, fills etcd with events and slows the API "
    "server for all.",
    remediation="Switch on the admission plugin EventRateLimit and give it limits in an AdmissionConfiguration.",
    controls="cis:1.2.9 mitre-attack:T1499",
    aliases="KCV-0010 CKV_K8S_78 C-0121 prowler:apiserver_event_rate_limit",
    references=(f"{_PLUGINS}#eventratelimit",),
    default=False,
)
def apiserver_event_rate_limit(subject: Program | AdmissionConfiguration, ctx: Context) -> Hits:
    if isinstance(subject, Program):
        yield from _not_enabled(subject, "EventRateLimit")
    elif "EventRateLimit" not in [plugin.name for plugin in subject.plugins]:
        yield Hit("the admission plugin EventRateLimit is given no limits", "plugins")


@rule(
    "apiserver-always-admit",
    title="Admission plugin AlwaysAdmit switched on",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="The plugin stands for admitting everything; it is there for tests, and whoever turned it on may have turned "
    "the others off.",
    remediation="Remove AlwaysAdmit from --enable-admission-plugins.",
    controls="cis:1.2.10",
    aliases="KCV-0011 CKV_K8S_79 C-0122 prowler:apiserver_no_always_admit_plugin",
    references=(f"{_PLUGINS}#alwaysadmit",),
)
def apiserver_always_admit(server: Program, ctx: Context) -> Hits:
    if "AlwaysAdmit" in _enabled(server):
        yield at_flag(server, "enable-admission-plugins", "the admission plugin AlwaysAdmit is switched on")


@rule(
    "apiserver-always-pull-images",
    title="Images on a node serve every pod there",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="A pod may run a private image that another pod had pulled to the node, without a right to it at the registry.",
    remediation="Switch on the admission plugin AlwaysPullImages.",
    controls="cis:1.2.11",
    aliases="KCV-0012 CKV_K8S_80 C-0123 prowler:apiserver_always_pull_images_plugin",
    references=(f"{_PLUGINS}#alwayspullimages",),
    default=False,
    notes="Newer kubelets can check it themselves (imagePullCredentialsVerificationPolicy), which serves the same end.",
)
def apiserver_always_pull_images(server: Program, ctx: Context) -> Hits:
    yield from _not_enabled(server, "AlwaysPullImages")


@rule(
    "apiserver-security-context-deny",
    title="No admission plugin judges pods' security contexts",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Whoever may create pods may create privileged ones and own the node.",
    remediation="Switch on PodSecurityPolicy, or SecurityContextDeny where that is not used; better, move to a "
    "version with Pod Security admission.",
    controls="mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="KCV-0013 CKV_K8S_81 C-0124 prowler:apiserver_security_context_deny_plugin",
    references=(_PLUGINS,),
    default=False,
    notes="Not judged from Kubernetes 1.23 on: Pod Security admission is on by default there; 1.25 removed "
    "PodSecurityPolicy and 1.30 SecurityContextDeny.",
)
def apiserver_security_context_deny(server: Program, ctx: Context) -> Hits:
    old = version_of(server, ctx) < (1, 23)
    if old and not {"PodSecurityPolicy", "SecurityContextDeny"}.intersection(_enabled(server)):
        message = "neither PodSecurityPolicy nor SecurityContextDeny is switched on"
        yield at_flag(server, "enable-admission-plugins", message)


@rule(
    "apiserver-pod-security",
    title="Pod Security admission switched off",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="The Pod Security labels of namespaces then have no effect: whoever may create pods may create privileged "
    "ones and own the node.",
    remediation="Remove PodSecurity from --disable-admission-plugins.",
    controls="cis:5.2.1 mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="CKV_K8S_84 C-0068",
    references=("https://kubernetes.io/docs/concepts/security/pod-security-admission/",),
    notes="Before Kubernetes 1.23 the plugin PodSecurityPolicy, which was off by default, is asked for instead.",
)
def apiserver_pod_security(server: Program, ctx: Context) -> Hits:
    if version_of(server, ctx) < (1, 23):
        yield from _not_enabled(server, "PodSecurityPolicy")
    else:
        yield from _disabled(server, "PodSecurity", ctx)


@rule(
    "apiserver-service-account-plugin",
    title="Admission plugin ServiceAccount switched off",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="The plugin makes pods run as accounts of their own namespace and lets them use only its Secrets; without it "
    "they are not held to either.",
    remediation="Remove ServiceAccount from --disable-admission-plugins.",
    controls="cis8:1.2.13 cis9-12:1.2.12",
    aliases="KCV-0014 CKV_K8S_82 C-0125 prowler:apiserver_service_account_plugin",
    references=(f"{_PLUGINS}#serviceaccount",),
    notes="On by default since Kubernetes 1.10: naming other plugins in --enable-admission-plugins does not switch it "
    "off. The version is that of the API server's image, where its tag tells.",
)
def apiserver_service_account_plugin(server: Program, ctx: Context) -> Hits:
    yield from _disabled(server, "ServiceAccount", ctx)


@rule(
    "apiserver-namespace-lifecycle",
    title="Admission plugin NamespaceLifecycle switched off",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Objects can then be made in namespaces that are being deleted or do not exist, where no quota, policy or "
    "person looks.",
    remediation="Remove NamespaceLifecycle from --disable-admission-plugins.",
    controls="cis8:1.2.14 cis9-12:1.2.13",
    aliases="KCV-0015 CKV_K8S_83 C-0126 prowler:apiserver_namespace_lifecycle_plugin",
    references=(f"{_PLUGINS}#namespacelifecycle",),
    notes="On by default since Kubernetes 1.10: naming other plugins in --enable-admission-plugins does not switch it "
    "off. The version is that of the API server's image, where its tag tells.",
)
def apiserver_namespace_lifecycle(server: Program, ctx: Context) -> Hits:
    yield from _disabled(server, "NamespaceLifecycle", ctx)


@rule(
    "apiserver-node-restriction",
    title="Nodes may change each other",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="A hijacked kubelet may relabel itself and others, so that pods with better secrets are placed on it.",
    remediation="Switch on the admission plugin NodeRestriction.",
    controls="cis8:1.2.15 cis9-12:1.2.14 mitre-attack:T1098.006",
    aliases="KCV-0016 CKV_K8S_85 C-0127 prowler:apiserver_node_restriction_plugin",
    references=(f"{_PLUGINS}#noderestriction",),
)
def apiserver_node_restriction(server: Program, ctx: Context) -> Hits:
    yield from _not_enabled(server, "NodeRestriction")


@rule(
    "apiserver-external-ips",
    title="Services may claim any external address",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Whoever may create a Service takes in the traffic of the cluster's pods to any address (CVE-2020-8554).",
    remediation="Switch on the admission plugin DenyServiceExternalIPs, unless a policy engine guards the field.",
    controls="cis:1.2.3 mitre-attack:T1557",
    aliases="C-0115 C-0283 prowler:apiserver_deny_service_external_ips",
    references=(f"{_PLUGINS}#denyserviceexternalips",),
    since="1.21",
    default=False,
    notes="Trivy's KCV-0003 asks the opposite, as CIS did before benchmark 1.7.",
)
def apiserver_external_ips(server: Program, ctx: Context) -> Hits:
    yield from _not_enabled(server, "DenyServiceExternalIPs")
