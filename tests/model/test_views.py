"""A field of the wrong type spoils only itself."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.model.kube.base import InvalidField
from seawall.model.kube.config import ConfigMap
from seawall.model.kube.pod import Pod
from seawall.model.views import MAX_WRONG_FIELDS, to_view


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def test_a_wrong_field_raises_when_it_is_read_and_no_other_does() -> None:
    context = {"privileged": "yes", "runAsUser": 5}
    view, problems = to_view(pod(hostPID=True, containers=[{"name": "a", "securityContext": context}]), Pod)
    assert [p.path for p in problems] == [("spec", "containers", 0, "securityContext", "privileged")]
    assert view is not None
    assert view.spec.host_pid is True
    assert view.spec.containers[0].security_context.run_as_user == 5
    with pytest.raises(InvalidField):
        _ = view.spec.containers[0].security_context.privileged


def test_two_wrong_fields_of_one_object() -> None:
    view, problems = to_view(pod(hostPID="x", hostIPC=1), Pod)
    assert {p.path[-1] for p in problems} == {"hostPID", "hostIPC"}
    assert view is not None
    for field in ("host_pid", "host_ipc"):
        with pytest.raises(InvalidField):
            getattr(view.spec, field)


def test_a_wrong_item_leaves_the_others_and_their_indices() -> None:
    view, problems = to_view(pod(containers=[5, {"name": "b"}, {"name": "c", "image": 1}]), Pod)
    assert [p.path for p in problems] == [("spec", "containers", 0), ("spec", "containers", 2, "image")]
    assert view is not None
    found = view.spec.all_containers()
    assert next(found)[1] == 1
    assert next(found)[2].name == "c"
    with pytest.raises(InvalidField):
        next(found)


def test_wrong_values_of_a_map_are_each_told() -> None:
    raw = pod()
    raw["metadata"]["labels"] = {"a": 1, "b": "x", "c": 2}
    view, problems = to_view(raw, Pod)
    assert [p.path[-1] for p in problems] == ["a", "c"]
    assert view is not None
    with pytest.raises(InvalidField):
        _ = view.metadata.labels


def test_metadata_of_the_wrong_type() -> None:
    view, problems = to_view({"metadata": 5, "spec": {"hostPID": True}}, Pod)
    assert [p.path for p in problems] == [("metadata",)]
    assert view is not None
    assert view.spec.host_pid


def test_the_number_of_wrong_fields_is_bounded() -> None:
    containers = [{"name": i} for i in range(MAX_WRONG_FIELDS * 3)]
    view, problems = to_view(pod(containers=containers), Pod)
    assert view is None
    assert len(problems) == MAX_WRONG_FIELDS + 1


def test_a_wrong_field_of_the_object_itself_raises_too() -> None:
    view, problems = to_view({"metadata": {"name": "c"}, "data": 5, "immutable": True}, ConfigMap)
    assert [p.path for p in problems] == [("data",)]
    assert isinstance(view, ConfigMap)
    assert view.immutable is True
    with pytest.raises(InvalidField):
        _ = view.data
