"""Istio and Linkerd: encryption between services, and who may call whom."""

from __future__ import annotations

from typing import Any

from msgspec import field

from seawall.model.kube.base import KubeObject, View


class MutualTls(View, frozen=True):
    """STRICT, PERMISSIVE, DISABLE or UNSET (empty: inherited)."""

    mode: str = ""


class PeerAuthenticationSpec(View, frozen=True):
    """Which encryption the selected workloads ask of their callers."""

    selector: dict[str, Any] | None = None
    mtls: MutualTls | None = None
    port_level_mtls: dict[str, MutualTls] = {}


class PeerAuthentication(KubeObject, frozen=True):
    """Istio: encryption of what comes in."""

    spec: PeerAuthenticationSpec = PeerAuthenticationSpec()


class AuthorizationRule(View, frozen=True):
    """Requests by caller, target and attributes; what is absent does not restrict."""

    from_: tuple[dict[str, Any], ...] = field(default=(), name="from")
    to: tuple[dict[str, Any], ...] = ()
    when: tuple[dict[str, Any], ...] = ()


class AuthorizationSpec(View, frozen=True):
    """An empty action is ALLOW."""

    action: str = ""
    selector: dict[str, Any] | None = None
    rules: tuple[AuthorizationRule, ...] = ()


class AuthorizationPolicy(KubeObject, frozen=True):
    """Istio: who may call."""

    spec: AuthorizationSpec = AuthorizationSpec()


class JwtRule(View, frozen=True):
    """An issuer of tokens and where its keys are."""

    issuer: str = ""
    jwks_uri: str = ""


class RequestAuthenticationSpec(View, frozen=True):
    """Whose tokens are believed."""

    selector: dict[str, Any] | None = None
    jwt_rules: tuple[JwtRule, ...] = ()


class RequestAuthentication(KubeObject, frozen=True):
    """Istio: tokens of users."""

    spec: RequestAuthenticationSpec = RequestAuthenticationSpec()


class ClientTls(View, frozen=True):
    """How connections are made; mode DISABLE, SIMPLE, MUTUAL or ISTIO_MUTUAL."""

    mode: str = ""
    insecure_skip_verify: bool | None = None
    ca_certificates: str = ""


class PortTraffic(View, frozen=True):
    """Settings of one port."""

    port: dict[str, Any] = {}
    tls: ClientTls = ClientTls()


class TrafficPolicy(View, frozen=True):
    """Settings of connections to a host."""

    tls: ClientTls = ClientTls()
    port_level_settings: tuple[PortTraffic, ...] = ()


class Subset(View, frozen=True):
    """Settings of connections to a part of a host's workloads."""

    name: str = ""
    traffic_policy: TrafficPolicy = TrafficPolicy()


class DestinationRuleSpec(View, frozen=True):
    """How a host is called."""

    host: str = ""
    traffic_policy: TrafficPolicy = TrafficPolicy()
    subsets: tuple[Subset, ...] = ()


class DestinationRule(KubeObject, frozen=True):
    """Istio: encryption of what goes out."""

    spec: DestinationRuleSpec = DestinationRuleSpec()


class ServerPort(View, frozen=True):
    """A port and what is spoken there."""

    number: int = 0
    protocol: str = ""
    name: str = ""


class ServerTls(View, frozen=True):
    """How a gateway's port is encrypted."""

    mode: str = ""
    https_redirect: bool = False
    min_protocol_version: str = ""


class IstioServer(View, frozen=True):
    """A port of a gateway and the hosts that it serves."""

    hosts: tuple[str, ...] = ()
    port: ServerPort = ServerPort()
    tls: ServerTls = ServerTls()


class IstioGatewaySpec(View, frozen=True):
    """Where a gateway listens."""

    servers: tuple[IstioServer, ...] = ()


class IstioGateway(KubeObject, frozen=True):
    """Istio: the edge of the mesh."""

    spec: IstioGatewaySpec = IstioGatewaySpec()


class VirtualServiceSpec(View, frozen=True):
    """Which hosts are routed; no gateways means inside the mesh."""

    hosts: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()


class VirtualService(KubeObject, frozen=True):
    """Istio: routes."""

    spec: VirtualServiceSpec = VirtualServiceSpec()


class SidecarSpec(View, frozen=True):
    """What workloads may call."""

    outbound_traffic_policy: MutualTls | None = None
    egress: tuple[dict[str, Any], ...] = ()


class Sidecar(KubeObject, frozen=True):
    """Istio: settings of workloads' proxies."""

    spec: SidecarSpec = SidecarSpec()


class ServiceEntrySpec(View, frozen=True):
    """A service that the mesh does not run; an empty location is MESH_EXTERNAL."""

    hosts: tuple[str, ...] = ()
    location: str = ""
    ports: tuple[ServerPort, ...] = ()


class ServiceEntry(KubeObject, frozen=True):
    """Istio: services outside."""

    spec: ServiceEntrySpec = ServiceEntrySpec()


class LinkerdServerSpec(View, frozen=True):
    """Ports of pods that are guarded; an empty access policy denies whoever no authorization names."""

    access_policy: str = ""


class LinkerdServer(KubeObject, frozen=True):
    """Linkerd: ports that authorizations are about."""

    spec: LinkerdServerSpec = LinkerdServerSpec()


class LinkerdClient(View, frozen=True):
    """Who may call."""

    unauthenticated: bool = False
    mesh_tls: dict[str, Any] | None = field(default=None, name="meshTLS")


class ServerAuthorizationSpec(View, frozen=True):
    """Callers of servers."""

    client: LinkerdClient = LinkerdClient()


class ServerAuthorization(KubeObject, frozen=True):
    """Linkerd: an authorization of the older form."""

    spec: ServerAuthorizationSpec = ServerAuthorizationSpec()


class LinkerdAuthorizationSpec(View, frozen=True):
    """Authentications that are asked for; none means that everyone may call."""

    target_ref: dict[str, Any] = {}
    required_authentication_refs: tuple[dict[str, Any], ...] = ()


class LinkerdAuthorizationPolicy(KubeObject, frozen=True):
    """Linkerd: an authorization."""

    spec: LinkerdAuthorizationSpec = LinkerdAuthorizationSpec()


class MeshTlsSpec(View, frozen=True):
    """Identities of callers."""

    identities: tuple[str, ...] = ()


class MeshTlsAuthentication(KubeObject, frozen=True):
    """Linkerd: callers by identity."""

    spec: MeshTlsSpec = MeshTlsSpec()


class NetworkAuthenticationSpec(View, frozen=True):
    """Networks of callers."""

    networks: tuple[dict[str, Any], ...] = ()


class NetworkAuthentication(KubeObject, frozen=True):
    """Linkerd: callers by address."""

    spec: NetworkAuthenticationSpec = NetworkAuthenticationSpec()
