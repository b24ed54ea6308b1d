"""Answers about access, for the terminal and as JSON (``seawall.access/v1``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from seawall import __version__
from seawall.engine.access import Because, Escalations, Held, Verdict
from seawall.model.access import Actor, Request
from seawall.model.finding import Location
from seawall.reports.excerpt import printable

SCHEMA = "seawall.access/v1"


def document(kind: str, body: dict[str, Any], problems: Sequence[str]) -> Iterator[bytes]:
    """An answer as JSON; ``kind`` names the question."""
    head = {"schema": SCHEMA, "tool": {"name": "seawall", "version": __version__}, "question": kind}
    yield msgspec.json.encode({**head, **body, "complete": not problems, "problems": list(problems)}) + b"\n"


def verdict(answer: Verdict) -> Iterator[str]:
    """Whether, and by which binding and rule."""
    who = answer.actor.username or f"members of {answer.actor.groups[0]}"
    word = {"allowed": "yes", "denied": "no", "unknown": "unknown"}[answer.answer]
    verb = {"allowed": "may", "denied": "may not", "unknown": "may or may not"}[answer.answer]
    yield f"{word}: {printable(who)} {verb} {printable(str(answer.question))}\n"
    yield from reasons(answer.reasons)
    if answer.note:
        yield f"  note: {printable(answer.note)}\n"
    for ref in answer.unknown:
        yield f"  {printable(str(ref))} grants a role that was not read; add it to the input and ask again\n"


def reasons(found: Iterable[Because]) -> Iterator[str]:
    """A line a reason, with the rule and the place of the binding."""
    for reason in found:
        yield f"  {printable(_reason(reason))}\n"


def _reason(reason: Because) -> str:
    if reason.binding is None:
        return f"{reason.subject}: {reason.note}"
    note = f"; {reason.note}" if reason.note else ""
    lets = f" rule {reason.rule_index + 1}{_place(reason.rule_location)} lets {reason.rule}" if reason.rule else ""
    return f"{reason.subject} by {reason.binding}{_place(reason.location)}: {reason.role}{lets}{note}"


def _place(location: Location | None) -> str:
    return f" ({location.file}:{location.line})" if location is not None and location.line else ""


def escalations(found: Escalations) -> Iterator[str]:
    """Each way, a line a step, with the binding behind it."""
    for way in found.ways:
        yield f"{printable(way.source)} -> {printable(way.target)}\n"
        for number, step in enumerate(way.steps, 1):
            yield f"  {number}. {printable(f'{step.how}: {step.target}')}\n"
            for reason in step.reasons:
                yield f"       {printable(_reason(reason))}\n"
    if not found.ways:
        yield "no way leads further\n"
    if found.left_out:
        yield f"\n{found.left_out} ways of Kubernetes' own accounts are left out; --all shows them\n"


def who(request: Request, found: Sequence[Because], note: str) -> Iterator[str]:
    """Everyone who may, each with the reasons."""
    yield f"who may {printable(str(request))}:\n"
    yield from reasons(found)
    if note:
        yield f"  note: {printable(note)}\n"


def holdings(actor: Actor, held: Sequence[Held]) -> Iterator[str]:
    """Everything that an actor may do, by where: first in the whole cluster, then namespace by namespace."""
    yield f"{printable(actor.username or ', '.join(actor.groups))}\n"
    if not held:
        yield "  holds nothing\n"
    place: str | None = ""
    for each in held:
        if each.namespace != place:
            place = each.namespace
            yield f"  {f'in namespace {printable(place)}' if place else 'in the whole cluster'}\n"
        yield f"    {printable(str(each.rule))}\n"
        for reason in dict.fromkeys(_source(reason) for reason in each.reasons):
            yield f"      {printable(reason)}\n"


def _source(reason: Because) -> str:
    note = f"; {reason.note}" if reason.note else ""
    where = f"{reason.role} rule {reason.rule_index + 1}{_place(reason.rule_location)}"
    return f"{where} by {reason.binding}{_place(reason.location)}, as {reason.subject}{note}"
