"""What is known of the recorded cluster: the holes that Kubernetes Goat's authors made, and what is closed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seawall.analysis.paths.asking import places_named
from seawall.engine.paths import graph_of
from seawall.model.attack import AttackGraph
from seawall.model.resource import Inventory, Resource
from seawall.model.version import NEWEST
from seawall.sources.manifests import load_stdin
from tests.analysis.paths.test_patches import listed


@pytest.fixture(scope="module")
def graph(conformance: Path) -> AttackGraph:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": listed(conformance)}).encode()
    return graph_of(Inventory(r for r in load_stdin(text, "all.json") if isinstance(r, Resource)), NEWEST)


@pytest.mark.parametrize(
    ("source", "target", "kind"),
    [
        # "DIND (docker-in-docker) exploitation"
        ("default/health-check-deployment", "nodes", "runtime-socket-containerd"),
        # "Container escape to the host system"
        ("default/system-monitor-deployment", "nodes", "escape-nsenter"),
        ("default/system-monitor-deployment", "nodes", "host-write"),
        # "RBAC least privileges misconfiguration"
        ("big-monolith/hunger-check-deployment", "secret:big-monolith/vaultapikey", "secret-list"),
        # kube-prometheus' operator may write any Secret
        ("monitoring/prometheus-operator", "admin", "token-secret-make"),
    ],
)
def test_known_holes_are_found(graph: AttackGraph, source: str, target: str, kind: str) -> None:
    reached = graph.reach(places_named(graph, source))
    assert not reached.isdisjoint(places_named(graph, target))
    assert kind in {step.kind for place in reached for step in graph.out[place]}


@pytest.mark.parametrize("closed", ["shop/frontend", "shop/redis-cart", "secure-middleware/cache-store-deployment"])
def test_what_has_no_rights_leads_nowhere(graph: AttackGraph, closed: str) -> None:
    reached = graph.reach(places_named(graph, closed))
    assert reached.isdisjoint(places_named(graph, "admin,nodes,secrets"))


def test_root_of_a_node_has_what_runs_there_and_no_other_node(graph: AttackGraph) -> None:
    """Its agents run on every node: from inside of one of them any could be had, from a node only its own pods."""
    reached = graph.reach(places_named(graph, "node:worker-03"))
    assert reached.intersection(places_named(graph, "nodes")) == set(places_named(graph, "node:worker-03"))
