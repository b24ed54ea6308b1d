"""Istio: encryption between services, who may call whom, and what passes the mesh by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seawall.analysis.posture.indexes import view_of
from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import numbered
from seawall.model.resource import namespace_of
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.mesh import (
        AuthorizationPolicy,
        AuthorizationRule,
        ClientTls,
        DestinationRule,
        IstioGateway,
        PeerAuthentication,
        RequestAuthentication,
        ServiceEntry,
        Sidecar,
        VirtualService,
    )
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_BEST = "https://istio.io/latest/docs/ops/best-practices/security/"
_PEER = "https://istio.io/latest/docs/reference/config/security/peer_authentication/"
_AUTHORIZATION = "https://istio.io/latest/docs/reference/config/security/authorization-policy/"
_REQUEST = "https://istio.io/latest/docs/reference/config/security/request_authentication/"
_DESTINATION = "https://istio.io/latest/docs/reference/config/networking/destination-rule/"
_GATEWAY = "https://istio.io/latest/docs/reference/config/networking/gateway/"


@rule(
    "istio-mtls-off",
    title="Mesh takes connections in clear",
    severity=Severity.MEDIUM,
    scope=Scope.MESH,
    on="PeerAuthentication",
    why="Callers need no identity: an attacker in any pod of the cluster calls the workloads past every policy that "
    "goes by identity, and reads what passes in clear.",
    remediation="Set mtls.mode to STRICT once all callers are in the mesh.",
    controls="mitre-attack:T1040 mitre-attack:T1557",
    aliases="kyverno:enforce-strict-mtls",
    references=(_PEER, f"{_BEST}#mutual-tls"),
    notes="High for DISABLE; PERMISSIVE is meant for the time of moving into the mesh.",
)
def istio_mtls_off(policy: PeerAuthentication, ctx: Context) -> Hits:
    mode = policy.spec.mtls.mode if policy.spec.mtls is not None else ""
    if mode in ("PERMISSIVE", "DISABLE"):
        severity = Severity.HIGH if mode == "DISABLE" else None
        yield Hit(f"callers need no encryption (mode {mode})", "spec.mtls.mode", severity=severity)


@rule(
    "istio-mtls-port-exception",
    title="Port of the mesh that takes connections in clear",
    severity=Severity.LOW,
    scope=Scope.MESH,
    on="PeerAuthentication",
    why="On that port callers need no identity, so that policies that go by identity do not hold there.",
    remediation="Remove the port from portLevelMtls; let the kubelet's probes be rewritten by the mesh.",
    controls="mitre-attack:T1040",
    references=(_PEER,),
)
def istio_mtls_port_exception(policy: PeerAuthentication, ctx: Context) -> Hits:
    for port, mtls in policy.spec.port_level_mtls.items():
        if mtls.mode in ("PERMISSIVE", "DISABLE"):
            yield Hit(f"port {port} takes connections in clear (mode {mtls.mode})", ("spec", "portLevelMtls", port))


@rule(
    "istio-authorization-allows-all",
    title="Mesh policy that allows everyone",
    severity=Severity.MEDIUM,
    scope=Scope.MESH,
    on="AuthorizationPolicy",
    why="A rule without conditions lets every caller do everything, and what other ALLOW policies ask for no longer "
    "counts: one that matches is enough.",
    remediation="Name the callers in from and what they may do in to, or remove the rule.",
    controls="mitre-attack:T1190",
    references=(_AUTHORIZATION,),
)
def istio_authorization_allows_all(policy: AuthorizationPolicy, ctx: Context) -> Hits:
    if policy.spec.action not in ("", "ALLOW"):
        return
    for i, each in numbered(policy.spec.rules):
        if not each.from_ and not each.to and not each.when:
            yield Hit("a rule without conditions allows everyone everything", f"spec.rules[{i}]")


@rule(
    "istio-authorization-any-caller",
    title="Mesh policy for any caller",
    severity=Severity.LOW,
    scope=Scope.MESH,
    on="AuthorizationPolicy",
    why="Every workload of the mesh has some identity, a hijacked one too: * for callers keeps out no attacker who is "
    "inside.",
    remediation="Name the service accounts in principals, or the namespaces.",
    controls="mitre-attack:T1046",
    references=(_AUTHORIZATION,),
    notes="Judged for rules that allow, and that bind neither operations nor attributes.",
)
def istio_authorization_any_caller(policy: AuthorizationPolicy, ctx: Context) -> Hits:
    if policy.spec.action not in ("", "ALLOW"):
        return
    for i, each in numbered(policy.spec.rules):
        if each.to or each.when:
            continue
        for path, value in _wide_sources(each):
            yield Hit(f"a rule allows {value!r}, whoever calls", f"spec.rules[{i}].{path}")


def _wide_sources(each: AuthorizationRule) -> Iterator[tuple[str, str]]:
    for j, source in numbered(each.from_):
        fields = source.get("source")
        if not isinstance(fields, dict) or len(fields) != 1:
            continue
        for field, values in fields.items():
            for value in values if isinstance(values, list) else []:
                if value in ("*", "0.0.0.0/0", "::/0") and field in ("principals", "namespaces", "ipBlocks"):
                    yield f"from[{j}].source.{field}", value


@rule(
    "istio-jwt-not-required",
    title="Tokens of users are checked but not asked for",
    severity=Severity.MEDIUM,
    scope=Scope.MESH,
    on="inventory",
    why="RequestAuthentication refuses bad tokens and lets requests without one pass: an attacker leaves the token "
    "out.",
    remediation="Add an AuthorizationPolicy that asks for requestPrincipals, or denies requests without them.",
    controls="mitre-attack:T1190",
    references=(_REQUEST, f"{_BEST}#understand-traffic-capture-limitations"),
    notes="Judged where no AuthorizationPolicy of the namespace, nor of istio-system, speaks of requestPrincipals.",
)
def istio_jwt_not_required(inventory: Inventory, ctx: Context) -> Hits:
    checked = inventory.of_kind("RequestAuthentication")
    if not checked:
        return
    policies = inventory.of_kind("AuthorizationPolicy")
    asking = {namespace_of(policy) for policy in policies if _speaks_of_users(view_of(policy))}
    for each in checked:
        if namespace_of(each) not in asking and "istio-system" not in asking:
            yield Hit("requests without a token pass", "spec", resource=each, confidence=Confidence.MEDIUM)


def _speaks_of_users(policy: AuthorizationPolicy) -> bool:
    for each in policy.spec.rules:
        sources = [source.get("source") for source in each.from_]
        if any("equestPrincipals" in key for fields in sources if isinstance(fields, dict) for key in fields):
            return True
        if any(str(condition.get("key", "")).startswith("request.auth.") for condition in each.when):
            return True
    return False


@rule(
    "istio-jwks-plain-http",
    title="Keys of tokens fetched in clear",
    severity=Severity.HIGH,
    scope=Scope.MESH,
    on="RequestAuthentication",
    why="Whoever is on the way puts a key of their own in, signs tokens with it, and is any user.",
    remediation="Write jwksUri with https.",
    controls="mitre-attack:T1557 mitre-attack:T1550",
    references=(_REQUEST,),
)
def istio_jwks_plain_http(authentication: RequestAuthentication, ctx: Context) -> Hits:
    for i, each in numbered(authentication.spec.jwt_rules):
        if each.jwks_uri.lower().startswith("http://"):
            yield Hit(f"keys are fetched from {each.jwks_uri}", f"spec.jwtRules[{i}].jwksUri")


@rule(
    "istio-destination-plain",
    title="Calls to a host leave in clear",
    severity=Severity.MEDIUM,
    scope=Scope.MESH,
    on="DestinationRule",
    why="tls.mode DISABLE switches the mesh's encryption off for the host: what is sent there is read on the way, and "
    "any pod may answer.",
    remediation="Set the mode to ISTIO_MUTUAL, or SIMPLE for hosts outside the mesh.",
    controls="mitre-attack:T1040",
    references=(_DESTINATION,),
)
def istio_destination_plain(destination: DestinationRule, ctx: Context) -> Hits:
    for path, tls in _client_tls(destination):
        if tls.mode == "DISABLE":
            yield Hit(f"calls to {destination.spec.host} are not encrypted", f"{path}.mode")


@rule(
    "istio-destination-unverified",
    title="Host is called without checking its certificate",
    severity=Severity.MEDIUM,
    scope=Scope.MESH,
    on="DestinationRule",
    why="The connection is encrypted, but with whoever answers: an attacker on the way reads and changes everything.",
    remediation="Remove insecureSkipVerify, and name the authority in caCertificates where it is your own.",
    controls="mitre-attack:T1557",
    references=(_DESTINATION,),
)
def istio_destination_unverified(destination: DestinationRule, ctx: Context) -> Hits:
    for path, tls in _client_tls(destination):
        if tls.insecure_skip_verify:
            yield Hit(f"the certificate of {destination.spec.host} is not checked", f"{path}.insecureSkipVerify")


def _client_tls(destination: DestinationRule) -> Iterator[tuple[str, ClientTls]]:
    policies = [("spec.trafficPolicy", destination.spec.traffic_policy)]
    policies += [(f"spec.subsets[{i}].trafficPolicy", s.traffic_policy) for i, s in numbered(destination.spec.subsets)]
    for path, policy in policies:
        yield f"{path}.tls", policy.tls
        for i, port in numbered(policy.port_level_settings):
            yield f"{path}.portLevelSettings[{i}].tls", port.tls


@rule(
    "istio-gateway-plain-http",
    title="Mesh gateway that serves plain HTTP",
    severity=Severity.MEDIUM,
    scope=Scope.MESH,
    on="IstioGateway",
    why="Requests, passwords and session cookies pass in clear, to be read and changed by anyone on the way.",
    remediation="Serve HTTPS, and on port 80 set tls.httpsRedirect.",
    controls="mitre-attack:T1040",
    references=(_GATEWAY,),
)
def istio_gateway_plain_http(gateway: IstioGateway, ctx: Context) -> Hits:
    for i, server in numbered(gateway.spec.servers):
        if server.port.protocol.upper() in ("HTTP", "HTTP2", "GRPC") and not server.tls.https_redirect:
            yield Hit(f"port {server.port.number} serves {', '.join(server.hosts[:3])} in clear", f"spec.servers[{i}]")


@rule(
    "istio-gateway-old-tls",
    title="Mesh gateway that takes old versions of TLS",
    severity=Severity.MEDIUM,
    scope=Scope.MESH,
    on="IstioGateway",
    why="TLS 1.0 and 1.1 have known holes, by which an attacker on the way reads what passes.",
    remediation="Remove minProtocolVersion, or set it to TLSV1_2 or above.",
    controls="mitre-attack:T1557",
    aliases="kyverno:enforce-min-tls-version",
    references=(_GATEWAY,),
)
def istio_gateway_old_tls(gateway: IstioGateway, ctx: Context) -> Hits:
    for i, server in numbered(gateway.spec.servers):
        if server.tls.min_protocol_version in ("TLSV1_0", "TLSV1_1"):
            message = f"port {server.port.number} takes {server.tls.min_protocol_version}"
            yield Hit(message, f"spec.servers[{i}].tls.minProtocolVersion")


@rule(
    "istio-any-host",
    title="Mesh gateway or route for any host",
    severity=Severity.LOW,
    scope=Scope.MESH,
    on="IstioGateway VirtualService",
    why="It takes in requests for names that belong to others, and lets every namespace bind hosts to the gateway.",
    remediation="Name the hosts, with their namespace in a gateway (shop/shop.example.com).",
    controls="mitre-attack:T1557",
    aliases="kyverno:restrict-virtual-service-wildcard kyverno:enforce-tls-hosts-host-subnets",
    references=(f"{_BEST}#avoid-overly-broad-hosts-configurations",),
)
def istio_any_host(view: IstioGateway | VirtualService, ctx: Context) -> Hits:
    spec: Any = view.spec
    if ctx.resource.kind.name == "VirtualService":
        for i, host in numbered(spec.hosts):
            if host == "*" and spec.gateways:
                yield Hit("the route takes requests for every host", f"spec.hosts[{i}]")
        return
    for i, server in numbered(spec.servers):
        for j, host in numbered(server.hosts):
            if host in ("*", "*/*"):
                yield Hit(f"port {server.port.number} takes every host", f"spec.servers[{i}].hosts[{j}]")


@rule(
    "istio-outbound-any",
    title="Workloads of the mesh may call any host",
    severity=Severity.LOW,
    scope=Scope.MESH,
    on="Sidecar",
    why="An attacker in a workload sends what it finds to a host of its own, past the routes and logs of the mesh.",
    remediation="Set outboundTrafficPolicy.mode to REGISTRY_ONLY, and add a ServiceEntry for each host outside.",
    controls="mitre-attack:T1041",
    references=(
        f"{_BEST}#restrict-egress-traffic",
        "https://istio.io/latest/docs/reference/config/networking/sidecar/",
    ),
)
def istio_outbound_any(sidecar: Sidecar, ctx: Context) -> Hits:
    policy = sidecar.spec.outbound_traffic_policy
    if policy is not None and policy.mode == "ALLOW_ANY":
        yield Hit("workloads may call any host", "spec.outboundTrafficPolicy.mode")


@rule(
    "istio-external-plain-http",
    title="Host outside the mesh called in clear",
    severity=Severity.LOW,
    scope=Scope.MESH,
    on="ServiceEntry",
    why="Requests to it, with their credentials, cross networks of others in clear.",
    remediation="Declare the port as TLS or HTTPS, or let a DestinationRule with mode SIMPLE encrypt it.",
    controls="mitre-attack:T1040",
    references=("https://istio.io/latest/docs/reference/config/networking/service-entry/",),
    notes="A port 80 beside one of TLS is passed over: it is usually there to be redirected.",
)
def istio_external_plain_http(entry: ServiceEntry, ctx: Context) -> Hits:
    spec = entry.spec
    if spec.location == "MESH_INTERNAL" or any(port.protocol.upper() in ("TLS", "HTTPS") for port in spec.ports):
        return
    for i, port in numbered(spec.ports):
        if port.protocol.upper() in ("HTTP", "HTTP2", "GRPC"):
            yield Hit(f"{', '.join(spec.hosts[:3])} is called in clear", f"spec.ports[{i}].protocol")
