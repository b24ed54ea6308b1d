"""Telling what can reach what: lines, JSON, DOT, a terminal summary, and a map. Rows are written as they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from seawall import __version__
from seawall.model.reach import ALL_PORTS, Certainty, Connection, End, EndKind, Link, Ports, format_ports

if TYPE_CHECKING:
    from seawall.engine.netcheck import Outcome
    from seawall.engine.netdiff import Change
    from seawall.engine.network import Explanation, Network

REACH, DIFF, CHECK, EXPLAIN = "seawall.reach/v1", "seawall.netdiff/v1", "seawall.netcheck/v1", "seawall.netexplain/v1"
_BATCH = 1000


def lines(network: Network) -> Iterator[bytes]:
    """``from => to : ports``, one connection a line; IPv4 only, as the tools do that read this form."""
    batch: list[str] = []
    for each in network.connections():
        if _is_ipv6(each.source) or _is_ipv6(each.target):
            continue
        batch.append(f"{each.source.label} => {each.target.label} : {format_ports(each.ports)}\n")
        if len(batch) == _BATCH:
            yield "".join(batch).encode()
            batch.clear()
    yield "".join(batch).encode()


def _is_ipv6(end: End) -> bool:
    return end.type is EndKind.OUTSIDE and ":" in end.label


def json(network: Network) -> Iterator[bytes]:
    """``seawall.reach/v1``; its schema lies in ``schemas/reach.v1.json``."""
    encode = msgspec.json.Encoder().encode
    facts = {each.label: each for each in network.facts}
    head = {
        **_head(REACH, network),
        "ends": [_end(end, facts.get(end.label)) for end in network.ends()],
        "policies": [str(policy.title) for policy in network.reach.index.policies],
        "exposures": [
            {"via": e.via, "workload": e.workload, "ports": _ports(e.ports), "open": e.open, "note": e.note}
            for e in network.exposures()
        ],
        "notes": [{"message": note.message, "resource": note.resource} for note in network.notes],
    }
    yield encode(head)[:-1] + b',"connections":['
    batch: list[dict[str, Any]] = []
    written = False
    for each in network.connections():
        batch.append(_connection(each))
        if len(batch) == _BATCH:
            yield (b"," if written else b"") + encode(batch)[1:-1]
            written = True
            batch.clear()
    if batch:
        yield (b"," if written else b"") + encode(batch)[1:-1]
    yield b"]," + encode({"errors": _errors(network)})[1:] + b"\n"


def _head(schema: str, network: Network) -> dict[str, Any]:
    return {
        "schema": schema,
        "tool": {"name": "seawall", "version": __version__},
        "inputs": _inputs(network),
        "complete": network.complete,
        "enforcement": network.enforcement,
    }


def _inputs(network: Network) -> list[dict[str, str]]:
    paths = network.reading.options.paths
    return [{"path": path, "kind": "stdin" if path == "-" else "manifests"} for path in paths]


def _errors(network: Network) -> list[dict[str, str]]:
    return [{"source": e.source, "where": e.where, "message": e.message} for e in network.errors()]


def _end(end: End, facts: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"label": end.label, "type": end.type}
    if end.type is EndKind.WORKLOAD:
        found |= {
            "namespace": end.namespace,
            "name": end.name,
            "kind": end.kind,
            "hostNetwork": end.host_network,
            "ingressPolicies": list(facts.ingress_policies),
            "egressPolicies": list(facts.egress_policies),
            "reaches": facts.reaches,
            "reachedBy": facts.reached_by,
            "fromOutside": facts.from_outside,
            "toOutside": facts.to_outside,
        }
    return found


def _connection(each: Connection) -> dict[str, Any]:
    found: dict[str, Any] = {"from": each.source.label, "to": each.target.label, "ports": _ports(each.ports)}
    if each.certainty is not Certainty.EXACT:
        found["certainty"] = each.certainty
    if each.link is not Link.PLAIN:
        found["link"] = each.link
    return found


def _ports(ports: Ports) -> str | list[dict[str, Any]]:
    if ports == ALL_PORTS:
        return "all"
    return [{"protocol": p.protocol, "first": p.first, "last": p.last} for p in ports]


def dot(network: Network) -> Iterator[bytes]:
    """A graph for Graphviz, namespaces as clusters."""
    yield b"digraph {\n"
    by_namespace: dict[str, list[End]] = {}
    for end in network.ends():
        by_namespace.setdefault(end.namespace if end.type is EndKind.WORKLOAD else "", []).append(end)
    for number, (namespace, ends) in enumerate(sorted(by_namespace.items())):
        if namespace:
            yield f"  subgraph cluster_{number} {{\n    label={_quoted(namespace)}\n".encode()
        for end in ends:
            colour = "blue" if end.type is EndKind.WORKLOAD else "red"
            text = f"{end.name}[{end.kind}]" if namespace else end.label
            yield f"  {_quoted(end.label)} [label={_quoted(text)} color={colour}]\n".encode()
        if namespace:
            yield b"  }\n"
    for each in network.connections():
        style = " style=dashed" if each.certainty is not Certainty.EXACT else ""
        label = _quoted(format_ports(each.ports))
        yield f"  {_quoted(each.source.label)} -> {_quoted(each.target.label)} [label={label}{style}]\n".encode()
    yield b"}\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def terminal(network: Network) -> Iterator[bytes]:
    """What a person wants to know first: what is held, what is exposed, who reaches furthest."""
    return (f"{line}\n".encode("utf-8", "replace") for line in _terminal(network))


def _terminal(network: Network) -> Iterator[str]:
    yield f"Policies: {network.enforcement.state}"
    yield from (f"  {_clean(each)}" for each in network.enforcement.evidence)
    yield ""
    width = max((len(each.label) for each in network.facts), default=8)
    width = min(width, 70)
    yield f"{'WORKLOAD':<{width}}  {'HELD':<7} {'REACHES':>7} {'REACHED BY':>10}  FROM OUTSIDE  TO OUTSIDE"
    for each in sorted(network.facts, key=lambda f: (-f.reaches, f.label)):
        held = ("in" if each.ingress_policies else "") + ("+out" if each.egress_policies else "")
        row = f"{_clean(each.label):<{width}}  {held.strip('+') or 'no':<7} {each.reaches:>7} {each.reached_by:>10}"
        yield f"{row}  {each.from_outside:<12}  {each.to_outside}"
    exposures = network.exposures()
    if exposures:
        yield ""
        yield "Ways in from outside:"
        for one in exposures:
            note = f"  ({_clean(one.note)})" if one.note else ""
            yield _clean(f"  {one.via} -> {one.workload} {format_ports(one.ports)}: open: {one.open}{note}")
    if network.notes:
        yield ""
        yield from (_clean(f"note: {f'{n.resource}: ' if n.resource else ''}{n.message}") for n in network.notes)


def _clean(text: str) -> str:
    """Without control characters: names are what others wrote."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _html(network: Network) -> Iterable[bytes]:
    from seawall.reports.netmap import render

    return render(network)


