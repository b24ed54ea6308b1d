"""What attack paths read of foreign objects beside typed views never ends in anything but a graph."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from seawall.engine.paths import graph_of
from seawall.model.resource import Inventory, Resource
from seawall.model.version import NEWEST
from seawall.sources.manifests import load_stdin

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "handler", "spec", "status", "authentication", "authorization", "data", "type", "metadata", "rules", "subjects",
    "roleRef", "webhooks", "imagePullSecrets", "automountServiceAccountToken",
)  # fmt: skip
KINDS = (
    ("v1", "Node"), ("node.k8s.io/v1", "RuntimeClass"), ("v1", "Secret"), ("v1", "ServiceAccount"), ("v1", "Pod"),
    ("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"), ("v1", "PersistentVolume"), ("v1", "Service"),
    ("eks.services.k8s.aws/v1alpha1", "PodIdentityAssociation"), ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("v1", "Namespace"), ("v1", "PersistentVolumeClaim"), ("apps/v1", "Deployment"),
)  # fmt: skip


@st.composite
def objects(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for number in range(draw(st.integers(1, 4))):
        version, kind = draw(st.sampled_from(KINDS))
        body: dict[str, Any] = draw(st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=4))
        metadata: Any = body.get("metadata")
        odd = metadata if isinstance(metadata, dict) else {}
        body["metadata"] = {**odd, "name": f"n{number}", "namespace": "ns"}
        found.append({**body, "apiVersion": version, "kind": kind})
    return found


@given(objects())
def test_odd_objects_make_a_graph(items: list[dict[str, Any]]) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}).encode()
    resources = [each for each in load_stdin(text, "all.json") if isinstance(each, Resource)]
    kept = [each for each in resources if not (each.problems and each.ref.kind == "ClusterRole")]
    assert graph_of(Inventory(kept), NEWEST).places


@given(ANYTHING, st.sampled_from(["data", "stringData"]))
def test_odd_registry_logins_make_a_graph(value: Any, field: str) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "ns"},
        "type": "kubernetes.io/dockerconfigjson",
        field: {".dockerconfigjson": json.dumps(value)},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "ns"},
        "spec": {"containers": [{"name": "c", "image": "r.example.com/a"}]},
    }
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [secret, pod]}).encode()
    loaded = load_stdin(text, "all.json")
    assert graph_of(Inventory(each for each in loaded if isinstance(each, Resource)), NEWEST).places
