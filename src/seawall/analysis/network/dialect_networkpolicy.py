"""NetworkPolicy v1 (networking.k8s.io), brought into the one form. Source: the Kubernetes API reference."""

from __future__ import annotations

from typing import Any

from seawall.analysis.network.form import (
    CLOSED,
    Action,
    AddressRange,
    AddressSet,
    Peer,
    PodSet,
    Policy,
    PortMatch,
    Rule,
    Tier,
)
from seawall.analysis.network.parts import Reader
from seawall.analysis.network.ranges import subtract
from seawall.model.paths import Path
from seawall.model.resource import Resource

_SPEC = frozenset(("podSelector", "policyTypes", "ingress", "egress"))
_PEER = frozenset(("podSelector", "namespaceSelector", "ipBlock"))
_PORT = frozenset(("protocol", "port", "endPort"))
#: Nothing can be said of what it allows, so it allows nothing.
_NOTHING: tuple[Peer, ...] = ()


def lower_network_policy(resource: Resource, reader: Reader) -> Policy:
    """Read a NetworkPolicy; what cannot be understood is told to the reader and allows nothing."""
    namespace = resource.ref.namespace or "default"
    raw = resource.raw.get("spec")
    spec: dict[str, Any] = raw if isinstance(raw, dict) else {}
    reader.fields(spec if raw is None else raw, ("spec",), _SPEC)
    pods = reader.selector(_or(spec.get("podSelector"), {}), ("spec", "podSelector"))
    types = _policy_types(spec, reader)
    found: dict[str, tuple[Rule, ...] | None] = {}
    for direction, word, peers in (("Ingress", "ingress", "from"), ("Egress", "egress", "to")):
        items = reader.items(_or(spec.get(word), []), ("spec", word)) or []
        rules = tuple(_rule(item, peers, namespace, ("spec", word, i), reader) for i, item in enumerate(items))
        found[word] = rules if direction in types else None
    subject = PodSet(namespace, (), pods) if pods is not None else None
    return Policy(resource, Tier.NAMESPACE, 0, subject, found["ingress"], found["egress"])


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _policy_types(spec: dict[str, Any], reader: Reader) -> set[str]:
    """The directions that it is for: as said, else ingress, and egress where there are egress rules."""
    path: Path = ("spec", "policyTypes")
    said = reader.items(_or(spec.get("policyTypes"), []), path)
    known = {item for item in said or () if item in ("Ingress", "Egress")} if said else set()
    for i, item in enumerate(said or ()):
        if item not in ("Ingress", "Egress"):
            reader.problem((*path, i), f"{item!r} is not Ingress or Egress; read as both")
            known = {"Ingress", "Egress"}
    return known or ({"Ingress", "Egress"} if spec.get("egress") or said is None else {"Ingress"})


def _rule(value: Any, word: str, namespace: str, path: Path, reader: Reader) -> Rule:
    fields = reader.fields(_or(value, {}), path, frozenset((word, "ports")))
    if fields is None:
        return Rule(Action.ALLOW, _NOTHING, None, path)
    peers = reader.items(fields.get(word, []), (*path, word))
    ports = reader.items(fields.get("ports", []), (*path, "ports"))
    if peers is None or ports is None:
        return Rule(Action.ALLOW, _NOTHING, None, path)
    read = [_peer(item, namespace, (*path, word, i), reader) for i, item in enumerate(peers)]
    matches = [_port(item, (*path, "ports", i), reader) for i, item in enumerate(ports)]
    return Rule(
        Action.ALLOW,
        tuple(peer for peer in read if peer is not None) if peers else None,
        tuple(match for match in matches if match is not None) if ports else None,
        path,
    )


def _peer(value: Any, namespace: str, path: Path, reader: Reader) -> Peer | None:
    fields = reader.fields(value, path, _PEER)
    if fields is None:
        return None
    if "ipBlock" in fields:
        if len(fields) > 1:
            reader.problem(path, f"ipBlock cannot stand beside other selectors; {CLOSED}")
            return None
        return _ip_block(fields["ipBlock"], (*path, "ipBlock"), reader)
    if not fields:
        reader.problem(path, f"names no peer: set podSelector, namespaceSelector or ipBlock; {CLOSED}")
        return None
    pods = reader.selector(fields.get("podSelector", {}), (*path, "podSelector"))
    if "namespaceSelector" not in fields:
        return PodSet(namespace, (), pods) if pods is not None else None
    namespaces = reader.selector(fields["namespaceSelector"], (*path, "namespaceSelector"))
    return PodSet(None, namespaces, pods) if pods is not None and namespaces is not None else None


def _ip_block(value: Any, path: Path, reader: Reader) -> AddressSet | None:
    fields = reader.fields(value, path, frozenset(("cidr", "except")))
    if fields is None:
        return None
    block = reader.cidr(fields.get("cidr"), (*path, "cidr"))
    excepted = reader.items(fields.get("except", []), (*path, "except"))
    if block is None or excepted is None:
        return None
    holes: list[AddressRange] = []
    for i, item in enumerate(excepted):
        hole = reader.cidr(item, (*path, "except", i))
        if hole is None:
            return None
        inside = hole.version == block.version and block.first <= hole.first and hole.last <= block.last
        if not inside or hole == block:
            reader.problem((*path, "except", i), f"{item} is no part of {fields['cidr']}; {CLOSED}")
            return None
        holes.append(hole)
    return AddressSet(subtract(block, holes), False)


def _port(value: Any, path: Path, reader: Reader) -> PortMatch | None:
    fields = reader.fields(value, path, _PORT)
    if fields is None:
        return None
    protocol = reader.protocol(fields.get("protocol"), (*path, "protocol"))
    port, last = fields.get("port"), fields.get("endPort")
    if isinstance(port, str):
        name = reader.port_name(port, (*path, "port"))
        if last is not None:
            reader.problem((*path, "endPort"), f"endPort needs a port number, not a name; {CLOSED}")
            return None
        return PortMatch(protocol, name=name) if protocol is not None and name is not None else None
    if port is None:
        if last is not None:
            reader.problem((*path, "endPort"), f"endPort needs a port; {CLOSED}")
            return None
        return PortMatch(protocol, 1, 65535) if protocol is not None else None
    first = reader.port(port, (*path, "port"))
    return reader.span(protocol, first, first if last is None else last, (*path, "port" if last is None else "endPort"))
