"""The Gateway API of gateway.networking.k8s.io."""

from __future__ import annotations

from typing import Any

from msgspec import field

from seawall.model.kube.base import KubeObject, View


class Listener(View, frozen=True):
    """A port of a gateway."""

    name: str = ""
    hostname: str = ""
    port: int = 0
    protocol: str = ""
    tls: dict[str, Any] | None = None
    allowed_routes: dict[str, Any] = {}


class GatewaySpec(View, frozen=True):
    """Where a gateway listens."""

    gateway_class_name: str = ""
    listeners: tuple[Listener, ...] = ()


class Gateway(KubeObject, frozen=True):
    """A gateway."""

    spec: GatewaySpec = GatewaySpec()


class BackendRef(View, frozen=True):
    """An object that requests are sent to; a Service unless it says otherwise."""

    group: str = ""
    kind: str = "Service"
    name: str = ""
    namespace: str = ""
    port: int = 0


class RouteRule(View, frozen=True):
    """Some requests, and where they go."""

    backend_refs: tuple[BackendRef, ...] = ()


class RouteSpec(View, frozen=True):
    """What leads from gateways to services."""

    parent_refs: tuple[dict[str, Any], ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[RouteRule, ...] = ()


class GatewayRoute(KubeObject, frozen=True):
    """An HTTPRoute, GRPCRoute, TCPRoute, TLSRoute or UDPRoute."""

    spec: RouteSpec = RouteSpec()


class GrantFrom(View, frozen=True):
    """Objects of a namespace that may refer."""

    group: str = ""
    kind: str = ""
    namespace: str = ""


class GrantTo(View, frozen=True):
    """Objects that may be referred to; an empty name is all of the kind."""

    group: str = ""
    kind: str = ""
    name: str = ""


class GrantSpec(View, frozen=True):
    """Who may refer to what."""

    from_: tuple[GrantFrom, ...] = field(default=(), name="from")
    to: tuple[GrantTo, ...] = ()


class ReferenceGrant(KubeObject, frozen=True):
    """A permission to refer across namespaces."""

    spec: GrantSpec = GrantSpec()
