"""Discovery and lists: everything is read once, whatever the server does half-way."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from seawall.sources.cluster import ClusterError
from tests.cluster.conftest import HASTE, Kubeconfig
from tests.cluster.reading import Read, read
from tests.replay import Fault, Recording, Replay

PODS = "/api/v1/pods"
#: Lists of the recording that a scan leaves out.
LEFT_OUT = (
    "/events",
    "/componentstatuses",
    "/leases",
    "/endpoints",
    "/endpointslices",
    "/controllerrevisions",
    "/csistoragecapacities",
    "/ipaddresses",
)


def expected(recording: Recording) -> int:
    return sum(len(items) for path, items in recording.items.items() if not path.endswith(LEFT_OUT))


def pods(result: Read) -> list[str]:
    return sorted(f"{r.ref.namespace}/{r.ref.name}" for r in result.resources if r.ref.kind == "Pod")


def recorded_pods(recording: Recording) -> list[str]:
    names = [json.loads(item)["metadata"] for item in recording.items[PODS]]
    return sorted(f"{name['namespace']}/{name['name']}" for name in names)


@pytest.mark.parametrize("aggregated", [True, False])
@pytest.mark.parametrize("page", [500, 7])
def test_every_kind_is_read_once(server: Replay, kubeconfig: Kubeconfig, aggregated: bool, page: int) -> None:
    server.aggregated, server.page = aggregated, page
    result = read(kubeconfig(server.url))
    assert result.errors == []
    assert result.unread == {}
    assert len(result.resources) == expected(server.recording)
    assert len({resource.uid for resource in result.resources}) == len(result.resources)
    assert pods(result) == recorded_pods(server.recording)
    assert result.kinds()["ServiceMonitor"] == 13  # a custom kind
    assert {resource.ref.cluster for resource in result.resources} == {"prod"}
    assert not server.asked("/events?")
    assert result.skipped == {}


def test_pages_are_of_500_and_progress_is_told(server: Replay, kubeconfig: Kubeconfig) -> None:
    server.page = 20
    result = read(kubeconfig(server.url))
    assert len(server.asked("/api/v1/pods?limit=500")) == 3
    assert [stage.done for stage in result.stages] == list(range(len(result.stages)))
    assert {stage.total for stage in result.stages} == {len(result.stages) - 1}


def test_objects_are_read_again_from_what_was_kept(server: Replay, kubeconfig: Kubeconfig) -> None:
    result = read(kubeconfig(server.url))
    by_uid = {json.loads(item)["metadata"]["uid"]: json.loads(item) for item in server.recording.items[PODS]}
    for resource in result.resources:
        if resource.ref.kind == "Pod":
            assert resource.raw == {"apiVersion": "v1", "kind": "Pod", **by_uid[resource.uid]}
            place = resource.origin.locate([("spec", "hostPID")])[0]
            assert (place.file, place.line, place.path) == ("cluster:prod", 0, "spec.hostPID")


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_list_that_expires_half_way_is_begun_anew(server: Replay, kubeconfig: Kubeconfig, times: int) -> None:
    server.page = 10
    server.recording.items = {PODS: server.recording.items[PODS]}
    server.expired_tokens = times
    result = read(kubeconfig(server.url))
    assert pods(result) == recorded_pods(server.recording)
    if times == 3:
        assert server.log.count(PODS) == 1, "in the end the list is asked for in one piece"


def test_a_list_that_always_expires_is_an_error(server: Replay, kubeconfig: Kubeconfig) -> None:
    server.faults[PODS] = [Fault("status", 410)] * 50
    result = read(kubeconfig(server.url))
    assert [error.where for error in result.errors] == ["pods"]
    assert "410" in result.errors[0].message
    assert not result.unread["Pod"].intended
    assert len(server.asked("/api/v1/pods")) < 10


FAULTS = [
    Fault("reset"),
    Fault("silence"),
    Fault("drip", headers={"where": "headers"}),
    Fault("drip"),
    Fault("truncated"),
    Fault("cut"),
    Fault("text"),
    Fault("status", 500),
    Fault("status", 503),
    Fault("status", 429, {"Retry-After": "0"}),
    Fault("status", 429, {"Retry-After": "86400"}),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.what}-{fault.status}")
def test_a_fault_once_is_got_over(server: Replay, kubeconfig: Kubeconfig, fault: Fault) -> None:
    server.faults[PODS] = [fault]
    result = read(kubeconfig(server.url))
    assert result.errors == []
    assert pods(result) == recorded_pods(server.recording)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.what}-{fault.status}")
def test_a_fault_that_stays_is_told_and_the_rest_is_read(server: Replay, kubeconfig: Kubeconfig, fault: Fault) -> None:
    server.faults[PODS] = [fault] * 20
    result = read(kubeconfig(server.url))
    assert [(error.source, error.where, error.unreadable) for error in result.errors] == [
        ("cluster:prod", "pods", True)
    ]
    assert result.unread["Pod"].intended is False
    assert result.kinds()["Deployment"] == 25


def test_a_redirect_is_not_followed(server: Replay, kubeconfig: Kubeconfig) -> None:
    server.faults[PODS] = [Fault("redirect")]
    result = read(kubeconfig(server.url))
    assert "redirects" in result.errors[0].message


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind":"Pod","apiVersion":"v1"}',
        b'{"items":[]}',
        b'{"kind":"PodList","items":{}}',
        b"[]",
        b'{"kind":"PodList","items":[1]}',
        b'{"kind":"PodList","items":[{"metadata":3}]}',
        b'{"kind":"PodList","items":[' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"]}",
    ],
)
def test_answers_that_are_no_lists_of_objects_are_errors(server: Replay, kubeconfig: Kubeconfig, body: bytes) -> None:
    server.faults[PODS] = [Fault("text", body=body)] * 5
    result = read(kubeconfig(server.url))
    assert [error.where for error in result.errors] == ["pods"]


def test_an_empty_list_may_be_null(server: Replay, kubeconfig: Kubeconfig) -> None:
    server.faults[PODS] = [Fault("text", body=b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":null}')]
    assert read(kubeconfig(server.url)).errors == []


def test_a_server_that_gives_the_same_page_for_ever_is_left(server: Replay, kubeconfig: Kubeconfig) -> None:
    page = b'{"kind":"PodList","metadata":{"continue":"again"},"items":[]}'
    server.faults[PODS] = [Fault("text", body=page)] * 50
    result = read(kubeconfig(server.url))
    assert "same page" in result.errors[0].message


def test_large_pages_are_asked_for_in_smaller_ones(server: Replay, kubeconfig: Kubeconfig) -> None:
    patience = msgspec.structs.replace(HASTE, bytes=60_000)
    result = read(kubeconfig(server.url), patience=patience)
    assert pods(result) == recorded_pods(server.recording)
    assert server.asked("/api/v1/pods?limit=50")
    assert server.asked("/api/v1/pods?limit=5")


@pytest.mark.parametrize("packs", [True, False])
def test_answers_may_be_packed_and_are_bounded(server: Replay, kubeconfig: Kubeconfig, packs: bool) -> None:
    server.packs = packs
    assert read(kubeconfig(server.url)).errors == []
    bomb = b'{"kind":"PodList","items":[' + b" " * 5_000_000 + b"]}"
    server.faults[PODS] = [Fault("text", body=bomb)] * 9
    patience = msgspec.structs.replace(HASTE, bytes=2_000_000)
    result = read(kubeconfig(server.url), patience=patience)
    assert [error.where for error in result.errors if error.where == "pods"] == ["pods"]


def test_a_server_that_goes_away_is_not_asked_for_every_kind(server: Replay, kubeconfig: Kubeconfig) -> None:
    server.faults["/api/v1/secrets"] = [Fault("reset")] * 9
    server.faults["/api/v1/configmaps"] = [Fault("reset")] * 9
    server.faults["/api/v1/limitranges"] = [Fault("reset")] * 9
    result = read(kubeconfig(server.url))
    assert result.resources == []
    assert len(result.errors) > 40
    assert "stopped answering" in result.errors[-1].message


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ({"major": "1", "minor": "29+", "gitVersion": "v1.29.3-eks-adc7111"}, "1.29"),
        ({"major": "", "minor": "", "gitVersion": "v1.33.2-eks-abc+"}, "1.33"),
        ({"major": "1", "minor": "36", "gitVersion": "v0.0.0-master+$Format:%H$"}, "1.36"),
        ({"gitVersion": "v1.30.4+k3s1", "new": {"field": 1}}, "1.30"),
        ({"major": "one", "minor": "x", "gitVersion": "who knows"}, "None"),
    ],
)
def test_strange_versions_are_tolerated(
    server: Replay, kubeconfig: Kubeconfig, told: dict[str, Any], version: str
) -> None:
    from seawall.sources.cluster import ClusterOptions
    from seawall.sources.cluster.source import LiveCluster

    server.recording.documents["/version"] = told
    cluster = LiveCluster(ClusterOptions(kubeconfig=kubeconfig(server.url), patience=HASTE), {})
    assert str(cluster.version) == version
    assert bool(cluster.notes) == (version == "None")


@pytest.mark.parametrize("aggregated", [True, False])
def test_a_group_that_does_not_answer_is_told_if_rules_need_it(
    server: Replay, kubeconfig: Kubeconfig, aggregated: bool
) -> None:
    server.aggregated = aggregated
    if aggregated:
        del server.recording.documents["/apis/apps/v1"]
    else:
        server.faults["/apis/apps/v1"] = [Fault("status", 503)] * 9
    result = read(kubeconfig(server.url))
    assert [error.where for error in result.errors] == ["apps/v1"]
    assert set(result.unread) == {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}


def test_a_group_that_no_rule_needs_may_be_away(server: Replay, kubeconfig: Kubeconfig) -> None:
    del server.recording.documents["/apis/resource.k8s.io/v1"]
    result = read(kubeconfig(server.url))
    assert result.errors == []
    assert result.skipped == {"API groups that did not answer and that no rule reads": 1}


def test_a_kind_is_read_at_the_preferred_version_or_where_it_is_served(server: Replay, kubeconfig: Kubeconfig) -> None:
    server.aggregated = False
    documents = server.recording.documents
    for group in documents["/apis"]["groups"]:
        if group["name"] == "batch":
            group["versions"] = [{"groupVersion": f"batch/{v}", "version": v} for v in ("v2beta1", "v1")]
            group["preferredVersion"] = {"groupVersion": "batch/v1", "version": "v1"}
    job = {"name": "jobs", "kind": "Job", "namespaced": True, "verbs": ["list"]}
    only_here = {"name": "chores", "kind": "Chore", "namespaced": True, "verbs": ["list", "get"]}
    documents["/apis/batch/v2beta1"] = {"kind": "APIResourceList", "resources": [job, only_here]}
    chore = {"kind": "Chore", "apiVersion": "batch/v2beta1", "metadata": {"name": "sweep", "uid": "u-1"}}
    server.recording.put("/apis/batch/v2beta1/chores", "ChoreList", "batch/v2beta1", [chore])
    result = read(kubeconfig(server.url))
    assert result.errors == []
    assert result.kinds()["Job"] == 4
    assert result.kinds()["Chore"] == 1
    assert server.asked("/apis/batch/v1/jobs")
    assert not server.asked("/apis/batch/v2beta1/jobs")


def test_an_object_that_two_groups_serve_is_read_once(server: Replay, kubeconfig: Kubeconfig) -> None:
    server.aggregated = False
    documents = server.recording.documents
    documents["/apis"]["groups"].append(
        {"name": "extensions", "versions": [{"groupVersion": "extensions/v1beta1", "version": "v1beta1"}]}
    )
    documents["/apis/extensions/v1beta1"] = documents["/apis/apps/v1"]
    items = [json.loads(item) for item in server.recording.items["/apis/apps/v1/deployments"]]
    server.recording.put("/apis/extensions/v1beta1/deployments", "DeploymentList", "extensions/v1beta1", items)
    result = read(kubeconfig(server.url))
    assert result.kinds()["Deployment"] == 25


@pytest.mark.parametrize("path", ["/version", "/api", "/apis"])
@pytest.mark.parametrize("fault", [Fault("text"), Fault("status", 500), Fault("status", 403)], ids=lambda f: f.what)
def test_a_server_that_cannot_be_discovered_is_an_error(
    server: Replay, kubeconfig: Kubeconfig, path: str, fault: Fault
) -> None:
    server.faults[path] = [fault] * 9
    try:
        result = read(kubeconfig(server.url))
    except ClusterError as error:
        assert path in str(error)
    else:
        assert result.resources == []
        assert path in result.errors[0].message


def test_something_else_than_an_api_server_is_told(server: Replay, kubeconfig: Kubeconfig) -> None:
    server.recording.documents |= {"/api": {"versions": []}, "/apis": {"groups": []}}
    server.aggregated = False
    result = read(kubeconfig(server.url))
    assert "is this a Kubernetes API server?" in result.errors[0].message


def test_one_namespace(server: Replay, kubeconfig: Kubeconfig) -> None:
    result = read(kubeconfig(server.url), namespace="monitoring")
    assert result.errors == []
    assert {r.ref.namespace for r in result.resources if r.ref.kind != "Namespace"} == {"monitoring"}
    assert [r.ref.name for r in result.resources if r.ref.kind == "Namespace"] == ["monitoring"]
    assert result.unread["ClusterRole"].intended
    assert "monitoring" in result.unread["ClusterRole"].reason
    assert "Namespace" not in result.unread


def test_one_namespace_without_a_right_to_itself(server: Replay, kubeconfig: Kubeconfig) -> None:
    server.allowed = lambda verb, group, resource: verb == "list" or resource.startswith("/")
    result = read(kubeconfig(server.url), namespace="monitoring")
    assert result.errors == []
    assert result.unread["Namespace"].intended


def test_a_namespace_that_does_not_exist_is_an_error(server: Replay, kubeconfig: Kubeconfig) -> None:
    result = read(kubeconfig(server.url), namespace="typo")
    assert "404" in result.errors[0].message
