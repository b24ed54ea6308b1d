"""Which benchmarks a node is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from seawall.analysis.nodes.catalogue import Benchmark, catalogue
from seawall.analysis.nodes.node import Node
from seawall.model.version import KubernetesVersion

_MANAGED = {"eks": "EKS", "aks": "AKS", "gke": "GKE"}

_OF_LAYOUTS = {"openshift": "OpenShift keeps its settings in other places: a benchmark of its own is the better one"}


class UnknownBenchmark(Exception):
    """A name that is no benchmark; the message says which there are."""


class Chosen(NamedTuple):
    """A benchmark that a node is judged by, and what is to be said of the choice (empty: it is meant for the node)."""

    benchmark: Benchmark
    note: str = ""


def named(names: Iterable[str]) -> list[Chosen]:
    """The benchmarks of these names (``cis-k8s-1.11``).

    Raises:
        UnknownBenchmark: there is none of a name.
    """
    known = catalogue().benchmarks
    chosen = []
    for name in names:
        if name not in known:
            raise UnknownBenchmark(f"no benchmark is called {name!r}; choose from {', '.join(known)}")
        chosen.append(Chosen(known[name]))
    return chosen


def for_node(node: Node) -> list[Chosen]:
    """The benchmarks that are meant for a node: one of Kubernetes by its layout and version, those of Docker where it
    runs. Empty where nothing is on the node that a benchmark is about."""
    known = catalogue().benchmarks
    facts = node.facts
    chosen = []
    if facts.layout in _MANAGED or set(facts.components) & {"kubelet", "kube-apiserver", "etcd", "kube-proxy"}:
        chosen += _kubernetes(known, facts.layout, node.version)
    if facts.docker is not None or "dockerd" in facts.components or "docker-host" in facts.roles:
        chosen += [Chosen(each) for each in known.values() if each.kind == "docker"]
    return chosen


def _kubernetes(known: Mapping[str, Benchmark], layout: str, version: KubernetesVersion | None) -> list[Chosen]:
    fitting = [each for each in known.values() if each.kind == "kubernetes" and each.layouts and layout in each.layouts]
    if fitting:
        return [Chosen(each) for each in fitting]
    general = [each for each in known.values() if each.kind == "kubernetes" and not each.layouts]
    found = [_nearest(general, version)]
    note = _OF_LAYOUTS.get(layout, "")
    if layout in _MANAGED:
        note = f"{_MANAGED[layout]} runs the control plane: only what is on this worker is judged"
    if note:
        found = [each._replace(note=f"{each.note}; {note}" if each.note else note) for each in found]
    return found


def _nearest(benchmarks: list[Benchmark], version: KubernetesVersion | None) -> Chosen:
    """The benchmark for a version; the nearest, with a note, where none is meant for it."""
    ranges = sorted((each.versions, each) for each in benchmarks if each.versions is not None)
    (newest_versions, newest), (oldest_versions, oldest) = ranges[-1], ranges[0]
    if version is None:
        return Chosen(newest, "the node's Kubernetes version is not known: judged by the newest benchmark")
    for (first, last), each in ranges:
        if first <= version <= last:
            return Chosen(each)
    if version > newest_versions[1]:
        return Chosen(newest, _note(version, "newer", newest_versions))
    return Chosen(oldest, _note(version, "older", oldest_versions))


def _note(version: KubernetesVersion, word: str, versions: tuple[KubernetesVersion, KubernetesVersion]) -> str:
    first, last = versions
    span = str(first) if first == last else f"{first} to {last}"
    return f"Kubernetes {version} is {word} than what the nearest benchmark is for ({span})"
