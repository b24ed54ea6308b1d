"""Attack paths of an estate: reads what was named, builds the graph, and asks it."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import prod

from msgspec import Struct

from seawall.analysis.access import AccessIndex, build_index
from seawall.analysis.paths.asking import places_named
from seawall.analysis.paths.assembling import build_graph
from seawall.analysis.paths.cut import Cut, smallest_cut
from seawall.analysis.paths.kinds import STEP_KINDS
from seawall.analysis.paths.needs import Losses
from seawall.analysis.paths.walk import best_paths, count_pairs, reached_by
from seawall.engine.attackinputs import inputs_of
from seawall.engine.exploited import exploited_images
from seawall.engine.reading import Reading, ReadOptions
from seawall.model.attack import AttackGraph, Place, PlaceKind, Removable, Step, StepKind
from seawall.model.finding import Location, ResourceRef
from seawall.model.kube.base import InvalidField
from seawall.model.paths import Path, format_path
from seawall.model.resource import Inventory, NotRead, Resource
from seawall.model.version import NEWEST, KubernetesVersion

#: What paths lead to where nothing else is asked for, the worst first.
TARGETS = "admin,nodes,secrets"
#: The same for choke points: to cut a workload from the Secrets that it is given is seldom meant.
CHOKED = "admin,nodes"
_ORDER = (PlaceKind.ADMIN, PlaceKind.NODE, PlaceKind.CLOUD, PlaceKind.SECRET, PlaceKind.VOLUME)


class Told(Struct, frozen=True):
    """Where a step comes from: the object, the field, the file with the line, and a note."""

    resource: ResourceRef
    path: str
    location: Location | None
    note: str


class ToldStep(Struct, frozen=True):
    """A step as it is told; ``mend`` are the numbers of removables any of which ends it."""

    source: Place
    target: Place
    kind: StepKind
    how: str
    likelihood: float
    evidence: tuple[Told, ...]
    mend: tuple[int, ...]


class FoundPath(Struct, frozen=True):
    """A path; ``why`` says what is best about it: shortest, likeliest, or both. ``raw`` are its steps in the graph."""

    why: str
    likelihood: float
    steps: tuple[ToldStep, ...]
    raw: tuple[Step, ...]


class Choke(Struct, frozen=True):
    """Something to remove: how many pairs of an entry and a target are gone without it, verified by removing it."""

    number: int
    removable: Removable
    location: Location | None
    lost: int
    verified: bool


class ChokePoints(Struct, frozen=True):
    """The smallest cut, whether it is known to be that, what every removable alone ends, and what cannot be ended."""

    pairs: int
    cut: Cut
    chosen: tuple[Choke, ...]
    verified: bool
    left: int
    singles: tuple[Choke, ...]
    uncuttable: tuple[tuple[Place, int], ...]


class Summary(Struct, frozen=True):
    """How many entries reach how many targets, by kind of target: targets, reached ones, entries that reach any."""

    entries: int
    pairs: int
    kinds: tuple[tuple[PlaceKind, int, int, int], ...]


class Question(Struct, frozen=True):
    """What is asked: ``paths``, ``summary`` or ``chokepoints``; from where to what, and how many paths at most."""

    kind: str
    source: str
    target: str
    limit: int


class Answer(Struct, frozen=True):
    """The answer to a question: all parts where the whole was asked for, else the one that it is about."""

    question: Question
    paths: tuple[FoundPath, ...] = ()
    summary: Summary | None = None
    choke_points: ChokePoints | None = None


class Attack:
    """The attack graph of what was read. Questions are answered from it as often as wanted.

    With ``findings``, files of results, only images with a vulnerability that is known to be exploited are broken into.

    Raises:
        ResultsError: one of those files holds no results.
    """

    def __init__(
        self,
        options: ReadOptions,
        version: KubernetesVersion | None = None,
        findings: Sequence[str] | None = None,
    ) -> None:
        # Nothing of it goes before the command ends, and all of it is looked through again and again.
        gc.disable()
        self.reading = Reading(options)
        self.inventory: Inventory = self.reading.inventory()
        self.version = version or max(self.reading.versions, default=NEWEST)
        self.problem = ""
        self.assume = "breach" if findings is None else "cve"
        self.graph = AttackGraph((), (), ())
        try:
            exploited = None if findings is None else exploited_images(findings, self.inventory)
            self.graph = graph_of(self.inventory, self.version, exploited)
        except InvalidField as invalid:
            self.problem = f"paths were not judged: {format_path(invalid.path)} of a role or binding has the wrong type"
        except NotRead as missing:
            self.problem = f"paths were not judged: {missing}"
        self._resources: dict[ResourceRef, Resource] = {each.ref: each for each in self.inventory.resources}
        self._located: dict[tuple[ResourceRef, Path], Location | None] = {}

    def problems(self) -> list[str]:
        """Why answers may be wrong, a line each; empty where all was read."""
        lines = [str(error) for error in self.reading.errors]
        lines += [f"{path}: not judged: needs rendering ({what})" for path, what in self.reading.unrendered]
        lines += self.graph.notes
        if self.problem:
            lines.append(self.problem)
        elif not lines and not self.graph.of_kind(PlaceKind.CONTAINER):
            lines.append("no workloads were found: name the files, folder, snapshot or cluster with them")
        return lines

    def places(self, text: str) -> list[int]:
        """The places that an expression means.

        Raises:
            NoSuchPlaceError: it means none.
        """
        return places_named(self.graph, text)

    def paths(self, entries: Iterable[int], targets: Iterable[int], limit: int) -> list[FoundPath]:
        """To each target that is reached the likeliest path, and the shortest where that is another; worst first."""
        starts, goals = list(entries), list(targets)
        likely = best_paths(self.graph, starts, goals, likeliest=True)
        short = best_paths(self.graph, starts, goals, likeliest=False)
        order = sorted(likely, key=lambda goal: (_rank(self.graph.places[goal]), -_odds(likely[goal]), goal))
        found: list[FoundPath] = []
        for goal in order:
            if len(found) >= limit:
                break
            same = likely[goal] == short[goal]
            found.append(self._told("shortest and likeliest" if same else "likeliest", likely[goal]))
            if not same:
                found.append(self._told("shortest", short[goal]))
        return found[:limit]

    def summary(self, entries: Iterable[int], targets: Iterable[int]) -> Summary:
        """How many entries reach how many targets."""
        starts, masks = reached_by(self.graph, entries)
        bit = {start: 1 << number for number, start in enumerate(starts)}
        count: Counter[PlaceKind] = Counter()
        reached: Counter[PlaceKind] = Counter()
        by: dict[PlaceKind, int] = {}
        total = 0
        for goal in set(targets):
            kind = self.graph.places[goal].kind
            mask = masks[goal] & ~bit.get(goal, 0)
            count[kind] += 1
            reached[kind] += mask > 0
            by[kind] = by.get(kind, 0) | mask
            total += mask.bit_count()
        kinds = sorted(count, key=lambda kind: _ORDER.index(kind) if kind in _ORDER else len(_ORDER))
        return Summary(
            len(starts), total, tuple((kind, count[kind], reached[kind], by[kind].bit_count()) for kind in kinds)
        )

    def choke_points(self, entries: Iterable[int], targets: Iterable[int]) -> ChokePoints:
        """What to remove. Every number is verified: the removable is removed, and the pairs are counted again."""
        starts, goals = list(entries), list(targets)
        losses = Losses(self.graph, starts, goals)
        cut = smallest_cut(self.graph, starts, goals)
        left = self._count(starts, goals, cut.removables)
        best = sorted(losses.of, key=lambda number: (-losses.of[number], number))
        shown = dict.fromkeys((*sorted(cut.removables, key=lambda n: (-losses.of.get(n, 0), n)), *best[:20]))
        told = {number: self._choke(number, losses, starts, goals) for number in shown}
        places = Counter(goal for _, goal in cut.uncuttable)
        return ChokePoints(
            losses.pairs,
            cut,
            tuple(told[number] for number in shown if number in cut.removables),
            left == len(cut.uncuttable),
            left,
            tuple(told[number] for number in best[:20]),
            tuple((self.graph.places[goal], count) for goal, count in sorted(places.items())),
        )

    def _count(self, starts: list[int], goals: list[int], without: frozenset[int]) -> int:
        return count_pairs(self.graph, starts, goals, without)

    def _choke(self, number: int, losses: Losses, starts: list[int], goals: list[int]) -> Choke:
        removable, lost = self.graph.removables[number], losses.of.get(number, 0)
        again = losses.pairs - self._count(starts, goals, frozenset((number,)))
        return Choke(number, removable, self.locate(removable.resource, removable.path), lost, again == lost)

    def locate(self, ref: ResourceRef, path: Path) -> Location | None:
        """Where a field of an object stands; each place is looked up once."""
        key = (ref, path)
        if key not in self._located:
            resource = self._resources.get(ref)
            self._located[key] = resource.origin.locate([path])[0] if resource is not None else None
        return self._located[key]

    def _told(self, why: str, path: list[Step]) -> FoundPath:
        return FoundPath(why, _odds(path), tuple(self.tell(step) for step in path), tuple(path))

    def tell(self, step: Step) -> ToldStep:
        """A step with its evidence."""
        evidence = tuple(
            Told(each.resource, format_path(each.path), self.locate(each.resource, each.path), each.note)
            for each in step.traces
        )
        places = self.graph.places
        return ToldStep(
            places[step.source],
            places[step.target],
            STEP_KINDS[step.kind],
            step.how,
            step.likelihood,
            evidence,
            step.removables,
        )


def answer(attack: Attack, question: Question, whole: bool = False) -> Answer:
    """Answer a question, or all three of them.

    Raises:
        NoSuchPlaceError: it names what is not there.
    """
    if not attack.graph.places:
        return Answer(question)
    starts, goals = attack.places(question.source), attack.places(question.target)
    return Answer(
        question,
        tuple(attack.paths(starts, goals, question.limit)) if whole or question.kind == "paths" else (),
        attack.summary(starts, goals),
        attack.choke_points(starts, goals) if whole or question.kind == "chokepoints" else None,
    )


def graph_of(
    inventory: Inventory, version: KubernetesVersion, exploited: Mapping[str, tuple[str, ...]] | None = None
) -> AttackGraph:
    """The attack graph of an inventory.

    Raises:
        InvalidField: a role or binding has a field of the wrong type that decides what it grants.
        NotRead: a kind was not read that it cannot be built without.
    """
    index: AccessIndex = build_index(inventory)
    return build_graph(inputs_of(inventory, index, version, exploited))


def _odds(path: list[Step]) -> float:
    return prod(step.likelihood for step in path)


def _rank(place: Place) -> int:
    return _ORDER.index(place.kind) if place.kind in _ORDER else len(_ORDER)


__all__ = [
    "CHOKED",
    "TARGETS",
    "Answer",
    "Attack",
    "ChokePoints",
    "FoundPath",
    "Question",
    "Summary",
    "answer",
    "graph_of",
]
