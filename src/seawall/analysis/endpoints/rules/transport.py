"""How endpoints protect what passes: versions, suites and certificates of TLS."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from seawall.analysis.endpoints.rules.anonymous import place
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.endpoint import Endpoint
    from seawall.model.rule import Context

_TLS = "https://cheatsheetseries.owasp.org/cheatsheets/Transport_Layer_Security_Cheat_Sheet.html"
_CERTIFICATES = "https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/"
_OLD = {"SSLv3": Severity.HIGH, "TLSv1.0": Severity.MEDIUM, "TLSv1.1": Severity.MEDIUM}
_SOON = timedelta(days=30)
_LEAST_BITS = {"rsa": 2048, "dsa": 2048, "ec": 224}


@rule(
    "endpoint-tls-old",
    title="Outdated version of TLS",
    severity=Severity.MEDIUM,
    scope=Scope.NETWORK,
    on="Endpoint",
    why="Someone on the way can push a connection down to the old version, whose flaws are known, and read of it.",
    remediation="Set --tls-min-version=VersionTLS12 (kubelet: tlsMinVersion).",
    controls="mitre-attack:T1557",
    references=(_TLS, "https://www.rfc-editor.org/rfc/rfc8996"),
    notes="SSL 3 is of high severity.",
)
def endpoint_tls_old(endpoint: Endpoint, ctx: Context) -> Hits:
    if endpoint.spec.tls is None:
        return
    for i, version in numbered(endpoint.spec.tls.versions):
        if version in _OLD:
            yield Hit(f"{place(endpoint)} speaks {version}", f"spec.tls.versions[{i}]", severity=_OLD[version])


@rule(
    "endpoint-tls-weak-suite",
    title="Cipher suite that can be broken",
    severity=Severity.HIGH,
    scope=Scope.NETWORK,
    on="Endpoint",
    why="Someone on the way can have the connection use it, and then read or change what passes, tokens among it.",
    remediation="Set --tls-cipher-suites to those with ECDHE and GCM or CHACHA20 (kubelet: tlsCipherSuites).",
    controls="cis8:1.2.30 cis9-12:1.2.29 cis:4.2.12 mitre-attack:T1557",
    references=(_TLS,),
    notes="Ciphers of 64-bit blocks (3DES, IDEA) are of medium severity: breaking them takes hours of traffic.",
)
def endpoint_tls_weak_suite(endpoint: Endpoint, ctx: Context) -> Hits:
    if endpoint.spec.tls is None:
        return
    for i, suite in numbered(endpoint.spec.tls.suites):
        if suite.weaknesses:
            slow = all("64-bit" in each for each in suite.weaknesses)
            message = f"{place(endpoint)} takes {suite.name} in {suite.version}: {', '.join(suite.weaknesses)}"
            yield Hit(message, f"spec.tls.suites[{i}]", severity=Severity.MEDIUM if slow else None)


@rule(
    "endpoint-tls-legacy-suite",
    title="Outdated cipher suites",
    severity=Severity.LOW,
    scope=Scope.NETWORK,
    on="Endpoint",
    why="Without forward secrecy, traffic that is recorded today can be read once the server's key is stolen; suites "
    "with CBC have been broken again and again by timing.",
    remediation="Set --tls-cipher-suites to those with ECDHE and GCM or CHACHA20 (kubelet: tlsCipherSuites).",
    controls="cis8:1.2.30 cis9-12:1.2.29 cis:4.2.12 mitre-attack:T1040",
    references=(_TLS,),
)
def endpoint_tls_legacy_suite(endpoint: Endpoint, ctx: Context) -> Hits:
    if endpoint.spec.tls is None:
        return
    names = [suite.name for suite in endpoint.spec.tls.suites if suite.legacy and not suite.weaknesses]
    if names:
        more = f" and {len(set(names)) - 3} more" if len(set(names)) > 3 else ""
        yield Hit(f"{place(endpoint)} takes {', '.join(list(dict.fromkeys(names))[:3])}{more}", "spec.tls.suites")


@rule(
    "endpoint-certificate-ends",
    title="Certificate that has ended or soon ends",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="When it ends nodes, pods and people are locked out; until someone renews it they learn to skip the check, "
    "which lets anyone stand in for the server.",
    remediation="Renew it: kubeadm certs renew all, rotateCertificates of the kubelet, or the provider's way.",
    controls="mitre-attack:T1557",
    references=(_CERTIFICATES,),
    notes="Told from 30 days before the end on, as medium until then.",
)
def endpoint_certificate_ends(endpoint: Endpoint, ctx: Context) -> Hits:
    now = _time(endpoint.spec.observed)
    if endpoint.spec.tls is None or now is None:
        return
    for i, held in numbered(endpoint.spec.tls.certificates):
        path = f"spec.tls.certificates[{i}]"
        begins, ends = _time(held.begins), _time(held.ends)
        if begins is not None and begins > now:
            yield Hit(f"the certificate {held.name!r} of {place(endpoint)} holds from {begins:%Y-%m-%d} on only", path)
        if ends is not None and ends - now < _SOON:
            over = ends <= now
            message = (
                f"the certificate {held.name!r} of {place(endpoint)} {'ended' if over else 'ends'} on {ends:%Y-%m-%d}"
            )
            yield Hit(message, path, severity=None if over else Severity.MEDIUM)


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


@rule(
    "endpoint-certificate-name",
    title="Certificate for another name",
    severity=Severity.MEDIUM,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="Clients can connect only by skipping the check, which lets anyone stand in for the server.",
    remediation="Add the name or address to the certificate: apiServer.certSANs of kubeadm.",
    controls="mitre-attack:T1557",
    references=(_CERTIFICATES,),
    notes="Judged for API servers, which clients reach by the name that was asked.",
)
def endpoint_certificate_name(endpoint: Endpoint, ctx: Context) -> Hits:
    tls = endpoint.spec.tls
    if tls is not None and tls.matches is False and endpoint.spec.role == "kube-apiserver":
        names = [*tls.certificates[0].dns_names, *tls.certificates[0].addresses] if tls.certificates else []
        told = ", ".join(names[:5]) + f" and {len(names) - 5} more" * (len(names) > 5)
        yield Hit(f"{place(endpoint)} has a certificate for {told or 'no name at all'}", "spec.tls.matches")


@rule(
    "endpoint-certificate-untrusted",
    title="Certificate that the authority has not signed",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="Either someone stands in for the server, or its clients skip the check and anyone could.",
    remediation="Have the cluster's authority sign it (kubelet: serverTLSBootstrap), or give the right --ca.",
    controls="cis:1.2.5 mitre-attack:T1557",
    references=(_CERTIFICATES,),
    notes="Judged where --ca was given. Kubelets make their own certificate unless serverTLSBootstrap is on: medium.",
)
def endpoint_certificate_untrusted(endpoint: Endpoint, ctx: Context) -> Hits:
    tls = endpoint.spec.tls
    if tls is not None and tls.trusted is False:
        severity = None if endpoint.spec.role in ("kube-apiserver", "etcd", "etcd-peer") else Severity.MEDIUM
        why = tls.trust_problem or "no chain leads to it"
        yield Hit(f"{place(endpoint)}: {why}", "spec.tls.trusted", severity=severity)


@rule(
    "endpoint-certificate-weak",
    title="Certificate with a weak key or signature",
    severity=Severity.HIGH,
    scope=Scope.CONTROL_PLANE,
    on="Endpoint",
    why="A short key can be computed and a signature of MD5 or SHA-1 be forged: the attacker then has a certificate of "
    "the server's own.",
    remediation="Make it anew, with RSA of 2048 bits or more, or ECDSA, and SHA-256.",
    controls="mitre-attack:T1557 mitre-attack:T1649",
    references=(_TLS,),
    notes="The signature of an authority's own certificate counts for nothing and is not judged.",
)
def endpoint_certificate_weak(endpoint: Endpoint, ctx: Context) -> Hits:
    if endpoint.spec.tls is None:
        return
    for i, held in numbered(endpoint.spec.tls.certificates):
        path = f"spec.tls.certificates[{i}]"
        if 0 < held.bits < _LEAST_BITS.get(held.key, 0):
            yield Hit(f"the certificate {held.name!r} of {place(endpoint)} has a key of {held.bits} bits", path)
        if held.signature.startswith(("md", "sha1-")) and (not held.self_issued or not i):
            yield Hit(f"the certificate {held.name!r} of {place(endpoint)} is signed with {held.signature}", path)
