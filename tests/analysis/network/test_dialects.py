"""What the policy kinds say beyond what random clusters cover; and that nothing foreign breaks the reading."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.analysis.network.drafts import count_pairs, draft, find_end, lower_drafts, replay
from seawall.analysis.network.form import AddressRange
from seawall.analysis.network.index import Options
from seawall.analysis.network.notes import notes
from seawall.analysis.network.ranges import format_range, pieces, subtract
from seawall.analysis.network.reach import Reach
from seawall.model.reach import Flow, format_ports
from seawall.model.resource import Inventory

Object = dict[str, Any]
ALPHA1, ALPHA2 = "policy.networking.k8s.io/v1alpha1", "policy.networking.k8s.io/v1alpha2"


def pod(name: str, namespace: str = "shop", **extra: Any) -> Object:
    ports = [{"name": "http", "containerPort": 8080}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]
    spec = {"containers": [{"name": "c", "ports": ports}], **extra}
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def thing(version: str, kind: str, name: str, spec: Object, namespace: str | None = None) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def policy(spec: Object, namespace: str = "shop", name: str = "p") -> Object:
    return thing("networking.k8s.io/v1", "NetworkPolicy", name, spec, namespace)


def admin(spec: Object, name: str = "a", kind: str = "AdminNetworkPolicy") -> Object:
    spec = {"subject": {"namespaces": {}}, **({"priority": 5} if kind != "BaselineAdminNetworkPolicy" else {}), **spec}
    return thing(ALPHA2 if kind == "ClusterNetworkPolicy" else ALPHA1, kind, name, spec)


def reach_of(*objects: Object, **options: Any) -> Reach:
    return Reach(Inventory([draft(each) for each in objects]), Options(**options))


def told(reach: Reach) -> list[str]:
    return [f"{c.source.label} => {c.target.label} : {format_ports(c.ports)}" for c in reach.connections()]


A, B = "shop/a[Pod]", "shop/b[Pod]"
EVERYWHERE = "0.0.0.0-255.255.255.255[External]"


def between(reach: Reach, source: str, target: str) -> str:
    first, second = find_end(reach, source, True), find_end(reach, target, False)
    assert first is not None
    assert second is not None
    return format_ports(reach.ports(reach.between(first, second)))


def test_domain_names_are_ends_of_their_own() -> None:
    https = {"tcp": {"destinationPort": {"number": 443}}}
    rules = [
        {"action": "Accept", "to": [{"domainNames": ["*.example.com."]}], "protocols": [https]},
        {"action": "Deny", "to": [{"networks": ["0.0.0.0/0"]}]},
    ]
    rows = told(reach_of(pod("a"), admin({"tier": "Admin", "egress": rules}, kind="ClusterNetworkPolicy")))
    assert rows == [f"{EVERYWHERE} => {A} : All Connections", f"{A} => *.example.com[Domain] : TCP 443"]


def test_domain_names_in_other_rules_fail_closed() -> None:
    deny = {"action": "Deny", "to": [{"domainNames": ["example.com"]}]}
    reach = reach_of(pod("a"), pod("b"), admin({"egress": [deny]}))
    assert [p.path for p in reach.lowered.problems] == [("spec", "egress", 0, "to", 0, "domainNames")]
    assert between(reach, A, B) == "No Connections"


def node(name: str, address: str, role: str) -> Object:
    metadata = {"name": name, "labels": {"role": role}}
    status = {"addresses": [{"type": "InternalIP", "address": address}]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": status}


def test_nodes_are_known_by_their_addresses() -> None:
    rule = {"action": "Deny", "to": [{"nodes": {"matchLabels": {"role": "db"}}}]}
    objects = [pod("a"), node("n1", "10.0.0.1", "db"), node("n2", "10.0.0.2", "web"), admin({"egress": [rule]})]
    reach = reach_of(*objects)
    assert between(reach, A, "10.0.0.1") == "No Connections"
    assert between(reach, A, "10.0.0.2") == "All Connections"
    unknown = reach_of(objects[0], objects[3])
    assert any("names nodes" in note.message for note in notes(unknown))


@pytest.mark.parametrize("action", ["Deny", "Pass", "Drop"])
@pytest.mark.parametrize(
    "peer", [{}, {"pods": {}, "namespaces": {}}, {"sameLabels": ["x"]}, {"namespaces": {"matchLabel": {}}}]
)
def test_admin_peers_that_are_not_known_fail_closed(action: str, peer: Object) -> None:
    reach = reach_of(pod("a"), pod("b"), admin({"ingress": [{"action": action, "from": [peer]}]}))
    assert reach.lowered.problems
    assert between(reach, A, B) == "No Connections"


def test_an_allowing_admin_peer_that_is_not_known_allows_nothing() -> None:
    rules = [{"action": "Allow", "from": [{"sameLabels": ["x"]}]}, {"action": "Deny", "from": [{"namespaces": {}}]}]
    reach = reach_of(pod("a"), pod("b"), admin({"ingress": rules}))
    assert between(reach, A, B) == "No Connections"


@pytest.mark.parametrize(
    ("ports", "problem"),
    [
        ([], "at least one item"),
        ([{"portNumber": {"port": 0}}], "is not a port"),
        ([{"portNumber": {"port": 80}, "namedPort": "http"}], "exactly one of"),
        ([{"portRange": {"start": 90, "end": 80}}], "before it begins"),
        ([{"port": 80}], "unknown field"),
        ("http", "must be a list"),
    ],
)
def test_admin_ports_that_cannot_be_read_fail_closed(ports: Any, problem: str) -> None:
    deny = {"action": "Deny", "from": [{"namespaces": {}}], "ports": ports}
    reach = reach_of(pod("a"), pod("b"), admin({"ingress": [deny]}))
    assert any(problem in each.message for each in reach.lowered.problems)
    assert between(reach, A, B) == "No Connections"


def test_a_subject_that_cannot_be_read_holds_nothing() -> None:
    spec = {"subject": {"namespaces": {}, "pods": {}}, "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}]}
    reach = reach_of(pod("a"), pod("b"), admin(spec))
    assert reach.lowered.problems
    assert between(reach, A, B) == "All Connections"


def test_equal_priorities_are_told() -> None:
    rules: list[Object] = [{"action": action, "from": [{"namespaces": {}}]} for action in ("Allow", "Deny")]
    reach = reach_of(pod("a"), pod("b"), *(admin({"ingress": [rule]}, str(i)) for i, rule in enumerate(rules)))
    assert [note.message for note in notes(reach) if "undefined" in note.message]


def test_address_blocks_match_pods_only_on_demand() -> None:
    block = policy({"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]})
    assert between(reach_of(pod("a"), pod("b"), block), A, B) == "No Connections"
    assert between(reach_of(pod("a"), pod("b"), block, by_address=True), A, B) == "All Connections"


def test_networks_of_admin_policies_match_pods_by_address() -> None:
    rule = {"action": "Deny", "to": [{"networks": ["10.0.0.0/8"]}]}
    inside = pod("b") | {"status": {"podIPs": [{"ip": "10.1.1.1"}, {"ip": "fd00::1"}]}}
    elsewhere = pod("c") | {"status": {"podIP": "172.16.0.1"}}
    reach = reach_of(pod("a"), inside, elsewhere, pod("d"), admin({"egress": [rule]}))
    assert between(reach, A, B) == "No Connections"
    assert between(reach, A, "shop/c[Pod]") == "All Connections"
    assert between(reach, A, "shop/d[Pod]") == "All Connections"
    assert any("unknown address" in note.message for note in notes(reach))


def test_ipv6_is_told_apart_where_a_policy_names_it() -> None:
    rule = {"to": [{"ipBlock": {"cidr": "fd00::/8"}}]}
    reach = reach_of(pod("a"), policy({"podSelector": {}, "policyTypes": ["Egress"], "egress": [rule]}))
    assert between(reach, A, "fd12::1") == "All Connections"
    assert between(reach, A, "2001:db8::1") == "No Connections"
    assert between(reach, A, "1.2.3.4") == "No Connections"


def test_pods_of_one_owner_are_one_workload_by_their_outermost_owner() -> None:
    meta = {"namespace": "shop", "labels": {"app": "w"}}
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": "c"}]}}
    owner = {"apiVersion": "apps/v1", "controller": True, "uid": "u"}
    objects = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "w", **meta},
            "spec": {"template": template},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": "w-1", **meta, "ownerReferences": [{**owner, "kind": "Deployment", "name": "w"}]},
            "spec": {"template": template},
        },
        pod("w-1-x")
        | {"metadata": {"name": "w-1-x", **meta, "ownerReferences": [{**owner, "kind": "ReplicaSet", "name": "w-1"}]}},
        pod("z") | {"metadata": {"name": "z", **meta, "ownerReferences": [{**owner, "kind": "Job", "name": "gone"}]}},
        pod("y") | {"metadata": {"name": "y", **meta, "ownerReferences": [{**owner, "kind": "Node", "name": "n"}]}},
    ]
    labels = [workload.label for workload in reach_of(*objects).world.workloads]
    assert labels == ["shop/gone[Job]", "shop/w[Deployment]", "shop/y[Pod]"]


def test_flows_are_replayed() -> None:
    rule = {"from": [{"podSelector": {"matchLabels": {"app": "a"}}}], "ports": [{"port": 8080}]}
    lowered = lower_drafts([policy({"podSelector": {"matchLabels": {"app": "b"}}, "ingress": [rule]})])
    inventory = Inventory([draft(pod("a")), draft(pod("b"))])
    flows = [
        Flow(A, B, "TCP", 8080),
        Flow(A, B, "TCP", 9),
        Flow("1.2.3.4", B, "TCP", 8080),
        Flow(B, "1.2.3.4", "UDP", 53),
        Flow("shop/gone[Pod]", B, "TCP", 8080),
    ]
    reach = Reach(inventory, Options(ports=tuple((f.protocol, f.port, f.port) for f in flows)), lowered)
    assert [(each.allowed, each.known) for each in replay(reach, flows)] == [
        (True, True),
        (False, True),
        (False, True),
        (True, True),
        (False, False),
    ]
    assert count_pairs(Reach(inventory)) == 2
    assert count_pairs(reach) == 2


def test_pieces_are_the_largest_ranges_that_no_set_tells_apart() -> None:
    block = AddressRange(4, 10 << 24, (11 << 24) - 1)
    holes = [AddressRange(4, (10 << 24) + (1 << 16), (10 << 24) + (2 << 16) - 1)]
    found = pieces([subtract(block, holes), (AddressRange(4, 11 << 24, (12 << 24) - 1),)], 4)
    assert [format_range(each) for each in found] == [
        "0.0.0.0-9.255.255.255",
        "10.0.0.0-10.0.255.255",
        "10.1.0.0-10.1.255.255",
        "10.2.0.0-10.255.255.255",
        "11.0.0.0-11.255.255.255",
        "12.0.0.0-255.255.255.255",
    ]


_FIELDS = """podSelector namespaceSelector matchLabels matchExpressions key operator values ipBlock cidr except from to
ports port endPort protocol namespaces pods networks nodes domainNames action name portNumber portRange namedPort start
end tcp destinationPort number range protocols x"""
FIELDS = _FIELDS.split()
WORDS = st.sampled_from(["TCP", "In", "10.0.0.0/8", "Allow"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70000) | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(FIELDS),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "podSelector": JSON,
        "policyTypes": JSON,
        "subject": JSON,
        "priority": JSON,
        "tier": JSON,
        "ingress": st.lists(JSON, max_size=3) | JSON,
        "egress": st.lists(JSON, max_size=3) | JSON,
    },
)
KINDS = ("NetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy")


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(KINDS), SPECS | JSON)
def test_no_policy_breaks_the_reading(kind: str, spec: Any) -> None:
    version = {"NetworkPolicy": "networking.k8s.io/v1", "ClusterNetworkPolicy": ALPHA2}.get(kind, ALPHA1)
    value = {"apiVersion": version, "kind": kind, "metadata": {"name": "default", "namespace": "shop"}, "spec": spec}
    reach = Reach(Inventory([draft(pod("a")), draft(pod("b"))]), None, lower_drafts([value]))
    assert len(told(reach)) >= 0
    assert list(notes(reach)) is not None
    for problem in reach.lowered.problems:
        assert problem.message
