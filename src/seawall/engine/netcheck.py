"""Assertions about the network, evaluated for CI: what must not be reachable, and what must be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from seawall.analysis.network.match import BadExpression, EndMatch, parse_port
from seawall.engine.network import Network
from seawall.model.reach import Certainty, Connection, End, EndKind, format_ports
from seawall.sources.manifests.text import decode
from seawall.sources.manifests.yamltext import SyntaxProblem, parse_documents, place_in

_FIELDS = frozenset(("name", "deny", "allow"))
_SIDES = frozenset(("from", "to", "ports"))
_EXAMPLES = 10
_MAX_BYTES = 16 << 20


class BadAssertions(Exception):
    """A file of assertions that cannot be read; the message says where and why."""


class Assertion(NamedTuple):
    """``deny``: no connection may be open from any of the sources to any of the targets on any of the ports;
    otherwise each pair must have every port open (any one, where no ports are said)."""

    name: str
    deny: bool
    source: EndMatch
    target: EndMatch
    ports: tuple[tuple[str, int, int], ...]
    line: int


class Outcome(NamedTuple):
    """What became of an assertion. ``state`` is held, violated or empty (it names no ends: nothing was judged);
    ``examples`` are some of the connections that violate it, ``violations`` how many there are."""

    assertion: Assertion
    state: str
    violations: int
    pairs: int
    examples: tuple[str, ...]


def read_assertions(path: str) -> list[Assertion]:
    """Read a YAML file with ``assertions``: a list of ``deny`` or ``allow`` with ``from``, ``to`` and ``ports``.

    Raises:
        BadAssertions: it cannot be read or understood.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise BadAssertions(f"{path}: larger than {_MAX_BYTES >> 20} MiB; split it")
        text = decode(data)
        documents = parse_documents(text)
    except OSError as error:
        raise BadAssertions(f"{path}: cannot be read: {error.strerror}") from error
    except SyntaxProblem as problem:
        raise BadAssertions(f"{path}:{problem.line}:{problem.column}: {problem.message}") from problem
    found: list[Assertion] = []
    for document in documents:
        value = document.value
        base: tuple[str | int, ...] = ()
        if isinstance(value, dict) and "assertions" in value:
            value, base = value["assertions"], ("assertions",)
        items = value if isinstance(value, list) else [value]
        for number, item in enumerate(items):
            where = (*base, number) if isinstance(value, list) else base
            line = place_in(document.marks, where)[0] + 1
            try:
                found += _read(item, line)
            except BadExpression as error:
                raise BadAssertions(f"{path}:{line}: {error}") from error
    if not found:
        raise BadAssertions(f"{path}: holds no assertions; write `assertions:` and a list of deny and allow")
    return found


def _read(item: Any, line: int) -> Iterator[Assertion]:
    if not isinstance(item, dict) or not item.keys() <= _FIELDS or not item.keys() & {"deny", "allow"}:
        raise BadExpression("an assertion has deny or allow, and may have a name")
    for kind in ("deny", "allow"):
        if kind not in item:
            continue
        sides = item[kind]
        if not isinstance(sides, dict) or not sides.keys() <= _SIDES or not {"from", "to"} <= sides.keys():
            raise BadExpression(f"{kind} has from and to, and may have ports")
        ports = sides.get("ports", [])
        ports = ports if isinstance(ports, list) else [ports]
        ends = [sides["from"], sides["to"]]
        if any(not isinstance(end, str) for end in ends):
            raise BadExpression("from and to must be text, such as ns=dev")
        source, target = (EndMatch(end) for end in ends)
        name = item.get("name") or f"{kind} {source.text} -> {target.text}"
        yield Assertion(str(name), kind == "deny", source, target, tuple(parse_port(str(p)) for p in ports), line)


def check(network: Network, assertions: list[Assertion]) -> list[Outcome]:
    """Judge assertions; a network that was built with their addresses and ports gives exact answers."""
    return [_judge(network, assertion) for assertion in assertions]


def _judge(network: Network, assertion: Assertion) -> Outcome:
    reach = network.reach

    def source(end: End) -> bool:
        return assertion.source.test(end, reach.labels_of)

    def target(end: End) -> bool:
        return assertion.target.test(end, reach.labels_of)

    ends = network.ends()
    sources, targets = [end for end in ends if source(end)], [end for end in ends if target(end)]
    both = {end.label for end in sources} & {end.label for end in targets}
    outside = sum(1 for a in sources if a.type is not EndKind.WORKLOAD) * sum(
        1 for b in targets if b.type is not EndKind.WORKLOAD
    )
    pairs = len(sources) * len(targets) - len(both) - outside
    if not pairs:
        return Outcome(assertion, "empty", 0, 0, ())
    asked = 0
    for port in assertion.ports:
        asked |= reach.index.ports.mask(*port)
    open_pairs: dict[tuple[str, str], None] = {}
    examples: list[str] = []
    for each in reach.connections(source, target):
        mask = _mask(network, each)
        hit = bool(mask & asked) if assertion.deny and asked else asked & ~mask == 0
        if hit:
            open_pairs[each.source.label, each.target.label] = None
            if assertion.deny and len(examples) < _EXAMPLES:
                examples.append(_shown(network, each, mask & asked if asked else mask))
    if assertion.deny:
        return Outcome(assertion, "violated" if open_pairs else "held", len(open_pairs), pairs, tuple(examples))
    missing = _missing(sources, targets, open_pairs)
    first = [f"{a} => {b}" for a, b in missing[:_EXAMPLES]]
    return Outcome(assertion, "violated" if missing else "held", len(missing), pairs, tuple(first))


def _missing(sources: list[End], targets: list[End], open_pairs: dict[tuple[str, str], None]) -> list[tuple[str, str]]:
    return [
        (a.label, b.label)
        for a in sources
        for b in targets
        if a.label != b.label
        and (a.type is EndKind.WORKLOAD or b.type is EndKind.WORKLOAD)
        and (a.label, b.label) not in open_pairs
    ]


def _mask(network: Network, each: Connection) -> int:
    mask = 0
    for one in each.ports:
        mask |= network.reach.index.ports.mask(*one)
    return mask


def _shown(network: Network, each: Connection, mask: int) -> str:
    unsure = " (depends on the CNI)" if each.certainty is Certainty.CNI else ""
    return f"{each.source.label} => {each.target.label} : {format_ports(network.reach.ports(mask))}{unsure}"
