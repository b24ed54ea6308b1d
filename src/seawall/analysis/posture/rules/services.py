"""Services and ingresses: what leads to the wrong place, or to a place that should not be reached from outside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seawall.analysis.posture.indexes import pods_by_label, services_by_label, view_of
from seawall.analysis.posture.rules.network import is_open_load_balancer
from seawall.model.finding import Severity
from seawall.model.kube.base import LabelSelector, numbered
from seawall.model.resource import namespace_of
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.network import Ingress, Service
    from seawall.model.kube.pod import PodSpec
    from seawall.model.paths import Path
    from seawall.model.resource import Inventory, Resource
    from seawall.model.rule import Context

_SERVICES = "https://kubernetes.io/docs/concepts/services-networking/service/"
_INGRESS = "https://kubernetes.io/docs/concepts/services-networking/ingress/"

#: Ports that are for administrators and programs inside, and what listens there.
_SENSITIVE_PORTS = {
    22: "SSH",
    2049: "NFS",
    2375: "Docker",
    2379: "etcd",
    2380: "etcd",
    3306: "MySQL",
    3389: "remote desktop",
    5432: "PostgreSQL",
    5900: "VNC",
    6379: "Redis",
    8500: "Consul",
    9042: "Cassandra",
    9090: "Prometheus",
    9092: "Kafka",
    9200: "Elasticsearch",
    9300: "Elasticsearch",
    10250: "the kubelet",
    10255: "the kubelet",
    11211: "memcached",
    27017: "MongoDB",
}


@rule(
    "service-external-name-inside",
    title="External name that leads inside",
    severity=Severity.MEDIUM,
    scope=Scope.SERVICE,
    on="Service",
    why="The Service passes requests on to the node, to the cloud's metadata service or into another namespace: an "
    "ingress that uses it opens to outside what was not meant to be.",
    remediation="Name the host outside, or use a Service with a selector in the namespace that has the pods.",
    controls="mitre-attack:T1090",
    aliases="KSV-0108 kyverno:no-localhost-service",
    references=(f"{_SERVICES}#externalname",),
)
def service_external_name_inside(service: Service, ctx: Context) -> Hits:
    if service.spec.type == "ExternalName" and _leads_inside(service, ctx):
        yield Hit(f"the service stands for {service.spec.external_name}", "spec.externalName")


def _leads_inside(service: Service, ctx: Context) -> bool:
    name = service.spec.external_name.lower().rstrip(".")
    local = name in ("localhost", "0.0.0.0", "::1", "kubernetes.default") or name.startswith(("127.", "169.254."))  # noqa: S104
    inside = name.endswith((".svc", ".svc.cluster.local")) and f".{ctx.resource.ref.namespace}.svc" not in name
    return local or inside or name.endswith("metadata.google.internal")


@rule(
    "service-external-name",
    title="Service stands for a name outside",
    severity=Severity.INFO,
    scope=Scope.SERVICE,
    on="Service",
    why="Pods trust the Service's name, and whoever holds the name behind it, or takes it over when it lapses, answers "
    "them.",
    remediation="Let programs name the host themselves and check its certificate, or see that the name stays yours.",
    controls="mitre-attack:T1557",
    aliases="KSV-0108",
    references=(f"{_SERVICES}#externalname",),
    default=False,
    notes="Names that lead inside are told by service-external-name-inside.",
)
def service_external_name(service: Service, ctx: Context) -> Hits:
    if service.spec.type == "ExternalName" and service.spec.external_name and not _leads_inside(service, ctx):
        yield Hit(f"the service stands for {service.spec.external_name}", "spec.externalName")


@rule(
    "sensitive-port-exposed",
    title="Database or management port open outside the cluster",
    severity=Severity.HIGH,
    scope=Scope.SERVICE,
    on="Service",
    why="What listens there is meant for programs inside: guessed passwords, or none, and known holes are tried from "
    "everywhere within minutes.",
    remediation="Make it a ClusterIP Service, and reach it by kubectl port-forward or a VPN.",
    controls="mitre-attack:T1133 mitre-attack:T1190",
    aliases="C-0021",
    references=(_SERVICES,),
    notes="Load balancers that are internal or limited to networks pass; node ports are told as medium: the nodes may "
    "not be reachable.",
)
def sensitive_port_exposed(service: Service, ctx: Context) -> Hits:
    balancer = is_open_load_balancer(service)
    if not balancer and service.spec.type != "NodePort":
        return
    for i, port in numbered(service.spec.ports):
        what = _SENSITIVE_PORTS.get(port.port) or _SENSITIVE_PORTS.get(_number(port.target_port))
        if what is not None and port.protocol == "TCP":
            where = "a load balancer" if balancer else "every node"
            severity = None if balancer else Severity.MEDIUM
            yield Hit(f"port {port.port} ({what}) is open on {where}", f"spec.ports[{i}].port", severity=severity)


def _number(port: int | str) -> int:
    return port if isinstance(port, int) else int(port) if port.isdecimal() and len(port) < 6 else 0


@rule(
    "service-target-port-missing",
    title="Service port that no container has",
    severity=Severity.LOW,
    scope=Scope.SERVICE,
    on="inventory",
    why="Requests lead nowhere, or to a container that someone adds with a port of that name.",
    remediation="Give targetPort the name of a container's port.",
    aliases="kube-linter:invalid-target-ports",
    references=(f"{_SERVICES}#field-spec-ports",),
    notes="Judged for ports by name, where the Service selects a known workload.",
)
def service_target_port_missing(inventory: Inventory, ctx: Context) -> Hits:
    for service in inventory.of_kind("Service"):
        spec = view_of(service).spec
        named = [
            (i, p.target_port) for i, p in numbered(spec.ports) if isinstance(p.target_port, str) and p.target_port
        ]
        pods = ctx.once(pods_by_label).get(namespace_of(service)) if named and spec.selector else None
        if pods is None:
            continue
        selected = [each.template() for each in pods.select(LabelSelector(match_labels=spec.selector))]
        known = {name for pod in selected if pod is not None for name in _port_names(pod.spec)}
        for i, name in named:
            if selected and name not in known and not name.isdecimal():
                message = f"no container that it selects has a port {name!r}"
                yield Hit(message, f"spec.ports[{i}].targetPort", resource=service)


def _port_names(spec: PodSpec) -> Iterator[str]:
    for _, _, container in spec.all_containers():
        for port in container.ports:
            if port.name:
                yield port.name


@rule(
    "service-duplicate-selector",
    title="Two Services of the same pods",
    severity=Severity.INFO,
    scope=Scope.SERVICE,
    on="inventory",
    why="What is closed at one of them stays open at the other.",
    remediation="Keep one Service, with all ports.",
    aliases="kyverno:require-unique-service-selector",
    references=(_SERVICES,),
    default=False,
    notes="A headless Service beside another is usual and passes.",
)
def service_duplicate_selector(inventory: Inventory, ctx: Context) -> Hits:
    seen: dict[tuple[str, frozenset[tuple[str, str]]], Resource] = {}
    for service in inventory.of_kind("Service"):
        spec = view_of(service).spec
        if not spec.selector or spec.cluster_ip == "None":
            continue
        first = seen.setdefault((namespace_of(service), frozenset(spec.selector.items())), service)
        if first is not service and first.ref.name != service.ref.name:
            yield Hit(f"Service {first.ref.name!r} selects the same pods", "spec.selector", resource=service)


@rule(
    "service-monitor-selects-nothing",
    title="Monitor that selects no Service",
    severity=Severity.LOW,
    scope=Scope.SERVICE,
    on="inventory",
    why="Nothing is measured, and no alarm is raised, where someone believes that it is.",
    remediation="Correct the selector, or remove the ServiceMonitor.",
    aliases="kube-linter:dangling-servicemonitor",
    references=("https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.ServiceMonitor",),
    default=False,
    notes="Judged where Services of the namespaces are known.",
)
def service_monitor_selects_nothing(inventory: Inventory, ctx: Context) -> Hits:
    for monitor in inventory.of_kind("ServiceMonitor"):
        spec, services = view_of(monitor).spec, ctx.once(services_by_label)
        where = spec.namespace_selector or {}
        names = where.get("matchNames")
        wanted = list(services) if where.get("any") else names if isinstance(names, list) else [namespace_of(monitor)]
        known = [services[name] for name in wanted if name in services]
        if known and not any(index.has(spec.selector) for index in known):
            yield Hit("no Service has these labels", "spec.selector", resource=monitor)


@rule(
    "ingress-backend-missing",
    title="Ingress to a Service that does not exist",
    severity=Severity.LOW,
    scope=Scope.INGRESS,
    on="inventory",
    why="Requests lead nowhere until someone creates a Service of that name, and then whoever did gets them.",
    remediation="Correct the name of the Service, or remove the path.",
    controls="mitre-attack:T1557",
    aliases="C-0298 kube-linter:dangling-ingress kube-score:ingress-targets-service",
    references=(_INGRESS,),
    notes="Judged in namespaces of which at least one Service is known.",
)
def ingress_backend_missing(inventory: Inventory, ctx: Context) -> Hits:
    for ingress in inventory.of_kind("Ingress"):
        if namespace_of(ingress) not in ctx.once(services_by_label):
            continue
        for path, name in _backends(view_of(ingress)):
            if inventory.get("Service", ingress.ref.namespace, name) is None:
                yield Hit(f"there is no Service {name!r} in the namespace", path, resource=ingress)


def _backends(ingress: Ingress) -> Iterator[tuple[Path, str]]:
    """The Services that an ingress names, with their paths, in the form of v1 or v1beta1."""
    spec = ingress.spec
    for field, backend in (("defaultBackend", spec.default_backend), ("backend", spec.backend)):
        yield from _backend(backend, ("spec", field))
    for i, each in numbered(spec.rules):
        for j, path in _http_paths(each.http):
            yield from _backend(path.get("backend"), ("spec", "rules", i, "http", "paths", j, "backend"))


def _http_paths(http: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    paths = http.get("paths")
    for i, path in enumerate(paths if isinstance(paths, list) else []):
        if isinstance(path, dict):
            yield i, path


def _backend(backend: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if not isinstance(backend, dict):
        return
    service = backend.get("service")
    if isinstance(service, dict) and isinstance(service.get("name"), str):
        yield (*path, "service", "name"), service["name"]
    elif isinstance(backend.get("serviceName"), str):
        yield (*path, "serviceName"), backend["serviceName"]


@rule(
    "ingress-claimed-twice",
    title="Host and path claimed by two ingresses",
    severity=Severity.LOW,
    scope=Scope.INGRESS,
    on="inventory",
    why="Which of them gets the requests depends on the controller: whoever may create ingresses in one namespace "
    "takes in what is meant for another.",
    remediation="Give each host, or each path, to one ingress; bound hosts by namespace with an admission policy.",
    controls="mitre-attack:T1557",
    aliases="kyverno:unique-ingress-host kyverno:unique-ingress-host-and-path kyverno:unique-ingress-path",
    references=(_INGRESS,),
    notes="Medium where the two are of different namespaces.",
)
def ingress_claimed_twice(inventory: Inventory, ctx: Context) -> Hits:
    claimed: dict[tuple[str, str, str], list[tuple[Resource, int]]] = defaultdict(list)
    for ingress in inventory.of_kind("Ingress"):
        view = view_of(ingress)
        if any(
            key.endswith(("/canary", "/mergeable-ingress-type", "/group.name")) for key in view.metadata.annotations
        ):
            continue
        group = view.spec.ingress_class_name or view.metadata.annotations.get("kubernetes.io/ingress.class", "")
        for i, each in numbered(view.spec.rules):
            for path in {str(path.get("path", "/")) for _, path in _http_paths(each.http)} if each.host else ():
                claimed[(group, each.host, path)].append((ingress, i))
    for (_, host, path), claims in claimed.items():
        first = claims[0][0]
        for ingress, i in claims[1:]:
            if (ingress.ref.namespace, ingress.ref.name) == (first.ref.namespace, first.ref.name):
                continue
            severity = Severity.MEDIUM if namespace_of(ingress) != namespace_of(first) else None
            message = f"{host}{path} is claimed by {first.ref} too"
            related = ((first.ref, "claims the same host and path"),)
            yield Hit(message, f"spec.rules[{i}].host", resource=ingress, severity=severity, related=related)


@rule(
    "ingress-default-backend",
    title="Ingress that takes whatever no one else does",
    severity=Severity.LOW,
    scope=Scope.INGRESS,
    on="Ingress",
    why="Requests for every host that no rule names go to this Service, those for names that an attacker points here "
    "or that another ingress lost, too.",
    remediation="Name hosts in rules; leave the default backend to the controller.",
    controls="mitre-attack:T1557",
    aliases="kyverno:restrict-ingress-defaultbackend",
    references=(f"{_INGRESS}#default-backend",),
)
def ingress_default_backend(ingress: Ingress, ctx: Context) -> Hits:
    if ingress.spec.default_backend is not None:
        yield Hit("the ingress takes requests for every host that no rule names", "spec.defaultBackend")
    elif ingress.spec.backend is not None:
        yield Hit("the ingress takes requests for every host that no rule names", "spec.backend")


@rule(
    "ingress-host-without-tls",
    title="Ingress host that its certificates leave out",
    severity=Severity.MEDIUM,
    scope=Scope.INGRESS,
    on="Ingress",
    why="Requests for the host pass in clear, or under a certificate that is not its own and that people learn to "
    "click away, while the manifest looks as if they were encrypted.",
    remediation="Add the host to spec.tls[].hosts, with a Secret that holds its certificate.",
    controls="mitre-attack:T1040",
    aliases="kyverno:ingress-host-match-tls",
    references=(f"{_INGRESS}#tls",),
    notes="A tls entry without hosts counts for all.",
)
def ingress_host_without_tls(ingress: Ingress, ctx: Context) -> Hits:
    tls = ingress.spec.tls
    if not tls or not all(each.hosts for each in tls):
        return
    covered = {host for each in tls for host in each.hosts}
    for i, each in numbered(ingress.spec.rules):
        wildcard = f"*.{each.host.partition('.')[2]}"
        if each.host and each.host not in covered and wildcard not in covered:
            yield Hit(f"no certificate is named for {each.host}", f"spec.rules[{i}].host")


_STAY_PLAIN = {
    "kubernetes.io/ingress.allow-http": "true",
    "nginx.ingress.kubernetes.io/ssl-redirect": "false",
    "ingress.kubernetes.io/ssl-redirect": "false",
    "haproxy.org/ssl-redirect": "false",
}


@rule(
    "ingress-no-redirect",
    title="Ingress that serves plain HTTP beside TLS",
    severity=Severity.LOW,
    scope=Scope.INGRESS,
    on="Ingress",
    why="Whoever types the address without https, or is led to it so, sends the request and its cookies in clear.",
    remediation="Remove the annotation, so that plain requests are sent on to https.",
    controls="mitre-attack:T1557",
    references=(
        "https://kubernetes.github.io/ingress-nginx/user-guide/tls/#server-side-https-enforcement-through-redirect",
    ),
    notes="Judged for ingresses with TLS; others have ingress-no-tls.",
)
def ingress_no_redirect(ingress: Ingress, ctx: Context) -> Hits:
    for key, value in _STAY_PLAIN.items() if ingress.spec.tls else ():
        if ingress.metadata.annotations.get(key, "").lower() == value:
            yield Hit(f"plain requests are served ({key}: {value})", ("metadata", "annotations", key))