FORMATS: dict[str, Callable[[Network], Iterable[bytes]]] = {
    "terminal": terminal,
    "lines": lines,
    "json": json,
    "dot": dot,
    "html": _html,
}


def explain_text(found: Explanation, enforcement: str) -> Iterator[str]:
    """An explanation, for people."""
    protocol, first, last = found.port
    port = f"{protocol} {first}" if first == last else f"{protocol} {first}-{last}"
    word = "allowed" if found.allowed else "denied"
    sure = " (depends on the CNI: an end uses its node's network)" if found.certainty is Certainty.CNI else ""
    yield _clean(f"{found.source} => {found.target} {port}: {word}{sure}")
    for verdict in found.verdicts:
        unsure = "; undefined: a policy of equal priority says otherwise" if verdict.undefined else ""
        yield _clean(f"  {verdict.direction}: {'allowed' if verdict.allowed else 'denied'}: {verdict.summary}{unsure}")
        for reason in verdict.reasons:
            mark = "*" if reason.decides else "-"
            place = f" {reason.place}" if reason.place else ""
            at = reason.policy.resource.origin.locate([reason.rule.path if reason.rule else ()])[0]
            line = f"{at.file}:{at.line}" if at.line else at.file
            yield _clean(f"    {mark} {reason.policy.title}{place}: {reason.effect} ({line})")
    if found.mesh:
        yield _clean(f"  mesh: {found.mesh}")
    yield f"  policies: {enforcement}"


