"""Needs that manifests tell: Services that workloads name, outside hosts that they call, what is published."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

from seawall.analysis.network.form import Direction
from seawall.analysis.network.generate.directory import Directory
from seawall.analysis.network.generate.needs import (
    INTERNET,
    OUTSIDE,
    Needs,
    Peer,
    Port,
    block,
    host_block,
)
from seawall.analysis.network.generate.references import MAX_TEXT, Mention, mentions
from seawall.analysis.network.generate.units import Unit, Units
from seawall.analysis.network.parts import Reader
from seawall.analysis.network.reach import Reach
from seawall.analysis.network.services import Target
from seawall.analysis.network.world import Pod
from seawall.model.kube.base import InvalidField
from seawall.model.resource import Resource, namespace_of

#: The API server, as pods call it; it is told by other means.
_API_SERVER = ("kubernetes", "default")
#: Last parts of names that are outside hosts' beyond doubt; others could be names of files (`main.py`, `app.conf`).
_OUTSIDE_NAME = re.compile(
    r"\.(?:com|net|org|io|dev|cloud|app|eu|de|uk|fr|us|gov|edu|info|biz|ai|ch|at|nl|it|es|se|pl|jp|cn|in|br|au|ca)\Z"
)


class Declared:
    """Reads manifests into needs."""

    def __init__(self, reach: Reach, units: Units, needs: Needs, directory: Directory) -> None:
        self.reach, self.units, self.needs, self.directory = reach, units, needs, directory

    def read(self) -> None:
        """Everything that manifests tell of connections between workloads and with the outside."""
        for unit in self.units.all:
            self._references(unit)
        self._large()
        for resource in self.reach.services.by_name.values():
            self._published(resource)
        for unit in self.units.all:
            for pod in unit.pods:
                self._host_ports(unit, pod)

    def _large(self) -> None:
        for resource in self.reach.inventory.of_kind("ConfigMap"):
            view: Any = resource.view
            try:
                if any(len(text) > MAX_TEXT for text in view.data.values()):
                    self.needs.note(f"only the first {MAX_TEXT >> 20} MiB of a value were looked at", resource.ref)
            except InvalidField:
                self.needs.note("its data could not be read: hosts that it names may be missing", resource.ref)

    # Services that are named.

    def _references(self, unit: Unit) -> None:
        done: set[tuple[str, int | None, str]] = set()
        specs: set[int] = set()
        for pod in unit.pods:
            if id(pod.template) in specs:
                continue
            specs.add(id(pod.template))
            try:
                for each in mentions(pod, self.reach.inventory):
                    key = (each.host, each.port or each.default, each.where)
                    if key not in done:
                        done.add(key)
                        self._mention(unit, each)
            except InvalidField:
                self.needs.note(
                    "part of its template could not be read: hosts that it names may be missing", pod.resource.ref
                )

    def _mention(self, unit: Unit, each: Mention) -> None:
        service = self._service(unit.namespace, each.host)
        if service is not None:
            self._to_service(unit, each, service)
        elif address := _address(each.host):
            if not ip_address(address).is_loopback and not ip_address(address).is_unspecified:
                self._to_address(unit, each, address)
        elif self._is_outside(each):
            port = each.port or each.default or 443
            self.needs.add(
                unit, Direction.EGRESS, INTERNET, ("TCP", port), f"{each.where} names {each.host}: names cannot be held"
            )
        elif ".svc" in f"{each.host}." and each.host.split(".")[2:3] == ["svc"]:
            self.needs.unresolved[f"{unit.label}: {each.where} names {each.host}, a Service that was not read"] = None

    def _service(self, namespace: str, host: str) -> Resource | None:
        """The Service of ``name``, ``name.ns``, ``name.ns.svc`` or ``name.ns.svc.cluster.local``, or a pod of it."""
        parts = host.split(".")
        known = self.reach.services.by_name
        if len(parts) == 1:
            return known.get((namespace, host))
        if "svc" in parts[2:4]:
            at = parts.index("svc", 2)
            return known.get((parts[at - 1], parts[at - 2]))
        if len(parts) == 2:
            return known.get((parts[1], parts[0])) or known.get((namespace, parts[1]))
        return known.get((parts[2], parts[1])) if len(parts) == 3 else None

    def _is_outside(self, each: Mention) -> bool:
        if each.host.endswith((".local", ".internal", ".svc", ".example")) or "." not in each.host:
            return False
        told = each.port is not None or each.default is not None
        return told or (each.sure and bool(_OUTSIDE_NAME.search(each.host)) and "env " in each.where)

    def _to_address(self, unit: Unit, each: Mention, address: str) -> None:
        resource = self.directory.service_at.get(address)
        if resource is not None:
            self._to_service(unit, each, resource)
        elif (port := each.port or each.default) is not None:
            reason = f"{each.where} names {address}"
            self.needs.add(unit, Direction.EGRESS, host_block(address), ("TCP", port), reason)

    def _to_service(self, unit: Unit, each: Mention, service: Resource) -> None:
        if (service.ref.name, namespace_of(service)) == _API_SERVER:
            return
        try:
            view: Any = service.view
            if view.spec.type == "ExternalName":
                self._external_name(unit, each, view.spec.external_name, service)
                return
        except InvalidField:
            return
        targets, aside = self._targets(each, service)
        if all(self.units.of.get(t.workload.label) is unit for t in targets) and (targets or not each.sure):
            return
        if not each.sure:
            word = f"{unit.label}: {each.where} is the name of {service.ref}, perhaps by chance"
            self.needs.unresolved[word] = None
            return
        if not targets:
            self.needs.unresolved[f"{unit.label}: {each.where} names {service.ref}, behind which no pods are known"] = (
                None
            )
        for target in targets:
            reason = f"{each.where} names {service.ref}{_port_of(target)}{aside}"
            self.connect(unit, target.workload.label, target.port, reason, f"{unit.label}: {reason}")

    def _targets(self, each: Mention, service: Resource) -> tuple[list[Target], str]:
        """Where a mention leads; all ports of the Service where the one that is named is none of its own."""
        found = self.reach.services.targets(service)
        for port in (each.port, each.default):
            if port is None:
                continue
            narrowed = [t for t in found if t.service_port.port == port]
            # Of a headless Service, pods are asked at their own port; elsewhere people mix the two up.
            narrowed = narrowed or [t for t in found if t.port[1] == port]
            if narrowed:
                return narrowed, ""
        return found, f" (port {each.port} is none of its own)" if each.port is not None and found else ""

    def _external_name(self, unit: Unit, each: Mention, name: str, service: Resource) -> None:
        port = each.port or each.default or 443
        reason = f"{each.where} names {service.ref}, which stands for {name}: names cannot be held"
        self.needs.add(unit, Direction.EGRESS, INTERNET, ("TCP", port), reason)

    def connect(self, source: Unit | Peer, label: str, port: Port, reason: str, target_reason: str) -> None:
        """A connection to a workload, which may be one in its node's network."""
        target = self.units.of.get(label)
        if target is not None:
            self.needs.connect(source, target, port, reason, target_reason)
        elif isinstance(source, Unit):
            nodes = [host_block(address) for address in sorted(self.directory.nodes)] or [OUTSIDE]
            for peer in nodes:
                self.needs.add(source, Direction.EGRESS, peer, port, f"{reason}; {label} has its node's address")

    # What is published.

    def _published(self, resource: Resource) -> None:
        try:
            view: Any = resource.view
            spec = view.spec
            if spec.type not in ("NodePort", "LoadBalancer") and not spec.external_ips:
                return
            ranges = list(spec.load_balancer_source_ranges) if spec.type == "LoadBalancer" else []
            kept = spec.external_traffic_policy == "Local"
        except InvalidField:
            self.needs.note("could not be read: nothing is written for what it publishes", resource.ref)
            return
        for target in self.reach.services.targets(resource):
            unit = self.units.of.get(target.workload.label)
            if unit is not None:
                for peer, why in self._clients(resource, ranges, kept):
                    reason = f"{resource.ref} publishes it ({spec.type} port {target.service_port.port}){why}"
                    self.needs.add(unit, Direction.INGRESS, peer, target.port, reason)

    def _clients(self, resource: Resource, ranges: list[str], kept: bool) -> Iterator[tuple[Peer, str]]:
        """Whose addresses pods see of what comes by way of a published Service."""
        good = [text for text in (_cidr(each, resource) for each in ranges) if text]
        if len(good) < len(ranges):
            self.needs.note("has a loadBalancerSourceRanges entry that is no CIDR: it is left out", resource.ref)
        if not ranges:
            yield OUTSIDE, ""
            return
        if kept:
            yield from ((block(text), ", from loadBalancerSourceRanges") for text in good)
        elif self.directory.nodes:
            yield from ((block(text), ", from loadBalancerSourceRanges") for text in good)
            word = "; without externalTrafficPolicy: Local pods see a node's address"
            yield from ((host_block(address), word) for address in sorted(self.directory.nodes))
        else:
            yield (
                OUTSIDE,
                (
                    "; loadBalancerSourceRanges hold before the pods: without externalTrafficPolicy: Local these see a "
                    "node's address, and no Node was read"
                ),
            )

    def _host_ports(self, unit: Unit, pod: Pod) -> None:
        try:
            for _, _, container in pod.template.spec.all_containers():
                for port in container.ports:
                    if port.host_port:
                        wanted = (port.protocol or "TCP", port.container_port)
                        reason = f"hostPort {port.host_port} of container {container.name}"
                        self.needs.add(unit, Direction.INGRESS, OUTSIDE, wanted, reason)
        except InvalidField:
            return


def _port_of(target: Target) -> str:
    port = target.service_port.port
    return f" port {port}" if port == target.port[1] else f" port {port}, target port {target.port[1]}"


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def _cidr(text: str, resource: Resource) -> str:
    good = Reader(resource).cidr(text, ()) is not None
    return str(ip_network(text, strict=False)) if good else ""
