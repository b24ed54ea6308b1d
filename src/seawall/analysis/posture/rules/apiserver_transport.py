"""API server: its ports, certificates and ciphers, and how it talks to kubelets and to etcd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.flags import REFERENCE, absent, at_flag, is_old_tls, seconds, version_of, weak_ciphers
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.programs import Program
    from seawall.model.rule import Context

_APISERVER = f"{REFERENCE}kube-apiserver/"
_ACCESS = "https://kubernetes.io/docs/concepts/security/controlling-access/"
_COMMUNICATION = "https://kubernetes.io/docs/concepts/architecture/control-plane-node-communication/"
#: Longer requests than watches, which have no such limit, need hold a connection for no good reason.
_LONGEST_REQUEST = 300.0


@rule(
    "apiserver-insecure-port",
    title="API server answers without TLS and login",
    severity=Severity.CRITICAL,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="On the insecure port there is no authentication and no authorization: whoever reaches it owns the cluster.",
    remediation="Set --insecure-port=0, or remove it from Kubernetes 1.20 on.",
    controls="mitre-attack:T1190 nsa-cisa:control-plane",
    aliases="CKV_K8S_88 C-0005",
    references=(_ACCESS,),
    notes="Port 8080 was the default before Kubernetes 1.20, which takes only 0 (low from there on); 1.24 removed the "
    "flag.",
)
def apiserver_insecure_port(server: Program, ctx: Context) -> Hits:
    old = version_of(server, ctx) < (1, 20)
    if server.number("insecure-port", 8080 if old else 0):
        message = "the API server answers on a port without TLS and login"
        severity = Severity.CRITICAL if old else Severity.LOW
        yield Hit(message, server.place("insecure-port"), severity=severity)


@rule(
    "apiserver-insecure-bind-address",
    title="API server's insecure port given an address",
    severity=Severity.CRITICAL,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="The insecure port, which asks for no login, then answers beyond the machine itself.",
    remediation="Remove --insecure-bind-address.",
    controls="mitre-attack:T1190 nsa-cisa:control-plane",
    aliases="CKV_K8S_86 C-0005",
    references=(_ACCESS,),
    notes="The flag has no effect from Kubernetes 1.20 on (low from there on), and 1.24 removed it.",
)
def apiserver_insecure_bind_address(server: Program, ctx: Context) -> Hits:
    if server.text("insecure-bind-address"):
        message = "the insecure port is given an address to answer on"
        severity = Severity.CRITICAL if version_of(server, ctx) < (1, 20) else Severity.LOW
        yield Hit(message, server.place("insecure-bind-address"), severity=severity)


@rule(
    "apiserver-secure-port",
    title="API server's secure port switched off",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Clients can then reach the API server only by a port without TLS and login.",
    remediation="Remove --secure-port=0, or set a port from 1 to 65535.",
    aliases="KCV-0017 CKV_K8S_89 C-0128",
    references=(_APISERVER,),
    notes="6443 by default. Servers from Kubernetes 1.20 on do not start with 0.",
)
def apiserver_secure_port(server: Program, ctx: Context) -> Hits:
    if server.number("secure-port", 6443) == 0:
        yield at_flag(server, "secure-port", "the API server serves no TLS")


@rule(
    "apiserver-serving-cert",
    title="API server makes its own certificate",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Clients cannot know a self-signed certificate for the right one and learn to skip the check; then anyone on "
    "the way reads their tokens.",
    remediation="Set --tls-cert-file and --tls-private-key-file to a certificate of the cluster's CA.",
    controls="cis8:1.2.25 cis9-12:1.2.24 mitre-attack:T1557 nsa-cisa:control-plane",
    aliases="KCV-0027 CKV_K8S_100 C-0138 prowler:apiserver_tls_config",
    references=(_APISERVER,),
)
def apiserver_serving_cert(server: Program, ctx: Context) -> Hits:
    missing = absent(server, "tls-cert-file", "tls-private-key-file")
    if missing:
        yield at_flag(server, "tls-cert-file", f"the API server is given no {' and '.join(missing)}")


@rule(
    "apiserver-weak-ciphers",
    title="API server takes weak ciphers",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Whoever records the traffic may come to read it, tokens and Secrets included.",
    remediation="Remove the suite from --tls-cipher-suites, or the flag: the defaults are strong.",
    controls="cis8:1.2.30 cis9-12:1.2.29 mitre-attack:T1040",
    aliases="CKV_K8S_105 C-0143 C-0277 prowler:apiserver_strong_ciphers_only",
    references=(_APISERVER,),
    notes="Judged where the flag is given.",
)
def apiserver_weak_ciphers(server: Program, ctx: Context) -> Hits:
    weak = weak_ciphers(server.items("tls-cipher-suites"))
    if weak:
        yield at_flag(server, "tls-cipher-suites", f"not among the strong suites: {', '.join(weak)}")


@rule(
    "apiserver-old-tls",
    title="API server takes TLS 1.0 or 1.1",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="These versions rest on broken hashes and ciphers; an attacker on the way pushes clients down to them.",
    remediation="Remove --tls-min-version, or set it to VersionTLS12 or VersionTLS13.",
    controls="mitre-attack:T1557",
    aliases="C-0277",
    references=(_APISERVER,),
)
def apiserver_old_tls(server: Program, ctx: Context) -> Hits:
    if is_old_tls(server.text("tls-min-version")):
        yield at_flag(server, "tls-min-version", "the API server takes versions of TLS that are broken")


@rule(
    "apiserver-kubelet-client-cert",
    title="API server has no certificate to show kubelets",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Kubelets can then serve the API server only if they take anonymous requests, from everyone else on the "
    "network too.",
    remediation="Set --kubelet-client-certificate and --kubelet-client-key.",
    controls="cis:1.2.4",
    aliases="KCV-0005 CKV_K8S_72 C-0116 prowler:apiserver_kubelet_tls_auth",
    references=(_COMMUNICATION,),
)
def apiserver_kubelet_client_cert(server: Program, ctx: Context) -> Hits:
    missing = absent(server, "kubelet-client-certificate", "kubelet-client-key")
    if missing:
        yield at_flag(server, "kubelet-client-certificate", f"the API server is given no {' and '.join(missing)}")


@rule(
    "apiserver-kubelet-ca",
    title="API server does not check kubelets' certificates",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Whoever gets between the API server and a node plays the kubelet, and sees what passes in kubectl exec, logs "
    "and port-forward.",
    remediation="Give kubelets certificates of the cluster's CA (serverTLSBootstrap) and set "
    "--kubelet-certificate-authority.",
    controls="cis:1.2.5 mitre-attack:T1557",
    aliases="KCV-0006 CKV_K8S_73 C-0117 prowler:apiserver_kubelet_cert_auth",
    references=(_COMMUNICATION,),
)
def apiserver_kubelet_ca(server: Program, ctx: Context) -> Hits:
    if absent(server, "kubelet-certificate-authority"):
        yield at_flag(server, "kubelet-certificate-authority", "certificates of kubelets are taken unchecked")


@rule(
    "apiserver-kubelet-http",
    title="API server talks to kubelets without TLS",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="What passes in kubectl exec, logs and port-forward is read and changed by anyone on the way.",
    remediation="Remove --kubelet-https=false.",
    controls="mitre-attack:T1557",
    aliases="KCV-0004 CKV_K8S_71",
    references=(_COMMUNICATION,),
    notes="Kubernetes has since removed the flag: newer servers always use TLS and do not start with it.",
)
def apiserver_kubelet_http(server: Program, ctx: Context) -> Hits:
    if server.switch("kubelet-https", True) is False:
        yield at_flag(server, "kubelet-https", "the API server talks to kubelets without TLS")


@rule(
    "apiserver-etcd-client-cert",
    title="API server has no certificate to show etcd",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="etcd must then take clients without a certificate, and everyone who reaches it reads and writes the whole "
    "cluster.",
    remediation="Set --etcd-certfile and --etcd-keyfile.",
    controls="cis8:1.2.24 cis9-12:1.2.23 mitre-attack:T1552 nsa-cisa:etcd",
    aliases="KCV-0026 CKV_K8S_99 C-0137 prowler:apiserver_etcd_tls_config",
    references=(_APISERVER,),
)
def apiserver_etcd_client_cert(server: Program, ctx: Context) -> Hits:
    missing = absent(server, "etcd-certfile", "etcd-keyfile")
    if missing:
        yield at_flag(server, "etcd-certfile", f"the API server is given no {' and '.join(missing)}")


@rule(
    "apiserver-etcd-ca",
    title="API server does not know etcd's CA",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Whoever gets between the two can play etcd and hand the API server Secrets, roles and pods of his own.",
    remediation="Set --etcd-cafile to the CA of etcd.",
    controls="cis8:1.2.27 cis9-12:1.2.26 mitre-attack:T1557 nsa-cisa:etcd",
    aliases="KCV-0029 CKV_K8S_102 C-0140 prowler:apiserver_etcd_cafile_set",
    references=(_APISERVER,),
)
def apiserver_etcd_ca(server: Program, ctx: Context) -> Hits:
    if absent(server, "etcd-cafile"):
        yield at_flag(server, "etcd-cafile", "the API server is given no CA to know etcd by")


@rule(
    "apiserver-etcd-shared-ca",
    title="One CA for etcd and for the cluster's clients",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="etcd takes every certificate of its CA: if that is the cluster's, every user and kubelet certificate opens "
    "etcd, past the API server and RBAC.",
    remediation="Make a CA for etcd alone and set --etcd-cafile, and etcd's own flags, to it.",
    controls="cis:2.7 mitre-attack:T1552",
    aliases="C-0159 prowler:etcd_unique_ca",
    references=("https://etcd.io/docs/v3.6/op-guide/security/",),
    notes="Told by the two files having one name.",
)
def apiserver_etcd_shared_ca(server: Program, ctx: Context) -> Hits:
    ca, clients = server.text("etcd-cafile"), server.text("client-ca-file")
    if ca and ca == clients:
        yield at_flag(server, "etcd-cafile", f"{ca} is the CA of etcd and of the cluster's clients")


@rule(
    "apiserver-request-timeout",
    title="API server lets requests run too long",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="A handful of slow requests, made on purpose or not, takes up the API server's places for requests.",
    remediation="Remove --request-timeout (a minute), or set it to at most 5 minutes.",
    controls="cis8:1.2.21 cis9-12:1.2.20 mitre-attack:T1499",
    aliases="CKV_K8S_95 C-0134 prowler:apiserver_request_timeout_set",
    references=(_APISERVER,),
)
def apiserver_request_timeout(server: Program, ctx: Context) -> Hits:
    flag = server.get("request-timeout")
    if flag is None or not flag.known:
        return
    limit = seconds(flag.value)
    if limit is None or not 0 < limit <= _LONGEST_REQUEST:
        yield at_flag(server, "request-timeout", f"requests may take {flag.value or 'no time at all'}")


@rule(
    "apiserver-profiling",
    title="API server offers profiles",
    severity=Severity.LOW,
    scope=Scope.CONTROL_PLANE,
    on="kube-apiserver",
    why="Profiles tell about the program's inner state, and making them costs so much time that they serve to slow the "
    "API server down.",
    remediation="Set --profiling=false.",
    controls="cis8:1.2.16 cis9-12:1.2.15",
    aliases="KCV-0018 CKV_K8S_90 C-0129 prowler:apiserver_disable_profiling",
    references=(_APISERVER,),
    notes="On by default.",
)
def apiserver_profiling(server: Program, ctx: Context) -> Hits:
    if server.switch("profiling", True):
        yield at_flag(server, "profiling", "the API server offers profiles of itself")
