"""Patches do what is said of them: each is applied to its object, the graph is built anew, the pairs are counted."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from seawall.analysis.paths.asking import places_named
from seawall.analysis.paths.needs import Losses
from seawall.analysis.paths.walk import pairs
from seawall.engine.paths import TARGETS, Attack, graph_of
from seawall.engine.reading import ReadOptions
from seawall.model.attack import AttackGraph, Removable
from seawall.model.resource import Inventory, Resource
from seawall.model.version import NEWEST
from seawall.sources.manifests import load_stdin
from tests.replay import Recording


def applied(item: dict[str, Any], removable: Removable) -> dict[str, Any]:
    """The object with the patch; JSON patch (RFC 6902), as far as patches of ours go."""
    found = copy.deepcopy(item)
    for operation in removable.patch:
        *steps, last = [part.replace("~1", "/").replace("~0", "~") for part in operation.path.split("/")[1:]]
        at: Any = found
        for step in steps:
            at = at[int(step)] if isinstance(at, list) else at[step]
        if isinstance(at, list) and last == "-":
            at.append(operation.value)
            continue
        key: Any = int(last) if isinstance(at, list) else last
        if operation.op == "remove":
            del at[key]
        else:
            assert operation.op == "add" or at[key] is not None
            at[key] = operation.value
    return found


def built(items: list[dict[str, Any]]) -> AttackGraph:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}).encode()
    return graph_of(Inventory(r for r in load_stdin(text, "all.json") if isinstance(r, Resource)), NEWEST)


def count(graph: AttackGraph) -> int:
    return len(pairs(graph, places_named(graph, "workloads"), places_named(graph, TARGETS), frozenset()))


def key(kind: str, namespace: str | None, name: str) -> tuple[str, str, str]:
    return kind, namespace or "", name


def listed(conformance: Path) -> list[dict[str, Any]]:
    """Every object of the recorded cluster."""
    recording = Recording.load(conformance)
    found = []
    for path, texts in recording.items.items():
        version, kind = recording.heads[path]["apiVersion"], recording.heads[path]["kind"].removesuffix("List")
        found += [{"apiVersion": version, "kind": kind, **json.loads(text)} for text in texts]
    return found


@pytest.fixture(scope="module")
def items(conformance: Path) -> list[dict[str, Any]]:
    return listed(conformance)


def without(items: list[dict[str, Any]], removables: list[Removable]) -> list[dict[str, Any]]:
    """The objects with all patches applied; of one object the last index first, so that none moves another."""
    changed = {
        key(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]): each
        for each in items
        if "metadata" in each
    }
    for removable in sorted(removables, key=lambda each: [(len(op.path), op.path) for op in each.patch], reverse=True):
        at = key(removable.resource.kind, removable.resource.namespace, removable.resource.name)
        changed[at] = applied(changed[at], removable)
    return list(changed.values())


def test_every_patch_ends_as_many_pairs_as_it_says(items: list[dict[str, Any]]) -> None:
    graph = built(items)
    losses = Losses(graph, places_named(graph, "workloads"), places_named(graph, TARGETS))
    assert losses.pairs == count(graph) > 50
    best = sorted(losses.of, key=lambda number: -losses.of[number])[:12]
    assert best
    for number in best:
        again = count(built(without(items, [graph.removables[number]])))
        assert losses.pairs - again == losses.of[number], graph.removables[number]


def test_the_smallest_cut_as_patches_leaves_no_path(items: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "all.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    attack = Attack(ReadOptions((str(tmp_path / "all.json"),)))
    found = attack.choke_points(attack.places("workloads"), attack.places(TARGETS))
    assert found.cut.smallest and found.verified and not found.left
    assert all(each.verified for each in (*found.chosen, *found.singles))
    patched = built(without(items, [each.removable for each in found.chosen]))
    assert count(patched) == 0
