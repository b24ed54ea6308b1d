"""Questions about the network: read the inputs, evaluate, and account for everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from msgspec.structs import replace

from seawall.analysis.network.drafts import find_end
from seawall.analysis.network.ends import CONTROLLER, GATEWAY
from seawall.analysis.network.enforcement import enforcement
from seawall.analysis.network.explain import Verdict, explain
from seawall.analysis.network.exposure import exposures
from seawall.analysis.network.facts import Facts, facts
from seawall.analysis.network.form import AddressRange, Direction, Problem
from seawall.analysis.network.index import Options
from seawall.analysis.network.match import BadExpression, EndMatch, parse_port
from seawall.analysis.network.mesh import Mesh, build_mesh
from seawall.analysis.network.notes import notes
from seawall.analysis.network.reach import Reach
from seawall.engine.reading import Reading, ReadOptions
from seawall.model.finding import SourceError
from seawall.model.paths import format_path
from seawall.model.reach import Certainty, Connection, End, Enforcement, Exposure, Note
from seawall.model.resource import Inventory


class Question(NamedTuple):
    """Which connections are asked for: ends as expressions, a port or None for any."""

    source: str | None = None
    target: str | None = None
    port: str | None = None


class _Test:
    """Whether an end is asked for."""

    def __init__(self, match: EndMatch | None, reach: Reach) -> None:
        self.match, self.reach = match, reach

    def __call__(self, end: End) -> bool:
        return self.match is None or self.match.test(end, self.reach.labels_of)


class Network:
    """The network of what was read, ready to be asked.

    Raises:
        BadExpression: the question names ends or ports in a way that cannot be read.
    """

    def __init__(
        self,
        options: ReadOptions,
        question: Question | None = None,
        *,
        by_address: bool = False,
        more: Iterable[EndMatch] = (),
        ports: Iterable[tuple[str, int, int]] = (),
    ) -> None:
        question = question or Question()
        self._source = EndMatch(question.source) if question.source is not None else None
        self._target = EndMatch(question.target) if question.target is not None else None
        self._port = parse_port(question.port) if question.port is not None else None
        self.reading = Reading(options)
        self.inventory: Inventory = self.reading.inventory()
        asked = [each for each in (self._source, self._target, *more) if each is not None]
        self.mesh: Mesh = build_mesh(self.inventory)
        self._options = Options(
            by_address=by_address,
            ports=(*ports, *self.mesh.ports(), *((self._port,) if self._port else ())),
            outside=tuple(each for match in asked for each in match.addresses),
            fact=self.mesh.fact if self.mesh.present else None,
            gate=self.mesh.gate if self.mesh.present else None,
        )
        self.reach = Reach(self.inventory, self._options)
        for word, match in (("--from", self._source), ("--to", self._target)):
            if match is not None and not self._means_any(match):
                raise BadExpression(
                    f"{word} {match.text!r} names nothing that was read; `seawall network reach` lists all"
                )

    def _means_any(self, match: EndMatch) -> bool:
        test = self._test(match)
        return not self.reach.world.workloads or any(map(test, (*self.ends(), CONTROLLER, GATEWAY)))

    def cut_at(self, ranges: Iterable[AddressRange]) -> None:
        """Tell some outside ranges apart that the policies do not, to compare with another network."""
        self._options = replace(self._options, outside=tuple(ranges))
        self.reach = Reach(self.inventory, self._options, self.reach.lowered)

    @cached_property
    def enforcement(self) -> Enforcement:
        """Whether policies hold at all."""
        return enforcement(self.reach.world)

    @cached_property
    def notes(self) -> list[Note]:
        """What a reader must know."""
        return list(dict.fromkeys([*notes(self.reach), *self.mesh.notes]))

    @cached_property
    def facts(self) -> list[Facts]:
        """What there is to tell of each workload."""
        return facts(self.reach)

    def ends(self) -> list[End]:
        """Every end, sorted by label."""
        return self.reach.ends()

    def exposures(self) -> list[Exposure]:
        """The ways in from outside."""
        return list(exposures(self.reach))

    def connections(self) -> Iterator[Connection]:
        """Every connection that was asked for, sorted, made one at a time."""
        for each in self.reach.connections(self._test(self._source), self._test(self._target)):
            if self._port is not None:
                mask = self.reach.index.ports.mask(*self._port) & self._mask(each)
                if not mask:
                    continue
                each = Connection(each.source, each.target, self.reach.ports(mask), each.certainty)
            yield self._with_link(each) if self.mesh.present else each

    def _with_link(self, each: Connection) -> Connection:
        numbers = self.reach.number(each.source.label), self.reach.number(each.target.label)
        link = self.mesh.link(each, self.reach.index, numbers)
        return Connection(each.source, each.target, each.ports, each.certainty, link)

    def _mask(self, each: Connection) -> int:
        mask = 0
        for one in each.ports:
            mask |= self.reach.index.ports.mask(*one)
        return mask

    def _test(self, match: EndMatch | None) -> _Test:
        return _Test(match, self.reach)

    def errors(self) -> list[SourceError]:
        """Everything that could not be read or understood; each place once."""
        found = list(self.reading.errors)
        known = {(error.source, error.where) for error in found}
        for problem in [*self.reach.lowered.problems, *self.mesh.problems]:
            error = located(problem)
            if (error.source, error.where) not in known:
                found.append(error)
        found += [
            SourceError(r.origin.file, "", f"{r.ref}: policies of this kind are not read: the answer leaves them out")
            for r in self.reach.lowered.foreign
        ]
        found += [
            SourceError(r.origin.file, "", f"{r.ref}: {format_path(path) or 'could not be read'}: not judged")
            for r, path in self.reach.services.unread
        ]
        return found

    def reasons(self) -> list[str]:
        """Why the answer is incomplete, a line each; empty where it is complete."""
        lines = [str(error) for error in self.errors()]
        lines += [f"{path}: not judged: needs rendering ({what})" for path, what in self.reading.unrendered]
        if not self.inventory.resources:
            if lines:
                return lines
            lines.append("nothing to judge was found: name files or folders with Kubernetes manifests")
        elif not self.reach.world.workloads:
            lines.append("no pods and no workloads were found: there is nothing that connections could be between")
        return lines

    @property
    def complete(self) -> bool:
        """Whether everything that was named could be read and understood."""
        return not self.reasons()


def located(problem: Problem) -> SourceError:
    """A problem as an error with file, line and column."""
    place = problem.resource.origin.locate([problem.path])[0]
    where = f"{place.line}:{place.column}" if place.line else ""
    text = f"{problem.resource.ref}: {format_path(problem.path)}: {problem.message}"
    return SourceError(place.file, where, text)


class Explanation(NamedTuple):
    """What is said of one connection: both directions, and the mesh's word where there is one."""

    source: str
    target: str
    port: tuple[str, int, int]
    allowed: bool
    verdicts: tuple[Verdict, Verdict]
    certainty: Certainty
    mesh: str


