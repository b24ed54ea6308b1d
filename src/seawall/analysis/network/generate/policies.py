"""From needs to NetworkPolicies: one a unit and direction, a rule a peer, reasons as comments, always in one order."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from seawall.analysis.network.form import Direction
from seawall.analysis.network.generate.needs import ANYONE, Needs, Peer, Ports
from seawall.analysis.network.generate.units import Unit, Units
from seawall.analysis.network.world import NAME_LABEL
from seawall.model.paths import Path

MANAGED_BY = "app.kubernetes.io/managed-by"
OWN = "seawall"
DEFAULT_NAME = "default-deny"
#: Reasons shown of a rule; the rest is counted.
_SHOWN = 6
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\Z")
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")


class Generated(Struct, gc=False):
    """A policy: the object, comments before it, and comments at places in it. ``reasons`` are those of each rule."""

    namespace: str
    name: str
    direction: Direction | None
    workloads: tuple[str, ...]
    value: dict[str, Any]
    comments: list[str]
    inside: dict[Path, list[str]]
    reasons: list[list[str]]


class BadName(Exception):
    """A workload or namespace that no object could be named after."""


class Writer:
    """Writes policies. ``taken`` are names of policies of others, which must not be overwritten."""

    def __init__(self, units: Units, needs: Needs, taken: Iterable[tuple[str, str]]) -> None:
        self._units, self._needs = units, needs
        self._taken = set(taken)
        #: Of workloads of one name and several kinds only the first goes without its kind.
        self._bodies: dict[tuple[int, bool], dict[str, Any]] = {}
        self._first: dict[tuple[str, str], Unit] = {}

    def policy(self, unit: Unit, direction: Direction) -> Generated:
        """The policy of a unit for a direction.

        Raises:
            BadName: its name cannot be made a policy's.
        """
        rules, inside, reasons = self._rules(unit, direction)
        spec = {"podSelector": unit.selector, "policyTypes": [direction.capitalize()], str(direction): rules}
        name = self._name(unit, f"-{direction}")
        return Generated(
            unit.namespace,
            name,
            direction,
            tuple(each.label for each in unit.workloads),
            _object(unit.namespace, name, spec),
            self._comments(unit, direction, rules),
            inside,
            reasons,
        )

    def default(self, namespace: str, dns: Sequence[tuple[Peer, Sequence[tuple[str, int]]]]) -> Generated:
        """The policy that closes a namespace but for DNS.

        Raises:
            BadName: the namespace's name is none.
        """
        if not _NAMESPACE.match(namespace):
            raise BadName(f"namespace {namespace!r} is no name of a namespace")
        rules = [{"to": [self._peer(peer, "")], "ports": _ports(ports)} for peer, ports in dns]
        spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": rules}
        name = self._free(namespace, DEFAULT_NAME)
        inside: dict[Path, list[str]] = {("spec", "egress", n): ["DNS"] for n in range(len(rules))}
        comments = [f"Everything in namespace {namespace} that no other policy lets through is closed, but for DNS."]
        value = _object(namespace, name, spec)
        return Generated(namespace, name, None, (), value, comments, inside, [["DNS"] for _ in rules])

    def _name(self, unit: Unit, suffix: str) -> str:
        if not _NAME.match(unit.name) or not _NAMESPACE.match(unit.namespace):
            raise BadName(f"{unit.label}: no policy can be named after it")
        base = unit.name
        if len(base) + len(suffix) > 200:
            base = f"{base[:180].rstrip('.-')}-{hashlib.sha256(base.encode()).hexdigest()[:10]}"
        if self._first.setdefault((unit.namespace, unit.name), unit) is not unit:
            base = f"{base}-{unit.workloads[0].kind.lower()}"
        return self._free(unit.namespace, f"{base}{suffix}")

    def _free(self, namespace: str, name: str) -> str:
        """A name that no policy of others has."""
        while (namespace, name) in self._taken:
            name = f"{name}-{OWN}"
        self._taken.add((namespace, name))
        return name

    def _comments(self, unit: Unit, direction: Direction, rules: list[Any]) -> list[str]:
        verb = "receives" if direction is Direction.INGRESS else "sends"
        found = [f"What {unit.label} {verb}."]
        if len(unit.workloads) > 1:
            found.append("Their pods have the same labels: no policy tells them apart. Give them labels of their own.")
        if unit.shared:
            found.append(f"Picks pods of {', '.join(unit.shared[:_SHOWN])} as well: no label tells them apart.")
        if not unit.labels:
            found.append("Its pods have no labels: the policy picks whatever has none; give them labels of their own.")
        if not any(peer for peer in self._needs.of(unit, direction) if peer.title != "kube-dns") and not rules:
            found.append("Nothing says that it needs anything in this direction.")
        return found

    def _rules(self, unit: Unit, direction: Direction) -> tuple[list[Any], dict[Path, list[str]], list[list[str]]]:
        side = "from" if direction is Direction.INGRESS else "to"
        rules: list[Any] = []
        inside: dict[Path, list[str]] = {}
        reasons: list[list[str]] = []
        for peers, ports in _joined(self._needs.of(unit, direction)):
            rule: dict[str, Any] = {}
            if peers[0] != ANYONE:
                rule[side] = [self._peer(peer, unit.namespace) for peer in peers]
            rule["ports"] = _ports(ports)
            told = _told(ports)
            shown = told[:_SHOWN] + ([f"and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else [])
            inside["spec", str(direction), len(rules)] = [f"{_title(peers)}:", *(f"  {each}" for each in shown)]
            reasons.append(told)
            rules.append(rule)
        return rules, inside, reasons

    def _peer(self, peer: Peer, namespace: str) -> dict[str, Any]:
        if peer.unit >= 0:
            unit = self._units.all[peer.unit]
            return self._of_unit(unit, unit.namespace == namespace)
        if peer.cidr:
            holes = {"except": list(peer.holes)} if peer.holes else {}
            return {"ipBlock": {"cidr": peer.cidr, **holes}}
        return self._needs.body(peer)

    def _of_unit(self, unit: Unit, near: bool) -> dict[str, Any]:
        """The pods of a unit as a peer; one object for all policies, so that it is written out once."""
        body = self._bodies.get((unit.number, near))
        if body is None:
            far = {} if near else {"namespaceSelector": {"matchLabels": {NAME_LABEL: unit.namespace}}}
            body = self._bodies[unit.number, near] = {**far, "podSelector": unit.selector}
        return body


def _title(peers: list[Peer]) -> str:
    if len(peers) == 1:
        return f"outside {peers[0].title}" if peers[0].cidr else peers[0].title
    return f"{len(peers)} blocks of outside addresses"


def _joined(needs: dict[Peer, Ports]) -> list[tuple[list[Peer], Ports]]:
    """Peers with their ports in order; blocks of addresses with the same ports share a rule."""
    found: list[tuple[list[Peer], Ports]] = []
    blocks: dict[tuple[tuple[str, int], ...], int] = {}
    for peer in sorted(needs, key=lambda each: (each.rank, each.title, each.unit)):
        ports = needs[peer]
        key = tuple(sorted(ports))
        at = blocks.get(key) if peer.cidr else None
        if at is None:
            if peer.cidr:
                blocks[key] = len(found)
            found.append(([peer], ports))
            continue
        peers, merged = found[at]
        if len(peers) == 1:
            merged = {port: {f"{peers[0].title}: {why}": None for why in whys} for port, whys in merged.items()}
        for port, whys in ports.items():
            merged[port] |= {f"{peer.title}: {why}": None for why in whys}
        found[at] = ([*peers, peer], merged)
    return found


def _told(ports: Ports) -> list[str]:
    """Reasons with the ports that each is for."""
    by_reason: dict[str, list[str]] = {}
    for (protocol, number), reasons in sorted(ports.items()):
        for reason in reasons:
            by_reason.setdefault(reason, []).append(f"{protocol} {number}")
    return [f"{', '.join(each)}: {reason}" for reason, each in by_reason.items()]


def _ports(ports: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    return [_port(protocol, number) for protocol, number in sorted(ports)]


@lru_cache(maxsize=4096)
def _port(protocol: str, number: int) -> dict[str, Any]:
    return {"protocol": protocol, "port": number}


def _object(namespace: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": {MANAGED_BY: OWN}}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
