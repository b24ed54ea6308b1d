"""Linkerd: Servers (ports of pods), and who may connect to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from seawall.analysis.network.ends import matches
from seawall.analysis.network.form import AddressRange, Direction, Selector
from seawall.analysis.network.index import Index, Parts
from seawall.analysis.network.mesh_istio import take
from seawall.analysis.network.parts import Reader
from seawall.analysis.network.ranges import subtract
from seawall.model.resource import Resource

_Object = tuple[Resource, Reader]


class _Server(NamedTuple):
    resource: Resource
    namespace: str
    name: str
    selector: Selector
    port: int | str
    default: str


class _Authorization(NamedTuple):
    """Who may connect to a Server (or, ``target`` None, to all of a namespace): every reference must hold."""

    resource: Resource
    namespace: str
    target: str | None
    required: list[tuple[str, str, str]]


class Linkerd:
    """What Linkerd's proxies accept."""

    def __init__(
        self,
        servers: Sequence[_Object],
        policies: Sequence[_Object],
        identities: Sequence[_Object],
        networks: Sequence[_Object],
    ) -> None:
        self.servers = [each for resource, reader in servers for each in _read_server(resource, reader)]
        self.policies = [each for resource, reader in policies for each in _read_policy(resource, reader)]
        self.identities = {(_ns(r), r.ref.name): _spec(r) for r, _ in identities}
        self.networks = {(_ns(r), r.ref.name): _read_networks(r, reader) for r, reader in networks}

    def selectors(self) -> Iterator[Selector]:
        """The selectors that pods are told apart by."""
        yield from (server.selector for server in self.servers)

    def ports(self, named: Iterable[tuple[str, str, int]]) -> Iterator[tuple[str, int, int]]:
        """The ports that Servers mean; ``named`` are those of the pods: name, protocol, number."""
        yield from (("TCP", s.port, s.port) for s in self.servers if isinstance(s.port, int))
        names = {s.port for s in self.servers if isinstance(s.port, str)}
        yield from ((protocol, number, number) for name, protocol, number in named if name in names)

    def gate(self, index: Index, target: int) -> Parts:
        """The sources that a class of pods accepts, by ports."""
        own: Any = index.ends.classes[target]
        everyone = (1 << index.ends.size) - 1
        unknown = 1 << index.ends.controller
        rest = index.ports.mask("TCP", 1, 65535)
        states = {index.ports.all: everyone}
        for server in self.servers:
            if server.namespace != own.namespace or not matches(server.selector, dict(own.fact.labels)):
                continue
            mask = self._mask(index, server, own.fact.ports)
            rest &= ~mask
            allowed = self._default(index, server.default or "deny") | unknown
            for policy in self.policies:
                if policy.namespace == server.namespace and policy.target in (None, server.name):
                    allowed |= self._authenticated(index, policy)
            states = take(states, mask, everyone & ~allowed)
        default = self._default(index, own.fact.default or "all-unauthenticated") | unknown
        return tuple((m, ends) for m, ends in take(states, rest, everyone & ~default).items() if m)

    def _mask(self, index: Index, server: _Server, ports: tuple[tuple[str, str, int], ...]) -> int:
        if isinstance(server.port, int):
            return index.ports.mask("TCP", server.port, server.port)
        mask = 0
        for name, protocol, number in ports:
            if name == server.port and protocol == "TCP":
                mask |= index.ports.mask("TCP", number, number)
        return mask

    def _default(self, index: Index, policy: str) -> int:
        everyone = (1 << index.ends.size) - 1
        return {
            "all-unauthenticated": everyone,
            "cluster-unauthenticated": index.ends.real_pods,
            "all-authenticated": self._meshed(index),
            "cluster-authenticated": self._meshed(index),
        }.get(policy, 0)

    def _meshed(self, index: Index) -> int:
        found = 0
        for bit, each in enumerate(index.ends.classes):
            fact: Any = each.fact
            if fact is not None and fact.mesh == "linkerd":
                found |= 1 << bit
        return found

    def _authenticated(self, index: Index, policy: _Authorization) -> int:
        found = (1 << index.ends.size) - 1
        for kind, namespace, name in policy.required:
            if kind == "ServiceAccount":
                found &= self._accounts(index, [f"{name}.{namespace}"])
            elif kind == "MeshTLSAuthentication":
                found &= self._identified(index, namespace, self.identities.get((namespace, name), {}))
            elif kind == "NetworkAuthentication":
                ranges = self.networks.get((namespace, name), ())
                inside = any(each.version == 4 and each.first == 0 and each.last == (1 << 32) - 1 for each in ranges)
                found &= index.ends.addresses(ranges, Direction.INGRESS) | (index.ends.real_pods if inside else 0)
            else:
                return 0
        return found

    def _identified(self, index: Index, namespace: str, spec: dict[str, Any]) -> int:
        names = [each for each in _list(spec.get("identities")) if isinstance(each, str)]
        if "*" in names:
            return self._meshed(index)
        found = self._accounts(index, [each.partition(".serviceaccount.")[0] for each in names])
        for each in _list(spec.get("identityRefs")):
            reference = each if isinstance(each, dict) else {}
            own = str(reference.get("namespace") or namespace)
            if reference.get("kind") == "ServiceAccount":
                found |= self._accounts(index, [f"{reference.get('name')}.{own}"])
            elif reference.get("kind") == "Namespace":
                found |= self._accounts(index, [f"*.{reference.get('name') or own}"])
        return found

    def _accounts(self, index: Index, wanted: list[str]) -> int:
        found = 0
        for bit, each in enumerate(index.ends.classes):
            fact: Any = each.fact
            if fact is None or fact.mesh != "linkerd":
                continue
            name = f"{fact.account}.{each.namespace}"
            if any(w == name or (w.startswith("*.") and name.endswith(w[1:])) for w in wanted):
                found |= 1 << bit
        return found

    def why(self, index: Index, source: int, target: int, mask: int) -> str:
        """Why a connection is refused."""
        own: Any = index.ends.classes[target]
        names = [
            str(server.resource.ref)
            for server in self.servers
            if server.namespace == own.namespace
            and matches(server.selector, dict(own.fact.labels))
            and self._mask(index, server, own.fact.ports) & mask
        ]
        if names:
            return f"{', '.join(names[:3])} takes only those that an AuthorizationPolicy names"
        return f"the default inbound policy is {own.fact.default}"


