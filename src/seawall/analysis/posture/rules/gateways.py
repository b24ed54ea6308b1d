"""The Gateway API, and OpenShift's routes: what comes in from outside, and how."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seawall.analysis.posture.indexes import services_by_label, view_of
from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.resource import namespace_of
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.gateway import BackendRef, Gateway, ReferenceGrant
    from seawall.model.kube.openshift import Route
    from seawall.model.resource import Inventory, Resource
    from seawall.model.rule import Context

_GATEWAY = "https://gateway-api.sigs.k8s.io/"
_ROUTES = "https://docs.openshift.com/container-platform/latest/networking/routes/secured-routes.html"
_KINDS = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute")


@rule(
    "gateway-plain-http",
    title="Gateway that serves plain HTTP only",
    severity=Severity.MEDIUM,
    scope=Scope.INGRESS,
    on="Gateway",
    why="Requests, passwords and session cookies pass in clear, to be read and changed by anyone on the way.",
    remediation="Add a listener of protocol HTTPS with a certificate, and let the plain one redirect to it.",
    controls="mitre-attack:T1040",
    references=(f"{_GATEWAY}guides/tls/",),
    notes="A plain listener beside an encrypted one passes: it is usually there to redirect.",
)
def gateway_plain_http(gateway: Gateway, ctx: Context) -> Hits:
    listeners = gateway.spec.listeners
    if any(listener.protocol in ("HTTPS", "TLS") for listener in listeners):
        return
    for i, listener in numbered(listeners):
        if listener.protocol == "HTTP":
            yield Hit(f"the listener {listener.name!r} serves plain HTTP", f"spec.listeners[{i}].protocol")


@rule(
    "gateway-routes-from-all",
    title="Gateway that takes routes from every namespace",
    severity=Severity.LOW,
    scope=Scope.INGRESS,
    on="Gateway",
    why="Whoever may create routes in any namespace opens a program of theirs to outside, or takes in requests for "
    "another's host and path.",
    remediation="Set allowedRoutes.namespaces.from to Same, or to Selector with a label that users may not set.",
    controls="mitre-attack:T1557",
    references=(f"{_GATEWAY}guides/multiple-ns/", f"{_GATEWAY}concepts/security-model/"),
    notes="Medium where the listener also serves every host.",
)
def gateway_routes_from_all(gateway: Gateway, ctx: Context) -> Hits:
    for i, listener in numbered(gateway.spec.listeners):
        namespaces = listener.allowed_routes.get("namespaces")
        if isinstance(namespaces, dict) and namespaces.get("from") == "All":
            severity = None if listener.hostname else Severity.MEDIUM
            path = f"spec.listeners[{i}].allowedRoutes.namespaces.from"
            yield Hit(f"the listener {listener.name!r} takes routes from every namespace", path, severity=severity)


@rule(
    "route-backend-missing",
    title="Route to a Service that does not exist",
    severity=Severity.LOW,
    scope=Scope.INGRESS,
    on="inventory",
    why="Requests lead nowhere until someone creates a Service of that name, and then whoever did gets them.",
    remediation="Correct the name of the Service, or remove the backend.",
    controls="mitre-attack:T1557",
    aliases="C-0302",
    references=(f"{_GATEWAY}api-types/httproute/",),
    notes="Judged in namespaces of which at least one Service is known.",
)
def route_backend_missing(inventory: Inventory, ctx: Context) -> Hits:
    for route, path, backend in _backends(inventory):
        namespace = backend.namespace or namespace_of(route)
        known = namespace in ctx.once(services_by_label)
        if known and not any(inventory.get("Service", each, backend.name) for each in {namespace, route.ref.namespace}):
            yield Hit(f"there is no Service {backend.name!r} in {namespace}", path, resource=route)


def _backends(inventory: Inventory) -> Iterator[tuple[Resource, str, BackendRef]]:
    """The Services that routes send requests to."""
    for route in inventory.of_kind(*_KINDS):
        for i, each in numbered(view_of(route).spec.rules):
            for j, backend in numbered(each.backend_refs):
                if backend.kind == "Service" and not backend.group and backend.name:
                    yield route, f"spec.rules[{i}].backendRefs[{j}].name", backend


@rule(
    "reference-grant-wide",
    title="Grant to refer to every Secret or Service of a namespace",
    severity=Severity.MEDIUM,
    scope=Scope.INGRESS,
    on="ReferenceGrant",
    why="Whoever may create routes or gateways in the other namespace reaches all Services of this one, or uses all "
    "its certificates.",
    remediation="Name the object in to[].name.",
    controls="mitre-attack:T1199 mitre-attack:T1552.007",
    references=(f"{_GATEWAY}api-types/referencegrant/",),
    notes="Low for Services.",
)
def reference_grant_wide(grant: ReferenceGrant, ctx: Context) -> Hits:
    for i, to in numbered(grant.spec.to):
        if not to.name and to.kind in ("Secret", "Service"):
            who = ", ".join(sorted({each.namespace for each in grant.spec.from_}))
            severity = Severity.LOW if to.kind == "Service" else None
            yield Hit(f"{who} may refer to every {to.kind} of the namespace", f"spec.to[{i}]", severity=severity)


@rule(
    "route-no-tls",
    title="Route without TLS",
    severity=Severity.MEDIUM,
    scope=Scope.INGRESS,
    on="Route",
    why="Requests, passwords and session cookies pass in clear, to be read and changed by anyone on the way.",
    remediation="Set spec.tls with a termination: edge, reencrypt or passthrough.",
    controls="mitre-attack:T1040",
    aliases="kyverno:check-routes",
    references=(_ROUTES,),
)
def route_no_tls(route: Route, ctx: Context) -> Hits:
    if route.spec.tls is None:
        yield Hit(f"the route serves {route.spec.host or 'its host'} without TLS", "spec.tls")


@rule(
    "route-serves-plain-http",
    title="Route that serves plain HTTP beside TLS",
    severity=Severity.LOW,
    scope=Scope.INGRESS,
    on="Route",
    why="Whoever types the address without https, or is led to it so, sends the request and its cookies in clear.",
    remediation="Set insecureEdgeTerminationPolicy to Redirect or None.",
    controls="mitre-attack:T1557",
    references=(_ROUTES,),
)
def route_serves_plain_http(route: Route, ctx: Context) -> Hits:
    if route.spec.tls is not None and route.spec.tls.insecure_edge_termination_policy == "Allow":
        yield Hit("plain requests are served", "spec.tls.insecureEdgeTerminationPolicy")


@rule(
    "route-wildcard",
    title="Route for every host of a domain",
    severity=Severity.LOW,
    scope=Scope.INGRESS,
    on="Route",
    why="It takes in requests that are meant for others, and lets names that an attacker points here reach the "
    "service.",
    remediation="Remove wildcardPolicy, and name the hosts.",
    controls="mitre-attack:T1557",
    references=(_ROUTES,),
)
def route_wildcard(route: Any, ctx: Context) -> Hits:
    if route.spec.wildcard_policy == "Subdomain":
        yield Hit(f"the route takes every host beside {route.spec.host}", "spec.wildcardPolicy")
