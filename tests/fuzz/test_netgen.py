"""Whatever stands in the fields of objects, generating policies ends with a result, and with policies that are read."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.analysis.network.drafts import draft
from seawall.analysis.network.generate.synthesis import Request, Synthesis
from seawall.analysis.network.reach import Reach
from seawall.model.resource import Inventory
from tests.analysis.network.test_generate_manifests import CART, deployment, ingress, obj, pod, service

_HOOK = {"name": "h", "clientConfig": {"service": {"namespace": "shop", "name": "web", "port": 443}}}
_SCRAPED = deployment("scraped", ports=[{"containerPort": 9102}], livenessProbe={"grpc": {"port": 9102}})
_SCRAPED["spec"]["template"]["metadata"]["annotations"] = {"prometheus.io/scrape": "true"}
ESTATE: list[dict[str, Any]] = [
    *CART,
    deployment(
        "web",
        env=[
            {"name": "CART", "value": "http://cart"},
            {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        ],
        ports=[{"name": "http", "containerPort": 8080, "hostPort": 80}],
        readinessProbe={"httpGet": {"port": "http"}},
        pod={"volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "c"}}]}}]},
    ),
    service("web", type="LoadBalancer", loadBalancerSourceRanges=["203.0.113.0/24"], clusterIP="10.96.0.1"),
    ingress(),
    pod("web-1", "web", "10.1.0.2"),
    _SCRAPED,
    obj("v1", "ConfigMap", "c", data={"k": "host: cart"}),
    obj("v1", "Secret", "s", data={"k": "eA=="}),
    obj("v1", "Namespace", "shop", None, meta={"labels": {"istio-injection": "enabled"}}),
    obj("v1", "Node", "n", None, spec={"podCIDR": "10.1.0.0/16"}, status={"addresses": [{"address": "192.168.0.1"}]}),
    obj(
        "v1",
        "Endpoints",
        "kubernetes",
        "default",
        subsets=[{"addresses": [{"ip": "1.2.3.4"}], "ports": [{"port": 6443}]}],
    ),
    obj("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "v", None, webhooks=[_HOOK]),
    obj("monitoring.coreos.com/v1", "ServiceMonitor", "m", spec={"selector": {}, "endpoints": [{"port": "x"}]}),
    obj(
        "monitoring.coreos.com/v1", "PodMonitor", "m", spec={"selector": {}, "podMetricsEndpoints": [{"port": "http"}]}
    ),
    obj("rbac.authorization.k8s.io/v1", "RoleBinding", "r", subjects=[{"kind": "ServiceAccount", "name": "default"}]),
    obj("networking.k8s.io/v1", "NetworkPolicy", "p", spec={"podSelector": {}, "ingress": [{}]}),
]
VALUES: tuple[Any, ...] = (
    None,
    0,
    -1,
    2**70,
    True,
    "",
    "x" * 300,
    "a b",
    "\x00",
    [],
    [None],
    {},
    {"a": []},
    1.5,
    "1.2.3.4/99",
)


def spoil(value: Any, random: Random) -> None:
    """Put something else at a random place."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = random.choice(keys)
        if isinstance(value[key], dict | list) and random.random() < 0.8:
            value = value[key]
            continue
        value[key] = copy.deepcopy(random.choice(VALUES))
        return


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_stands_in_fields(seed: int) -> None:
    random = Random(seed)
    objects = copy.deepcopy(ESTATE)
    for _ in range(random.randint(1, 6)):
        each = random.choice(objects)
        spoil(each, random) if random.random() < 0.2 else spoil({k: v for k, v in each.items() if k != "kind"}, random)
    objects = [o for o in objects if isinstance(o.get("kind"), str) and isinstance(o.get("metadata"), dict)]
    objects = [
        o for o in objects if isinstance(o["metadata"].get("name"), str) and isinstance(o.get("apiVersion"), str)
    ]
    for each in objects:
        if not isinstance(each["metadata"].get("namespace", ""), str):
            del each["metadata"]["namespace"]
    result = Synthesis(Reach(Inventory(map(draft, objects))), Request(isolate_unobserved=True)).finish()
    # Labels may be no labels: these problems are errors of the run. Everything else can be read back.
    assert all("label" in problem.message for problem in result.problems), result.problems
