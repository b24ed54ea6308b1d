"""What people, or others, write into kustomizations, templates and results: any value is read or refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine.results import ResultsError, decode_results
from seawall.model.finding import Location
from seawall.sources.helm.template import parse_template
from seawall.sources.helm.values import keys_of, parse_values, place_of_key
from seawall.sources.kustomize import KustomizeError, closure, read_kustomization
from seawall.sources.kustomize.trace import OverlayFiles, OverlayTracer

WORDS = st.sampled_from(
    ["", "a", "web", "web.yaml", "..", "/", "name", "app=web.yaml", "https://x", "- op: add\n  path: /spec", "{", "Pod"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(WORDS, below, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "resources",
        "bases",
        "components",
        "patches",
        "patchesStrategicMerge",
        "patchesJson6902",
        "images",
        "namespace",
        "namePrefix",
        "secretGenerator",
        "configMapGenerator",
        "kind",
        "apiVersion",
    ]
)
PATCHES = st.lists(
    st.dictionaries(st.sampled_from(["path", "patch", "target", "name", "newTag", "literals", "op", "value"]), VALUES),
    max_size=3,
)
POD: dict[str, Any] = {
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "a"},
    "spec": {"hostPID": True, "containers": [{"name": "app", "image": "a:1"}]},
}
PATHS: list[tuple[str | int, ...]] = [
    (),
    ("metadata", "namespace"),
    ("spec", "hostPID"),
    ("spec", "containers", 0, "image"),
    ("spec", "containers", 0, "securityContext", "privileged"),
]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(FIELDS, VALUES | PATCHES, max_size=4), VALUES)
def test_any_kustomization(value: dict[str, Any], patch: Any) -> None:
    with TemporaryDirectory() as folder:
        Path(folder, "kustomization.yaml").write_text(json.dumps(value))
        Path(folder, "web.yaml").write_text(json.dumps(patch))
        try:
            parts = closure(read_kustomization(folder, "x"), allow_remote=False, boundary=folder)
        except KustomizeError as error:
            assert error.file.startswith("x")
            return
        assert parts.files
        files = OverlayFiles("x", parts)
        for generator in (None, parts.parts[0]):
            tracer = OverlayTracer("x", files, "Pod", "web", None, generator)
            for path in PATHS:
                trace = tracer.trace(path, Location("x", 1, 1, ""), POD)
                assert trace.locations[0].line >= 1


@given(st.text(alphabet=' .$(){}|"`ValuesindexwithtoYaml\n-', max_size=40), VALUES)
def test_any_action(body: str, values: Any) -> None:
    template = parse_template("{{ with .Values.a }}{{ " + body + " }}{{ end }}")
    for action in template.actions:
        for path in PATHS[1:]:
            for key in keys_of(action, path, POD, values if isinstance(values, dict) else {}):
                place_of_key(parse_values("v", json.dumps(values)), key)


@given(st.binary(max_size=200) | st.builds(lambda value: json.dumps(value).encode(), VALUES))
def test_any_results(data: bytes) -> None:
    try:
        decode_results(data, "x")
    except ResultsError as error:
        assert "\n" not in str(error)
