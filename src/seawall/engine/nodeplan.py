"""Plans: what to change on nodes so that the checks that failed pass. Nothing is ever changed here."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from seawall.analysis.nodes import Remedy, Verdict, catalogue, remedy
from seawall.engine.nodes import FactsDocument, NodeAudit
from seawall.model.finding import Severity


class PlannedFix(Struct, frozen=True):
    """A failed check with its way out: which controls it answers to, what is wrong, and what to do."""

    rule: str
    title: str
    severity: Severity
    controls: tuple[str, ...]
    message: str
    remedy: Remedy


class NodePlan(Struct, frozen=True, rename="camel"):
    """All that is to be changed on a node, the worst first; ``after`` has each command once, for the end."""

    name: str
    source: str
    layout: str
    fixes: tuple[PlannedFix, ...]
    after: tuple[str, ...]
    keep: tuple[str, ...]


def plan(documents: Sequence[FactsDocument], audited: NodeAudit) -> list[NodePlan]:
    """The plan for each node of an audit; ``documents`` are those that were audited, in their order."""
    return [_of_node(index, document, audited) for index, document in enumerate(documents)]


def _of_node(index: int, document: FactsDocument, audited: NodeAudit) -> NodePlan:
    node = audited.nodes[index]
    rules = {rule.id: rule for rule in audited.scan.rules}
    told = {
        finding.rule: finding
        for finding in audited.scan.findings
        if finding.resource.name == node.name and finding.locations[0].file == node.source
    }
    fixes = []
    for name, check in catalogue().checks.items():
        outcome = audited.outcomes.get((index, name))
        if outcome is None or outcome.verdict is not Verdict.FAIL or name not in told:
            continue
        ids = [f"{each.benchmark} {each.id}" for each in node.controls if name in each.rules]
        severity = told[name].severity
        way = remedy(check, document.facts, outcome)
        fixes.append(PlannedFix(name, rules[name].title, severity, tuple(ids), told[name].message, way))
    fixes.sort(key=lambda fix: fix.severity.rank)
    after = dict.fromkeys(command for fix in fixes for command in fix.remedy.after)
    keep = dict.fromkeys(line for fix in fixes for line in fix.remedy.keep)
    return NodePlan(node.name, node.source, node.layout, tuple(fixes), _last_restarts(after), tuple(keep))


def _last_restarts(commands: dict[str, None]) -> tuple[str, ...]:
    """systemd reads its units anew before anything is restarted."""
    return tuple(sorted(commands, key=lambda command: command != "systemctl daemon-reload"))
