"""The cluster-wide policies of policy.networking.k8s.io, brought into the one form.

AdminNetworkPolicy and BaselineAdminNetworkPolicy v1alpha1, ClusterNetworkPolicy v1alpha2. Source: their API reference
(kubernetes-sigs/network-policy-api). There a peer that cannot be understood must fail closed: an allow rule then
matches nothing, a deny or pass rule denies everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from seawall.analysis.network.form import (
    Action,
    AddressSet,
    DomainSet,
    NodeSet,
    Peer,
    PodSet,
    Policy,
    PortMatch,
    Rule,
    Tier,
)
from seawall.analysis.network.parts import Reader
from seawall.model.paths import Path
from seawall.model.resource import Resource

_CLOSED = "the rule fails closed"
_MAX_PRIORITY = 1000
#: The name that the only baseline policy must have.
BASELINE_NAME = "default"


class _Dialect(NamedTuple):
    """What differs between the kinds."""

    spec: frozenset[str]
    actions: dict[str, Action]
    port_field: str
    port: Callable[[Any, Path, Reader], PortMatch | None]


def lower_admin_policy(resource: Resource, reader: Reader) -> Policy:
    """Read an AdminNetworkPolicy."""
    return _lower(resource, reader, _ADMIN, Tier.ADMIN)


def lower_baseline_policy(resource: Resource, reader: Reader) -> Policy:
    """Read a BaselineAdminNetworkPolicy, of which there is only one, called ``default``."""
    if resource.ref.name != BASELINE_NAME:
        reader.problem(("metadata", "name"), f"the API takes only one, called {BASELINE_NAME!r}")
    return _lower(resource, reader, _BASELINE, Tier.BASELINE)


def lower_cluster_policy(resource: Resource, reader: Reader) -> Policy:
    """Read a ClusterNetworkPolicy."""
    spec = resource.raw.get("spec")
    said = spec.get("tier") if isinstance(spec, dict) else None
    if said not in ("Admin", "Baseline"):
        reader.problem(("spec", "tier"), f"{said!r} is not Admin or Baseline; read as Baseline")
    return _lower(resource, reader, _CLUSTER, Tier.ADMIN if said == "Admin" else Tier.BASELINE)


def _lower(resource: Resource, reader: Reader, dialect: _Dialect, tier: Tier) -> Policy:
    raw = resource.raw.get("spec")
    spec: dict[str, Any] = raw if isinstance(raw, dict) else {}
    reader.fields(spec if raw is None else raw, ("spec",), dialect.spec)
    subject = _subject(spec.get("subject"), reader)
    rules: dict[str, tuple[Rule, ...] | None] = {}
    for word in ("ingress", "egress"):
        value = spec.get(word)
        items = reader.items([] if value is None else value, ("spec", word)) or []
        rules[word] = tuple(_rule(item, word, ("spec", word, i), dialect, reader) for i, item in enumerate(items))
    priority = _priority(spec.get("priority"), reader) if "priority" in dialect.spec else 0
    return Policy(resource, tier, priority, subject, rules["ingress"] or None, rules["egress"] or None)


def _priority(value: Any, reader: Reader) -> int:
    if type(value) is int and 0 <= value <= _MAX_PRIORITY:
        return value
    reader.problem(("spec", "priority"), f"{value!r} is not a priority from 0 to {_MAX_PRIORITY}; read as the last")
    return _MAX_PRIORITY + 1


def _subject(value: Any, reader: Reader) -> PodSet | None:
    path: Path = ("spec", "subject")
    fields = reader.fields({} if value is None else value, path, frozenset(("namespaces", "pods")))
    if fields is None:
        return None
    if len(fields) != 1:
        reader.problem(path, "must have exactly one of namespaces and pods; the policy selects nothing")
        return None
    if "pods" in fields:
        return reader.pods(fields["pods"], (*path, "pods"))
    namespaces = reader.selector(fields["namespaces"], (*path, "namespaces"))
    return PodSet(None, namespaces, ()) if namespaces is not None else None


def _rule(value: Any, word: str, path: Path, dialect: _Dialect, reader: Reader) -> Rule:
    side = "from" if word == "ingress" else "to"
    before = len(reader.problems)
    fields = reader.fields(value, path, frozenset(("name", "action", side, dialect.port_field)))
    raw = value if isinstance(value, dict) else {}
    action = dialect.actions.get(str(raw.get("action")))
    name = raw.get("name") if isinstance(raw.get("name"), str) else ""
    if action is None:
        reader.problem((*path, "action"), f"must be one of {', '.join(dialect.actions)}; {_CLOSED}")
    if fields is None or action is None:
        return _fail_closed(action, path, name or "")
    peers = _peers(fields.get(side), (*path, side), action, word, reader)
    ports = _ports(fields, path, dialect, reader)
    if len(reader.problems) > before and action is not Action.ALLOW:
        return _fail_closed(action, path, name or "")
    return Rule(action, peers, ports, path, name or "")


def _fail_closed(action: Action | None, path: Path, name: str) -> Rule:
    if action is Action.ALLOW:
        return Rule(action, (), None, path, name)
    return Rule(Action.DENY, None, None, path, name)


def _peers(value: Any, path: Path, action: Action, word: str, reader: Reader) -> tuple[Peer, ...]:
    items = reader.items([] if value is None else value, path)
    if items is None:
        return ()
    if not items:
        reader.problem(path, f"must hold at least one peer; {_CLOSED}")
    return tuple(
        peer for i, item in enumerate(items) for peer in [_peer(item, (*path, i), action, word, reader)] if peer
    )


_INGRESS_PEER = frozenset(("namespaces", "pods"))
_EGRESS_PEER = _INGRESS_PEER | {"nodes", "networks", "domainNames"}


def _peer(value: Any, path: Path, action: Action, word: str, reader: Reader) -> Peer | None:
    fields = reader.fields(value, path, _INGRESS_PEER if word == "ingress" else _EGRESS_PEER)
    if fields is None:
        return None
    if len(fields) != 1:
        reader.problem(path, f"must have exactly one kind of peer; {_CLOSED}")
        return None
    ((kind, item),) = fields.items()
    where = (*path, kind)
    if kind == "pods":
        return reader.pods(item, where)
    if kind == "networks":
        return _networks(item, where, reader)
    if kind == "domainNames":
        return _domains(item, where, action, reader)
    selector = reader.selector(item, where)
    if selector is None:
        return None
    return NodeSet(selector) if kind == "nodes" else PodSet(None, selector, ())


def _networks(value: Any, path: Path, reader: Reader) -> AddressSet | None:
    items = reader.items(value, path)
    if not items:
        reader.problem(path, f"must hold at least one CIDR; {_CLOSED}")
        return None
    ranges = [reader.cidr(item, (*path, i)) for i, item in enumerate(items)]
    return AddressSet(tuple(each for each in ranges if each is not None), True)


def _domains(value: Any, path: Path, action: Action, reader: Reader) -> DomainSet | None:
    items = reader.items(value, path)
    if not items or any(not isinstance(item, str) or not item.strip("*. ") for item in items):
        reader.problem(path, f"must hold domain names; {_CLOSED}")
        return None
    if action is not Action.ALLOW:
        reader.problem(path, f"domain names work in allowing rules only; {_CLOSED}")
        return None
    return DomainSet(tuple(item.rstrip(".").lower() for item in items))


def _ports(fields: dict[str, Any], path: Path, dialect: _Dialect, reader: Reader) -> tuple[PortMatch, ...] | None:
    value = fields.get(dialect.port_field)
    if value is None:
        return None
    where = (*path, dialect.port_field)
    items = reader.items(value, where)
    if not items:
        reader.problem(where, f"must hold at least one item; {_CLOSED}")
        return ()
    matches = [dialect.port(item, (*where, i), reader) for i, item in enumerate(items)]
    return tuple(match for match in matches if match is not None)


def _alpha1_port(value: Any, path: Path, reader: Reader) -> PortMatch | None:
    """portNumber, portRange or namedPort of v1alpha1."""
    fields = _one_of(value, path, frozenset(("portNumber", "portRange", "namedPort")), reader)
    if fields is None:
        return None
    ((kind, item),) = fields.items()
    where = (*path, kind)
    if kind == "namedPort":
        name = reader.port_name(item, where)
        return PortMatch(None, name=name) if name is not None else None
    known = frozenset(("protocol", "port") if kind == "portNumber" else ("protocol", "start", "end"))
    inner = reader.fields(item, where, known)
    if inner is None:
        return None
    protocol = reader.protocol(inner.get("protocol"), (*where, "protocol"))
    start, end = ("port", "port") if kind == "portNumber" else ("start", "end")
    first = reader.port(inner.get(start), (*where, start))
    return reader.span(protocol, first, inner.get(end), (*where, end)) if first is not None else None


def _alpha2_protocol(value: Any, path: Path, reader: Reader) -> PortMatch | None:
    """tcp, udp, sctp or destinationNamedPort of v1alpha2."""
    fields = _one_of(value, path, frozenset(("tcp", "udp", "sctp", "destinationNamedPort")), reader)
    if fields is None:
        return None
    ((kind, item),) = fields.items()
    where = (*path, kind)
    if kind == "destinationNamedPort":
        name = reader.port_name(item, where)
        return PortMatch(None, name=name) if name is not None else None
    inner = _one_of(item, where, frozenset(("destinationPort",)), reader)
    where = (*where, "destinationPort")
    port = _one_of(inner["destinationPort"], where, frozenset(("number", "range")), reader) if inner else None
    if port is None:
        return None
    if "number" in port:
        first = reader.port(port["number"], (*where, "number"))
        return PortMatch(kind.upper(), first, first) if first is not None else None
    where = (*where, "range")
    span = reader.fields(port["range"], where, frozenset(("start", "end")))
    first = reader.port(span.get("start"), (*where, "start")) if span is not None else None
    return reader.span(kind.upper(), first, span.get("end"), (*where, "end")) if span and first is not None else None


def _one_of(value: Any, path: Path, known: frozenset[str], reader: Reader) -> dict[str, Any] | None:
    fields = reader.fields(value, path, known)
    if fields is not None and len(fields) != 1:
        reader.problem(path, f"must have exactly one of {', '.join(sorted(known))}; {_CLOSED}")
        return None
    return fields


_ACTIONS = {"Allow": Action.ALLOW, "Deny": Action.DENY, "Pass": Action.PASS}
_BASE = frozenset(("subject", "ingress", "egress"))
_ADMIN = _Dialect(_BASE | {"priority"}, _ACTIONS, "ports", _alpha1_port)
_BASELINE = _Dialect(_BASE, {"Allow": Action.ALLOW, "Deny": Action.DENY}, "ports", _alpha1_port)
_CLUSTER = _Dialect(
    _BASE | {"priority", "tier"},
    {"Accept": Action.ALLOW, "Deny": Action.DENY, "Pass": Action.PASS},
    "protocols",
    _alpha2_protocol,
)
