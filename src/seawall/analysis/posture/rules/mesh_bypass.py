"""Pods and namespaces that stay out of the mesh, and Linkerd's authorizations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.config import Namespace
    from seawall.model.kube.mesh import LinkerdServer
    from seawall.model.kube.pod import PodTemplate
    from seawall.model.rule import Context

_INJECTION = "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/"
_CAPTURE = "https://istio.io/latest/docs/ops/best-practices/security/#understand-traffic-capture-limitations"
_LINKERD = "https://linkerd.io/2/reference/authorization-policy/"
_LINKERD_PROXY = "https://linkerd.io/2/reference/proxy-configuration/"

_INJECT = "sidecar.istio.io/inject"
_SKIPPED = {
    "traffic.sidecar.istio.io/excludeInboundPorts": "into the ports",
    "traffic.sidecar.istio.io/excludeOutboundPorts": "out to the ports",
    "traffic.sidecar.istio.io/excludeOutboundIPRanges": "out to the networks",
    "config.linkerd.io/skip-inbound-ports": "into the ports",
    "config.linkerd.io/skip-outbound-ports": "out to the ports",
}
_OPEN_POLICIES = ("all-unauthenticated", "cluster-unauthenticated")
_DEFAULT_POLICY = "config.linkerd.io/default-inbound-policy"


@rule(
    "mesh-injection-off",
    title="Pod kept out of the mesh",
    severity=Severity.LOW,
    scope=Scope.MESH,
    on="pod",
    why="Without the mesh's proxy its traffic is in clear, and none of the mesh's policies holds it.",
    remediation="Remove the label or annotation, unless the pod cannot work with a proxy.",
    controls="mitre-attack:T1562.001",
    aliases="kyverno:prevent-disabling-injection-pods kyverno:prevent-linkerd-pod-injection-override",
    references=(_INJECTION, _LINKERD_PROXY),
    notes="Jobs and pods in the node's network are left out: a proxy does not suit them.",
)
def mesh_injection_off(pod: PodTemplate, ctx: Context) -> Hits:
    labels, annotations = pod.metadata.labels, pod.metadata.annotations
    if not labels and not annotations:
        return
    if pod.spec.host_network or ctx.resource.kind.name in ("Job", "CronJob"):
        return
    if labels.get(_INJECT, "").lower() == "false":
        yield Hit("the pod is kept out of the mesh by a label", ("metadata", "labels", _INJECT))
    elif annotations.get(_INJECT, "").lower() == "false":
        yield Hit("the pod is kept out of the mesh by an annotation", ("metadata", "annotations", _INJECT))
    elif annotations.get("linkerd.io/inject") == "disabled":
        yield Hit("the pod is kept out of the mesh by an annotation", ("metadata", "annotations", "linkerd.io/inject"))


@rule(
    "mesh-ports-skipped",
    title="Traffic that passes the mesh by",
    severity=Severity.LOW,
    scope=Scope.MESH,
    on="pod",
    why="What goes to these ports or networks is in clear, and none of the mesh's policies holds it: an attacker uses "
    "just that way.",
    remediation="Remove the annotation; teach the mesh the protocol (opaque ports) instead.",
    controls="mitre-attack:T1562.001 mitre-attack:T1040",
    aliases="kyverno:prevent-linkerd-port-skipping",
    references=(_CAPTURE, _LINKERD_PROXY),
)
def mesh_ports_skipped(pod: PodTemplate, ctx: Context) -> Hits:
    annotations = pod.metadata.annotations
    for key, what in _SKIPPED.items() if annotations else ():
        value = annotations.get(key, "")
        if value:
            yield Hit(f"traffic {what} {value} passes the mesh by", ("metadata", "annotations", key))


@rule(
    "mesh-namespace-injection-off",
    title="Namespace kept out of the mesh",
    severity=Severity.LOW,
    scope=Scope.MESH,
    on="Namespace",
    why="Pods of the namespace get no proxy: their traffic is in clear, and the mesh's policies do not hold them.",
    remediation="Set the label to enabled, unless the namespace belongs to the cluster itself.",
    controls="mitre-attack:T1562.001",
    aliases="kyverno:enforce-sidecar-injection-namespace",
    references=(_INJECTION,),
    notes="Namespaces of the cluster and of the mesh (kube-*, istio-*, linkerd*) are left out.",
)
def mesh_namespace_injection_off(namespace: Namespace, ctx: Context) -> Hits:
    if namespace.metadata.name.startswith(("kube-", "istio-", "linkerd")):
        return
    if namespace.metadata.labels.get("istio-injection") == "disabled":
        yield Hit("pods of the namespace are kept out of the mesh", ("metadata", "labels", "istio-injection"))
    if namespace.metadata.annotations.get("linkerd.io/inject") == "disabled":
        yield Hit("pods of the namespace are kept out of the mesh", ("metadata", "annotations", "linkerd.io/inject"))


@rule(
    "linkerd-default-open",
    title="Linkerd lets in callers without identity by default",
    severity=Severity.LOW,
    scope=Scope.MESH,
    on="Namespace pod",
    why="Ports that no Server names take connections from every pod, in the mesh or not.",
    remediation="Set the default inbound policy to cluster-authenticated or deny.",
    controls="mitre-attack:T1046",
    references=(f"{_LINKERD}#default-policies",),
)
def linkerd_default_open(view: Namespace | PodTemplate, ctx: Context) -> Hits:
    annotations = view.metadata.annotations
    if annotations and annotations.get(_DEFAULT_POLICY) in _OPEN_POLICIES:
        message = f"callers need no identity ({annotations[_DEFAULT_POLICY]})"
        yield Hit(message, ("metadata", "annotations", _DEFAULT_POLICY))


@rule(
    "linkerd-server-open",
    title="Linkerd server that lets in callers without identity",
    severity=Severity.MEDIUM,
    scope=Scope.MESH,
    on="LinkerdServer",
    why="The port takes connections from every pod, whatever authorizations say.",
    remediation="Remove accessPolicy, and name the callers in an AuthorizationPolicy.",
    controls="mitre-attack:T1046",
    references=(_LINKERD,),
)
def linkerd_server_open(server: LinkerdServer, ctx: Context) -> Hits:
    if server.spec.access_policy in _OPEN_POLICIES:
        yield Hit(f"callers need no identity ({server.spec.access_policy})", "spec.accessPolicy")


@rule(
    "linkerd-unauthenticated-clients",
    title="Linkerd authorization for callers without identity",
    severity=Severity.MEDIUM,
    scope=Scope.MESH,
    on="ServerAuthorization LinkerdAuthorizationPolicy",
    why="The server takes connections from every pod, in the mesh or not.",
    remediation="Ask for identities: client.meshTLS, or a MeshTLSAuthentication in requiredAuthenticationRefs.",
    controls="mitre-attack:T1046",
    aliases="kyverno:check-linkerd-authorizationpolicy",
    references=(_LINKERD,),
)
def linkerd_unauthenticated_clients(view: Any, ctx: Context) -> Hits:
    if ctx.resource.kind.name == "LinkerdAuthorizationPolicy":
        if not view.spec.required_authentication_refs:
            yield Hit("no authentication is asked for", "spec.requiredAuthenticationRefs")
        return
    client = view.spec.client
    if client.unauthenticated:
        yield Hit("callers need no identity", "spec.client.unauthenticated")
    elif client.mesh_tls is not None and client.mesh_tls.get("unauthenticatedTLS") is True:
        yield Hit("callers need no identity", "spec.client.meshTLS.unauthenticatedTLS")


@rule(
    "linkerd-any-caller",
    title="Linkerd authentication that everyone passes",
    severity=Severity.LOW,
    scope=Scope.MESH,
    on="MeshTLSAuthentication NetworkAuthentication",
    why="Every pod of the mesh has some identity, and 0.0.0.0/0 holds every address: neither keeps out an attacker who "
    "is inside.",
    remediation="Name the identities or the networks.",
    controls="mitre-attack:T1046",
    references=(_LINKERD,),
)
def linkerd_any_caller(view: Any, ctx: Context) -> Hits:
    if ctx.resource.kind.name == "MeshTLSAuthentication":
        for i, identity in numbered(view.spec.identities):
            if identity == "*":
                yield Hit("every identity passes", f"spec.identities[{i}]")
        return
    for i, network in numbered(view.spec.networks):
        if network.get("cidr") in ("0.0.0.0/0", "::/0") and not network.get("except"):
            yield Hit(f"every address passes ({network['cidr']})", f"spec.networks[{i}].cidr")