def _ns(resource: Resource) -> str:
    return resource.ref.namespace or "default"


def _spec(resource: Resource) -> dict[str, Any]:
    spec = resource.raw.get("spec")
    return spec if isinstance(spec, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _read_server(resource: Resource, reader: Reader) -> Iterator[_Server]:
    spec = _spec(resource)
    if spec.get("podSelector") is None:
        return
    selector = reader.selector(spec["podSelector"], ("spec", "podSelector"))
    port = spec.get("port")
    if isinstance(port, str) and port.isdecimal():
        port = int(port)
    if not isinstance(port, str | int) or (isinstance(port, int) and not 1 <= port <= 65535):
        reader.problem(("spec", "port"), "must be the number or name of a port; the Server is left out")
        return
    if selector is not None:
        default = spec.get("accessPolicy")
        yield _Server(
            resource, _ns(resource), resource.ref.name, selector, port, default if isinstance(default, str) else ""
        )


def _read_policy(resource: Resource, reader: Reader) -> Iterator[_Authorization]:
    spec = _spec(resource)
    target = spec.get("targetRef")
    target = target if isinstance(target, dict) else {}
    if target.get("kind") not in ("Server", "Namespace"):
        # Routes narrow a Server by requests: what they admit may still connect.
        reader.problem(("spec", "targetRef"), f"{target.get('kind')} is not read as a target; left out")
        return
    required = []
    for each in _list(spec.get("requiredAuthenticationRefs")):
        reference = each if isinstance(each, dict) else {}
        namespace = str(reference.get("namespace") or _ns(resource))
        required.append((str(reference.get("kind")), namespace, str(reference.get("name"))))
    name = str(target.get("name")) if target.get("kind") == "Server" else None
    yield _Authorization(resource, _ns(resource), name, required)


def _read_networks(resource: Resource, reader: Reader) -> tuple[AddressRange, ...]:
    found: list[AddressRange] = []
    for i, each in enumerate(_list(_spec(resource).get("networks"))):
        item = each if isinstance(each, dict) else {}
        path = ("spec", "networks", i)
        block = reader.cidr(item.get("cidr"), (*path, "cidr"))
        holes = [reader.cidr(hole, (*path, "except", n)) for n, hole in enumerate(_list(item.get("except")))]
        if block is not None:
            found += subtract(block, [hole for hole in holes if hole is not None])
    return tuple(found)
