"""Istio: PeerAuthentication (mutual TLS or not) and AuthorizationPolicy (who may connect)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from ipaddress import ip_network
from typing import Any, NamedTuple

from seawall.analysis.network.ends import matches
from seawall.analysis.network.form import AddressRange, Direction, Selector
from seawall.analysis.network.index import Index, Parts
from seawall.analysis.network.parts import Reader
from seawall.model.reach import Link, Note, Ports
from seawall.model.resource import Resource

ROOT_NAMESPACE = "istio-system"
_MODES = ("UNSET", "DISABLE", "PERMISSIVE", "STRICT")
_ON_REQUESTS = frozenset(
    ("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths", "requestPrincipals", "notRequestPrincipals")
)
_SOURCE = frozenset(
    (
        "principals",
        "notPrincipals",
        "namespaces",
        "notNamespaces",
        "serviceAccounts",
        "notServiceAccounts",
        "ipBlocks",
        "notIpBlocks",
        "remoteIpBlocks",
        "notRemoteIpBlocks",
    )
)
_OPERATION = frozenset(("ports", "notPorts"))


class _PeerAuthentication(NamedTuple):
    resource: Resource
    namespace: str
    selector: Selector | None
    mode: str
    by_port: dict[int, str]


class _Rule(NamedTuple):
    """Sources and ports (None: any), and whether conditions on requests narrow it further."""

    sources: list[dict[str, list[str]]] | None
    operations: list[dict[str, list[str]]] | None
    narrowed: bool


class _Authorization(NamedTuple):
    resource: Resource
    namespace: str
    selector: Selector | None
    action: str
    rules: list[_Rule]


_Object = tuple[Resource, Reader]


class Istio:
    """What Istio's proxies accept."""

    def __init__(self, peers: Sequence[_Object], policies: Sequence[_Object], notes: list[Note]) -> None:
        self.peers = [_read_peer(resource, reader) for resource, reader in peers]
        self.policies: list[_Authorization] = []
        for resource, reader in policies:
            spec = _dict(resource.raw.get("spec"))
            if spec.get("targetRefs") or spec.get("targetRef"):
                notes.append(Note("aims at a gateway or waypoint, which is not evaluated", resource.ref))
                continue
            policy = _read_policy(resource, spec, reader)
            self.policies.append(policy)
            if policy.action in ("CUSTOM", "AUDIT"):
                notes.append(Note(f"its action is {policy.action}: what comes of it is not known here", resource.ref))
            if any(rule.narrowed for rule in policy.rules):
                notes.append(Note("has conditions on requests, which no connection can be judged by", resource.ref))

    def selectors(self) -> Iterator[Selector]:
        """The selectors that pods are told apart by."""
        found = [each.selector for each in self.peers] + [each.selector for each in self.policies]
        yield from (each for each in found if each is not None)

    def ports(self) -> Iterator[tuple[str, int, int]]:
        """The ports that policies name."""
        for peer in self.peers:
            yield from (("TCP", port, port) for port in peer.by_port)
        for policy in self.policies:
            for rule in policy.rules:
                for operation in rule.operations or ():
                    for field in _OPERATION:
                        yield from (("TCP", int(p), int(p)) for p in operation.get(field, ()) if p.isdecimal())

    def modes(self, index: Index, target: int) -> tuple[str, dict[int, str]]:
        """The mode of mutual TLS at a class of pods, and by port: the most specific object that says one."""
        best: dict[int, tuple[str, dict[int, str]]] = {}
        for each in self.peers:
            depth = self._depth(index, target, each.namespace, each.selector)
            if depth and depth not in best:
                best[depth] = (each.mode, each.by_port)
        mode = next((best[d][0] for d in (3, 2, 1) if d in best and best[d][0] != "UNSET"), "PERMISSIVE")
        return mode, best[3][1] if 3 in best else {}

    def _depth(self, index: Index, target: int, namespace: str, selector: Selector | None) -> int:
        """3 for an object that selects the pods, 2 for one of their namespace, 1 for one of the mesh, else 0."""
        own = index.ends.classes[target]
        root = namespace == ROOT_NAMESPACE
        if selector is None:
            return 2 if namespace == own.namespace else 1 if root else 0
        labels: dict[str, str] = dict(own.fact.labels)  # type: ignore[attr-defined]
        return 3 if namespace == own.namespace and matches(selector, labels) else 0

    def gate(self, index: Index, target: int) -> Parts:
        """The sources that a class of pods accepts, by ports."""
        everyone = (1 << index.ends.size) - 1
        states = {index.ports.all: everyone}
        strict = self._strict(index, target)
        if strict:
            states = take(states, strict, everyone & ~self._in_mesh(index) & ~(1 << index.ends.controller))
        own = index.ends.classes[target]
        applying = [p for p in self.policies if self._applies(index, target, p)]
        for policy in applying:
            if policy.action == "DENY":
                for rule in policy.rules:
                    if not rule.narrowed:
                        states = take(states, *self._reach(index, rule, own.namespace, sure=True))
        allowing = [policy for policy in applying if policy.action == "ALLOW"]
        if allowing:
            allowed: dict[int, int] = {0: everyone}
            for policy in allowing:
                for rule in policy.rules:
                    allowed = _give(allowed, *self._reach(index, rule, own.namespace, sure=False))
            states = _both(states, allowed)
        return tuple((mask, ends) for mask, ends in states.items() if mask)

    def _applies(self, index: Index, target: int, policy: _Authorization) -> bool:
        if policy.selector is not None and policy.namespace == ROOT_NAMESPACE:
            return matches(policy.selector, dict(index.ends.classes[target].fact.labels))  # type: ignore[attr-defined]
        return bool(self._depth(index, target, policy.namespace, policy.selector))

    def _strict(self, index: Index, target: int) -> int:
        mode, by_port = self.modes(index, target)
        mask = index.ports.mask("TCP", 1, 65535) if mode == "STRICT" else 0
        for port, own in by_port.items():
            bit = index.ports.mask("TCP", port, port)
            mask = mask | bit if own == "STRICT" else mask & ~bit if own != "UNSET" else mask
        return mask

    def _in_mesh(self, index: Index) -> int:
        found = 0
        for bit, each in enumerate(index.ends.classes):
            if each.fact is not None and each.fact.mesh == "istio":  # type: ignore[attr-defined]
                found |= 1 << bit
        return found

    def _reach(self, index: Index, rule: _Rule, namespace: str, *, sure: bool) -> tuple[int, int]:
        """The ports and the sources of a rule. Where a source cannot be known, it counts unless ``sure``."""
        mask = index.ports.mask("TCP", 1, 65535) if sure and rule.operations is not None else index.ports.all
        if rule.operations is not None:
            mask = 0
            for operation in rule.operations:
                mask |= _operation_ports(index, operation)
        sources = (1 << index.ends.size) - 1
        if rule.sources is not None:
            sources = 0
            for source in rule.sources:
                sources |= self._sources(index, source, namespace, sure)
        return mask, sources

    def _sources(self, index: Index, source: dict[str, list[str]], namespace: str, sure: bool) -> int:
        everyone = (1 << index.ends.size) - 1
        found = everyone
        for field, test in _TESTS.items():
            for key, positive in ((field, True), (f"not{field[0].upper()}{field[1:]}", False)):
                if key in source:
                    patterns = source[key]
                    hit = 0
                    for bit, each in enumerate(index.ends.classes):
                        fact: Any = each.fact
                        if fact is not None and fact.mesh and test(each.namespace, fact.account, patterns, namespace):
                            hit |= 1 << bit
                    found &= hit if positive else everyone & ~hit
        for key in ("ipBlocks", "remoteIpBlocks"):
            if key in source:
                ranges = tuple(each for each in map(_block, source[key]) if each is not None)
                found &= index.ends.addresses(ranges, Direction.INGRESS) | (0 if sure else index.ends.pods)
        if not sure:
            found |= (1 << index.ends.controller) if source else 0
        return found

    def link(self, index: Index, target: int, ports: Ports) -> Link:
        """What TLS a connection from a pod of the mesh has."""
        mode, by_port = self.modes(index, target)
        modes = {by_port.get(each.first, mode) if each.first == each.last else mode for each in ports}
        if any(each.protocol != "TCP" for each in ports) or "DISABLE" in modes:
            return Link.PLAIN if modes == {"DISABLE"} else Link.OPTIONAL
        return Link.MUTUAL_TLS if modes <= {"STRICT"} else Link.OPTIONAL

    def why(self, index: Index, source: int, target: int, mask: int) -> str:
        """Why a connection is refused."""
        if self._strict(index, target) & mask and not self._in_mesh(index) >> source & 1:
            return "mutual TLS is STRICT and the source is not in the mesh"
        names = [str(p.resource.ref) for p in self.policies if self._applies(index, target, p)]
        return f"by {', '.join(names[:3])}"


