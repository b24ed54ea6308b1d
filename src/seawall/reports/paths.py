"""Attack paths for the terminal and as JSON (``seawall.paths/v1``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from seawall import __version__
from seawall.engine.paths import Answer, Attack, Choke, ChokePoints, FoundPath, Summary, Told, ToldStep
from seawall.model.attack import Place, PlaceKind, Removable
from seawall.model.finding import Location
from seawall.model.paths import format_path
from seawall.reports.excerpt import printable

SCHEMA = "seawall.paths/v1"
_PLURAL = {
    PlaceKind.ADMIN: "cluster-admin",
    PlaceKind.NODE: "nodes",
    PlaceKind.SECRET: "Secrets",
    PlaceKind.CLOUD: "identities of the cloud",
    PlaceKind.VOLUME: "volumes",
}


def document(attack: Attack, answer: Answer) -> bytes:
    """The answer as JSON."""
    return msgspec.json.encode(told(attack, answer)) + b"\n"


def told(attack: Attack, answer: Answer) -> dict[str, Any]:
    """The answer as the document holds it."""
    problems = attack.problems()
    question = answer.question
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "tool": {"name": "seawall", "version": __version__},
        "inputs": list(attack.reading.options.paths),
        "question": question.kind,
        "from": question.source,
        "to": question.target,
        "assume": attack.assume,
        "kubernetesVersion": str(attack.version),
        "complete": not problems,
        "problems": problems,
        "summary": _summary(answer.summary),
        "paths": [_path(attack, each) for each in answer.paths],
        "chokePoints": _choke_points(attack, answer.choke_points),
    }
    return body


def _summary(summary: Summary | None) -> dict[str, Any] | None:
    if summary is None:
        return None
    kinds = [
        {"kind": str(kind), "targets": targets, "reached": reached, "entries": entries}
        for kind, targets, reached, entries in summary.kinds
    ]
    return {"entries": summary.entries, "pairs": summary.pairs, "targets": kinds}


def place(each: Place) -> dict[str, Any]:
    """A place as JSON holds it."""
    return {"kind": str(each.kind), "namespace": each.namespace or None, "name": each.name}


def _path(attack: Attack, found: FoundPath) -> dict[str, Any]:
    steps = [step(attack, each) for each in found.steps]
    return {"why": found.why, "likelihood": round(found.likelihood, 4), "steps": steps}


def step(attack: Attack, each: ToldStep) -> dict[str, Any]:
    """A step as JSON holds it."""
    kind = each.kind
    return {
        "from": place(each.source),
        "to": place(each.target),
        "kind": kind.id,
        "title": kind.title,
        "how": each.how,
        "likelihood": round(each.likelihood, 4),
        "severity": str(kind.severity),
        "needs": kind.needs,
        "reference": kind.source,
        "rule": kind.rule or None,
        "evidence": [evidence(one) for one in each.evidence],
        "mend": [_removable(attack, attack.graph.removables[number]) for number in each.mend],
    }


def evidence(one: Told) -> dict[str, Any]:
    """Evidence as JSON holds it."""
    found = {"resource": msgspec.to_builtins(one.resource), "path": one.path, "note": one.note}
    return {**found, "location": _location(one.location)}


def _location(location: Location | None) -> dict[str, Any] | None:
    return None if location is None else {"file": location.file, "line": location.line, "column": location.column}


def _removable(attack: Attack, each: Removable) -> dict[str, Any]:
    return {
        "what": each.what,
        "resource": msgspec.to_builtins(each.resource),
        "path": format_path(each.path),
        "location": _location(attack.locate(each.resource, each.path)),
        "rule": each.rule or None,
        "patch": [_operation(each) for each in each.patch],
    }


def _operation(operation: Any) -> dict[str, Any]:
    told = {"op": operation.op, "path": operation.path}
    return told if operation.op == "remove" else {**told, "value": operation.value}


def _choke_points(attack: Attack, found: ChokePoints | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "pairs": found.pairs,
        "cut": [_choke(attack, each) for each in found.chosen],
        "smallest": found.cut.smallest,
        "atLeast": found.cut.at_least,
        "left": found.left,
        "verified": found.verified,
        "singles": [_choke(attack, each) for each in found.singles],
        "uncuttable": [{"target": place(target), "entries": count} for target, count in found.uncuttable],
    }


def _choke(attack: Attack, each: Choke) -> dict[str, Any]:
    return {**_removable(attack, each.removable), "pairs": each.lost, "verified": each.verified}


def lines(attack: Attack, answer: Answer) -> Iterator[str]:
    """The answer for people."""
    if answer.summary is None:
        return
    if answer.question.kind == "summary":
        yield from _summary_lines(answer.summary, answer.question.source)
    elif answer.choke_points is not None:
        yield from _choke_lines(answer.choke_points)
    else:
        yield from _path_lines(attack, answer.paths)
        yield from _summary_lines(answer.summary, answer.question.source)


def _summary_lines(summary: Summary, source: str) -> Iterator[str]:
    yield f"{summary.entries} {'entry' if summary.entries == 1 else 'entries'} ({printable(source)}):\n"
    for kind, targets, reached, entries in summary.kinds:
        name = _PLURAL.get(kind, f"{kind}s")
        if kind is PlaceKind.ADMIN:
            yield f"  {entries} reach cluster-admin\n"
        else:
            yield f"  {entries} reach {reached} of {targets} {name}\n"
    if not summary.pairs and source == "exposed":
        none = "no path leads there from outside" if summary.entries else "no workload is exposed, as far as was read"
        yield f"{none}; --from workloads asks from inside any container\n"


def _path_lines(attack: Attack, paths: Sequence[FoundPath]) -> Iterator[str]:
    for number, found in enumerate(paths, 1):
        first, last = found.steps[0].source, found.steps[-1].target
        yield f"{number}. {printable(f'{first} -> {last}')} ({found.why}, likelihood {found.likelihood:.2f})\n"
        for each in found.steps:
            yield f"     {printable(f'{each.how}: {each.target}')} [{each.kind.id}]\n"
            for one in each.evidence:
                yield f"        {printable(_evidence_line(one))}\n"
            if each.mend:
                words = " or ".join(attack.graph.removables[mend].what for mend in each.mend)
                rule = f" ({each.kind.rule})" if each.kind.rule else ""
                yield f"        to end it: take away {printable(words)}{rule}\n"
        yield "\n"


def _evidence_line(one: Told) -> str:
    where = f" ({one.location.file}:{one.location.line})" if one.location is not None and one.location.line else ""
    path = f" {one.path}" if one.path else ""
    return f"{one.resource}{path}{where}{one.note and f': {one.note}'}"


def _choke_lines(found: ChokePoints) -> Iterator[str]:
    yield f"{found.pairs} pairs of an entry and a target that it reaches\n\n"
    if not found.pairs:
        return
    if found.chosen:
        known = "the smallest set" if found.cut.smallest else f"a small set (any needs {found.cut.at_least} at least)"
        checked = "verified: removed, and counted again" if found.verified else "NOT verified"
        yield f"{known} of changes that leaves {found.left} of them ({checked}):\n"
        for number, each in enumerate(found.chosen, 1):
            yield from _choke_text(f"{number}.", each)
        yield "\n"
    for target, count in found.uncuttable:
        yield f"cannot be cut: {printable(str(target))}, from {count} entries: no grant or setting is in the way\n"
    if found.uncuttable:
        yield "\n"
    if found.singles:
        yield "each change alone, by how many pairs vanish:\n"
    for each in found.singles:
        yield from _choke_text(f"{each.lost:>6}", each)


def _of(removable: Removable) -> str:
    return "" if str(removable.resource) in removable.what else f": {removable.resource}"


def _choke_text(head: str, each: Choke) -> Iterator[str]:
    removable = each.removable
    where = f" ({each.location.file}:{each.location.line})" if each.location is not None and each.location.line else ""
    ends = f", ends {each.lost} alone" if head.endswith(".") else ""
    doubt = "" if each.verified else " (NOT verified)"
    yield f"  {head} {printable(f'{removable.what}{_of(removable)}{where}')}{ends}{doubt}\n"
    for operation in removable.patch:
        value = "" if operation.op == "remove" else f" {msgspec.json.encode(operation.value).decode()}"
        yield f"         patch: {printable(f'{operation.op} {operation.path}{value}')}\n"
