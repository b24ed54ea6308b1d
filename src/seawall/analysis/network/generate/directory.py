"""Who has which name and address: pods, services, nodes; and what the end of an observed flow is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, NamedTuple

from seawall.analysis.network.generate.units import stable_labels
from seawall.analysis.network.reach import Reach
from seawall.analysis.network.services import Services
from seawall.analysis.network.world import Workload, World
from seawall.model.flow import EndRole, FlowEnd
from seawall.model.resource import Resource, namespace_of

#: What controllers add to a name: Deployment, Job and DaemonSet, StatefulSet.
_SUFFIXES = re.compile(r"-[a-z0-9]{4,10}-[a-z0-9]{5}\Z|-[a-z0-9]{5}\Z|-\d+\Z|-\*\Z|-[a-z0-9]{4,10}-\*\Z")
#: Kinds first looked for where only a name is told.
_KINDS = (
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "CronJob",
    "Job",
    "Rollout",
    "DeploymentConfig",
    "ReplicaSet",
    "Pod",
)


_MOST_RESOLVED = 500_000


class Known(NamedTuple):
    """What an end is: a workload (label), an address, the API server, or unknown (``text`` says what was told)."""

    kind: str
    text: str
    port: int = 0
    address: str = ""


WORKLOAD, ADDRESS, NODE, API_SERVER, UNKNOWN = "workload", "address", "node", "api-server", "unknown"


def as_dict(value: Any) -> dict[str, Any]:
    """A value that should be an object; empty where it is none."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """A value that should be a list; empty where it is none."""
    return value if isinstance(value, list) else []


def usual(text: Any) -> str:
    """An address in its usual form; empty for what is none."""
    try:
        return str(ip_address(text)) if isinstance(text, str) else ""
    except ValueError:
        return ""


class Directory:
    """Finds workloads by name and address. Raw objects are read once."""

    def __init__(self, reach: Reach) -> None:
        self.world: World = reach.world
        self.services: Services = reach.services
        self.by_name: dict[tuple[str, str], list[Workload]] = {}
        self.by_pod: dict[tuple[str, str], Workload] = {}
        self.pod_at: dict[str, Workload] = {}
        self.host_of: dict[str, set[str]] = {}
        self.nodes: set[str] = set()
        self.control_plane: set[str] = set()
        self.pod_ranges: list[IPv4Network | IPv6Network] = []
        self.service_at: dict[str, Resource] = {}
        self._resolved: dict[tuple[FlowEnd, str, int], tuple[Known, ...]] = {}
        self._declared: dict[str, frozenset[tuple[str, int]]] = {}
        self._by_label = {workload.label: workload for workload in self.world.workloads}
        for workload in self.world.workloads:
            self.by_name.setdefault((workload.namespace, workload.name), []).append(workload)
            for pod in workload.pods:
                if pod.resource.kind is not None and pod.resource.kind.name == "Pod":
                    self._pod(workload, pod.resource, pod.host_network)
        for resource in self.world.inventory.resources:
            if resource.ref.kind == "Node" and resource.ref.api_version == "v1":
                self._node(resource.raw)
        for resource in self.services.by_name.values():
            self._service(resource)

    def _pod(self, workload: Workload, resource: Resource, host_network: bool) -> None:
        self.by_pod[namespace_of(resource), resource.ref.name] = workload
        status = as_dict(resource.raw.get("status"))
        hosts = {usual(status.get("hostIP"))} | {usual(as_dict(e).get("ip")) for e in as_list(status.get("hostIPs"))}
        hosts.discard("")
        addresses = {usual(as_dict(each).get("ip")) for each in as_list(status.get("podIPs"))}
        addresses |= {usual(status.get("podIP"))}
        addresses.discard("")
        if host_network:
            self.nodes |= addresses | hosts
            return
        self.nodes |= hosts
        # A pod that has ended left its address to others.
        if status.get("phase") not in ("Succeeded", "Failed"):
            for address in addresses:
                self.pod_at[address] = workload
                self.host_of[address] = hosts

    def _node(self, raw: dict[str, Any]) -> None:
        labels, spec = as_dict(as_dict(raw.get("metadata")).get("labels")), as_dict(raw.get("spec"))
        listed = as_list(as_dict(raw.get("status")).get("addresses"))
        addresses = {usual(as_dict(each).get("address")) for each in listed} - {""}
        self.nodes |= addresses
        if any(f"node-role.kubernetes.io/{role}" in labels for role in ("control-plane", "master", "controlplane")):
            self.control_plane |= addresses
        texts = [spec.get("podCIDR"), *as_list(spec.get("podCIDRs"))]
        for text in dict.fromkeys(text for text in texts if isinstance(text, str)):
            try:
                self.pod_ranges.append(ip_network(text, strict=False))
            except ValueError:
                continue

    def _service(self, resource: Resource) -> None:
        raw = resource.raw
        spec, status = as_dict(raw.get("spec")), as_dict(raw.get("status"))
        listed = [spec.get("clusterIP"), *as_list(spec.get("clusterIPs")), *as_list(spec.get("externalIPs"))]
        listed += [as_dict(e).get("ip") for e in as_list(as_dict(status.get("loadBalancer")).get("ingress"))]
        for text in listed:
            if address := usual(text):
                self.service_at.setdefault(address, resource)

    def declared(self, label: str) -> frozenset[tuple[str, int]]:
        """Protocols and ports that the containers of a workload (by label) declare."""
        found = self._declared.get(label)
        if found is None:
            found = self._declared[label] = frozenset(self._find_declared(label))
        return found

    def _find_declared(self, label: str) -> Iterable[tuple[str, int]]:
        workload = self._by_label.get(label)
        for pod in workload.pods if workload is not None else ():
            yield from (("TCP", port) for port in pod.tcp_ports)
            yield from ((protocol, port) for _, protocol, port in pod.named_ports)

    # What an end is.

    def resolve(self, end: FlowEnd, protocol: str, port: int) -> tuple[Known, ...]:
        """What an end of a flow is: several for a Service with several workloads. ``port`` as seen by the pods."""
        key = (end, protocol, port)
        found = self._resolved.get(key)
        if found is None:
            if len(self._resolved) >= _MOST_RESOLVED:
                self._resolved.clear()
            found = self._resolved[key] = tuple(self._resolve(end, protocol, port))
        return found

    def _resolve(self, end: FlowEnd, protocol: str, port: int) -> Iterable[Known]:
        workload = self._workload(end)
        if workload is not None:
            return [Known(WORKLOAD, workload.label, port, end.address if workload.host_network else "")]
        if end.role is EndRole.API_SERVER:
            return [Known(API_SERVER, end.address, port, end.address)]
        if end.address and end.address not in self.pod_at and end.service and end.address not in self.service_at:
            named = self.services.by_name.get((end.namespace or "default", end.service))
            if named is not None:
                return self._behind(named, protocol, end.service_port or port)
        if end.namespace and (end.workload or end.pod):
            return [Known(UNKNOWN, str(end), port)]
        if end.address:
            return self._at(end, protocol, port)
        if end.service:
            named = self.services.by_name.get((end.namespace or "default", end.service))
            if named is not None:
                return self._behind(named, protocol, end.service_port or port)
        if end.role in (EndRole.HOST, EndRole.REMOTE_HOST):
            return [Known(NODE, "", port)]
        return [Known(UNKNOWN, str(end), port)]

    def _at(self, end: FlowEnd, protocol: str, port: int) -> Iterable[Known]:
        if end.address in self.service_at:
            return self._behind(self.service_at[end.address], protocol, port)
        if end.address in self.nodes or end.role in (EndRole.HOST, EndRole.REMOTE_HOST):
            return [Known(NODE, end.address, port, end.address)]
        if end.role is EndRole.OUTSIDE or not self._may_be_pod(end.address):
            return [Known(ADDRESS, end.address, port, end.address)]
        return [Known(UNKNOWN, end.address, port)]

    def _may_be_pod(self, text: str) -> bool:
        """Whether an address that no known pod has may be one's: it is in the pods' ranges, or no pod is known."""
        address = ip_address(text)
        if self.pod_ranges and any(address in each for each in self.pod_ranges):
            return True
        # 100.64.0.0/10 is not private by the book, but clusters use it for pods.
        private = address.is_private or address in ip_network("100.64.0.0/10")
        return private and not self.pod_at

    def _behind(self, service: Resource, protocol: str, port: int) -> list[Known]:
        """The pods behind a Service; by their own port where that is what was told."""
        targets = [t for t in self.services.targets(service) if t.port[0] == protocol]
        found = [t for t in targets if t.service_port.port == port] or [t for t in targets if t.port[1] == port]
        if not found:
            return [Known(UNKNOWN, f"{service.ref} port {port}", port)]
        return list(dict.fromkeys(Known(WORKLOAD, t.workload.label, t.port[1]) for t in found))

    def _workload(self, end: FlowEnd) -> Workload | None:
        if end.namespace and end.pod and (found := self.by_pod.get((end.namespace, end.pod))):
            return found
        if end.namespace and end.workload:
            named = self.by_name.get((end.namespace, end.workload), [])
            if found := _one(named, end.kind):
                return found
        if end.namespace and end.pod and (found := self._by_pod_name(end)):
            return found
        return self.pod_at.get(end.address)

    def _by_pod_name(self, end: FlowEnd) -> Workload | None:
        """The workload whose pods are named so, as controllers name them; or the one of that very name."""
        names = dict.fromkeys((end.pod, _SUFFIXES.sub("", end.pod), end.pod.rpartition("-")[0]))
        for name in names:
            if name and (found := self._fitting(end, self.by_name.get((end.namespace, name), []))):
                return found
        return None

    def _fitting(self, end: FlowEnd, workloads: list[Workload]) -> Workload | None:
        if end.labels:
            labels = dict(each.partition("=")[::2] for each in end.labels)
            workloads = [w for w in workloads if stable_labels(w.pods).items() <= labels.items()]
        return _one(workloads, "")


def _one(workloads: list[Workload], kind: str) -> Workload | None:
    for each in (kind,) if kind else _KINDS:
        for workload in workloads:
            if workload.kind == each:
                return workload
    return workloads[0] if len(workloads) == 1 and not kind else None
