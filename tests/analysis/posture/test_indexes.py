"""What rules over the inventory share: pods by label, completeness, references."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from seawall.analysis.posture.indexes import (
    Completeness,
    LabelIndex,
    judged_pods,
    pods_by_label,
    references,
)
from seawall.model.finding import Confidence
from seawall.model.kube.base import LabelSelector
from seawall.model.resource import Inventory, Resource
from seawall.sources.manifests.load import load_stdin


def inventory(*objects: dict[str, Any]) -> Inventory:
    """The objects, loaded as a list."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()
    return Inventory(each for each in load_stdin(text) if isinstance(each, Resource))


def plain(kind: str, name: str, namespace: str | None = "shop", uid: str = "", **fields: Any) -> dict[str, Any]:
    """An object of v1."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **({"uid": uid} if uid else {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}


def pod(name: str, labels: dict[str, str], **spec: Any) -> dict[str, Any]:
    """A pod of the namespace shop."""
    made = plain("Pod", name, spec={"containers": [{"name": "c", "image": "x"}], **spec})
    made["metadata"]["labels"] = labels
    return made


KEYS, VALUES = st.sampled_from("abc"), st.sampled_from(["1", "2", ""])
LABELS = st.dictionaries(KEYS, VALUES, max_size=3)
EXPRESSIONS = st.fixed_dictionaries(
    {
        "key": KEYS,
        "operator": st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist", "Gt"]),
        "values": st.one_of(st.none(), st.lists(VALUES, max_size=2)),
    }
)


@given(st.lists(LABELS, min_size=1, max_size=8), LABELS, st.lists(EXPRESSIONS, max_size=2))
def test_the_index_selects_as_the_selector_does(
    pods: list[dict[str, str]], labels: dict[str, str], expressions: list[dict[str, Any]]
) -> None:
    selector = LabelSelector(match_labels=labels, match_expressions=tuple(expressions))
    found = inventory(*(pod(f"p{i}", each) for i, each in enumerate(pods))).resources
    index = LabelIndex()
    for resource, each in zip(found, pods, strict=True):
        index.add(resource, each)
    expected = [r.ref.name for r, each in zip(found, pods, strict=True) if selector.matches(each)]
    assert sorted(each.ref.name for each in index.select(selector)) == expected
    assert index.has(selector) == bool(expected)


def test_pods_that_a_workload_made_are_left_out() -> None:
    template = {"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": []}}
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "cart", "namespace": "shop"}}
    made = pod("cart-1", {"app": "cart"})
    made["metadata"]["ownerReferences"] = [{**owner, "name": "cart", "controller": True}]
    index = pods_by_label(inventory({**owner, "spec": {"template": template}}, made))["shop"]
    assert [each.ref.kind for each in index.resources] == ["ReplicaSet"]


def test_namespaces_of_operators_are_not_judged_in_manifests() -> None:
    custom = {"apiVersion": "kafka.strimzi.io/v1", "kind": "Kafka", "metadata": {"name": "k", "namespace": "shop"}}
    assert judged_pods(inventory(pod("a", {}), custom)) == {}
    custom["metadata"]["uid"] = "1"  # type: ignore[index]
    assert list(judged_pods(inventory(pod("a", {}), custom))) == ["shop"]


def test_a_cluster_is_complete_where_marks_show_it() -> None:
    known = Completeness(inventory(plain("ServiceAccount", "default", uid="1"), plain("Secret", "a", uid="2")))
    assert known.of("ServiceAccount", "shop") is Confidence.HIGH
    assert known.of("ServiceAccount", "other") is None
    assert known.of("Secret", "shop") is Confidence.HIGH
    assert known.of("Secret", "other") is None
    assert known.of("ConfigMap", "shop") is None


def test_secrets_of_two_namespaces_show_that_all_were_listed() -> None:
    known = Completeness(inventory(plain("Secret", "a", "x", uid="1"), plain("Secret", "a", "y", uid="2")))
    assert known.of("Secret", "shop") is Confidence.MEDIUM


def test_manifests_are_complete_with_their_namespace_but_never_in_secrets() -> None:
    own = plain("Namespace", "shop", None)
    known = Completeness(inventory(own, plain("ConfigMap", "a"), plain("Secret", "a")))
    assert known.of("ConfigMap", "shop") is Confidence.MEDIUM
    assert known.of("Secret", "shop") is None
    assert Completeness(inventory(plain("ConfigMap", "a"))).of("ConfigMap", "shop") is None


def test_references_tell_their_places() -> None:
    env = [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s1", "key": "k"}}},
        {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c1", "key": "k", "optional": True}}},
    ]
    workload = pod(
        "cart",
        {},
        serviceAccountName="cart",
        imagePullSecrets=[{"name": "pull"}],
        containers=[{"name": "c", "image": "x", "env": env, "envFrom": [{"configMapRef": {"name": "c2"}}]}],
        volumes=[
            {"name": "v", "persistentVolumeClaim": {"claimName": "p"}},
            {"name": "w", "projected": {"sources": [{"secret": {"name": "s2"}}, 7, {"configMap": {"name": 7}}]}},
            {"name": "x", "secret": {"secretName": "s3", "optional": True}},
        ],
    )
    found = references(inventory(workload))
    resource = found[0].resource
    values = [(each.kind, each.name, each.key, resource.value_at(each.path)) for each in found]
    assert values == [
        ("ServiceAccount", "cart", "", "cart"),
        ("Secret", "pull", "", "pull"),
        ("Secret", "s1", "k", {"name": "s1", "key": "k"}),
        ("ConfigMap", "c2", "", {"name": "c2"}),
        ("PersistentVolumeClaim", "p", "", "p"),
        ("Secret", "s2", "", "s2"),
    ]
