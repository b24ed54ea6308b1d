"""Plans for nodes and comparisons with other tools, for the terminal and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from seawall import __version__
from seawall.engine.nodecompare import Comparison, Relation
from seawall.engine.nodeplan import NodePlan, PlannedFix
from seawall.reports.excerpt import printable

PLAN_SCHEMA = "seawall.node-plan/v1"
COMPARE_SCHEMA = "seawall.node-compare/v1"
_TOOL = {"name": "seawall", "version": __version__}


def plan_document(plans: Sequence[NodePlan]) -> Iterator[bytes]:
    """Plans as JSON (``seawall.node-plan/v1``)."""
    yield msgspec.json.encode({"schema": PLAN_SCHEMA, "tool": _TOOL, "nodes": plans}) + b"\n"


def plan_text(plans: Sequence[NodePlan]) -> Iterator[str]:
    """What to change on each node, to be read and done by a person."""
    for plan in plans:
        yield f"{printable(plan.name)} ({printable(plan.layout)}): {len(plan.fixes)} to mend\n"
        for fix in plan.fixes:
            yield from _fix(fix)
        if plan.after:
            yield "\nThen, so that the changes count:\n"
            yield from (f"  {printable(command)}\n" for command in plan.after)
        if plan.keep:
            yield "\nSo that they last:\n"
            yield from (f"  {printable(line)}\n" for line in plan.keep)
        yield "\n"


def _fix(fix: PlannedFix) -> Iterator[str]:
    named = f" ({', '.join(fix.controls)})" if fix.controls else ""
    yield f"\n{fix.severity.value:<9} {printable(fix.title)}{printable(named)}\n"
    yield f"  {printable(fix.message)}\n"
    for step in fix.remedy.steps:
        if step.action in ("chmod", "chown"):
            yield f"  $ {printable(step.lines[0])}\n"
            continue
        verb = "take out of" if step.action == "remove" else "in"
        place = ", ".join(part for part in (step.file, step.where) if part)
        yield f"  {verb} {printable(place)}:\n"
        yield from (f"      {printable(line)}\n" for line in step.lines)
    if fix.remedy.note:
        yield f"  first: {printable(fix.remedy.note)}\n"
    if fix.remedy.steps:
        tried = "with it the check passes" if fix.remedy.verified else "not verified: the check needs more than this"
        yield f"  ({tried})\n"


def compare_document(comparisons: Sequence[Comparison]) -> Iterator[bytes]:
    """Comparisons as JSON (``seawall.node-compare/v1``)."""
    counts = Counter(control.relation for each in comparisons for control in each.controls)
    summary = {relation.value: counts[relation] for relation in Relation}
    yield (
        msgspec.json.encode(
            {"schema": COMPARE_SCHEMA, "tool": _TOOL, "summary": summary, "comparisons": comparisons},
        )
        + b"\n"
    )


def compare_text(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Counts, and each control on which the two tools do not agree, with both reasons."""
    for each in comparisons:
        yield f"{printable(each.node)}: Seawall by {each.benchmark or 'no benchmark'} and {printable(each.tool)}\n"
        if each.note:
            yield f"  note: {printable(each.note)}\n"
        for control in each.controls:
            if control.relation in (Relation.AGREE, Relation.OPEN):
                continue
            yield f"  {control.relation.value:<20}  {printable(control.id):<7} {printable(control.title)}\n"
            yield f"{'':24}Seawall: {printable(control.ours or 'no such control')}{_because(control.our_reason)}\n"
            theirs = control.theirs or "no such control"
            yield f"{'':24}{printable(each.tool)}: {printable(theirs)}{_because(control.their_reason)}\n"
        counts = Counter(control.relation for control in each.controls)
        told = ", ".join(f"{counts[relation]} {relation.value}" for relation in Relation if counts[relation])
        yield f"  {len(each.controls)} controls: {told}\n"


def _because(reason: str) -> str:
    return f" ({printable(reason)})" if reason else ""
