"""The network as a map in one HTML page. The document in it names every row of targets once: many sources share one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from seawall import __version__
from seawall.model.reach import Connection, End, EndKind, format_ports
from seawall.reports.html import fill

if TYPE_CHECKING:
    from seawall.engine.network import Network

#: Past this many ends the page would be slow; the document says how many were left out.
MAX_ENDS = 5000


def render(network: Network) -> Iterator[bytes]:
    """The page."""
    yield fill("netmap", msgspec.json.encode(document(network))).encode("utf-8", "replace")


def document(network: Network) -> dict[str, Any]:
    """What the page shows: ends by number, the ports of connections, rows of targets, and which end has which row.

    A row is a list of (ports, first target, count) triples in one flat list.
    """
    ends = network.ends()
    shown = ends[:MAX_ENDS]
    numbers = {end.label: number for number, end in enumerate(shown)}
    namespaces = sorted({end.namespace for end in shown if end.type is EndKind.WORKLOAD})
    facts = {each.label: each for each in network.facts}
    ports: dict[str, int] = {}
    rows: dict[tuple[int, ...], int] = {}
    of = [-1] * len(shown)
    for label, targets in _by_source(network.connections()):
        row = _row(targets, numbers, ports)
        if label not in numbers:
            numbers[label] = len(shown)
            shown.append(End(label, EndKind.CONTROLLER))
            of.append(-1)
        of[numbers[label]] = rows.setdefault(row, len(rows))
    place = {name: number for number, name in enumerate(namespaces)}
    return {
        "tool": {"name": "seawall", "version": __version__},
        "inputs": list(network.reading.options.paths),
        "complete": network.complete,
        "leftOut": max(0, len(ends) - MAX_ENDS),
        "enforcement": network.enforcement,
        "namespaces": namespaces,
        "policies": [policy.title for policy in network.reach.index.policies],
        "ends": [_end(end, place, facts.get(end.label)) for end in shown],
        "ports": list(ports),
        "rows": list(rows),
        "of": of,
        "exposures": [
            {
                "via": str(each.via),
                "end": numbers.get(each.workload, -1),
                "ports": format_ports(each.ports),
                "open": each.open,
                "note": each.note,
            }
            for each in network.exposures()
        ],
        "notes": [f"{note.resource}: {note.message}" if note.resource else note.message for note in network.notes],
        "reasons": network.reasons(),
    }


def _by_source(connections: Iterator[Connection]) -> Iterator[tuple[str, list[Connection]]]:
    """The connections of each source; they come sorted by source."""
    found: list[Connection] = []
    for each in connections:
        if found and found[0].source.label != each.source.label:
            yield found[0].source.label, found
            found = []
        found.append(each)
    if found:
        yield found[0].source.label, found


def _row(targets: list[Connection], numbers: dict[str, int], ports: dict[str, int]) -> tuple[int, ...]:
    """Flat (ports, first, count) triples of neighbouring targets on the same ports."""
    row: list[int] = []
    for each in targets:
        number = numbers.get(each.target.label)
        if number is None:
            continue
        on = ports.setdefault(format_ports(each.ports), len(ports))
        if row and row[-3] == on and row[-2] + row[-1] == number:
            row[-1] += 1
        else:
            row += (on, number, 1)
    return tuple(row)


def _end(end: End, place: dict[str, int], facts: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"label": end.label, "type": end.type}
    if facts is not None:
        found |= {
            "name": end.name,
            "kind": end.kind,
            "ns": place[end.namespace],
            "host": end.host_network,
            "in": list(facts.ingress_policies),
            "out": list(facts.egress_policies),
            "from": facts.from_outside,
            "to": facts.to_outside,
        }
    return found
