"""Answers about access, for the terminal and as JSON (``seawall.access/v1``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from seawall import __version__
from seawall.engine.access import Because, Escalations, Verdict
from seawall.model.access import Actor, Grant, Request, Subject
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
    for ref in answer.unknown:
        yield f"  {printable(str(ref))} grants a role that was not read; add it to the input and ask again\n"


def reasons(found: Iterable[Because]) -> Iterator[str]:
    """A line a reason, with the rule and the place of the binding."""
    for reason in found:
        yield f"  {printable(_reason(reason))}\n"


def _reason(reason: Because) -> str:
    if reason.binding is None or reason.rule is None:
        return f"{reason.subject}: {reason.note}"
    place = f" ({reason.location.file}:{reason.location.line})" if reason.location and reason.location.line else ""
    note = f"; {reason.note}" if reason.note else ""
    return (
        f"{reason.subject} by {reason.binding}{place}: {reason.role} rule {reason.rule_index + 1} "
        f"lets {reason.rule}{note}"
    )


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


def who(request: Request, found: Sequence[Because]) -> Iterator[str]:
    """Everyone who may, each with the reasons."""
    yield f"who may {printable(str(request))}:\n"
    yield from reasons(found)


def holdings(actor: Actor, held: Sequence[tuple[Subject, Grant]]) -> Iterator[str]:
    """Everything that an actor may do, by where: first in the whole cluster, then namespace by namespace."""
    yield f"{printable(actor.username or ', '.join(actor.groups))}\n"
    if not held:
        yield "  holds nothing\n"
    for place in sorted({grant.namespace for _, grant in held}):
        yield f"  {f'in namespace {printable(place)}' if place else 'in the whole cluster'}\n"
        for subject, grant in held:
            if grant.namespace == place:
                given = " (not read: Kubernetes' own rules)" if grant.given else ""
                yield f"    {printable(f'{grant.role} by {grant.binding}, as {subject}')}{given}\n"
                for rule in dict.fromkeys(grant.rules):
                    yield f"      {printable(str(rule))}\n"
