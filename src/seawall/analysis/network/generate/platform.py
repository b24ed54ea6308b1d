"""Needs of the platform: DNS, the API server, what the API server calls, and ways in by controllers and gateways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.analysis.network.form import Direction
from seawall.analysis.network.generate.declared import Declared
from seawall.analysis.network.generate.directory import as_dict, as_list, usual
from seawall.analysis.network.generate.needs import ANYONE, OUTSIDE, Peer, Port, block, host_block, unit_peer
from seawall.analysis.network.generate.units import Unit
from seawall.analysis.network.world import NAME_LABEL, Workload
from seawall.model.kube.base import InvalidField
from seawall.model.resource import Resource

DNS_PORTS: tuple[Port, ...] = (("UDP", 53), ("TCP", 53))
#: Services of cluster DNS: namespace and name.
_DNS_SERVICES = (
    ("kube-system", "kube-dns"),
    ("kube-system", "coredns"),
    ("kube-system", "rke2-coredns-rke2-coredns"),
    ("openshift-dns", "dns-default"),
)
_NODE_LOCAL_DNS = "169.254.20.10/32"
_API_PORTS: tuple[Port, ...] = (("TCP", 443), ("TCP", 6443))
#: Part of an image, and the controller.
_CONTROLLERS = {
    "ingress-nginx/controller": "ingress-nginx",
    "nginx-ingress-controller": "ingress-nginx",
    "nginx/nginx-ingress": "NGINX Ingress Controller",
    "traefik": "Traefik",
    "haproxy-ingress": "HAProxy Ingress",
    "haproxytech/kubernetes-ingress": "HAProxy Ingress",
    "kong/kubernetes-ingress-controller": "Kong",
    "projectcontour/contour": "Contour",
    "envoyproxy/gateway": "Envoy Gateway",
    "nginx-gateway-fabric": "NGINX Gateway Fabric",
    "openshift/origin-haproxy-router": "OpenShift's router",
    "emissary": "Emissary",
}
_GATEWAY_LABELS = ("gateway.networking.k8s.io/gateway-name", "gateway.envoyproxy.io/owning-gateway-name")


def dns_peers(declared: Declared) -> list[tuple[Unit | Peer, tuple[Port, ...]]]:
    """Where names are asked: the pods behind the cluster's DNS Service, or what is usual where none was read."""
    numbers: dict[int, set[int]] = {}
    for key in _DNS_SERVICES:
        resource = declared.reach.services.by_name.get(key)
        for target in declared.reach.services.targets(resource) if resource is not None else ():
            unit = declared.units.of.get(target.workload.label)
            if unit is not None and target.service_port.port == 53:
                numbers.setdefault(unit.number, set()).add(target.port[1])
    found: list[tuple[Unit | Peer, tuple[Port, ...]]] = [
        # Long answers come over TCP, whatever the Service says.
        (declared.units.all[unit], tuple((protocol, n) for n in sorted(ports) for protocol in ("UDP", "TCP")))
        for unit, ports in numbers.items()
    ]
    if not found:
        body = {
            "namespaceSelector": {"matchLabels": {NAME_LABEL: "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
        found.append((declared.needs.named("kube-dns", body), DNS_PORTS))
    if any(workload.name == "node-local-dns" for workload in declared.reach.world.workloads):
        found.append((block(_NODE_LOCAL_DNS), DNS_PORTS))
    return found


def add_dns(declared: Declared, units: list[Unit]) -> list[tuple[Unit | Peer, tuple[Port, ...]]]:
    """Let units ask for names. It tells nothing of what they do, so that it is no evidence."""
    peers = dns_peers(declared)
    for peer, ports in peers:
        target = peer if isinstance(peer, Unit) else None
        shown = unit_peer(peer) if isinstance(peer, Unit) else peer
        for unit in units:
            for port in ports:
                if target is not unit:
                    declared.needs.add(unit, Direction.EGRESS, shown, port, "DNS", evidence=False)
        if target is not None:
            for port in ports:
                declared.needs.add(target, Direction.INGRESS, declared.needs.any_pod(), port, "DNS, of every pod")
            for port in DNS_PORTS:
                declared.needs.add(target, Direction.EGRESS, OUTSIDE, port, "DNS: names of others are asked outside")
    return peers


class Platform:
    """Reads what manifests tell of the platform into needs."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared
        self._reach, self._units, self._needs = declared.reach, declared.units, declared.needs
        self._by_kind: dict[str, list[Resource]] = {}
        for resource in self._reach.inventory.resources:
            self._by_kind.setdefault(resource.ref.kind, []).append(resource)

    def read(self) -> None:
        """All of it."""
        self._api_access()
        self._webhooks()
        self._entries()
        self._meshes()

    # The API server.

    def _api_server(self) -> list[tuple[Peer, Port]]:
        """Where pods reach it: behind the Service default/kubernetes, at the control plane's nodes, or anywhere."""
        found: list[tuple[Peer, Port]] = []
        for resource in self._by_kind.get("EndpointSlice", []) + self._by_kind.get("Endpoints", []):
            if resource.ref.namespace == "default" and resource.ref.name == "kubernetes":
                found += _endpoints(resource.raw)
        if found:
            return list(dict.fromkeys(found))
        nodes = sorted(self._declared.directory.control_plane)
        return [(host_block(node), port) for node in nodes for port in _API_PORTS] or [(OUTSIDE, p) for p in _API_PORTS]

    def _api_access(self) -> None:
        bound = set(self._bound_accounts())
        server = self._api_server()
        unknown = any(peer == OUTSIDE for peer, _ in server)
        for unit in self._units.all:
            why = next(filter(None, (self._wants_api(workload, bound) for workload in unit.workloads)), "")
            for peer, port in server if why else ():
                word = f"{why}; the API server's address was not read" if unknown else why
                self._needs.add(unit, Direction.EGRESS, peer, port, f"API server: {word}")

    def _bound_accounts(self) -> Iterator[tuple[str, str]]:
        for resource in self._reach.inventory.of_kind("RoleBinding", "ClusterRoleBinding"):
            try:
                view: Any = resource.view
                for subject in view.subjects:
                    if subject.kind == "ServiceAccount":
                        yield subject.namespace or resource.ref.namespace or "default", subject.name
            except InvalidField:
                continue

    def _wants_api(self, workload: Workload, bound: set[tuple[str, str]]) -> str:
        for pod in workload.pods:
            try:
                spec = pod.template.spec
                names = [e.name for _, _, c in spec.all_containers() for e in c.env] if spec.containers else []
                mounts = spec.automount_service_account_token
            except InvalidField:
                continue
            if "KUBERNETES_SERVICE_HOST" in names:
                return "env KUBERNETES_SERVICE_HOST"
            if mounts is None:
                account = self._reach.inventory.get("ServiceAccount", pod.namespace, pod.account)
                view: Any = account.view if account is not None else None
                try:
                    mounts = view.automount_service_account_token if view is not None else None
                except InvalidField:
                    mounts = None
            if mounts is not False and (pod.namespace, pod.account) in bound:
                return f"ServiceAccount {pod.account} holds roles, and its token is mounted"
        return ""

    # What the API server calls.

    def _webhooks(self) -> None:
        for resource, client in self._clients_of_api():
            service = as_dict(client.get("service"))
            namespace, name, port = service.get("namespace"), service.get("name"), service.get("port", 443)
            if not isinstance(namespace, str) or not isinstance(name, str):
                continue
            known = self._reach.services.by_name.get((namespace, name))
            if known is None:
                self._needs.unresolved[f"{resource.ref} calls Service {namespace}/{name}, which was not read"] = None
                continue
            sources = [host_block(a) for a in sorted(self._declared.directory.control_plane)] or [OUTSIDE]
            word = "" if self._declared.directory.control_plane else ", whose address was not read"
            for target in self._reach.services.targets(known):
                unit = self._units.of.get(target.workload.label)
                if unit is not None and target.service_port.port == port:
                    for source in sources:
                        reason = f"{resource.ref} is called by the API server{word}"
                        self._needs.add(unit, Direction.INGRESS, source, target.port, reason)

    def _clients_of_api(self) -> Iterator[tuple[Resource, dict[str, Any]]]:
        for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
            for resource in self._by_kind.get(kind, []):
                for hook in as_list(resource.raw.get("webhooks")):
                    yield resource, as_dict(as_dict(hook).get("clientConfig"))
        for resource in self._by_kind.get("APIService", []):
            yield resource, as_dict(resource.raw.get("spec"))
        for resource in self._by_kind.get("CustomResourceDefinition", []):
            conversion = as_dict(as_dict(as_dict(resource.raw.get("spec")).get("conversion")).get("webhook"))
            yield resource, as_dict(conversion.get("clientConfig"))

    # Ways in by controllers.

    def _entries(self) -> None:
        for entry in self._reach.entries:
            for backend in entry.backends:
                service = self._reach.services.by_name.get((backend.namespace, backend.service))
                if service is None:
                    name = f"{backend.namespace}/{backend.service}"
                    self._needs.unresolved[f"{entry.resource.ref} leads to Service {name}, which was not read"] = None
                    continue
                sources, how = self._controllers(entry.resource, entry.controller)
                for target in self._reach.services.targets(service, backend.port):
                    reason = f"{entry.resource.ref} leads to {service.ref}"
                    for source in sources:
                        self._declared.connect(source, target.workload.label, target.port, reason, f"{reason}{how}")

    def _controllers(self, resource: Resource, controller: str) -> tuple[list[Unit | Peer], str]:
        """What forwards for an Ingress, Route or Gateway route: known pods, a namespace, or anyone."""
        if resource.ref.kind == "Route":
            label = {"network.openshift.io/policy-group": "ingress"}
            return [self._needs.named("OpenShift's router", {"namespaceSelector": {"matchLabels": label}})], ""
        found = list(self._known_controllers(gateway=controller == "gateway"))
        units = [self._units.of.get(workload.label) for workload, _ in found]
        if found and all(unit is not None for unit in units):
            return [unit for unit in units if unit is not None], ""
        if found:
            nodes: list[Unit | Peer] = [host_block(a) for a in sorted(self._declared.directory.nodes)]
            return nodes or [OUTSIDE], f", by {found[0][1]} in its node's network"
        self._needs.note(
            "whatever serves Ingresses and Gateways was not read: what they lead to is let in from anyone; read the "
            "controller's manifests too to narrow it"
        )
        return [ANYONE], ", by a controller that was not read"

    def _known_controllers(self, gateway: bool) -> Iterator[tuple[Workload, str]]:
        for workload in self._reach.world.workloads:
            for pod in workload.pods[:1]:
                if gateway and any(key in pod.labels for key in _GATEWAY_LABELS):
                    yield workload, "a gateway"
                    continue
                if workload.kind not in ("Deployment", "DaemonSet", "StatefulSet"):
                    continue
                try:
                    images = [container.image for _, _, container in pod.template.spec.all_containers()]
                except InvalidField:
                    continue
                name = next((n for image in images for part, n in _CONTROLLERS.items() if part in image), "")
                if name:
                    yield workload, name

    # Meshes.

    def _meshes(self) -> None:
        body = {
            "namespaceSelector": {"matchLabels": {NAME_LABEL: "istio-system"}},
            "podSelector": {"matchLabels": {"app": "istiod"}},
        }
        for unit in self._units.all:
            labels = self._reach.world.namespaces.get(unit.namespace, {})
            injected = labels.get("istio-injection") == "enabled" or "istio.io/rev" in labels
            switched = {pod.labels.get("sidecar.istio.io/inject") for pod in unit.pods}
            if (injected and "false" not in switched) or "true" in switched:
                istiod = self._needs.named("istiod", body)
                word = "the sidecar's control plane"
                self._needs.add(unit, Direction.EGRESS, istiod, ("TCP", 15012), word, evidence=False)
        for name, labels in self._reach.world.namespaces.items():
            if labels.get("istio.io/dataplane-mode") == "ambient":
                self._needs.note(
                    f"namespace {name} is in Istio's ambient mesh: pods meet on TCP 15008 there, which the policies do "
                    "not let through; use Istio's AuthorizationPolicy in it"
                )


def _endpoints(raw: dict[str, Any]) -> Iterator[tuple[Peer, Port]]:
    """Addresses and ports of an EndpointSlice or Endpoints object."""
    groups = as_list(raw.get("subsets")) if "subsets" in raw else [raw]
    for group in map(as_dict, groups):
        texts = [as_dict(each).get("ip") for each in as_list(group.get("addresses"))]
        texts += [text for each in as_list(group.get("endpoints")) for text in as_list(as_dict(each).get("addresses"))]
        ports = [as_dict(each).get("port") for each in as_list(group.get("ports"))]
        for address in filter(None, map(usual, texts)):
            yield from ((host_block(address), ("TCP", port)) for port in ports if type(port) is int)
