"""Services, Ingresses, Routes and Gateways: which ports of which workloads they lead to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import Struct

from seawall.analysis.network.world import Workload, World
from seawall.model.kube.base import InvalidField
from seawall.model.resource import Resource, namespace_of

#: Pod ports by protocol.
PodPort = tuple[str, int]


class Backend(NamedTuple):
    """A service that an Ingress or the like names, and the port asked for: name or number, None for all."""

    namespace: str
    service: str
    port: str | int | None


class Target(NamedTuple):
    """A workload behind a service, the pod port reached, the service port, and whether the pod declares the port."""

    workload: Workload
    port: PodPort
    service_port: Any
    declared: bool


class Entry(Struct, gc=False):
    """An Ingress, Route or Gateway route with the services that it leads to; ``controller`` serves it."""

    resource: Resource
    controller: str
    backends: list[Backend]


class Services:
    """The services of a world and what they lead to."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.by_name: dict[tuple[str, str], Resource] = {}
        self.unread: list[tuple[Resource, tuple[str | int, ...]]] = []
        #: Workloads by namespace and a label of a pod of theirs.
        self._having: dict[tuple[str, tuple[str, str]], list[Workload]] = {}
        self._selected: dict[int, list[Workload]] = {}
        for workload in world.workloads:
            for item in dict.fromkeys(item for pod in workload.pods for item in pod.labels.items()):
                self._having.setdefault((workload.namespace, item), []).append(workload)
        for resource in world.inventory.of_kind("Service"):
            self.by_name.setdefault((namespace_of(resource), resource.ref.name), resource)

    def selected(self, resource: Resource) -> list[Workload]:
        """The workloads with a pod that a Service selects; none for one without a selector."""
        view: Any = resource.view
        selector = view.spec.selector
        if not selector or view.spec.type == "ExternalName":
            return []
        found = self._selected.get(id(resource))
        if found is None:
            near = [self._having.get((namespace_of(resource), item), []) for item in selector.items()]
            fewest = min(near, key=len)
            found = [w for w in fewest if any(selector.items() <= pod.labels.items() for pod in w.pods)]
            self._selected[id(resource)] = found
        return found

    def targets(self, resource: Resource, port: str | int | None = None) -> list[Target]:
        """Where a Service leads; ``port`` (name or number) narrows it to the first service port that it means.

        A Service that cannot be read leads nowhere, and is noted.
        """
        try:
            return self._targets(resource, port)
        except InvalidField as invalid:
            if (resource, invalid.path) not in self.unread:
                self.unread.append((resource, invalid.path))
            return []

    def _targets(self, resource: Resource, port: str | int | None) -> list[Target]:
        view: Any = resource.view
        # All of them are read here, so that whoever gets a target can rely on its service port.
        called = [(each, (each.name, each.port, each.target_port)) for each in view.spec.ports]
        ports = [each for each, names in called if port is None or port in names]
        if port is not None:
            del ports[1:]
        selector = view.spec.selector
        found: list[Target] = []
        for workload in self.selected(resource):
            pods = [pod for pod in workload.pods if selector.items() <= pod.labels.items()]
            for each in ports:
                wanted = each.target_port or each.port
                protocol = each.protocol or "TCP"
                for number, declared in sorted(_pod_ports(pods, wanted, protocol)):
                    found.append(Target(workload, (protocol, number), each, declared))
        return found

    def entries(self) -> Iterator[Entry]:
        """Everything that leads from an ingress controller or gateway to services; what cannot be read is noted."""
        for kind, read in _READERS.items():
            for resource in self.world.inventory.of_kind(kind):
                try:
                    backends = read(resource)
                except InvalidField as invalid:
                    self.unread.append((resource, invalid.path))
                    continue
                yield Entry(resource, "gateway" if kind in _GATEWAY_ROUTES else "ingress", backends)


def _pod_ports(pods: list[Any], wanted: str | int, protocol: str) -> set[tuple[int, bool]]:
    """The numbers that a target port has at some pods, and whether they declare it (told for TCP only)."""
    found: set[tuple[int, bool]] = set()
    for pod in pods:
        if isinstance(wanted, str):
            found |= {(number, True) for name, own, number in pod.named_ports if (name, own) == (wanted, protocol)}
        else:
            found.add((wanted, protocol != "TCP" or wanted in pod.tcp_ports))
    return found


def _ingress(resource: Resource) -> list[Backend]:
    view: Any = resource.view
    found = [_ingress_backend(resource, view.spec.default_backend)]
    for rule in view.spec.rules:
        paths = rule.http.get("paths")
        listed = paths if isinstance(paths, list) else ()
        found += [_ingress_backend(resource, path.get("backend")) for path in listed if isinstance(path, dict)]
    return [each for each in found if each is not None]


def _ingress_backend(resource: Resource, value: Any) -> Backend | None:
    if not isinstance(value, dict):
        return None
    service = value.get("service")
    if isinstance(service, dict) and isinstance(service.get("name"), str):
        port = service.get("port")
        port = port if isinstance(port, dict) else {}
        return Backend(namespace_of(resource), service["name"], port.get("name") or port.get("number"))
    if isinstance(value.get("serviceName"), str):
        return Backend(namespace_of(resource), value["serviceName"], value.get("servicePort"))
    return None


def _spec(resource: Resource) -> dict[str, Any]:
    """The spec as it was written.

    Raises:
        InvalidField: it is no mapping.
    """
    spec = resource.raw.get("spec")
    if spec is None:
        return {}
    if not isinstance(spec, dict):
        raise InvalidField(("spec",))
    return spec


def _route(resource: Resource) -> list[Backend]:
    spec = _spec(resource)
    port = spec.get("port")
    target = port.get("targetPort") if isinstance(port, dict) else None
    others = spec.get("alternateBackends")
    found = []
    for each in [spec.get("to"), *(others if isinstance(others, list) else ())]:
        named = isinstance(each, dict) and isinstance(each.get("name"), str)
        if named and each.get("kind") in (None, "", "Service"):
            found.append(Backend(namespace_of(resource), each["name"], target))
    return found


def _gateway_route(resource: Resource) -> list[Backend]:
    rules = _spec(resource).get("rules")
    found = []
    for rule in rules if isinstance(rules, list) else ():
        refs = rule.get("backendRefs") if isinstance(rule, dict) else None
        for each in refs if isinstance(refs, list) else ():
            if isinstance(each, dict) and isinstance(each.get("name"), str) and each.get("kind") in (None, "Service"):
                namespace = each.get("namespace")
                own = namespace if isinstance(namespace, str) else namespace_of(resource)
                found.append(Backend(own, each["name"], each.get("port")))
    return found


_GATEWAY_ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
_READERS = {"Ingress": _ingress, "Route": _route, **dict.fromkeys(_GATEWAY_ROUTES, _gateway_route)}
