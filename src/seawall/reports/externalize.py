"""What ``seawall secrets externalize`` writes and tells."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from seawall.engine.externalize import Externalized, Part, Step
from seawall.model.paths import lookup
from seawall.model.remedy import Edit, in_order
from seawall.reports.excerpt import many, printable
from seawall.reports.yamlout import to_yaml

FORMATS = ("yaml", "patch")
_OBJECTS, _COMPONENT = "external-secrets.yaml", "kustomization.yaml"


def plain_yaml(value: Any) -> str:
    """An object as a YAML document."""
    return to_yaml(value)


def files(result: Externalized, form: str, folder: str) -> dict[str, bytes]:
    """What to write, by the path within the output folder; ``folder`` is what paths are told from."""
    if form == "patch":
        made = {_OBJECTS: _objects(result), _COMPONENT: _component(result)}
        return {path: text.encode() for path, text in made.items()}
    return {_within(path, folder): data for path, data in {**result.changed, **result.new}.items()}


def _within(path: str, folder: str) -> str:
    """A path below the folder; one that lies elsewhere is put there by its parts."""
    if path.startswith("<stdin>"):
        return f"stdin{path.removeprefix('<stdin>').removesuffix('.yaml')}.yaml"
    near = os.path.relpath(path, folder)
    if near.startswith(os.pardir):
        near = os.path.abspath(path).lstrip(os.sep)
    return near


def stream(result: Externalized, form: str) -> str:
    """The same as one stream of YAML documents."""
    if form == "patch":
        return f"# {_OBJECTS}\n{_objects(result)}---\n# {_COMPONENT}\n{_component(result)}"
    parts = []
    for path, data in {**result.changed, **result.new}.items():
        text = data.decode("utf-8", "replace").lstrip("\ufeff")
        parts.append(f"# {printable(path)}\n{text.removeprefix('---').lstrip() if text.startswith('---') else text}")
    return "---\n".join(part if part.endswith("\n") else f"{part}\n" for part in parts)


def _objects(result: Externalized) -> str:
    return "---\n".join(to_yaml(step.value) for step in result.steps)


def _component(result: Externalized) -> str:
    """A component of kustomize: it adds the objects, takes the Secrets out, and patches the workloads."""
    patches: list[dict[str, Any]] = []
    by_object: dict[int, tuple[Part, list[Edit]]] = {}
    for step in result.steps:
        for part in step.parts:
            if part.removed:
                ref = part.resource.ref
                named = {"name": ref.name} | ({"namespace": ref.namespace} if ref.namespace else {})
                gone = {"$patch": "delete", "apiVersion": "v1", "kind": "Secret", "metadata": named}
                patches.append({"patch": to_yaml(gone)})
            if part.edits:
                by_object.setdefault(id(part.resource), (part, []))[1].extend(part.edits)
    for part, edits in by_object.values():
        ref = part.resource.ref
        group, _, version = ref.api_version.rpartition("/")
        target = {"group": group, "version": version, "kind": ref.kind, "name": ref.name}
        if ref.namespace:
            target["namespace"] = ref.namespace
        steps = _json_patch(part.resource.raw, in_order(edits))
        patches.append({"target": {k: v for k, v in target.items() if v}, "patch": json.dumps(steps, indent=1)})
    return to_yaml(
        {
            "apiVersion": "kustomize.config.k8s.io/v1alpha1",
            "kind": "Component",
            "resources": [_OBJECTS],
            "patches": patches,
        }
    )


def _json_patch(raw: Any, edits: list[Edit]) -> list[dict[str, Any]]:
    """Edits as RFC 6902 has them."""
    made: set[tuple[str | int, ...]] = set()
    steps: list[dict[str, Any]] = []
    for edit in edits:
        pointer = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in edit.path)
        if edit.op == "remove":
            steps.append({"op": "remove", "path": pointer})
        elif edit.op == "set":
            steps.append({"op": "add", "path": pointer, "value": edit.value})
        elif edit.path in made or lookup(raw, edit.path) is not None:
            steps.append({"op": "add", "path": f"{pointer}/-", "value": edit.value})
        else:
            made.add(edit.path)
            steps.append({"op": "add", "path": pointer, "value": [edit.value]})
    return steps


def told(result: Externalized) -> Iterator[str]:
    """Lines for people: what moves, how the values get into the store, and what stays."""
    for step in result.steps:
        yield _moves(result, step)
    if result.steps:
        yield ""
        yield "put the values into the store before you apply this; each command reads them from your manifest:"
        for step in result.steps:
            yield from (f"  {command}" for command in result.commands(step))
            binary = [key.name for key in step.moved.keys if key.binary]
            if binary:
                yield f"  # {', '.join(binary)} of {step.moved.name} is no text, and is kept as base64"
        yield ""
        yield "the values stand in the manifests of before, and in their history: replace them once all works"
    for left in result.left:
        place = left.finding.locations[0]
        yield f"stays: {place.file}:{place.line}: {left.finding.resource}: {left.finding.rule}: {left.reason}"
    if not result.steps and not result.left:
        yield "nothing stands in clear"


def _moves(result: Externalized, step: Step) -> str:
    moved = step.moved
    count = many(len(moved.keys), "value")
    remotes = list(dict.fromkeys(key.remote for key in moved.keys))
    where = remotes[0] if len(remotes) == 1 else f"{remotes[0]} and {len(remotes) - 1} more"
    whence = f"{step.parts[0].resource.ref}" + (f", for the new {moved}" if moved.made else "")
    return f"{whence}: {count} to {result.provider} {where}, by the {result.request.kind} {moved.name}"


def lines(result: Externalized) -> Iterator[bytes]:
    """:func:`told`, printable and without any value."""
    for line in told(result):
        yield f"{printable(result.secrecy.hide(line))}\n".encode()