def explain_pair(network: Network, source: str, target: str, port: tuple[str, int, int]) -> list[Explanation]:
    """Explain a connection for each pair of kinds of pods that the two ends have.

    Raises:
        BadExpression: an end is not in the inventory, or it is asked for several ports.
    """
    if port[1] != port[2]:
        raise BadExpression("one port at a time can be explained; write 8080 or udp/53")
    reach = network.reach
    first, second = _one(reach, source, True), _one(reach, target, False)
    mask = reach.index.ports.mask(*port)
    found: list[Explanation] = []
    for a in reach.bits(first):
        for b in reach.bits(second):
            verdicts = tuple(explain(reach.index, a, b, mask, direction) for direction in reversed(Direction))
            allowed = bool(reach.index.allowed(a, b) & mask)
            certainty = Certainty.EXACT if reach.index.certain(a, b) else Certainty.CNI
            mesh = network.mesh.word(reach.index, a, b, mask) if network.mesh.present else ""
            labels = reach.label(first), reach.label(second)
            found.append(Explanation(*labels, port, allowed, (verdicts[0], verdicts[1]), certainty, mesh))
    return found


def _one(reach: Reach, text: str, is_source: bool) -> int:
    number = find_end(reach, text, is_source)
    if number is not None:
        return number
    if is_source and text in ("ingress-controller", "{ingress-controller}"):
        return ~reach.index.ends.controller
    match = EndMatch(text)
    found = [n for n, end in enumerate(reach.workload_ends) if match.test(end, reach.labels_of)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise BadExpression(f"{text!r} is no workload that was read; `seawall network reach` lists them")
    names = ", ".join(reach.workload_ends[n].label for n in found[:5])
    raise BadExpression(f"{text!r} means {len(found)} workloads ({names}...); name one as NS/NAME[KIND]")


__all__ = ["BadExpression", "EndMatch", "Explanation", "Network", "Question", "explain_pair", "located", "parse_port"]
