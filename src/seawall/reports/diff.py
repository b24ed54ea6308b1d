"""Two states compared: ``seawall.diff/v1`` (its schema lies in ``schemas/diff.v1.json``), and for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from seawall import __version__
from seawall.model.finding import Severity
from seawall.reports.excerpt import printable

if TYPE_CHECKING:
    from seawall.engine.diff import Diff, Side, Told
    from seawall.reports.view import View

SCHEMA = "seawall.diff/v1"
FORMATS = ("terminal", "json")
_KINDS = ("new", "fixed", "unchanged", "unknown")
_MARKS = {"new": ("+", "1;31"), "fixed": ("-", "1;32"), "unknown": ("?", "1;33")}


def render_diff(name: str, diff: Diff, view: View) -> Iterable[bytes]:
    """A comparison in one of the formats."""
    if name == "json":
        return [msgspec.json.encode(document(diff)) + b"\n"]
    return (piece.encode("utf-8", "replace") for piece in _pieces(diff, view))


def document(diff: Diff) -> dict[str, Any]:
    """The JSON document. Findings are objects of ``seawall.findings/v1``."""
    groups = {kind: getattr(diff, kind) for kind in _KINDS}
    rules = {**diff.before.results.rules, **diff.after.results.rules}
    named = {finding.rule for group in groups.values() for finding, _ in group}
    return {
        "schema": SCHEMA,
        "tool": {"name": "seawall", "version": __version__},
        "before": _side(diff.before),
        "after": _side(diff.after),
        "summary": {
            "complete": diff.complete,
            **{kind: _counts(group) for kind, group in groups.items()},
        },
        **{kind: [raw for _, raw in group] for kind, group in groups.items()},
        "rules": {rule: rules[rule] for rule in sorted(named) if rule in rules},
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "input": side.input,
        "kind": side.kind,
        "complete": side.results.complete,
        "findings": len(side.open()),
        "reasons": side.reasons,
    }


def _counts(group: Sequence[Told]) -> dict[str, int]:
    found = Counter(finding.severity for finding, _ in group)
    return {str(severity): found[severity] for severity in Severity}


def _pieces(diff: Diff, view: View) -> Iterator[str]:
    def paint(text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if view.colour else text

    left = view.limit or None
    for kind, (mark, style) in _MARKS.items():
        group: list[Told] = getattr(diff, kind)
        if not group:
            continue
        yield f"{paint(_TITLES[kind], '1')}\n"
        for finding, _ in group[:left]:
            place = finding.locations[0] if finding.locations else None
            where = f"  {place.file}:{place.line}:{place.column}" if place and place.file else ""
            line = f"{finding.severity}[{finding.rule}] {finding.resource}: {finding.message}{where}"
            yield f"  {paint(mark, style)} {printable(line)}\n"
        if left is not None and len(group) > left:
            yield f"  {len(group) - left} more; --limit 0 shows all\n"
        yield "\n"
    yield f"{len(diff.new)} new, {len(diff.fixed)} fixed, {len(diff.unchanged)} unchanged"
    yield f", {len(diff.unknown)} not judged any more.\n" if diff.unknown else ".\n"


_TITLES = {
    "new": "New",
    "fixed": "Fixed",
    "unknown": "Not judged after: their rules were not run, so nobody knows",
}
