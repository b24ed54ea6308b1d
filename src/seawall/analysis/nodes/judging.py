"""Judging a node by a check, and what is said where it fails."""

from __future__ import annotations

from seawall.analysis.nodes.catalogue import Check
from seawall.analysis.nodes.node import Node
from seawall.analysis.nodes.outcome import Outcome, Verdict
from seawall.model.facts import Facts
from seawall.model.finding import FieldEvidence
from seawall.model.rule import Hit, Hits

_MAX_TOLD = 3
_MAX_EVIDENCE = 20


def judge(check: Check, node: Node) -> Outcome:
    """What a check says of a node."""
    return check.test(node, None)


def message(outcome: Outcome) -> str:
    """What is wrong, in one line."""
    wanted: dict[str, list[str]] = {}
    for seen in outcome.seen:
        wanted.setdefault(seen.says, []).extend([seen.wanted] * bool(seen.wanted))
    told = [f"{says}, wanted {' and '.join(dict.fromkeys(words))}" if words else says for says, words in wanted.items()]
    more = f"; and {len(told) - _MAX_TOLD} more" if len(told) > _MAX_TOLD else ""
    return "; ".join(told[:_MAX_TOLD]) + more


def evidence(outcome: Outcome) -> tuple[FieldEvidence, ...]:
    """The facts that led to a failure, by their places in the document."""
    return tuple(FieldEvidence(seen.path, seen.value or None) for seen in outcome.seen[:_MAX_EVIDENCE])


def hits_of(check: Check, facts: Facts) -> Hits:
    """The failure of a check on a node, if it fails, as any rule tells it."""
    outcome = judge(check, Node(facts))
    if outcome.verdict is Verdict.FAIL:
        yield Hit(message(outcome), evidence=evidence(outcome))
