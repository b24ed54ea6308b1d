"""Needs of Prometheus: what annotations, ServiceMonitors and PodMonitors say that it scrapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.analysis.network.ends import matches
from seawall.analysis.network.generate.declared import Declared
from seawall.analysis.network.generate.directory import as_dict, as_list
from seawall.analysis.network.generate.needs import Peer, Port
from seawall.analysis.network.generate.units import Unit
from seawall.analysis.network.parts import Reader
from seawall.analysis.network.world import Pod
from seawall.model.kube.base import InvalidField
from seawall.model.resource import Resource, namespace_of

_IMAGES = ("prometheus/prometheus", "prom/prometheus", "victoriametrics/vmagent", "grafana/agent", "grafana/alloy")
_NAMESPACES = ("monitoring", "prometheus", "observability", "openshift-monitoring", "cattle-monitoring-system")


class Scraping:
    """Reads what is scraped into needs."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared
        self._sources: list[Unit | Peer] | None = None

    def read(self) -> None:
        """All of it."""
        for unit in self._declared.units.all:
            for pod in unit.pods:
                for port in _annotated(pod.template, [("TCP", n) for n in sorted(pod.tcp_ports)]):
                    self._connect(pod.resource, unit.workloads[0].label, port, "annotation prometheus.io/scrape")
        for resource in self._declared.reach.services.by_name.values():
            try:
                targets = self._declared.reach.services.targets(resource)
                ports = list(_annotated(resource, [target.port for target in targets]))
            except InvalidField:
                continue
            for target in targets:
                for port in ports:
                    reason = f"annotation prometheus.io/scrape of {resource.ref}"
                    self._connect(resource, target.workload.label, port, reason)
        for resource in self._declared.reach.inventory.resources:
            if resource.ref.api_version.startswith("monitoring.coreos.com/"):
                if resource.ref.kind == "ServiceMonitor":
                    self._service_monitor(resource)
                elif resource.ref.kind == "PodMonitor":
                    self._pod_monitor(resource)

    def _service_monitor(self, monitor: Resource) -> None:
        spec, selects = self._spec(monitor)
        for service in self._declared.reach.services.by_name.values():
            try:
                if not selects(namespace_of(service), service.metadata.labels):
                    continue
            except InvalidField:
                continue
            for target in self._declared.reach.services.targets(service):
                for endpoint in map(as_dict, as_list(spec.get("endpoints"))):
                    by_name = endpoint.get("port") in (target.service_port.name, None)
                    by_target = endpoint.get("targetPort") in (None, target.port[1], target.service_port.target_port)
                    named = "port" in endpoint or "targetPort" in endpoint
                    if named and by_name and by_target:
                        self._connect(monitor, target.workload.label, target.port, f"{monitor.ref}, {service.ref}")

    def _pod_monitor(self, monitor: Resource) -> None:
        spec, selects = self._spec(monitor)
        for unit in self._declared.units.all:
            for pod in unit.pods:
                if not selects(unit.namespace, pod.labels):
                    continue
                for endpoint in map(as_dict, as_list(spec.get("podMetricsEndpoints"))):
                    for port in _endpoint_ports(endpoint, pod):
                        self._connect(monitor, unit.workloads[0].label, port, str(monitor.ref))

    def _spec(self, monitor: Resource) -> tuple[dict[str, Any], Any]:
        """The spec of a monitor, and whether it selects labels in a namespace; what cannot be read selects nothing."""
        spec = as_dict(monitor.raw.get("spec"))
        wanted = as_dict(spec.get("namespaceSelector"))
        names = as_list(wanted.get("matchNames")) or [namespace_of(monitor)]
        everywhere = wanted.get("any") is True
        reader = Reader(monitor)
        selector = reader.selector(spec.get("selector"), ("spec", "selector"))
        if reader.problems:
            self._declared.needs.note("its selector could not be read: nothing is written for it", monitor.ref)

        def selects(namespace: str, labels: dict[str, str]) -> bool:
            return selector is not None and (everywhere or namespace in names) and matches(selector, labels)

        return spec, selects

    def _connect(self, resource: Resource, label: str, port: Port, reason: str) -> None:
        for source in self._prometheus():
            if self._declared.units.of.get(label) is not source:
                self._declared.connect(source, label, port, f"scrapes {label}: {reason}", f"scraped: {reason}")

    def _prometheus(self) -> list[Unit | Peer]:
        if self._sources is None:
            self._sources = list(self._find())
        return self._sources

    def _find(self) -> Iterator[Unit | Peer]:
        declared, found = self._declared, False
        for unit in declared.units.all:
            if any(_is_prometheus(pod) for pod in unit.pods):
                found = True
                yield unit
        if found:
            return
        namespaces = {namespace_of(r) for r in declared.reach.inventory.resources if r.ref.kind == "Prometheus"}
        namespaces |= {name for name in _NAMESPACES if name in declared.reach.world.namespaces}
        for name in sorted(namespaces):
            yield declared.needs.namespace(name)
        if not namespaces:
            declared.needs.note("Prometheus was not read: what it scrapes is let in from every pod; read it too")
            yield declared.needs.any_pod()


def _is_prometheus(pod: Pod) -> bool:
    try:
        return any(part in c.image for _, _, c in pod.template.spec.all_containers() for part in _IMAGES)
    except InvalidField:
        return False


def _annotated(owner: Any, ports: list[Port]) -> Iterator[Port]:
    """The ports that annotations have scraped: the one named, else all."""
    try:
        notes = owner.metadata.annotations
    except InvalidField:
        return
    if notes.get("prometheus.io/scrape", "").lower() != "true":
        return
    text = notes.get("prometheus.io/port", "")
    if text.isascii() and text.isdecimal() and 0 < int(text[:6]) < 65536:
        yield "TCP", int(text)
    else:
        yield from (port for port in ports if port[0] == "TCP")


def _endpoint_ports(endpoint: dict[str, Any], pod: Pod) -> Iterator[Port]:
    wanted = endpoint.get("port", endpoint.get("targetPort", endpoint.get("portNumber")))
    if type(wanted) is int and 0 < wanted < 65536:
        yield "TCP", wanted
    yield from ((protocol, number) for name, protocol, number in pod.named_ports if name == wanted)
