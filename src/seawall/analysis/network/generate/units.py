"""What a generated policy is for: workloads as labels can tell them apart, each with a selector that picks no other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from seawall.analysis.network.ends import spread
from seawall.analysis.network.world import Pod, Workload, World
from seawall.model.kube.base import InvalidField, LabelSelector

#: Labels that controllers and releases change: a selector with one of them would soon pick nothing.
UNSTABLE = frozenset(
    (
        "pod-template-hash",
        "rollouts-pod-template-hash",
        "controller-revision-hash",
        "pod-template-generation",
        "controller-uid",
        "batch.kubernetes.io/controller-uid",
        "job-name",
        "batch.kubernetes.io/job-name",
        "batch.kubernetes.io/job-completion-index",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "helm.sh/chart",
        "chart",
        "app.kubernetes.io/version",
        "security.istio.io/tlsMode",
        "service.istio.io/canonical-revision",
        "linkerd.io/control-plane-ns",
        "linkerd.io/workload-ns",
    )
)
#: What people tell workloads by, best first, for pods without a controller's selector.
_USUAL = (
    ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"),
    ("app",),
    ("k8s-app",),
    ("name",),
)


class Unit(Struct, gc=False):
    """Workloads of a namespace whose stable labels are alike, so that no policy can tell them apart; mostly one.

    ``selector`` is a LabelSelector as a plain object; ``shared`` are labels of workloads that it picks as well, because
    nothing tells them from this one.
    """

    number: int
    namespace: str
    workloads: tuple[Workload, ...]
    labels: dict[str, str]
    selector: dict[str, Any]
    shared: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its (first) workload."""
        return self.workloads[0].name

    @property
    def label(self) -> str:
        """How its workloads are written."""
        return ", ".join(each.label for each in self.workloads)

    @property
    def pods(self) -> list[Pod]:
        """The pods of its workloads."""
        return [pod for workload in self.workloads for pod in workload.pods]


class Units:
    """Every unit of a world, and the workloads that no policy holds."""

    def __init__(self, world: World) -> None:
        self.all: list[Unit] = []
        #: The unit of each workload, by its label; none for those in their node's network.
        self.of: dict[str, Unit] = {}
        self.host_network = [workload for workload in world.workloads if workload.host_network]
        by_namespace: dict[str, list[Workload]] = {}
        for workload in world.workloads:
            # One without pods could not be read, which is told elsewhere.
            if workload.pods and not workload.host_network:
                by_namespace.setdefault(workload.namespace, []).append(workload)
        self.by_namespace: dict[str, list[Unit]] = {}
        for namespace in sorted(by_namespace):
            self._gather(namespace, by_namespace[namespace])

    def _gather(self, namespace: str, workloads: list[Workload]) -> None:
        alike: dict[tuple[tuple[str, str], ...], list[Workload]] = {}
        for workload in workloads:
            alike.setdefault(tuple(sorted(stable_labels(workload.pods).items())), []).append(workload)
        units = [
            Unit(0, namespace, tuple(found), dict(labels), {})
            for labels, found in sorted(alike.items(), key=lambda item: item[1][0].label)
        ]
        chooser = _Chooser(units)
        for place, unit in enumerate(units):
            unit.number = len(self.all)
            unit.selector, shared = chooser.choose(place)
            unit.shared = tuple(each.label for each in shared)
            self.all.append(unit)
            self.of.update((workload.label, unit) for workload in unit.workloads)
        self.by_namespace[namespace] = units


def stable_labels(pods: Sequence[Pod]) -> dict[str, str]:
    """The labels that all of some pods have, without those that change by themselves."""
    common = {key: value for key, value in pods[0].labels.items() if key not in UNSTABLE}
    for pod in pods[1:]:
        common = {key: value for key, value in common.items() if pod.labels.get(key) == value}
    return common


class _Chooser:
    """Chooses selectors among the units of one namespace; sets of pods are ints."""

    def __init__(self, units: list[Unit]) -> None:
        self._units = units
        self._owner: list[int] = []
        self._pods: list[Pod] = []
        self._own = [0] * len(units)
        self._having: dict[tuple[str, str], int] = {}
        for place, unit in enumerate(units):
            for pod in unit.pods:
                bit = 1 << len(self._pods)
                self._owner.append(place)
                self._pods.append(pod)
                self._own[place] |= bit
                for item in pod.labels.items():
                    self._having[item] = self._having.get(item, 0) | bit
        self._all = (1 << len(self._pods)) - 1

    def choose(self, place: int) -> tuple[dict[str, Any], list[Unit]]:
        """The shortest usual selector that picks this unit alone, and the units that it picks nevertheless."""
        unit = self._units[place]
        for labels in (*_candidates(unit), unit.labels):
            others = self._others(labels, place)
            if not others:
                return {"matchLabels": labels} if labels else {}, []
        terms, left = self._tell_apart(place, others)
        selector: dict[str, Any] = {"matchLabels": unit.labels} if unit.labels else {}
        if terms:
            selector["matchExpressions"] = terms
        return selector, [self._units[number] for number in sorted({self._owner[bit] for bit in spread(left)})]

    def _others(self, labels: dict[str, str], place: int) -> int:
        found = self._all & ~self._own[place]
        for item in labels.items():
            found &= self._having.get(item, 0)
        return found

    def _tell_apart(self, place: int, others: int) -> tuple[list[dict[str, Any]], int]:
        """Terms that leave out pods which have all labels of this unit and more."""
        own = [pod.labels for pod in self._units[place].pods]
        terms: list[dict[str, Any]] = []
        left = 0
        while others:
            bit = next(iter(spread(others & -others)))
            term = _term(own, self._pods[bit].labels)
            if term is None:
                left |= 1 << bit
                others &= ~(1 << bit)
                continue
            terms.append(term)
            for number in spread(others):
                value = self._pods[number].labels.get(term["key"])
                if value is not None and value in term.get("values", [value]):
                    others &= ~(1 << number)
        return sorted(terms, key=lambda term: (term["key"], term.get("values", []))), left


def _term(own: list[dict[str, str]], other: dict[str, str]) -> dict[str, Any] | None:
    """A term that holds for all of some pods and not for another: best that it lacks a label of the other."""
    for key in sorted(other):
        if key not in UNSTABLE and not any(key in labels for labels in own):
            return {"key": key, "operator": "DoesNotExist"}
    for key in sorted(other):
        if key not in UNSTABLE and not any(labels.get(key) == other[key] for labels in own):
            return {"key": key, "operator": "NotIn", "values": [other[key]]}
    return None


def _candidates(unit: Unit) -> Iterable[dict[str, str]]:
    for workload in unit.workloads:
        wanted = _controller_selector(workload)
        if wanted and wanted.items() <= unit.labels.items():
            yield dict(sorted(wanted.items()))
    for keys in _USUAL:
        if keys[0] in unit.labels:
            yield {key: unit.labels[key] for key in keys if key in unit.labels}


def _controller_selector(workload: Workload) -> dict[str, str]:
    try:
        selector = getattr(getattr(workload.resource.view, "spec", None), "selector", None)
        if isinstance(selector, LabelSelector):
            return selector.match_labels
        return selector if isinstance(selector, dict) else {}
    except InvalidField:
        return {}
