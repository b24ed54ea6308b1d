"""What manifests tell of needs: each sort of evidence by itself."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from seawall.analysis.network.drafts import draft
from seawall.analysis.network.generate.policies import Generated
from seawall.analysis.network.generate.synthesis import Request, Result, Synthesis
from seawall.analysis.network.generate.verify import with_policies
from seawall.analysis.network.reach import Reach
from seawall.engine import ReadOptions
from seawall.engine.netgen import Generation
from seawall.model.flow import EndRole, FlowEnd, FlowRecord
from seawall.model.reach import EndKind, format_ports
from seawall.model.resource import Inventory
from tests.conftest import REPOSITORY

Object = dict[str, Any]


def obj(version: str, kind: str, name: str, namespace: str | None = "shop", **body: Any) -> Object:
    metadata = {"name": name, **body.pop("meta", {})} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **body}


def deployment(name: str, namespace: str = "shop", *, pod: Object | None = None, **container: Any) -> Object:
    labels = {"app": name}
    spec = {
        "automountServiceAccountToken": False,
        "containers": [{"name": "c", "image": "i", **container}],
        **(pod or {}),
    }
    template = {"metadata": {"labels": labels}, "spec": spec}
    body = {"selector": {"matchLabels": labels}, "template": template}
    return obj("apps/v1", "Deployment", name, namespace, spec=body)


def service(name: str, namespace: str = "shop", port: int = 80, target: int | str = 8080, **spec: Any) -> Object:
    ports = [{"port": port, "targetPort": target}]
    return obj("v1", "Service", name, namespace, spec={"selector": {"app": name}, "ports": ports, **spec})


def generate(*objects: Object, records: tuple[FlowRecord, ...] = (), **request: Any) -> Result:
    synthesis = Synthesis(Reach(Inventory(map(draft, objects))), Request(use_flows=bool(records), **request))
    synthesis.add(records)
    return synthesis.finish()


def policy(result: Result, name: str, namespace: str = "shop") -> Generated:
    return next(each for each in result.policies if (each.namespace, each.name) == (namespace, name))


def rules(result: Result, name: str, namespace: str = "shop") -> list[Object]:
    """The rules of a policy, without DNS."""
    spec = policy(result, name, namespace).value["spec"]
    found = spec["ingress"] if "ingress" in spec else spec["egress"]
    return [rule for rule in found if {"protocol": "UDP", "port": 53} not in rule.get("ports", [])]


def to(app: str, *ports: int, near: bool = True, namespace: str = "shop") -> Object:
    peer: Object = {"podSelector": {"matchLabels": {"app": app}}}
    if not near:
        peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}, **peer}
    return {"to": [peer], "ports": [{"protocol": "TCP", "port": port} for port in ports]}


CART = (deployment("cart", ports=[{"name": "http", "containerPort": 8080}]), service("cart"))


@pytest.mark.parametrize(
    "container",
    [
        {"env": [{"name": "CART_HOST", "value": "cart"}]},
        {"env": [{"name": "CART_URL", "value": "http://cart/v1"}]},
        {"env": [{"name": "X", "value": "http://user:secret@cart.shop.svc.cluster.local:80/v1"}]},
        {"env": [{"name": "X", "value": "cart.shop.svc:80"}]},
        {"env": [{"name": "X", "value": "cart.shop"}]},
        {"env": [{"name": "BACKENDS", "value": "cart,elsewhere"}]},
        {"env": [{"name": "CART", "value": "cart"}]},
        {"env": [{"name": "H", "value": "cart"}, {"name": "ADDR", "value": "$(H):80"}]},
        {"args": ["--cart-addr=cart:80"]},
        {"args": ["--upstream", "http://cart"]},
        {"command": ["sh", "-c", "until wget -q http://cart:80/ready; do sleep 1; done; exec app"]},
        {"command": ["sh", "-c", "exec app $CART_SERVICE_HOST:$CART_SERVICE_PORT"]},
        {"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "url"}}}]},
        {"envFrom": [{"configMapRef": {"name": "conf"}}]},
        {"env": [{"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "url"}}}]},
        {"env": [{"name": "CART_HOST", "value": "cart"}, {"name": "CART_PORT", "value": "80"}]},
    ],
)
def test_a_service_that_is_named(container: Object) -> None:
    secret = base64.b64encode(b"redis://:hunter2@cart:80/0").decode()
    result = generate(
        *CART,
        deployment("web", **container),
        obj("v1", "ConfigMap", "conf", data={"url": "http://cart"}),
        obj("v1", "Secret", "keys", data={"url": secret}),
    )
    assert rules(result, "web-egress") == [to("cart", 8080)]
    peer = {"podSelector": {"matchLabels": {"app": "web"}}}
    assert rules(result, "cart-ingress") == [{"from": [peer], "ports": [{"protocol": "TCP", "port": 8080}]}]
    told = str([each.reasons for each in result.policies])
    assert "names Service shop/cart" in told
    assert "hunter2" not in told
    assert "user:secret" not in told


@pytest.mark.parametrize(
    "text",
    ["upstream:\n  host: cart\n", "cart.shop.svc.cluster.local", '{"server": "cart", "x": 1}', "url=tcp://cart:80"],
)
def test_a_service_that_a_mounted_file_names(text: str) -> None:
    volumes = [{"name": "v", "projected": {"sources": [{"configMap": {"name": "conf"}}]}}]
    web = deployment("web", pod={"volumes": volumes})
    result = generate(*CART, web, obj("v1", "ConfigMap", "conf", data={"app.conf": text}))
    assert rules(result, "web-egress") == [to("cart", 8080)]


@pytest.mark.parametrize("value", ["carts", "cart-v2", "my.cart.example", "/var/cart", "cart/item", "scart:80"])
def test_other_words_name_no_service(value: str) -> None:
    result = generate(*CART, deployment("web", env=[{"name": "SOME_HOST", "value": value}]))
    assert not any("cart" in each.value["metadata"]["name"] for each in result.policies)


def test_a_word_that_may_be_a_service_by_chance_is_told_and_opens_nothing() -> None:
    result = generate(*CART, deployment("web", env=[{"name": "MODE", "value": "cart"}]))
    assert result.covered == []
    assert "perhaps by chance" in result.unresolved[0]


def test_ports_are_translated_and_narrowed() -> None:
    two = obj(
        "v1",
        "Service",
        "cart",
        spec={
            "selector": {"app": "cart"},
            "ports": [{"name": "a", "port": 80, "targetPort": "http"}, {"name": "b", "port": 9090}],
        },
    )
    cart = CART[0]
    every = generate(cart, two, deployment("web", env=[{"name": "CART_HOST", "value": "cart"}]))
    assert rules(every, "web-egress") == [to("cart", 8080, 9090)]
    narrow = generate(cart, two, deployment("web", env=[{"name": "CART_ADDR", "value": "cart:9090"}]))
    assert rules(narrow, "web-egress") == [to("cart", 9090)]
    by_target = generate(cart, two, deployment("web", env=[{"name": "CART_ADDR", "value": "cart:8080"}]))
    assert rules(by_target, "web-egress") == [to("cart", 8080)]
    env = [{"name": "CART_HOST", "value": "cart"}, {"name": "CART_PORT", "value": "9090"}]
    assert rules(generate(cart, two, deployment("web", env=env)), "web-egress") == [to("cart", 9090)]
    unknown = generate(cart, two, deployment("web", env=[{"name": "CART_ADDR", "value": "cart:7"}]))
    assert rules(unknown, "web-egress") == [to("cart", 8080, 9090)]
    assert "port 7 is none of its own" in str(policy(unknown, "web-egress").reasons)


def test_other_namespaces() -> None:
    web = deployment("web", env=[{"name": "PGHOST", "value": "pg.data.svc"}])
    result = generate(web, deployment("pg", "data"), service("pg", "data", 5432, 5432))
    assert rules(result, "web-egress") == [to("pg", 5432, near=False, namespace="data")]
    missing = generate(web, *CART)
    assert "pg.data.svc, a Service that was not read" in missing.unresolved[0]


def test_outside_hosts() -> None:
    env = [{"name": "API", "value": "https://api.example.com/v1"}, {"name": "DNS", "value": "tcp://9.9.9.9:853"}]
    result = generate(deployment("web", env=env))
    spec = str(rules(result, "web-egress"))
    assert "'cidr': '9.9.9.9/32'" in spec
    assert "'cidr': '0.0.0.0/0', 'except': ['10.0.0.0/8'" in spec
    assert "names api.example.com: names cannot be held" in str(policy(result, "web-egress").reasons)


def test_external_names() -> None:
    external = obj("v1", "Service", "db", spec={"type": "ExternalName", "externalName": "db.example.com"})
    result = generate(external, deployment("web", env=[{"name": "DB_URL", "value": "postgres://db/x"}]))
    assert rules(result, "web-egress")[0]["ports"] == [{"protocol": "TCP", "port": 5432}]


def ingress(name: str = "web") -> Object:
    backend = {"service": {"name": name, "port": {"number": 80}}}
    return obj("networking.k8s.io/v1", "Ingress", "i", spec={"defaultBackend": backend})


def test_ingress_without_and_with_a_known_controller() -> None:
    web = (deployment("web"), service("web"))
    result = generate(*web, ingress())
    assert rules(result, "web-ingress") == [{"ports": [{"protocol": "TCP", "port": 8080}]}]
    assert any("controller" in note.message for note in result.notes)
    controller = deployment("nginx", "edge", image="registry.k8s.io/ingress-nginx/controller:v1.11")
    known = generate(*web, ingress(), controller)
    (rule,) = rules(known, "web-ingress")
    assert rule["from"][0]["podSelector"] == {"matchLabels": {"app": "nginx"}}
    assert rules(known, "nginx-egress", "edge") == [to("web", 8080, near=False)]
    hosted = deployment("nginx", "edge", image="ingress-nginx/controller:1", pod={"hostNetwork": True})
    node = obj("v1", "Node", "n", None, status={"addresses": [{"type": "InternalIP", "address": "192.168.0.5"}]})
    result = generate(*web, ingress(), hosted, node)
    assert rules(result, "web-ingress")[0]["from"] == [{"ipBlock": {"cidr": "192.168.0.5/32"}}]
    assert result.not_holdable == ["edge/nginx[Deployment]"]


def test_gateways_and_routes() -> None:
    route = obj(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        "r",
        spec={"rules": [{"backendRefs": [{"name": "web", "port": 80}]}]},
    )
    gateway = deployment("gw", "edge")
    gateway["spec"]["template"]["metadata"]["labels"] = {"app": "gw", "gateway.networking.k8s.io/gateway-name": "gw"}
    result = generate(deployment("web"), service("web"), route, gateway)
    assert rules(result, "web-ingress")[0]["from"][0]["podSelector"] == {"matchLabels": {"app": "gw"}}
    openshift = obj("route.openshift.io/v1", "Route", "r", spec={"to": {"kind": "Service", "name": "web"}})
    result = generate(deployment("web"), service("web"), openshift)
    assert "network.openshift.io/policy-group" in str(rules(result, "web-ingress"))


@pytest.mark.parametrize(
    ("spec", "nodes", "blocks"),
    [
        ({"type": "NodePort"}, False, ["0.0.0.0/0"]),
        ({"type": "LoadBalancer"}, True, ["0.0.0.0/0"]),
        ({"type": "LoadBalancer", "loadBalancerSourceRanges": ["203.0.113.0/24"], "externalTrafficPolicy": "Local"},
         True, ["203.0.113.0/24"]),
        ({"type": "LoadBalancer", "loadBalancerSourceRanges": ["203.0.113.0/24"]}, True,
         ["192.168.0.5/32", "203.0.113.0/24"]),
        ({"type": "LoadBalancer", "loadBalancerSourceRanges": ["203.0.113.0/24"]}, False, ["0.0.0.0/0"]),
        ({"externalIPs": ["198.51.100.7"]}, False, ["0.0.0.0/0"]),
    ],
)  # fmt: skip
def test_what_services_publish(spec: Object, nodes: bool, blocks: list[str]) -> None:
    node = obj("v1", "Node", "n", None, status={"addresses": [{"address": "192.168.0.5"}]})
    result = generate(deployment("web"), service("web", **spec), *([node] if nodes else []))
    (rule,) = rules(result, "web-ingress")
    assert [each["ipBlock"]["cidr"] for each in rule["from"]] == blocks
    assert rule["ports"] == [{"protocol": "TCP", "port": 8080}]


def test_host_ports() -> None:
    result = generate(deployment("web", ports=[{"containerPort": 6379, "hostPort": 6379, "protocol": "UDP"}]))
    assert rules(result, "web-ingress")[0]["ports"] == [{"protocol": "UDP", "port": 6379}]


def test_prometheus() -> None:
    web = deployment("web", ports=[{"name": "metrics", "containerPort": 9102}])
    web["spec"]["template"]["metadata"]["annotations"] = {"prometheus.io/scrape": "true", "prometheus.io/port": "9102"}
    prometheus = deployment("prom", "monitoring", image="quay.io/prometheus/prometheus:v3")
    result = generate(web, prometheus)
    assert rules(result, "web-ingress")[0]["from"][0]["podSelector"] == {"matchLabels": {"app": "prom"}}
    assert rules(result, "prom-egress", "monitoring") == [to("web", 9102, near=False)]
    alone = generate(web)
    assert rules(alone, "web-ingress")[0]["from"] == [{"namespaceSelector": {}}]


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PodMonitor"])
def test_monitors(kind: str) -> None:
    web = deployment("web", ports=[{"name": "metrics", "containerPort": 9102}])
    front = service("web", port=9000, target="metrics")
    front["metadata"]["labels"] = {"app": "web"}
    front["spec"]["ports"][0]["name"] = "metrics"
    endpoints = "endpoints" if kind == "ServiceMonitor" else "podMetricsEndpoints"
    spec = {
        "selector": {"matchLabels": {"app": "web"}},
        "namespaceSelector": {"matchNames": ["shop"]},
        endpoints: [{"port": "metrics"}],
    }
    monitor = obj("monitoring.coreos.com/v1", kind, "m", "monitoring", spec=spec)
    stack = obj("monitoring.coreos.com/v1", "Prometheus", "k8s", "monitoring", spec={})
    result = generate(web, front, monitor, stack)
    (rule,) = rules(result, "web-ingress")
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    assert rule["ports"] == [{"protocol": "TCP", "port": 9102}]


def test_the_api_server() -> None:
    reader = deployment("reader", pod={"automountServiceAccountToken": None, "serviceAccountName": "reader"})
    binding = obj(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        "b",
        None,
        roleRef={"kind": "ClusterRole", "name": "view"},
        subjects=[{"kind": "ServiceAccount", "name": "reader", "namespace": "shop"}],
    )
    slice_ = obj(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        "kubernetes",
        "default",
        endpoints=[{"addresses": ["192.168.0.2"]}],
        ports=[{"port": 6443}],
    )
    result = generate(reader, binding, slice_)
    (rule,) = rules(result, "reader-egress")
    assert rule == {
        "to": [{"ipBlock": {"cidr": "192.168.0.2/32"}}],
        "ports": [{"protocol": "TCP", "port": 6443}],
    }
    assert [r["ports"] for r in rules(generate(reader, binding), "reader-egress")] == [
        [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}]
    ]
    assert generate(reader, slice_).covered == []


def test_webhooks() -> None:
    hook = {"name": "h", "clientConfig": {"service": {"namespace": "shop", "name": "web"}}}
    config = obj("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "v", None, webhooks=[hook])
    result = generate(deployment("web"), service("web", port=443, target=8443), config)
    (rule,) = rules(result, "web-ingress")
    assert rule["ports"] == [{"protocol": "TCP", "port": 8443}]
    assert "is called by the API server" in str(policy(result, "web-ingress").reasons)


def test_dns_of_the_cluster_is_found_and_kept_open() -> None:
    ports = [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 5353}]
    dns = obj("v1", "Service", "kube-dns", "kube-system", spec={"selector": {"app": "coredns"}, "ports": ports})
    objects = (
        *CART,
        deployment("coredns", "kube-system"),
        dns,
        deployment("web", env=[{"name": "C", "value": "http://cart"}]),
    )
    result = generate(*objects)
    peer = to("coredns", near=False, namespace="kube-system")["to"]
    both = [{"protocol": "TCP", "port": 5353}, {"protocol": "UDP", "port": 5353}]
    assert policy(result, "web-egress").value["spec"]["egress"][0] == {"to": peer, "ports": both}
    assert result.left_alone == ["kube-system"]
    system = generate(*objects, namespaces=("kube-system",))
    assert rules(system, "coredns-ingress", "kube-system") == [{"from": [{"namespaceSelector": {}}], "ports": both}]


def test_sidecars_reach_their_control_plane() -> None:
    namespace = obj("v1", "Namespace", "shop", None, meta={"labels": {"istio-injection": "enabled"}})
    result = generate(namespace, *CART, deployment("web", env=[{"name": "C", "value": "http://cart"}]))
    assert {"protocol": "TCP", "port": 15012} in [p for rule in rules(result, "web-egress") for p in rule["ports"]]


def test_default_deny_comes_when_every_workload_is_known() -> None:
    web = deployment("web", env=[{"name": "C", "value": "http://cart"}])
    assert policy(generate(*CART, web), "default-deny").value["spec"]["policyTypes"] == ["Ingress", "Egress"]
    unknown = generate(*CART, web, deployment("other"))
    assert unknown.withheld == {"shop": ["shop/other[Deployment]"]}
    assert unknown.unobserved == ["shop/other[Deployment]"]
    assert not any(each.direction is None for each in unknown.policies)
    closed = generate(*CART, web, deployment("other"), isolate_unobserved=True)
    assert policy(closed, "default-deny")


def test_names_of_others_are_not_taken() -> None:
    web = deployment("web", env=[{"name": "C", "value": "http://cart"}])
    spec: Object = {"podSelector": {}, "ingress": [{}]}
    theirs = obj("networking.k8s.io/v1", "NetworkPolicy", "web-ingress", spec=spec)
    ours = obj(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "cart-ingress",
        meta={"labels": {"app.kubernetes.io/managed-by": "seawall"}},
        spec=spec,
    )
    old = ours | {"metadata": ours["metadata"] | {"name": "gone-ingress"}}
    result = generate(*CART, web, theirs, ours, old)
    assert policy(result, "web-ingress-seawall")
    assert policy(result, "cart-ingress")
    assert result.stale == ["NetworkPolicy shop/gone-ingress"]
    assert {each.policy for each in result.proof.wider} == {
        "NetworkPolicy shop/web-ingress",
        "NetworkPolicy shop/gone-ingress",
    }


@pytest.mark.parametrize("name", ["../../etc/passwd", "a b", "-x", "x" * 300])
def test_a_name_that_no_policy_can_have_is_an_error(name: str) -> None:
    web = deployment(name, env=[{"name": "C", "value": "http://cart"}])
    result = generate(*CART, web)
    assert result.bad_names
    assert not any(name in each.name for each in result.policies)


def test_selectors_tell_workloads_apart() -> None:
    """Labels of one are part of another's; releases change nothing."""
    one, two = deployment("one"), deployment("two")
    one["spec"]["template"]["metadata"]["labels"] = {"app": "x", "pod-template-hash": "1", "helm.sh/chart": "x-1"}
    one["spec"]["selector"] = two["spec"]["selector"] = {"matchLabels": {"app": "x"}}
    two["spec"]["template"]["metadata"]["labels"] = {"app": "x", "role": "y"}
    for each in (one, two):
        each["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "C", "value": "http://cart"}]
    result = generate(*CART, one, two)
    assert policy(result, "one-egress").value["spec"]["podSelector"] == {
        "matchLabels": {"app": "x"},
        "matchExpressions": [{"key": "role", "operator": "DoesNotExist"}],
    }
    assert policy(result, "two-egress").value["spec"]["podSelector"] == {"matchLabels": {"app": "x", "role": "y"}}


def flow(source: FlowEnd, target: FlowEnd, port: int, **more: Any) -> FlowRecord:
    return FlowRecord(source, target, "TCP", port, **more)


def pod(name: str, owner: str, address: str, host: str = "192.168.0.5", **spec: Any) -> Object:
    meta = {
        "labels": {"app": owner},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": owner, "controller": True}],
    }
    status = {"podIP": address, "hostIP": host, "phase": "Running"}
    return obj("v1", "Pod", name, meta=meta, spec={"containers": [{"name": "c"}], **spec}, status=status)


def test_addresses_are_found_among_pods_services_and_nodes() -> None:
    probe = {"httpGet": {"port": 8080}}
    cart = deployment("cart", readinessProbe=probe)
    objects = (
        cart,
        service("cart", clusterIP="10.96.0.7"),
        pod("c-1", "cart", "10.1.0.2"),
        deployment("web"),
        pod("w-1", "web", "10.1.0.3"),
    )
    web, outside = FlowEnd(address="10.1.0.3"), FlowEnd(address="52.1.2.3", role=EndRole.OUTSIDE)
    records = (
        flow(web, FlowEnd(address="10.96.0.7"), 80, count=5, time="2024-05-01T10:00:00Z", last="2024-05-01T11:00:00Z"),
        flow(web, outside, 443),
        flow(FlowEnd(address="192.168.0.5"), FlowEnd(address="10.1.0.2"), 8080),
        flow(FlowEnd(address="192.168.0.5"), FlowEnd(address="10.1.0.2"), 9999),
        flow(FlowEnd(address="10.1.0.2"), web, 45000, source_port=8080),
        flow(web, FlowEnd(address="10.1.0.2"), 22, reply=True),
    )
    result = generate(*objects, records=records, use_manifests=False)
    assert not result.proof.replay.lost
    assert rules(result, "web-egress") == [
        to("cart", 8080),
        {"to": [{"ipBlock": {"cidr": "52.1.2.3/32"}}], "ports": [{"protocol": "TCP", "port": 443}]},
    ]
    told = str(policy(result, "web-egress").reasons)
    assert "observed 5 times, from 2024-05-01T10:00:00Z to 2024-05-01T11:00:00Z" in told
    assert rules(result, "cart-ingress")[1]["from"] == [{"ipBlock": {"cidr": "192.168.0.5/32"}}]
    assert result.skipped["replies, by their ports"] == 1
    assert result.skipped["replies"] == 1
    assert any("health checks" in note.message for note in result.notes)


def test_ends_that_were_not_read_are_named_and_not_lost_silently() -> None:
    records = (
        flow(FlowEnd(namespace="gone", pod="x-1"), FlowEnd(namespace="shop", workload="cart"), 8080),
        flow(FlowEnd(namespace="shop", workload="web"), FlowEnd(namespace="shop", workload="cart"), 8080),
        flow(FlowEnd(address="10.9.9.9"), FlowEnd(namespace="shop", workload="cart"), 8080),
    )
    result = generate(*CART, deployment("web"), records=records)
    assert result.unknown == [
        "10.9.9.9 => shop/cart[Deployment] : TCP 8080",
        "gone/x-1 => shop/cart[Deployment] : TCP 8080",
    ]


def test_many_outside_addresses_are_grouped() -> None:
    records = tuple(
        flow(FlowEnd(address=f"52.1.{n // 200}.{n % 200}"), FlowEnd(namespace="shop", workload="cart"), 8080)
        for n in range(1000)
    )
    result = generate(*CART, records=records, use_manifests=False)
    (rule,) = rules(result, "cart-ingress")
    assert [each["ipBlock"]["cidr"] for each in rule["from"]] == [f"52.1.{n}.0/24" for n in range(5)]
    assert any("grouped by /24" in note.message for note in result.notes)
    assert result.proof.replay.allowed == 1000
    wide = generate(*CART, records=records, use_manifests=False, width=8)
    assert "52.0.0.0/8" in str(rules(wide, "cart-ingress"))


def test_pods_are_known_by_their_names_without_being_read() -> None:
    records = (
        flow(
            FlowEnd(namespace="shop", pod="web-6f5d8c7b9d-x2x4z"),
            FlowEnd(namespace="shop", pod="cart-6f5d8c7b9d-*"),
            8080,
        ),
    )
    result = generate(*CART, deployment("web"), records=records, use_manifests=False)
    assert rules(result, "web-egress") == [to("cart", 8080)]


def test_flows_of_pods_in_their_nodes_network() -> None:
    agent = deployment("agent", pod={"hostNetwork": True})
    end = FlowEnd(namespace="shop", workload="agent", address="192.168.0.9")
    result = generate(*CART, agent, records=(flow(end, FlowEnd(namespace="shop", workload="cart"), 8080),))
    assert rules(result, "cart-ingress")[0]["from"] == [{"ipBlock": {"cidr": "192.168.0.9/32"}}]
    assert result.not_holdable == ["shop/agent[Deployment]"]
    assert result.proof.replay.allowed == 1


def test_the_example_shop() -> None:
    shop = REPOSITORY / "examples" / "shop"
    generation = Generation(ReadOptions((str(shop),)), (), Request())
    result = generation.result
    names = {f"{each.namespace}/{each.name}" for each in result.policies}
    assert {"pelican-data/postgres-ingress", "pelican-shop/storefront-ingress", "pelican-data/default-deny"} <= names
    assert "pelican-shop" in result.withheld
    assert result.not_holdable == ["pelican-platform/log-shipper[DaemonSet]"]
    assert any(each.policy == "NetworkPolicy pelican-shop/allow-within-shop" for each in result.proof.wider)
    assert result.proof.pairs_after < result.proof.pairs_before
    assert generation.complete


def test_public_manifests_end_with_policies_that_can_be_read_back(conformance: Path) -> None:
    folders = sorted((conformance / "network").iterdir())
    for folder in folders:
        if (folder / "manifests").is_dir():
            generation = Generation(ReadOptions((str(folder / "manifests"),)), (), Request(isolate_unobserved=True))
            assert generation.result.problems == [], folder.name
            assert generation.result.bad_names == [], folder.name


#: What the published policies of a demo lack, though its manifests tell it: its cart would not work with them.
MISSING = {"default/cartservice[Deployment] => default/redis-cart[Deployment] : TCP 6379"}


@pytest.mark.parametrize(
    ("folder", "more"), [("acs-security-demos-with-netpol-list", set()), ("onlineboutique_workloads", MISSING)]
)
def test_public_demos_get_what_their_own_policies_allow(
    conformance: Path, tmp_path: Path, folder: str, more: set[str]
) -> None:
    """From manifests alone, the connections between workloads are those that the demos' authors wrote policies for."""
    source = conformance / "network" / folder
    for path in (source / "manifests").glob("*.yaml"):
        if "netpol" not in path.name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    generation = Generation(ReadOptions((str(tmp_path),)), (), Request())
    after, _ = with_policies(generation.network.reach, [each.value for each in generation.result.policies], set())
    found = {
        f"{each.source.label} => {each.target.label} : {format_ports(each.ports)}"
        for each in after.connections(*[lambda end: end.type is EndKind.WORKLOAD] * 2)
    }
    lines = (source / "expected.txt").read_text().splitlines()
    wanted = {line for line in lines if "External" not in line and not line.startswith("{")}
    assert wanted
    assert found == wanted | more
