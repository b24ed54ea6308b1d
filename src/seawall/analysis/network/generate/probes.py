"""Ports at which nodes reach pods: for health checks, and for what Services publish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.analysis.network.services import Services
from seawall.analysis.network.world import Workload
from seawall.model.kube.base import InvalidField


def probe_ports(workload: Workload) -> frozenset[int]:
    """The ports that the kubelet probes at the pods of a workload."""
    found: set[int] = set()
    for pod in workload.pods:
        named = {name: number for name, _, number in pod.named_ports}
        try:
            for _, _, container in pod.template.spec.all_containers():
                for probe in (container.liveness_probe, container.readiness_probe, container.startup_probe):
                    found.update(_ports(probe, named))
        except InvalidField:
            continue
    return frozenset(found)


def _ports(probe: Any, named: dict[str, int]) -> Iterator[int]:
    if probe is None:
        return
    for action in (probe.http_get, probe.tcp_socket):
        if action is None or action.host:
            continue
        port = action.port
        if isinstance(port, int):
            yield port
        elif port in named:
            yield named[port]
        elif port.isdecimal() and len(port) < 6:
            yield int(port)
    if probe.grpc is not None and type(probe.grpc.get("port")) is int:
        yield probe.grpc["port"]


def published_ports(services: Services) -> set[tuple[str, int]]:
    """Workloads (by label) and their ports that Services publish at the nodes."""
    found: set[tuple[str, int]] = set()
    for resource in services.by_name.values():
        try:
            view: Any = resource.view
            if view.spec.type not in ("NodePort", "LoadBalancer"):
                continue
        except InvalidField:
            continue
        found |= {(target.workload.label, target.port[1]) for target in services.targets(resource)}
    return found
