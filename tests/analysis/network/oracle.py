"""A naive evaluator of one connection at a time, written from the documentation and from nothing of Seawall's.

It reads plain objects. Pods of the node's network are taken to be held by nothing, as Seawall tells them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Object = dict[str, Any]


@dataclass
class OraclePod:
    """A pod: where it is, what it is labelled with, and the ports that its containers name."""

    namespace: str
    name: str
    labels: dict[str, str]
    ports: list[Object] = field(default_factory=list)
    ip: str | None = None
    host_network: bool = False


@dataclass
class Cluster:
    """What the evaluator looks at."""

    namespaces: dict[str, dict[str, str]]
    pods: list[OraclePod]
    policies: list[Object]


End = OraclePod | str


def selector_matches(selector: Object, labels: dict[str, str]) -> bool:
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for term in selector.get("matchExpressions") or []:
        key, operator, values = term["key"], term["operator"], term.get("values") or []
        present = key in labels
        good = {
            "In": present and labels.get(key) in values,
            "NotIn": not present or labels[key] not in values,
            "Exists": present,
            "DoesNotExist": not present,
        }[operator]
        if not good:
            return False
    return True


def allowed(cluster: Cluster, source: End, target: End, protocol: str, port: int) -> bool:
    """Whether the connection passes both ends' policies."""
    for end in (source, target):
        if isinstance(end, OraclePod) and end.host_network:
            return True
    return _direction(cluster, "egress", source, target, target, protocol, port) and _direction(
        cluster, "ingress", target, source, target, protocol, port
    )


def _direction(
    cluster: Cluster, direction: str, subject: End, peer: End, target: End, protocol: str, port: int
) -> bool:
    if isinstance(subject, str):
        return True
    # The admin tier: by priority, then the order of rules; the first match is final, unless it passes.
    decision = _ordered(_tier(cluster, "Admin"), cluster, direction, subject, peer, target, protocol, port)
    if decision in ("Allow", "Deny"):
        return decision == "Allow"
    # NetworkPolicies: none selects the pod in this direction, or one must allow.
    selecting = [p for p in cluster.policies if p["kind"] == "NetworkPolicy" and _np_selects(p, subject, direction)]
    if selecting:
        return any(_np_allows(p, cluster, direction, peer, target, protocol, port) for p in selecting)
    decision = _ordered(_tier(cluster, "Baseline"), cluster, direction, subject, peer, target, protocol, port)
    return decision != "Deny"


def _tier(cluster: Cluster, tier: str) -> list[Object]:
    found = []
    for policy in cluster.policies:
        kind, said = policy["kind"], policy["spec"].get("tier")
        is_admin = kind == "AdminNetworkPolicy" or (kind == "ClusterNetworkPolicy" and said == "Admin")
        is_base = kind == "BaselineAdminNetworkPolicy" or (kind == "ClusterNetworkPolicy" and said == "Baseline")
        if (tier == "Admin" and is_admin) or (tier == "Baseline" and is_base):
            found.append(policy)
    return sorted(found, key=lambda policy: policy["spec"].get("priority", 0))


def _ordered(
    policies: list[Object],
    cluster: Cluster,
    direction: str,
    subject: OraclePod,
    peer: End,
    target: End,
    protocol: str,
    port: int,
) -> str | None:
    for policy in policies:
        if not _in_subject(policy["spec"]["subject"], cluster, subject):
            continue
        for rule in policy["spec"].get(direction) or []:
            peers = rule["from" if direction == "ingress" else "to"]
            ports = rule.get("ports", rule.get("protocols"))
            if any(_admin_peer(item, cluster, peer) for item in peers) and (
                ports is None or any(_admin_port(item, target, protocol, port) for item in ports)
            ):
                action = "Allow" if rule["action"] == "Accept" else rule["action"]
                return str(action)
    return None


def _in_subject(subject: Object, cluster: Cluster, pod: OraclePod) -> bool:
    return _admin_pods(subject, cluster, pod)


