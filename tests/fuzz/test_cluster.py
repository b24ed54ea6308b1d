"""Whatever an API server answers, a reading of it ends, and what was not understood is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine.catalogue import load_rules
from seawall.engine.judge import Judge
from seawall.model.finding import SourceError
from seawall.model.resource import Resource
from seawall.model.version import NEWEST
from seawall.sources.cluster import ClusterError, ClusterOptions, source
from seawall.sources.cluster.client import Client

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=10,
)
METADATA = JSON | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("name", "namespace", "uid", "labels", "annotations", "ownerReferences"), JSON)
)
ITEM = JSON | st.fixed_dictionaries({"metadata": METADATA}, optional={"spec": JSON, "kind": JSON, "apiVersion": JSON})
OBJECT_META = st.fixed_dictionaries({"name": st.text(max_size=6)}, optional={"uid": JSON, "labels": JSON})
GOOD_ITEM = st.fixed_dictionaries({"metadata": OBJECT_META}, optional={"spec": JSON})
PAGE = st.fixed_dictionaries({"kind": st.just("PodList"), "items": st.lists(GOOD_ITEM | ITEM, min_size=1, max_size=4)})
LIST = st.one_of(PAGE, PAGE, JSON, st.fixed_dictionaries({"kind": st.just("PodList"), "items": JSON, "metadata": JSON}))
PODS = {"resources": [{"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["list"]}]}
RESOURCES = st.one_of(st.just(PODS), st.just(PODS), JSON)
PLAIN = {"kind": "APIVersions", "versions": ["v1"]}
GROUPS = st.one_of(
    st.just(PLAIN),
    st.just(PLAIN),
    JSON,
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["APIGroupDiscoveryList", "APIGroupList", "APIVersions"])},
        optional={"items": JSON, "groups": JSON, "versions": JSON | st.just(["v1"])},
    ),
)
VERSION = st.one_of(st.just({"major": "1", "minor": "36"}), st.just({"minor": "29+"}), JSON)


class Canned(Client):
    """Answers without a network."""

    def __init__(self, answers: Callable[[str], Any]) -> None:
        self.name = "fuzz"
        self.notes = []
        self._answers = answers

    def close(self) -> None:
        pass

    def get(self, path: str, decode: Any, accept: str = "", tries: int | None = None) -> Any:
        try:
            return decode(json.dumps(self._answers(path)).encode())
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise ClusterError(f"{path}: {error}") from error


@settings(max_examples=400, deadline=None)
@given(version=VERSION, groups=GROUPS, resources=RESOURCES, page=LIST)
def test_any_answer(version: Any, groups: Any, resources: Any, page: Any) -> None:
    def answers(path: str) -> Any:
        if path == "/version":
            return version
        if path in ("/api", "/apis"):
            return groups
        return page if "limit" in path else resources

    judge = Judge(load_rules(), NEWEST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "connect", lambda options, environ: Canned(answers))
        try:
            live = source.LiveCluster(ClusterOptions(), {})
        except ClusterError:
            return
        loaded = list(live.resources())
    for item in loaded:
        if isinstance(item, Resource):
            judge.judge(item)
            item.origin.read()
        elif isinstance(item, SourceError):
            assert item.message