def explain_json(network: Network, found: list[Explanation]) -> bytes:
    """``seawall.netexplain/v1``."""
    document = _head(EXPLAIN, network) | {"explanations": [_explanation(each) for each in found]}
    return msgspec.json.encode(document | {"errors": _errors(network)}) + b"\n"


def _explanation(each: Explanation) -> dict[str, Any]:
    return {
        "from": each.source,
        "to": each.target,
        "port": {"protocol": each.port[0], "first": each.port[1], "last": each.port[2]},
        "allowed": each.allowed,
        "certainty": each.certainty,
        "mesh": each.mesh,
        "directions": [
            {
                "direction": verdict.direction,
                "allowed": verdict.allowed,
                "undefined": verdict.undefined,
                "summary": verdict.summary,
                "reasons": [
                    {
                        "policy": reason.policy.resource.ref,
                        "rule": reason.place,
                        "effect": reason.effect,
                        "decides": reason.decides,
                        "location": reason.policy.resource.origin.locate([reason.rule.path if reason.rule else ()])[0],
                    }
                    for reason in verdict.reasons
                ],
            }
            for verdict in each.verdicts
        ],
    }


def diff_lines(changes: Iterable[Change]) -> Iterator[str]:
    """A change a line: ``+`` opens, ``-`` closes, ``~`` does both."""
    for each in changes:
        sign = "~" if each.opened and each.closed else "+" if each.opened else "-"
        pair = f"{sign} {each.source.label} => {each.target.label} :"
        ends = " (new end)" if each.new_end else " (end is gone)" if each.gone_end else ""
        if each.kind == "changed":
            yield _clean(f"{pair} {format_ports(each.before)} -> {format_ports(each.after)}{ends}")
        else:
            yield _clean(f"{pair} {format_ports(each.after or each.before)}{ends}")


def diff_json(before: Network, after: Network, changes: Iterable[Change]) -> Iterator[bytes]:
    """``seawall.netdiff/v1``."""
    encode = msgspec.json.Encoder().encode
    head = _head(DIFF, after) | {
        "inputs": {"before": _inputs(before), "after": _inputs(after)},
        "complete": before.complete and after.complete,
    }
    yield encode(head)[:-1] + b',"changes":['
    for number, each in enumerate(changes):
        item = {
            "change": each.kind,
            "from": each.source.label,
            "to": each.target.label,
            "before": _ports(each.before),
            "after": _ports(each.after),
            "opened": _ports(each.opened),
            "closed": _ports(each.closed),
            "newEnd": each.new_end,
            "goneEnd": each.gone_end,
        }
        yield (b"," if number else b"") + encode(item)
    yield b"]," + encode({"errors": _errors(before) + _errors(after)})[1:] + b"\n"


def check_lines(outcomes: Iterable[Outcome], file: str) -> Iterator[str]:
    """What became of each assertion, for people."""
    for each in outcomes:
        name = _clean(each.assertion.name)
        place = f"{file}:{each.assertion.line}"
        if each.state == "held":
            yield f"ok        {name} ({each.pairs} pairs)"
            continue
        if each.state == "empty":
            yield f"empty     {name}: no two ends are meant, so nothing was judged ({place})"
            continue
        what = "open" if each.assertion.deny else "not open"
        yield f"violated  {name}: {each.violations} of {each.pairs} pairs are {what} ({place})"
        yield from (f"            {_clean(example)}" for example in each.examples)


def check_json(network: Network, outcomes: list[Outcome], file: str) -> bytes:
    """``seawall.netcheck/v1``."""
    found = [
        {
            "name": each.assertion.name,
            "kind": "deny" if each.assertion.deny else "allow",
            "from": each.assertion.source.text,
            "to": each.assertion.target.text,
            "file": file,
            "line": each.assertion.line,
            "state": each.state,
            "violations": each.violations,
            "pairs": each.pairs,
            "examples": list(each.examples),
        }
        for each in outcomes
    ]
    document = _head(CHECK, network) | {"assertions": found, "errors": _errors(network)}
    return msgspec.json.encode(document) + b"\n"