def take(states: dict[int, int], mask: int, ends: int) -> dict[int, int]:
    """Refuse some ends some ports."""
    found: dict[int, int] = {}
    for own, here in states.items():
        for part, left in ((here & ends, own & ~mask), (here & ~ends, own)):
            if part:
                found[left] = found.get(left, 0) | part
    return found


def _give(states: dict[int, int], mask: int, ends: int) -> dict[int, int]:
    found: dict[int, int] = {}
    for own, here in states.items():
        for part, left in ((here & ends, own | mask), (here & ~ends, own)):
            if part:
                found[left] = found.get(left, 0) | part
    return found


def _both(states: dict[int, int], others: dict[int, int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for mask, ends in states.items():
        for other, more in others.items():
            if ends & more:
                found[mask & other] = found.get(mask & other, 0) | (ends & more)
    return found


def _principal(namespace: str, account: str, patterns: list[str], _own: str) -> bool:
    name = f"ns/{namespace}/sa/{account}"
    return any(_pattern(each.partition("/")[2] if "/ns/" in each else each, name) for each in patterns)


def _pattern(pattern: str, text: str) -> bool:
    """Istio's patterns: exact, ``*`` (any), ``prefix*`` or ``*suffix``; the trust domain is not looked at."""
    if pattern.startswith("*") and pattern.endswith("*"):
        return pattern in ("*", "**") or pattern.strip("*") in text
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _namespace(namespace: str, _account: str, patterns: list[str], _own: str) -> bool:
    return any(fnmatchcase(namespace, pattern) for pattern in patterns)


def _account(namespace: str, account: str, patterns: list[str], own: str) -> bool:
    return any(f"{namespace}/{account}" == (each if "/" in each else f"{own}/{each}") for each in patterns)


_TESTS: dict[str, Callable[[str, str, list[str], str], bool]] = {
    "principals": _principal,
    "namespaces": _namespace,
    "serviceAccounts": _account,
}


def _block(text: str) -> AddressRange | None:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    return AddressRange(network.version, int(network.network_address), int(network.broadcast_address))


def _operation_ports(index: Index, operation: dict[str, list[str]]) -> int:
    mask = index.ports.mask("TCP", 1, 65535)
    for key in ("ports", "notPorts"):
        if key in operation:
            named = 0
            for port in operation[key]:
                named |= index.ports.mask("TCP", int(port), int(port)) if port.isdecimal() else 0
            mask &= named if key == "ports" else ~named
    return mask


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _read_selector(spec: dict[str, Any], reader: Reader) -> Selector | None:
    labels = _dict(spec.get("selector")).get("matchLabels")
    if not labels:
        return None
    return reader.selector({"matchLabels": labels}, ("spec", "selector"))


def _read_peer(resource: Resource, reader: Reader) -> _PeerAuthentication:
    spec = _dict(resource.raw.get("spec"))
    mode = _dict(spec.get("mtls")).get("mode", "UNSET")
    if mode not in _MODES:
        reader.problem(("spec", "mtls", "mode"), f"{mode!r} is not one of {', '.join(_MODES)}; read as unset")
        mode = "UNSET"
    by_port: dict[int, str] = {}
    for key, value in _dict(spec.get("portLevelMtls")).items():
        own = _dict(value).get("mode")
        if not (isinstance(key, str | int) and str(key).isdecimal() and own in _MODES):
            reader.problem(("spec", "portLevelMtls", str(key)), "is no port with a mode; left out")
            continue
        by_port[int(key)] = own
    namespace = resource.ref.namespace or "default"
    return _PeerAuthentication(resource, namespace, _read_selector(spec, reader), mode, by_port)


def _read_policy(resource: Resource, spec: dict[str, Any], reader: Reader) -> _Authorization:
    action = spec.get("action", "ALLOW")
    if action not in ("ALLOW", "DENY", "CUSTOM", "AUDIT"):
        reader.problem(("spec", "action"), f"{action!r} is no action; read as ALLOW without rules")
        return _Authorization(resource, resource.ref.namespace or "default", None, "ALLOW", [])
    rules = spec.get("rules")
    read = [_read_rule(_dict(rule), i, reader) for i, rule in enumerate(rules if isinstance(rules, list) else ())]
    selector = _read_selector(spec, reader)
    return _Authorization(resource, resource.ref.namespace or "default", selector, action, read)


def _read_rule(rule: dict[str, Any], number: int, reader: Reader) -> _Rule:
    narrowed = bool(rule.get("when"))
    lists: list[list[dict[str, list[str]]] | None] = []
    for word, inner, known in (("from", "source", _SOURCE), ("to", "operation", _OPERATION)):
        items = rule.get(word)
        if items is None:
            lists.append(None)
            continue
        read = []
        for i, item in enumerate(items if isinstance(items, list) else ()):
            fields = _dict(_dict(item).get(inner))
            kept = {key: [str(v) for v in value] for key, value in fields.items() if isinstance(value, list)}
            narrowed = narrowed or any(key in _ON_REQUESTS for key in kept)
            for key in kept.keys() - known - _ON_REQUESTS:
                reader.problem(("spec", "rules", number, word, i, inner, key), "unknown field; left out")
            read.append({key: value for key, value in kept.items() if key in known})
        lists.append(read)
    return _Rule(lists[0], lists[1], narrowed)
