"""Attack paths as one HTML page: paths as pictures, the graph to walk through, and what to mend first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from seawall.analysis.paths.kinds import STEP_KINDS
from seawall.engine.paths import Answer, Attack
from seawall.model.attack import Step, Trace
from seawall.model.paths import format_path
from seawall.reports.html import fill
from seawall.reports.paths import told

#: Past this many steps the page would be slow; it says how many were left out. Those of the paths are always there.
MAX_STEPS = 20_000


def render(attack: Attack, answer: Answer) -> bytes:
    """The page."""
    return fill("pathmap", msgspec.json.encode(document(attack, answer)), base="netmap").encode("utf-8", "replace")


def document(attack: Attack, answer: Answer) -> dict[str, Any]:
    """What the page shows: the answer, and the graph by numbers, each text in it once."""
    body = told(attack, answer)
    body.pop("paths")
    graph = _Graph(attack)
    drawn = [
        {"why": path.why, "likelihood": path.likelihood, "steps": [graph.add(step) for step in path.raw]}
        for path in answer.paths
    ]
    steps = list(attack.graph.steps())
    left_out = 0
    for step in steps:
        if len(graph.steps) < MAX_STEPS:
            graph.add(step)
        else:
            left_out += graph.number(step) is None
    return {**body, "drawn": drawn, "graph": {**graph.told(), "leftOut": left_out}}


class _Graph:
    def __init__(self, attack: Attack) -> None:
        self._attack = attack
        self._places: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self.steps: list[list[Any]] = []
        self._words: dict[str, int] = {}
        self._traces: dict[str, int] = {}
        self._kinds: dict[str, int] = {}
        self._removables: dict[int, int] = {}

    def number(self, step: Step) -> int | None:
        """Its number; None where it was not added."""
        return self._numbers.get(id(step))

    def add(self, step: Step) -> int:
        """The number of a step, which is added unless it is there."""
        known = self.number(step)
        if known is not None:
            return known
        self._numbers[id(step)] = len(self.steps)
        self.steps.append(
            [
                self._places.setdefault(step.source, len(self._places)),
                self._places.setdefault(step.target, len(self._places)),
                self._kinds.setdefault(step.kind, len(self._kinds)),
                self._words.setdefault(step.how, len(self._words)),
                [self._removables.setdefault(each, len(self._removables)) for each in step.removables],
                [self._traces.setdefault(self._trace(each), len(self._traces)) for each in step.traces],
            ]
        )
        return len(self.steps) - 1

    def _trace(self, trace: Trace) -> str:
        location = self._attack.locate(trace.resource, trace.path)
        where = f" ({location.file}:{location.line})" if location is not None and location.line else ""
        path = f" {format_path(trace.path)}" if trace.path else ""
        return f"{trace.resource}{path}{where}{trace.note and f': {trace.note}'}"

    def told(self) -> dict[str, Any]:
        """The graph as the page reads it."""
        places = [self._attack.graph.places[number] for number in self._places]
        kinds = list(dict.fromkeys(str(place.kind) for place in places))
        return {
            "kinds": kinds,
            "places": [[kinds.index(str(place.kind)), place.namespace, place.name] for place in places],
            "stepKinds": [_kind(kind) for kind in self._kinds],
            "steps": self.steps,
            "words": list(self._words),
            "traces": list(self._traces),
            "removables": _whats(self._attack, self._removables),
        }


def _whats(attack: Attack, numbers: Iterable[int]) -> list[str]:
    found = [attack.graph.removables[number] for number in numbers]
    return [each.what if str(each.resource) in each.what else f"{each.what}: {each.resource}" for each in found]


def _kind(name: str) -> dict[str, Any]:
    kind = STEP_KINDS[name]
    return {
        "id": kind.id,
        "title": kind.title,
        "needs": kind.needs,
        "reference": kind.source,
        "severity": str(kind.severity),
        "rule": kind.rule,
    }
