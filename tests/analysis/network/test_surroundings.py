"""Services and what leads to them, enforcement, and meshes."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.analysis.network.drafts import draft, find_end
from seawall.analysis.network.enforcement import enforcement
from seawall.analysis.network.exposure import exposures
from seawall.analysis.network.index import Options
from seawall.analysis.network.mesh import Mesh
from seawall.analysis.network.notes import notes
from seawall.analysis.network.reach import Reach
from seawall.model.reach import Link, format_ports
from seawall.model.resource import Inventory
from tests.analysis.network.test_dialects import A, B, Object, between, pod, policy, thing, told


def reach_of(*objects: Object) -> Reach:
    return Reach(Inventory([draft(each) for each in objects]))


def service(name: str, app: str, port: Any = 80, target: Any = "http", **spec: Any) -> Object:
    ports = [{"port": port, "targetPort": target, "name": "web"}]
    return thing("v1", "Service", name, {"selector": {"app": app}, "ports": ports, **spec}, "shop")


def ingress(service_name: str, port: Object) -> Object:
    backend = {"service": {"name": service_name, "port": port}}
    spec = {"rules": [{"host": "a.example.com", "http": {"paths": [{"path": "/", "backend": backend}]}}]}
    return thing("networking.k8s.io/v1", "Ingress", "front", spec, "shop")


ALL, NONE = "All Connections", "No Connections"
CONTROLLER = "{ingress-controller} => shop/a[Pod] : TCP 8080"


@pytest.mark.parametrize("port", [{"number": 80}, {"name": "web"}])
def test_an_ingress_leads_to_the_pod_port(port: Object) -> None:
    assert told(reach_of(pod("a"), service("s", "a"), ingress("s", port)))[-1] == CONTROLLER


def test_an_ingress_to_nothing_leads_nowhere() -> None:
    reach = reach_of(pod("a"), service("s", "a"), ingress("other", {"number": 80}))
    assert not [row for row in told(reach) if row.startswith("{")]
    assert any("is not known" in note.message for note in notes(reach))


def test_a_closed_pod_is_not_reached_by_just_any_controller() -> None:
    closed = policy({"podSelector": {}, "policyTypes": ["Ingress"]})
    reach = reach_of(pod("a"), service("s", "a"), ingress("s", {"number": 80}), closed)
    assert not [row for row in told(reach) if row.startswith("{")]
    assert [each.open for each in exposures(reach)] == ["depends"]
    assert any("no policy lets just any pod in" in note.message for note in notes(reach))


def test_a_port_that_no_container_declares_is_noted() -> None:
    reach = reach_of(pod("a"), service("s", "a", target=9999), ingress("s", {"number": 80}))
    assert not [row for row in told(reach) if row.startswith("{")]
    assert any("no container declares" in note.message for note in notes(reach))


def test_routes_and_gateway_routes_lead_to_pods() -> None:
    route = thing("route.openshift.io/v1", "Route", "r", {"to": {"kind": "Service", "name": "s"}}, "shop")
    assert told(reach_of(pod("a"), service("s", "a"), route))[-1] == CONTROLLER
    rules = [{"backendRefs": [{"name": "s", "port": 80}]}]
    gateway = thing("gateway.networking.k8s.io/v1", "HTTPRoute", "r", {"rules": rules}, "shop")
    assert told(reach_of(pod("a"), service("s", "a"), gateway))[-1] == "{gateway} => shop/a[Pod] : TCP 8080"


@pytest.mark.parametrize(
    ("kind", "local", "spec", "state"),
    [
        ("LoadBalancer", False, None, "yes"),
        ("NodePort", True, {"podSelector": {}, "policyTypes": ["Ingress"]}, "no"),
        ("NodePort", False, {"podSelector": {}, "policyTypes": ["Ingress"]}, "depends"),
        (
            "LoadBalancer",
            True,
            {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
            "depends",
        ),
        ("LoadBalancer", True, {"podSelector": {}, "ingress": [{"ports": [{"port": 8080}]}]}, "yes"),
    ],
)
def test_exposure_depends_on_policies(kind: str, local: bool, spec: Object | None, state: str) -> None:
    extra = {"externalTrafficPolicy": "Local"} if local else {}
    objects = [pod("a"), service("s", "a", type=kind, **extra), *([policy(spec)] if spec else [])]
    found = list(exposures(reach_of(*objects)))
    assert [(str(each.via), each.workload, format_ports(each.ports), each.open) for each in found] == [
        ("Service shop/s", A, "TCP 8080", state)
    ]


def test_cluster_services_and_external_names_expose_nothing() -> None:
    external = thing("v1", "Service", "e", {"type": "ExternalName", "externalName": "db.example.com"}, "shop")
    reach = reach_of(pod("a"), service("s", "a"), service("h", "a", clusterIP="None"), external)
    assert list(exposures(reach)) == []
    assert any("db.example.com" in note.message for note in notes(reach))


def daemon(image: str, *args: str) -> Object:
    container = {"name": "c", "image": image, "args": list(args)}
    template = {"metadata": {"labels": {"k": "v"}}, "spec": {"hostNetwork": True, "containers": [container]}}
    return thing("apps/v1", "DaemonSet", "net", {"template": template}, "kube-system")


def marked_node(**annotations: str) -> Object:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "annotations": annotations}}


@pytest.mark.parametrize(
    ("objects", "state", "word"),
    [
        ([daemon("quay.io/cilium/cilium:v1.18.4")], "enforced", "v1.18.4"),
        ([daemon("docker.io/calico/node:v3.31.0")], "enforced", "Calico"),
        ([daemon("ghcr.io/flannel-io/flannel:v0.27.4")], "not enforced", "Flannel"),
        ([daemon("ghcr.io/flannel-io/flannel:v0.27.4"), daemon("x/calico-node:v3")], "enforced", "Calico"),
        ([daemon("kindest/kindnetd:v20251212-v0.29.0")], "enforced", "kindnet"),
        ([daemon("x/amazon/aws-network-policy-agent:v1.2", "--enable-network-policy=true")], "enforced", "VPC"),
        (
            [daemon("x/amazon/aws-network-policy-agent:v1.2", "--enable-network-policy=false")],
            "not enforced",
            "turned off",
        ),
        ([daemon("x/amazon/aws-network-policy-agent:v1.2")], "unknown", "is not told"),
        ([marked_node(**{"projectcalico.org/IPv4Address": "10.0.0.1/24"})], "enforced", "Calico"),
        ([marked_node(**{"k3s.io/node-args": '["server"]'})], "enforced", "K3s"),
        ([marked_node(**{"k3s.io/node-args": '["server","--disable-network-policy"]'})], "not enforced", "turned off"),
        ([pod("a")], "unknown", "nothing that was read"),
    ],
)
def test_enforcement_is_told_with_its_evidence(objects: list[Object], state: str, word: str) -> None:
    for number, each in enumerate(objects):
        each["metadata"]["name"] += str(number)
    found = enforcement(reach_of(*objects).world)
    assert found.state == state
    assert any(word in each for each in found.evidence), found.evidence


def test_cilium_can_be_told_not_to_enforce() -> None:
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "cilium-config"},
        "data": {"enable-policy": "never"},
    }
    found = enforcement(reach_of(daemon("quay.io/cilium/cilium:v1.18.4"), config).world)
    assert found.state == "unknown"
    assert any("turned off" in each for each in found.evidence)


# Meshes.


def in_mesh(name: str, **labels: str) -> Object:
    value = pod(name, serviceAccountName=name)
    value["metadata"]["labels"] |= {"sidecar.istio.io/inject": "true", **labels}
    return value


def meshed(*objects: Object) -> tuple[Reach, Mesh]:
    inventory = Inventory([draft(each) for each in objects])
    mesh = Mesh(inventory)
    return Reach(inventory, Options(ports=mesh.ports(), fact=mesh.fact, gate=mesh.gate)), mesh


def peer_authentication(mode: str, namespace: str = "shop", **spec: Any) -> Object:
    return thing("security.istio.io/v1", "PeerAuthentication", "pa", {"mtls": {"mode": mode}, **spec}, namespace)


def authorization(spec: Object, namespace: str = "shop", name: str = "ap") -> Object:
    return thing("security.istio.io/v1", "AuthorizationPolicy", name, spec, namespace)


def test_strict_mutual_tls_keeps_others_out() -> None:
    reach, _ = meshed(in_mesh("a"), in_mesh("b"), pod("c"), peer_authentication("STRICT", "istio-system"))
    assert between(reach, A, B) == "All Connections"
    assert between(reach, "shop/c[Pod]", B) == "SCTP 1-65535,UDP 1-65535"
    assert between(reach, "1.2.3.4", B) == "SCTP 1-65535,UDP 1-65535"
    assert between(reach, A, "shop/c[Pod]") == "All Connections"


def test_the_most_specific_mode_wins_and_ports_can_differ() -> None:
    own = peer_authentication(
        "PERMISSIVE", selector={"matchLabels": {"app": "b"}}, portLevelMtls={"8080": {"mode": "STRICT"}}
    )
    reach, _ = meshed(in_mesh("a"), in_mesh("b"), pod("c"), peer_authentication("STRICT", "istio-system"), own)
    assert between(reach, "shop/c[Pod]", B) == "SCTP 1-65535,TCP 1-8079,8081-65535,UDP 1-65535"
    assert between(reach, "shop/c[Pod]", A) == "SCTP 1-65535,UDP 1-65535"


@pytest.mark.parametrize(
    ("spec", "from_a", "from_c"),
    [
        ({}, NONE, NONE),
        ({"rules": [{}]}, ALL, ALL),
        ({"rules": [{"from": [{"source": {"principals": ["cluster.local/ns/shop/sa/a"]}}]}]}, ALL, NONE),
        ({"rules": [{"from": [{"source": {"namespaces": ["other"]}}]}]}, NONE, NONE),
        ({"rules": [{"to": [{"operation": {"ports": ["8080"]}}]}]}, "TCP 8080", "TCP 8080"),
        ({"rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]}, "TCP 1-65535", "TCP 1-65535"),
        (
            {"action": "DENY", "rules": [{"from": [{"source": {"notPrincipals": ["*/ns/shop/sa/a"]}}]}]},
            ALL,
            NONE,
        ),
        ({"action": "DENY", "rules": [{"to": [{"operation": {"paths": ["/admin"]}}]}]}, ALL, ALL),
        ({"selector": {"matchLabels": {"app": "x"}}}, ALL, ALL),
    ],
)  # fmt: skip
def test_authorization_policies_decide_who_connects(spec: Object, from_a: str, from_c: str) -> None:
    reach, _ = meshed(in_mesh("a"), in_mesh("b"), pod("c"), authorization(spec))
    assert between(reach, A, B) == from_a
    assert between(reach, "shop/c[Pod]", B) == from_c


@pytest.mark.parametrize(
    ("mode", "link"), [("STRICT", Link.MUTUAL_TLS), ("PERMISSIVE", Link.OPTIONAL), ("DISABLE", Link.PLAIN)]
)
def test_links_are_told(mode: str, link: Link) -> None:
    closed = policy({"podSelector": {}, "ingress": [{"ports": [{"port": 8080}]}]})
    reach, mesh = meshed(in_mesh("a"), in_mesh("b"), pod("c"), peer_authentication(mode), closed)
    found = {(c.source.label, c.target.label): c for c in reach.connections()}
    first, second, third = (reach.number(label) for label in (A, B, "shop/c[Pod]"))
    assert mesh.link(found[A, B], reach.index, (first, second)) is link
    assert mesh.link(found[A, "shop/c[Pod]"], reach.index, (first, third)) is Link.PLAIN


def test_a_refusal_of_the_mesh_is_explained() -> None:
    reach, mesh = meshed(in_mesh("a"), in_mesh("b"), pod("c"), peer_authentication("STRICT"))
    ends = [
        reach.bits(number)[0]
        for number in (find_end(reach, B, False), find_end(reach, "shop/c[Pod]", True))
        if number is not None
    ]
    mask = reach.index.ports.mask("TCP", 8080, 8080)
    assert "mutual TLS is STRICT" in mesh.word(reach.index, ends[1], ends[0], mask)


def linked(name: str, **notes_: str) -> Object:
    value = pod(name, serviceAccountName=name)
    value["metadata"]["annotations"] = {"linkerd.io/inject": "enabled", **notes_}
    return value


def linkerd(kind: str, name: str, spec: Object) -> Object:
    return thing("policy.linkerd.io/v1beta3", kind, name, spec, "shop")


def test_linkerd_servers_take_only_whom_a_policy_names() -> None:
    server = linkerd("Server", "b-http", {"podSelector": {"matchLabels": {"app": "b"}}, "port": "http"})
    identity = linkerd("MeshTLSAuthentication", "a-only", {"identityRefs": [{"kind": "ServiceAccount", "name": "a"}]})
    grant = linkerd(
        "AuthorizationPolicy",
        "let-a",
        {
            "targetRef": {"group": "policy.linkerd.io", "kind": "Server", "name": "b-http"},
            "requiredAuthenticationRefs": [{"kind": "MeshTLSAuthentication", "name": "a-only"}],
        },
    )
    reach, mesh = meshed(linked("a"), linked("b"), linked("d"), pod("c"), server, identity, grant)
    closed = "SCTP 1-65535,TCP 1-8079,8081-65535,UDP 1-65535"
    assert between(reach, A, B) == "All Connections"
    assert between(reach, "shop/c[Pod]", B) == closed
    assert between(reach, "shop/d[Pod]", B) == closed
    assert mesh.problems == []


def test_linkerd_default_policies_hold_the_other_ports() -> None:
    default = {"config.linkerd.io/default-inbound-policy": "all-authenticated"}
    reach, _ = meshed(linked("a"), linked("b", **default), pod("c"))
    assert between(reach, A, B) == "All Connections"
    assert between(reach, "shop/c[Pod]", B) == "SCTP 1-65535,UDP 1-65535"


def test_without_a_mesh_nothing_is_said() -> None:
    assert meshed(pod("a"))[1].present is False
