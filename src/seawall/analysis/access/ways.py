"""Questions to a graph of steps: what is reached from a point, by whom, and by which shortest way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from seawall.analysis.access.components import gather
from seawall.analysis.access.points import Point, Step
from seawall.model.access import Subject


class Ways(ABC):
    """Points by number, and for each the steps that lead on, by the number of their target."""

    def __init__(self) -> None:
        self._numbers: dict[Point, int] = {}
        self._points: list[Point] = []
        self._edges: list[dict[int, Any]] = []

    @abstractmethod
    def _step(self, source: int, target: int) -> Step:
        """The step between two numbered points."""

    @property
    def points(self) -> Sequence[Point]:
        """All identities and hubs."""
        return tuple(self._points)

    def reach(self, subject: Point) -> list[Point]:
        """Everything that a point can become, nearest first."""
        start = self._numbers.get(subject)
        return [] if start is None else [self._points[number] for number in self._before(start)]

    def _before(self, start: int) -> dict[int, int]:
        """Everything that is reached, each with the point before it on a shortest way."""
        found: dict[int, int] = {}
        queue = deque([start])
        while queue:
            current = queue.popleft()
            for number in self._edges[current]:
                if number != start and number not in found:
                    found[number] = current
                    queue.append(number)
        return found

    def path(self, source: Point, target: Point) -> list[Step]:
        """A shortest way, step by step; empty where there is none."""
        start, goal = self._numbers.get(source), self._numbers.get(target)
        if start is None or goal is None:
            return []
        before = self._before(start)
        steps: list[Step] = []
        while goal != start:
            if goal not in before:
                return []
            steps.append(self._step(before[goal], goal))
            goal = before[goal]
        return steps[::-1]

    def next_to(self, target: Point) -> Mapping[Point, Point]:
        """Everything that can become the target, each with the next point on a shortest way to it."""
        goal = self._numbers.get(target)
        if goal is None:
            return {}
        back: dict[int, list[int]] = defaultdict(list)
        for number, edges in enumerate(self._edges):
            for other in edges:
                back[other].append(number)
        found: dict[int, int] = {}
        queue = deque([goal])
        while queue:
            current = queue.popleft()
            for number in back[current]:
                if number != goal and number not in found:
                    found[number] = current
                    queue.append(number)
        return {self._points[number]: self._points[after] for number, after in found.items()}

    def follow(self, source: Point, target: Point, after: Mapping[Point, Point]) -> list[Step]:
        """The way to a target along what :meth:`next_to` gave for it."""
        steps: list[Step] = []
        while source != target:
            steps.append(self._step(self._numbers[source], self._numbers[after[source]]))
            source = after[source]
        return steps

    def who_reaches(self, target: Point) -> list[Point]:
        """Everything that can become the target, in order of their numbers."""
        return sorted(self.next_to(target), key=self._numbers.__getitem__)

    def subjects_beyond_themselves(self) -> list[tuple[str, int]]:
        """For every identity that can become others, how many: worst first."""
        own = [{"": 1 << number} if isinstance(point, Subject) else {} for number, point in enumerate(self._points)]
        merged, _ = gather([list(edges) for edges in self._edges], own)
        found = [
            (str(point), (merged[number].get("", 0) & ~(1 << number)).bit_count())
            for number, point in enumerate(self._points)
            if isinstance(point, Subject)
        ]
        return sorted((each for each in found if each[1]), key=lambda each: (-each[1], each[0]))
