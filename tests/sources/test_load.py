"""Files to resources: encodings, lists, documents, and what is skipped or refused."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from seawall.model.finding import SourceError
from seawall.model.resource import Resource
from seawall.sources.manifests import Skipped, load_stdin

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: é\nspec:\n  hostPID: true\n"


def yaml_of(value: Any) -> str:
    return msgspec.yaml.encode(value).decode()


def resources(data: bytes) -> list[Resource]:
    return [item for item in load_stdin(data) if isinstance(item, Resource)]


def errors(data: bytes) -> list[SourceError]:
    return [item for item in load_stdin(data) if isinstance(item, SourceError)]


@pytest.mark.parametrize(
    "data",
    [
        POD.encode(),
        codecs.BOM_UTF8 + POD.encode(),
        POD.replace("\n", "\r\n").encode(),
        codecs.BOM_UTF16_LE + POD.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + POD.encode("utf-16-be"),
        POD.encode("utf-16-le"),
        POD.encode("utf-16-be"),
    ],
    ids=["utf-8", "bom", "crlf", "utf-16-le-bom", "utf-16-be-bom", "utf-16-le", "utf-16-be"],
)
def test_encodings(data: bytes) -> None:
    (resource,) = resources(data)
    assert resource.ref.name == "é"
    (place,) = resource.origin.locate([("spec", "hostPID")])
    assert (place.line, place.column) == (6, 3)


def test_documents_are_independent() -> None:
    data = f"{POD}---\na: [1\n---\n# only a comment\n---\n{POD}".encode()
    assert [r.ref.name for r in resources(data)] == ["é", "é"]
    (error,) = errors(data)
    assert error.where.startswith("9:") or error.where.startswith("8:")


def test_a_directive_belongs_to_the_document_after_it() -> None:
    assert len(resources(f"%YAML 1.1\n---\n{POD}".encode())) == 1


def test_end_markers_and_a_divider_within_text() -> None:
    text = f"{POD}...\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  a: |\n    ---\n    x\n"
    assert [r.ref.kind for r in resources(text.encode())] == ["Pod", "ConfigMap"]


def items() -> list[dict[str, Any]]:
    return [{"metadata": {"name": f"p{i}"}, "spec": {"hostPID": True}} for i in range(3)]


@pytest.mark.parametrize("indent", [None, 2])
def test_lists_whose_items_leave_out_their_kind(indent: int | None) -> None:
    document = {"kind": "PodList", "apiVersion": "v1", "metadata": {"x": [{}]}, "items": items()}
    text = json.dumps(document, indent=indent)
    found = resources(text.encode())
    assert [(r.ref.kind, r.ref.api_version, r.ref.name) for r in found] == [("Pod", "v1", f"p{i}") for i in range(3)]
    for resource in found:
        (place,) = resource.origin.locate([("spec", "hostPID")])
        assert text.splitlines()[place.line - 1][place.column - 1 :].startswith('"hostPID"')


def test_a_yaml_list() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n"
    (resource,) = resources(text.encode())
    (place,) = resource.origin.locate([("metadata", "name")])
    assert (place.line, place.column) == (6, 14)
    assert resource.raw["metadata"] == {"name": "a"}


def test_json_places_beyond_ascii_on_one_line() -> None:
    text = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ééé"}},
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "labels": {"a": "b"}}},
            ],
        },
        ensure_ascii=False,
    )
    second = resources(text.encode())[1]
    (place,) = second.origin.locate([("metadata", "labels", "a")])
    assert text[place.column - 1 :].startswith('"a"')
    assert second.raw["metadata"]["name"] == "x"


def test_json_duplicates() -> None:
    text = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"hostPID":true,\n"hostPID":false}}'
    (resource,) = resources(text.encode())
    assert resource.duplicates == [("spec", "hostPID")]
    (place,) = resource.origin.locate([("spec", "hostPID")])
    assert (place.line, place.column) == (2, 1)


def test_a_list_that_hides_items_behind_a_second_key_is_an_error() -> None:
    pod = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}'
    text = f'{{"apiVersion":"v1","kind":"List","items":[{pod}],"items":[{pod}]}}'
    assert "duplicate key" in errors(text.encode())[0].message


def test_concatenated_json() -> None:
    pod = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"%s"},"spec":{"hostPID":true}}'
    found = resources(f"{pod % 'a'}\n{pod % 'é'}\n  {pod % 'c'}".encode())
    assert [r.ref.name for r in found] == ["a", "é", "c"]
    assert [r.origin.locate([("spec",)])[0].line for r in found] == [1, 2, 3]
    assert [r.raw["metadata"]["name"] for r in found] == ["a", "é", "c"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n---\n"])
def test_empty(text: str) -> None:
    (skipped,) = load_stdin(text.encode())
    assert isinstance(skipped, Skipped)
    assert skipped.reason == "empty"


def test_not_kubernetes() -> None:
    (skipped,) = load_stdin(b"jobs:\n  build: 1\n")
    assert isinstance(skipped, Skipped)
    assert "not Kubernetes" in skipped.reason


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"a: \xff\xfe", "1:4"),
        (b"apiVersion: v1\nkind: [x]\n", "2:1"),
        (b"a: b\nc: \x00", "2:4"),
    ],
)
def test_errors_name_their_place(data: bytes, where: str) -> None:
    (error,) = errors(data)
    assert error.where == where
    assert error.unreadable is True


def test_kubelet_style_null_fields_are_absent() -> None:
    (resource,) = resources(b"apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: null}\nspec: {containers: null}\n")
    assert resource.problems == []
    assert resource.view is not None
    assert resource.view.metadata.labels == {}


def test_of_a_duplicate_json_key_the_last_one_is_located() -> None:
    text = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":[1],\n"spec":{"x":1},"spec":\n{"x":{"y":2}}}'
    (resource,) = resources(text.encode())
    (place,) = resource.origin.locate([("spec", "x", "y")])
    assert (place.line, place.column) == (3, 7)


def pod(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"volumes": [{"name": "v"}], "hostPID": True},
    }


def listed(*objects: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


NESTED = listed(
    pod("a"),
    listed(pod("b"), listed(pod("c"))),
    listed(),
    {"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "d"}, "spec": {"hostPID": True}}]},
)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(NESTED),
        json.dumps(NESTED, indent=2),
        yaml_of(NESTED),
        f"{json.dumps(listed(pod('a'), pod('b')))}\n{json.dumps(listed(pod('c'), pod('d')), indent=1)}",
        f"{yaml_of(listed(pod('a'), pod('b')))}---\n{yaml_of(listed(pod('c'), pod('d')))}",
    ],
    ids=["json", "json over lines", "yaml", "json lists one after another", "yaml documents"],
)
def test_lists_in_lists_and_in_streams_hide_nothing(text: str) -> None:
    found = resources(text.encode())
    assert [(each.ref.kind, each.ref.name) for each in found] == [("Pod", name) for name in "abcd"]
    lines = text.split("\n")
    for each in found:
        assert each.origin.read()["metadata"]["name"] == each.ref.name
        (place,) = each.origin.locate([("spec", "hostPID")])
        assert lines[place.line - 1][place.column - 1 :].lstrip('"').startswith("hostPID")
        assert each.ref.name in text[: sum(len(line) + 1 for line in lines[: place.line])]


@pytest.mark.parametrize("dump", [json.dumps, yaml_of])
def test_lists_nested_too_deep_are_an_error(dump: Callable[[Any], str]) -> None:
    inner: dict[str, Any] = pod("a")
    for _ in range(8):
        inner = listed(inner)
    assert [each.ref.name for each in resources(dump(inner).encode())] == ["a"]
    assert [each.message for each in errors(dump(listed(inner)).encode())] == [
        "lists nested deeper than 8 levels: take them apart"
    ]


@pytest.mark.parametrize("items", ["[]", "null"])
def test_an_empty_list_is_nothing_to_judge(items: str) -> None:
    for text in (
        f'{{"apiVersion": "v1", "kind": "List", "items": {items}}}',
        f"apiVersion: v1\nkind: List\nitems: {items}\n",
    ):
        (skipped,) = load_stdin(text.encode())
        assert isinstance(skipped, Skipped)
        assert skipped.reason == "an empty list"


def test_items_that_are_no_list_are_an_error() -> None:
    (error,) = errors(b"apiVersion: v1\nkind: List\nitems: {a: {apiVersion: v1, kind: Pod}}\n")
    assert (error.where, error.message) == ("3:1", "items must be a list")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (f"apiVersion: v1\nkind: List\nitems: []\nitems:\n- {json.dumps(pod('a'))}\n", "4:1"),
        (f'{{"apiVersion":"v1","kind":"List","items":[],"items":[{json.dumps(pod("a"))}]}}', "1:1"),
        (
            json.dumps(listed({"x": 1})).replace(
                '{"x": 1}', f'{{"apiVersion":"v1","kind":"List","items":[],"items":[{json.dumps(pod("a"))}]}}'
            ),
            "1:48",
        ),
    ],
)
def test_a_list_with_a_key_twice_is_an_error(text: str, where: str) -> None:
    assert [each.ref.name for each in resources(text.encode())] == ["a"]
    (error,) = errors(text.encode())
    assert error.where == where
    assert "duplicate key" in error.message
