"""Kubelet: who may reach it, and by what certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.flags import REFERENCE, is_old_tls, weak_ciphers
from seawall.analysis.posture.kubelet import FIELDS, KUBELET, Kubelet, Source, setting
from seawall.model.finding import Severity
from seawall.model.programs import Program
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.rule import Context

_ACCESS = "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/"
_ROTATION = "https://kubernetes.io/docs/tasks/tls/certificate-rotation/"
_BOOTSTRAP = "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/"
_BOTH = "A flag beats the file; with --config an absent flag is left to the KubeletConfiguration."
_GATE = "RotateKubeletServerCertificate"

_ANONYMOUS = Source(
    "anonymous-auth", "authentication.anonymous.enabled", lambda k: k.authentication.anonymous.enabled, True, False
)
_MODE = Source("authorization-mode", "authorization.mode", lambda k: k.authorization.mode, "AlwaysAllow", "Webhook")
_CLIENT_CA = Source(
    "client-ca-file", "authentication.x509.clientCAFile", lambda k: k.authentication.x509.client_ca_file, "", ""
)
_READ_ONLY = Source("read-only-port", "readOnlyPort", lambda k: k.read_only_port, 10255, 0)
_CIPHERS = Source("tls-cipher-suites", "tlsCipherSuites", lambda k: k.tls_cipher_suites, (), ())
_TLS = Source("tls-min-version", "tlsMinVersion", lambda k: k.tls_min_version, "", "")
_ROTATE = Source("rotate-certificates", "rotateCertificates", lambda k: k.rotate_certificates, True, True)
_CERT = Source("tls-cert-file", "tlsCertFile", lambda k: k.tls_cert_file, "", "")
_KEY = Source("tls-private-key-file", "tlsPrivateKeyFile", lambda k: k.tls_private_key_file, "", "")
_REQUESTED = Source("rotate-server-certificates", "serverTLSBootstrap", lambda k: k.server_tls_bootstrap, False, False)


@rule(
    "kubelet-anonymous-auth",
    title="Kubelet takes anonymous requests",
    severity=Severity.HIGH,
    scope=Scope.NODE,
    on=KUBELET,
    why="With the authorization that goes by default with flags alone, whoever reaches port 10250 of the node runs "
    "commands in its pods.",
    remediation="Set authentication.anonymous.enabled to false (--anonymous-auth=false).",
    controls="cis:4.2.1 mitre-attack:T1190 nsa-cisa:kubelet",
    aliases="KCV-0079 CKV_K8S_138 C-0069 C-0172 prowler:kubelet_disable_anonymous_auth",
    references=(_ACCESS, FIELDS),
    notes=f"On by default where flags are all there is, off in a KubeletConfiguration. {_BOTH}",
)
def kubelet_anonymous_auth(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _ANONYMOUS)
    if found is not None and found.value:
        yield Hit("the kubelet takes anonymous requests", found.path)


@rule(
    "kubelet-always-allow",
    title="Kubelet allows every request",
    severity=Severity.CRITICAL,
    scope=Scope.NODE,
    on=KUBELET,
    why="Whoever the kubelet lets in, by any certificate of the cluster, runs commands in every pod of the node.",
    remediation="Set authorization.mode to Webhook (--authorization-mode=Webhook).",
    controls="cis:4.2.2 mitre-attack:T1609 nsa-cisa:kubelet",
    aliases="KCV-0080 CKV_K8S_139 C-0173 prowler:kubelet_authorization_mode",
    references=(_ACCESS, FIELDS),
    notes=f"AlwaysAllow is the default where flags are all there is, Webhook in a KubeletConfiguration. {_BOTH}",
)
def kubelet_always_allow(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _MODE)
    if found is not None and found.value == "AlwaysAllow":
        yield Hit("the kubelet allows every request", found.path)


@rule(
    "kubelet-client-ca",
    title="Kubelet knows no client certificates",
    severity=Severity.MEDIUM,
    scope=Scope.NODE,
    on=KUBELET,
    why="The API server then has no certificate to be known by, and the kubelet can serve it only by letting others in "
    "as well.",
    remediation="Set authentication.x509.clientCAFile (--client-ca-file) to the CA of the API server's client "
    "certificate.",
    controls="cis:4.2.3",
    aliases="KCV-0081 CKV_K8S_140 C-0070 C-0174 prowler:kubelet_client_ca_file_set",
    references=(_ACCESS, FIELDS),
    notes=_BOTH,
)
def kubelet_client_ca(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _CLIENT_CA)
    if found is not None and not found.value:
        yield Hit("the kubelet is given no CA of client certificates", found.path)


@rule(
    "kubelet-read-only-port",
    title="Kubelet's read-only port open",
    severity=Severity.MEDIUM,
    scope=Scope.NODE,
    on=KUBELET,
    why="Whoever reaches the port is told every pod of the node with its images, arguments and variables, without a "
    "login.",
    remediation="Set readOnlyPort to 0 (--read-only-port=0).",
    controls="cis:4.2.4 mitre-attack:T1613 nsa-cisa:kubelet",
    aliases="KCV-0082 CKV_K8S_141 C-0175 prowler:kubelet_disable_read_only_port",
    references=(_ACCESS, FIELDS),
    notes=f"10255 is the default where flags are all there is, 0 in a KubeletConfiguration. {_BOTH}",
)
def kubelet_read_only_port(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _READ_ONLY)
    if found is not None and found.value:
        yield Hit(f"the kubelet answers on port {found.value} without a login", found.path)


@rule(
    "kubelet-weak-ciphers",
    title="Kubelet takes weak ciphers",
    severity=Severity.MEDIUM,
    scope=Scope.NODE,
    on=KUBELET,
    why="Whoever records the traffic may come to read it: what passes in kubectl exec, logs and port-forward.",
    remediation="Remove the suite from tlsCipherSuites (--tls-cipher-suites), or the setting: the defaults are strong.",
    controls="cis:4.2.12 mitre-attack:T1040",
    aliases="KCV-0092 CKV_K8S_151 C-0184 prowler:kubelet_strong_ciphers_only",
    references=(f"{REFERENCE}kubelet/", FIELDS),
    notes="Judged where suites are given.",
)
def kubelet_weak_ciphers(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _CIPHERS)
    weak = weak_ciphers(found.value) if found is not None else []
    if found is not None and weak:
        yield Hit(f"not among the strong suites: {', '.join(weak)}", found.path)


@rule(
    "kubelet-old-tls",
    title="Kubelet takes TLS 1.0 or 1.1",
    severity=Severity.MEDIUM,
    scope=Scope.NODE,
    on=KUBELET,
    why="These versions rest on broken hashes and ciphers; an attacker on the way pushes clients down to them.",
    remediation="Remove tlsMinVersion (--tls-min-version), or set it to VersionTLS12 or VersionTLS13.",
    controls="mitre-attack:T1557",
    references=(FIELDS,),
)
def kubelet_old_tls(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _TLS)
    if found is not None and is_old_tls(found.value):
        yield Hit("the kubelet takes versions of TLS that are broken", found.path)


@rule(
    "kubelet-serving-cert",
    title="Kubelet makes its own certificate",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on=KUBELET,
    why="The API server cannot know a self-signed certificate for the right one: whoever gets in between sees what "
    "passes in kubectl exec, logs and port-forward.",
    remediation="Set serverTLSBootstrap to true and approve the requests, or give tlsCertFile and tlsPrivateKeyFile.",
    controls="cis:4.2.9 mitre-attack:T1557",
    aliases="KCV-0088 KCV-0089 CKV_K8S_148 C-0181 prowler:kubelet_tls_cert_and_key",
    references=(_BOOTSTRAP, FIELDS),
    notes=_BOTH,
)
def kubelet_serving_cert(subject: Kubelet, ctx: Context) -> Hits:
    cert, key, requested = (setting(subject, source) for source in (_CERT, _KEY, _REQUESTED))
    if cert is None or key is None or (requested is not None and requested.value):
        return
    if not (cert.value and key.value):
        yield Hit("the kubelet is given no certificate and asks for none", key.path if cert.value else cert.path)


@rule(
    "kubelet-cert-rotation",
    title="Kubelet does not renew its client certificate",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on=KUBELET,
    why="Certificates that must be renewed by hand are made to last: a key stolen from a node then speaks for it for "
    "years.",
    remediation="Set rotateCertificates to true (--rotate-certificates).",
    controls="cis:4.2.10",
    aliases="KCV-0090 CKV_K8S_149 C-0182 prowler:kubelet_rotate_certificates",
    references=(_ROTATION, FIELDS),
    notes="Judged where it is switched off in so many words.",
)
def kubelet_cert_rotation(subject: Kubelet, ctx: Context) -> Hits:
    found = setting(subject, _ROTATE)
    if found is not None and not found.value:
        yield Hit("the kubelet does not renew its client certificate", found.path)


@rule(
    "kubelet-server-cert-rotation",
    title="Kubelet does not renew its serving certificate",
    severity=Severity.LOW,
    scope=Scope.NODE,
    on=KUBELET,
    why="Certificates that must be renewed by hand are made to last: a stolen key then plays the kubelet for years.",
    remediation=f"Remove the feature gate {_GATE}=false.",
    controls="cis:4.2.11",
    aliases="KCV-0091 CKV_K8S_112 CKV_K8S_150 C-0183",
    references=(_ROTATION, FIELDS),
    notes="On by default since Kubernetes 1.12; judged where it is switched off.",
)
def kubelet_server_cert_rotation(subject: Kubelet, ctx: Context) -> Hits:
    message = f"the feature gate {_GATE} is switched off"
    if not isinstance(subject, Program):
        if subject.feature_gates.get(_GATE) is False:
            yield Hit(message, f"featureGates.{_GATE}")
    elif f"{_GATE}=false" in subject.items("feature-gates"):
        yield Hit(message, subject.place("feature-gates"))
