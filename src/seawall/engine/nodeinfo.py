"""NodeInfo documents among the inputs of a scan: facts of nodes, judged as ``seawall node`` judges them."""

from __future__ import annotations

from collections.abc import Iterable

from seawall.engine.accepting import Accepting
from seawall.engine.nodes import AuditOptions, FactsDocument, audit
from seawall.engine.result import ScanResult
from seawall.engine.selection import Selection
from seawall.model.finding import RuleState, RuleStatus, Severity, SourceError
from seawall.model.resource import Resource
from seawall.sources import nodeinfo

#: Which of two statuses of a rule counts, where it judged objects and nodes: the first that either has.
_ORDER = (RuleState.ERROR, RuleState.NOT_JUDGED, RuleState.OK, RuleState.SKIPPED)


def judge_nodes(
    resources: Iterable[Resource], selection: Selection, severity: Severity, accepting: Accepting | None = None
) -> ScanResult:
    """What audits of NodeInfo documents find; ``accepting`` are the waivers of the scan."""
    documents, errors = [], []
    for resource in resources:
        raw = resource.raw
        if nodeinfo.is_nodeinfo(raw):
            documents.append(FactsDocument(resource.origin.file, nodeinfo.facts_of(raw)))
        else:
            errors.append(SourceError(resource.origin.file, "", "a NodeInfo without info", unreadable=True))
    options = AuditOptions(selection=selection, severity=severity, accepting=accepting)
    return audit(documents, options, errors).scan


def merge_statuses(first: Iterable[RuleStatus], second: Iterable[RuleStatus]) -> list[RuleStatus]:
    """One status a rule, the one that says that less was judged."""
    found = {status.rule: status for status in first}
    for status in second:
        known = found.get(status.rule)
        if known is None or _ORDER.index(status.state) < _ORDER.index(known.state):
            found[status.rule] = status
    return list(found.values())
