"""Random clusters with policies of every kind, as plain objects, for comparing evaluators."""

from __future__ import annotations

from random import Random
from typing import Any

from seawall.analysis.network.drafts import draft
from seawall.model.resource import Inventory
from tests.analysis.network.oracle import Cluster, OraclePod

KEYS, VALUES = ("app", "tier", "env"), ("a", "b", "c")
PORT_NAMES = ("http", "dns", "metrics")
PORTS = (53, 80, 443, 8080, 8081, 9090)
ADDRESSES = ("1.2.3.4", "10.0.0.1", "10.1.2.3", "10.1.255.255", "192.168.7.7", "255.255.255.255")
BLOCKS = ("0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/16", "1.2.3.4/32", "128.0.0.0/1")
HOLES = {"0.0.0.0/0": "10.0.0.0/8", "10.0.0.0/8": "10.1.0.0/16", "10.1.0.0/16": "10.1.2.0/24"}
Object = dict[str, Any]


class Maker:
    """Makes a cluster from a seed: its objects for Seawall, and the same for the oracle."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.objects: list[Object] = []
        self.priorities = self.random.sample(range(1001), 20)
        names = [f"ns{i}" for i in range(self.random.randint(1, 4))]
        self.namespaces = {name: {"kubernetes.io/metadata.name": name} for name in names}
        for name in names:
            if self.random.random() < 0.8:
                labels = self.labels()
                self.namespaces[name] |= labels
                self.add("v1", "Namespace", name, None, {}, labels=labels)
        self.pods = [self.pod(i, self.random.choice(names)) for i in range(self.random.randint(3, 9))]
        self.policies: list[Object] = []
        for i in range(self.random.randint(0, 6)):
            self.network_policy(i, self.random.choice(names))
        for i in range(self.random.randint(0, 3)):
            self.admin_policy(i)
        if self.random.random() < 0.5:
            self.baseline_policy()
        for i in range(self.random.randint(0, 3)):
            self.cluster_policy(i)
        self.cluster = Cluster(self.namespaces, self.pods, self.policies)
        self.inventory = Inventory([draft(each) for each in self.objects])

    def add(self, version: str, kind: str, name: str, namespace: str | None, body: Object, **meta: Any) -> Object:
        metadata = {"name": name, **meta} | ({"namespace": namespace} if namespace else {})
        value = {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
        self.objects.append(value)
        return value

    def labels(self) -> dict[str, str]:
        return {key: self.random.choice(VALUES) for key in KEYS if self.random.random() < 0.6}

    def pod(self, number: int, namespace: str) -> OraclePod:
        ports = []
        for name in PORT_NAMES:
            if self.random.random() < 0.5:
                port: Object = {"name": name, "containerPort": self.random.choice(PORTS)}
                if self.random.random() < 0.4:
                    port["protocol"] = self.random.choice(("TCP", "UDP", "SCTP"))
                ports.append(port)
        labels, host = self.labels(), self.random.random() < 0.08
        ip = self.random.choice(("10.1.2.3", "10.9.9.9", "172.16.0.5")) if self.random.random() < 0.5 else None
        spec = {"containers": [{"name": "c", "ports": ports}], **({"hostNetwork": True} if host else {})}
        body: Object = {"spec": spec, **({"status": {"podIP": ip}} if ip else {})}
        self.add("v1", "Pod", f"pod{number}", namespace, body, labels=labels)
        return OraclePod(namespace, f"pod{number}", labels, ports, ip, host)

    def selector(self) -> Object:
        found: Object = {}
        if self.random.random() < 0.5:
            found["matchLabels"] = {self.random.choice(KEYS): self.random.choice(VALUES)}
        if self.random.random() < 0.4:
            operator = self.random.choice(("In", "NotIn", "Exists", "DoesNotExist"))
            term: Object = {"key": self.random.choice(KEYS), "operator": operator}
            if operator in ("In", "NotIn"):
                term["values"] = self.random.sample(VALUES, self.random.randint(1, 2))
            found["matchExpressions"] = [term]
        return found

    def namespace_selector(self) -> Object:
        if self.random.random() < 0.4:
            return {"matchLabels": {"kubernetes.io/metadata.name": self.random.choice(list(self.namespaces))}}
        return self.selector()

    def some(self, make: Any, least: int, most: int) -> list[Any]:
        return [make() for _ in range(self.random.randint(least, most))]

    # NetworkPolicy

    def network_policy(self, number: int, namespace: str) -> None:
        spec: Object = {"podSelector": self.selector()}
        types = self.random.choice((None, ["Ingress"], ["Egress"], ["Ingress", "Egress"], []))
        if types is not None:
            spec["policyTypes"] = types
        for direction, side in (("ingress", "from"), ("egress", "to")):
            if self.random.random() < 0.7:
                spec[direction] = [self.np_rule(side) for _ in range(self.random.randint(0, 3))]
        self.policies.append(
            self.add("networking.k8s.io/v1", "NetworkPolicy", f"np{number}", namespace, {"spec": spec})
        )

    def np_rule(self, side: str) -> Object:
        rule: Object = {}
        if self.random.random() < 0.8:
            rule[side] = self.some(self.np_peer, 0, 3)
        if self.random.random() < 0.7:
            rule["ports"] = self.some(self.np_port, 0, 3)
        return rule

    def np_peer(self) -> Object:
        if self.random.random() < 0.3:
            cidr = self.random.choice(BLOCKS)
            block: Object = {"cidr": cidr}
            if cidr in HOLES and self.random.random() < 0.5:
                block["except"] = [HOLES[cidr]]
            return {"ipBlock": block}
        found: Object = {}
        if self.random.random() < 0.6:
            found["namespaceSelector"] = self.namespace_selector()
        if not found or self.random.random() < 0.5:
            found["podSelector"] = self.selector()
        return found

    def np_port(self) -> Object:
        found: Object = {}
        if self.random.random() < 0.5:
            found["protocol"] = self.random.choice(("TCP", "UDP", "SCTP"))
        draw = self.random.random()
        if draw < 0.3:
            found["port"] = self.random.choice(PORT_NAMES)
        elif draw < 0.9:
            found["port"] = self.random.choice(PORTS)
            if self.random.random() < 0.3:
                found["endPort"] = found["port"] + self.random.randint(0, 1000)
        return found

    # Admin policies

    def subject(self) -> Object:
        if self.random.random() < 0.5:
            return {"namespaces": self.namespace_selector()}
        return {"pods": {"namespaceSelector": self.namespace_selector(), "podSelector": self.selector()}}

    def admin_peer(self, side: str) -> Object:
        if side == "to" and self.random.random() < 0.3:
            return {"networks": self.random.sample(BLOCKS, self.random.randint(1, 2))}
        return self.subject()

    def rules(self, side: str, actions: tuple[str, ...], field: str, port: Any) -> list[Object]:
        found = []
        for _ in range(self.random.randint(0, 3)):
            rule: Object = {"action": self.random.choice(actions)}
            rule[side] = [self.admin_peer(side) for _ in range(self.random.randint(1, 2))]
            if self.random.random() < 0.6:
                rule[field] = self.some(port, 1, 2)
            found.append(rule)
        return found

    def alpha1_port(self) -> Object:
        draw, protocol = self.random.random(), self.random.choice(({}, {"protocol": "UDP"}, {"protocol": "SCTP"}))
        if draw < 0.25:
            return {"namedPort": self.random.choice(PORT_NAMES)}
        first = self.random.choice(PORTS)
        if draw < 0.5:
            return {"portRange": {**protocol, "start": first, "end": first + self.random.randint(1, 1000)}}
        return {"portNumber": {**protocol, "port": first}}

    def alpha2_protocol(self) -> Object:
        draw, first = self.random.random(), self.random.choice(PORTS)
        if draw < 0.25:
            return {"destinationNamedPort": self.random.choice(PORT_NAMES)}
        port: Object = {"number": first} if draw < 0.6 else {"range": {"start": first, "end": first + 500}}
        return {self.random.choice(("tcp", "udp", "sctp")): {"destinationPort": port}}

    def directions(self, actions: tuple[str, ...], field: str, port: Any) -> Object:
        found: Object = {"subject": self.subject()}
        for direction, side in (("ingress", "from"), ("egress", "to")):
            rules = self.rules(side, actions, field, port)
            if rules:
                found[direction] = rules
        return found

    def admin_policy(self, number: int) -> None:
        spec = self.directions(("Allow", "Deny", "Pass"), "ports", self.alpha1_port)
        spec["priority"] = self.priorities.pop()
        version = "policy.networking.k8s.io/v1alpha1"
        self.policies.append(self.add(version, "AdminNetworkPolicy", f"anp{number}", None, {"spec": spec}))

    def baseline_policy(self) -> None:
        spec = self.directions(("Allow", "Deny"), "ports", self.alpha1_port)
        version = "policy.networking.k8s.io/v1alpha1"
        self.policies.append(self.add(version, "BaselineAdminNetworkPolicy", "default", None, {"spec": spec}))

    def cluster_policy(self, number: int) -> None:
        spec = self.directions(("Accept", "Deny", "Pass"), "protocols", self.alpha2_protocol)
        spec |= {"tier": self.random.choice(("Admin", "Baseline")), "priority": self.priorities.pop() or 1}
        version = "policy.networking.k8s.io/v1alpha2"
        self.policies.append(self.add(version, "ClusterNetworkPolicy", f"cnp{number}", None, {"spec": spec}))
