"""Whatever the bytes, the loader ends with resources, skips or placed errors, and never with anything else."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine import Judge, load_rules
from seawall.model.finding import RuleState, SourceError
from seawall.model.resource import Resource
from seawall.model.version import NEWEST
from seawall.sources.manifests import Skipped, load_stdin

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(
    [
        "containers",
        "initContainers",
        "name",
        "image",
        "securityContext",
        "privileged",
        "capabilities",
        "add",
        "drop",
        "ports",
        "hostPort",
        "volumes",
        "hostPath",
        "path",
        "metadata",
        "labels",
        "annotations",
        "spec",
        "template",
        "env",
        "value",
        "valueFrom",
        "resources",
        "limits",
        "cpu",
        "rules",
        "verbs",
        "subjects",
        "roleRef",
        "data",
        "stringData",
        "type",
        "selector",
        "ownerReferences",
    ]
)
OBJECTS = st.recursive(
    SCALARS,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(KEYS, children, max_size=6),
    max_leaves=30,
)
KINDS = st.sampled_from(
    [
        "Pod",
        "Deployment",
        "CronJob",
        "Service",
        "Ingress",
        "Role",
        "ClusterRoleBinding",
        "Secret",
        "ConfigMap",
        "Namespace",
        "NetworkPolicy",
        "PersistentVolume",
        "StorageClass",
        "ServiceAccount",
        "Unknown",
    ]
)


def check(data: bytes) -> list[Resource]:
    found = []
    for item in load_stdin(data):
        assert isinstance(item, Resource | SourceError | Skipped)
        if isinstance(item, SourceError):
            assert item.message
            assert "\n" not in item.message
        if isinstance(item, Resource):
            found.append(item)
    return found


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes(data: bytes) -> None:
    check(data)
    check(b"{" + data)


@given(st.text(alphabet="ab:-?[]{}&*!|>'\"%#\n \t,<1.", max_size=200))
@settings(max_examples=500, deadline=None)
def test_text_that_looks_like_yaml(text: str) -> None:
    check(text.encode())


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_yaml_and_json_of_one_value_agree(value: Any) -> None:
    document = {"apiVersion": "v1", "kind": "Fuzz", "metadata": {"name": "x"}, "value": value}
    from_json = check(json.dumps(document).encode("utf-8", "surrogatepass"))
    from_yaml = check(yaml.safe_dump(document, allow_unicode=False, default_style='"').encode())
    assert len(from_json) == len(from_yaml) == 1
    plain = {key: from_json[0].raw[key] for key in ("apiVersion", "kind", "metadata")}
    assert plain == {key: from_yaml[0].raw[key] for key in plain}


@given(KINDS, OBJECTS, OBJECTS)
@settings(max_examples=400, deadline=None)
def test_no_rule_fails_on_any_object(kind: str, spec: Any, rest: Any) -> None:
    document = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    if isinstance(rest, dict):
        document = {**rest, **document}
    rules = list(load_rules())
    judge = Judge(rules, NEWEST)
    for resource in load_stdin(json.dumps(document).encode()):
        if isinstance(resource, Resource):
            hits = judge.judge(resource)
            resource.origin.locate([hit.path for hit in hits])
    failed = [s for s in judge.statuses(rules, lambda rule: "") if s.state is RuleState.ERROR]
    assert not failed