def _admin_pods(value: Object, cluster: Cluster, pod: OraclePod) -> bool:
    if pod.host_network:
        return False
    if "namespaces" in value:
        return selector_matches(value["namespaces"], cluster.namespaces[pod.namespace])
    if "pods" in value:
        return selector_matches(
            value["pods"].get("namespaceSelector") or {}, cluster.namespaces[pod.namespace]
        ) and selector_matches(value["pods"].get("podSelector") or {}, pod.labels)
    return False


def _admin_peer(item: Object, cluster: Cluster, peer: End) -> bool:
    if "networks" in item:
        blocks = [ip_network(text, strict=False) for text in item["networks"]]
        if isinstance(peer, str):
            return any(ip_address(peer) in block for block in blocks)
        if peer.ip is None:
            # All IPv4 addresses are meant: whatever address the pod has.
            return any(block.version == 4 and block.prefixlen == 0 for block in blocks)
        return any(ip_address(peer.ip) in block for block in blocks)
    return isinstance(peer, OraclePod) and _admin_pods(item, cluster, peer)


def _admin_port(item: Object, target: End, protocol: str, port: int) -> bool:
    if "portNumber" in item:
        return bool(item["portNumber"].get("protocol", "TCP") == protocol and item["portNumber"]["port"] == port)
    if "portRange" in item:
        span = item["portRange"]
        return bool(span.get("protocol", "TCP") == protocol and span["start"] <= port <= span["end"])
    name = item.get("namedPort") or item.get("destinationNamedPort")
    if name:
        found = _container_port(target, name)
        return found is not None and found == (protocol, port)
    wanted = item.get(protocol.lower())
    if wanted is None:
        return False
    destination = wanted["destinationPort"]
    if "number" in destination:
        return bool(destination["number"] == port)
    return bool(destination["range"]["start"] <= port <= destination["range"]["end"])


def _container_port(target: End, name: str) -> tuple[str, int] | None:
    if isinstance(target, OraclePod):
        for each in target.ports:
            if each.get("name") == name:
                return each.get("protocol", "TCP"), each["containerPort"]
    return None


def _np_selects(policy: Object, pod: OraclePod, direction: str) -> bool:
    spec = policy["spec"]
    if policy["metadata"]["namespace"] != pod.namespace or not selector_matches(
        spec.get("podSelector") or {}, pod.labels
    ):
        return False
    types = spec.get("policyTypes")
    if not types:
        types = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    return direction.capitalize() in types


def _np_allows(
    policy: Object, cluster: Cluster, direction: str, peer: End, target: End, protocol: str, port: int
) -> bool:
    namespace = policy["metadata"]["namespace"]
    for rule in policy["spec"].get(direction) or []:
        peers = rule.get("from" if direction == "ingress" else "to")
        ports = rule.get("ports")
        if peers and not any(_np_peer(item, namespace, cluster, peer) for item in peers):
            continue
        if not ports or any(_np_port(item, target, protocol, port) for item in ports):
            return True
    return False


def _np_peer(item: Object, namespace: str, cluster: Cluster, peer: End) -> bool:
    if "ipBlock" in item:
        if not isinstance(peer, str):
            return False
        address = ip_address(peer)
        block = item["ipBlock"]
        inside = address in ip_network(block["cidr"], strict=False)
        return inside and not any(address in ip_network(hole, strict=False) for hole in block.get("except") or [])
    if isinstance(peer, str) or peer.host_network:
        return False
    if "namespaceSelector" in item:
        if not selector_matches(item["namespaceSelector"], cluster.namespaces[peer.namespace]):
            return False
    elif peer.namespace != namespace:
        return False
    return selector_matches(item.get("podSelector") or {}, peer.labels)


def _np_port(item: Object, target: End, protocol: str, port: int) -> bool:
    wanted = item.get("protocol", "TCP")
    if wanted != protocol:
        return False
    number: Any = item.get("port")
    if number is None:
        return True
    if isinstance(number, str):
        return _container_port(target, number) == (protocol, port)
    return bool(number <= port <= item.get("endPort", number))
