"""The ways in from outside the cluster that Services, Ingresses, Routes and Gateways offer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.analysis.network.ends import CONTROLLER, GATEWAY
from seawall.analysis.network.reach import Reach
from seawall.model.kube.base import InvalidField
from seawall.model.reach import Exposure, PortRange
from seawall.model.resource import Resource


def exposures(reach: Reach) -> Iterator[Exposure]:
    """Every way in, sorted by what offers it."""
    found = [*_by_controllers(reach), *_by_services(reach)]
    yield from sorted(found, key=lambda each: (str(each.via), each.workload, each.ports))


def _by_controllers(reach: Reach) -> Iterator[Exposure]:
    for entry in reach.entries:
        controller = GATEWAY if entry.controller == "gateway" else CONTROLLER
        for backend in entry.backends:
            service = reach.services.by_name.get((backend.namespace, backend.service))
            for target in reach.services.targets(service, backend.port) if service is not None else ():
                number = reach.number(target.workload.label)
                protocol, port = target.port
                allowed = reach.from_controller(number) if number is not None else 0
                is_open = bool(allowed & reach.index.ports.mask(protocol, port, port))
                note = "" if target.declared else "no container declares the port"
                yield Exposure(
                    entry.resource.ref,
                    target.workload.label,
                    (PortRange(protocol, port, port),),
                    "yes" if is_open else "depends",
                    note or ("" if is_open else f"{controller.label} is let in only where a policy names it"),
                )


def _by_services(reach: Reach) -> Iterator[Exposure]:
    for resource in reach.services.by_name.values():
        try:
            yield from _by_service(reach, resource)
        except InvalidField:
            reach.services.unread.append((resource, ()))


def _by_service(reach: Reach, resource: Resource) -> Iterator[Exposure]:
    view: Any = resource.view
    kind = view.spec.type
    if kind not in ("NodePort", "LoadBalancer") and not view.spec.external_ips:
        return
    kept = view.spec.external_traffic_policy == "Local"
    for target in reach.services.targets(resource):
        number = reach.number(target.workload.label)
        if number is None:
            continue
        mask = reach.index.ports.mask(*target.port, target.port[1])
        state = _open(reach, number, mask, kept)
        how = f"{kind or 'ClusterIP'} port {target.service_port.port}"
        node_port = f", node port {target.service_port.node_port}" if target.service_port.node_port else ""
        source = "the client's address is kept" if kept else "pods see an address of a node"
        if kind == "LoadBalancer" and view.spec.load_balancer_source_ranges:
            source += f"; from {', '.join(view.spec.load_balancer_source_ranges)} only"
        yield Exposure(
            resource.ref,
            target.workload.label,
            (PortRange(*target.port, target.port[1]),),
            state,
            f"{how}{node_port}; {source}",
        )


def _open(reach: Reach, number: int, mask: int, kept: bool) -> str:
    """Whether policies let it in from everywhere, from nowhere, or it depends on the address that pods see."""
    ends = reach.index.ends
    let = [
        bool(reach.between(~bit, number) & mask)
        for bit in range(ends.size)
        if ends.sources_outside >> bit & 1 and ends.ranges[bit].version == 4
    ]
    if reach.workload_ends[number].host_network:
        return "depends"
    if all(let):
        return "yes"
    return "no" if not any(let) and kept else "depends"
