"""Audits of nodes: benchmarks over facts, control by control, with findings and statuses as any scan has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from seawall.analysis.nodes import (
    Chosen,
    Manual,
    Node,
    Outcome,
    Verdict,
    catalogue,
    evidence,
    for_node,
    in_order,
    judge,
    message,
    named,
)
from seawall.engine.accepting import Accepting
from seawall.engine.answers import Answer, AnswerResult, Answers
from seawall.engine.catalogue import load_all_rules
from seawall.engine.controls import (
    ControlResult,
    ControlState,
    answered,
    by_scan,
    controls_of,
    policy_rules,
    rule_of,
)
from seawall.engine.result import ScanResult
from seawall.engine.results import Results
from seawall.engine.selection import Selection, select_rules
from seawall.findings import base_risk, fingerprint, set_apart_twins
from seawall.model.facts import Facts
from seawall.model.finding import (
    Confidence,
    Finding,
    FindingStatus,
    Location,
    ResourceRef,
    RuleState,
    RuleStatus,
    Severity,
    SourceError,
    Waiver,
)
from seawall.model.paths import Path
from seawall.model.resource import Inventory, Resource
from seawall.model.version import NEWEST

if TYPE_CHECKING:
    from seawall.engine.config import Project

API_VERSION, KIND = "seawall.dev/v1", "Node"


class Selected(Struct, frozen=True, rename="camel"):
    """A benchmark that a node was judged by, and what is to be said of that choice."""

    benchmark: str
    title: str
    note: str


class AuditedNode(Struct, frozen=True, rename="camel"):
    """One node: which facts, what was found out about it, and every control."""

    name: str
    source: str
    layout: str
    kubernetes_version: str
    collected: str
    selection: tuple[Selected, ...]
    controls: tuple[ControlResult, ...]


class FactsDocument(Struct, frozen=True):
    """Facts, and where they were read from (the name of a file, or ``this host``)."""

    source: str
    facts: Facts


class AuditOptions(Struct, frozen=True):
    """How to judge: by which benchmarks (none named: those meant for each node), which rules, from which severity on.

    ``scanned`` are results of a scan of the cluster, for the controls that it answers, ``answers`` those of people.
    ``project`` brings waivers: what they waive is a finding that does not count, and its control still fails.
    ``accepting`` are the waivers of a result that this one is joined to.
    """

    benchmarks: tuple[str, ...] = ()
    selection: Selection = Selection(profile="all")
    severity: Severity = Severity.INFO
    scanned: Results | None = None
    answers: Answers | None = None
    project: Project | None = None
    accepting: Accepting | None = None


class NodeAudit(Struct):
    """An audit: the result that every report knows, and the nodes with their controls.

    ``outcomes`` has each check's outcome by the node's place in ``nodes`` and its rule.
    """

    scan: ScanResult
    nodes: list[AuditedNode]
    outcomes: dict[tuple[int, str], Outcome]


class _Origin:
    """Facts as the source of a resource."""

    def __init__(self, document: FactsDocument) -> None:
        self.file = document.source
        self.unit = ""
        self._facts = document.facts

    def read(self) -> dict[str, Any]:
        """The facts as a plain document."""
        plain: dict[str, Any] = msgspec.to_builtins(self._facts)
        return plain

    def locate(self, paths: Sequence[Path]) -> list[Location]:
        """Facts have no lines."""
        return [Location(self.file, 0, 0, ".".join(map(str, path))) for path in paths]


def audit(documents: Iterable[FactsDocument], options: AuditOptions, errors: Sequence[SourceError] = ()) -> NodeAudit:
    """Judge nodes by benchmarks; ``errors`` tell of facts that could not be read.

    Raises:
        UnknownBenchmark: a benchmark that does not exist is named.
        UnknownRule: the selection names a rule that does not exist.
    """
    return _Audit(options).run(list(documents), errors)


class _Audit:
    def __init__(self, options: AuditOptions) -> None:
        self.options = options
        self.named = named(options.benchmarks)
        self.registry = load_all_rules()
        self.checks = catalogue().checks
        self.rules = {name: rule_of(self.registry, name) for name in self.checks}
        chosen = select_rules(self.registry, options.selection, NEWEST)
        self.left_out, self.severities = chosen.left_out, chosen.severities
        self.accepting = options.accepting
        if self.accepting is None and options.project is not None:
            self.accepting = Accepting(self.registry, options.project)
        self.outcomes: dict[tuple[int, str], Outcome] = {}
        self.failed: dict[str, list[str]] = {}

    def run(self, documents: list[FactsDocument], errors: Sequence[SourceError]) -> NodeAudit:
        nodes, resources, findings, notes = [], [], [], []
        for index, document in enumerate(documents):
            node = Node(document.facts)
            chosen = self.named or for_node(node)
            self._judge(index, document, node, chosen)
            resources.append(_resource(document))
            findings += self._findings(index, document, chosen, resources[-1])
            nodes.append(self._audited(index, document, chosen))
            notes += _notes(document, chosen)
        notes += self.options.answers.notes if self.options.answers is not None else []
        if self.accepting is not None and self.options.accepting is None:
            notes += self.accepting.notes()
        set_apart_twins(findings)
        findings.sort(key=lambda finding: -finding.risk)
        result = ScanResult(
            inputs=[document.source for document in documents],
            kinds=dict.fromkeys((document.source for document in documents), "facts"),
            version=max((Node(d.facts).version or NEWEST for d in documents), default=NEWEST),
            rules=list(self.rules.values()),
            findings=findings,
            statuses=self._statuses(documents),
            errors=list(errors),
            skipped=Counter(),
            unrendered=[],
            files=len(documents),
            inventory=Inventory(resources),
            texts={},
            wanting=set(),
            notes=notes,
        )
        return NodeAudit(result, nodes, self.outcomes)

    def _judge(self, index: int, document: FactsDocument, node: Node, chosen: list[Chosen]) -> None:
        names = {each.benchmark.name for each in chosen}
        for rule, check in self.checks.items():
            meant = not names.isdisjoint(each.framework for each in check.controls) or (names and not check.controls)
            if meant and not self.left_out[rule]:
                try:
                    self.outcomes[index, rule] = judge(check, node)
                except Exception as error:  # noqa: BLE001 - the one place where a failed check becomes a status
                    reason = f"{type(error).__name__} on {_name(document)}: {error}"
                    self.failed.setdefault(rule, []).append(reason)
                    self.outcomes[index, rule] = Outcome(Verdict.NOT_JUDGED, reason=reason)

    def _findings(self, index: int, document: FactsDocument, chosen: list[Chosen], resource: Resource) -> list[Finding]:
        found = []
        ref = _ref(document)
        for name, rule in self.rules.items():
            outcome = self.outcomes.get((index, name))
            severity = self.severities.get(name) or rule.severity
            if outcome is None or outcome.verdict is not Verdict.FAIL or not severity.at_least(self.options.severity):
                continue
            place = outcome.seen[0].path if outcome.seen else ""
            waiver, told = self._waiver(name, document, chosen), ""
            locations = (Location(document.source, 0, 0, place),)
            if waiver is None and self.accepting is not None:
                _, waiver, told = self.accepting.accept(name, severity, resource, (), locations)
            found.append(
                Finding(
                    rule=name,
                    severity=severity,
                    confidence=Confidence.HIGH,
                    resource=ref,
                    locations=locations,
                    message=f"{message(outcome)} ({told})" if told else message(outcome),
                    evidence=evidence(outcome),
                    fix=None,
                    fingerprint=fingerprint(name, ref, ""),
                    status=FindingStatus.WAIVED if waiver is not None else FindingStatus.OPEN,
                    waiver=waiver,
                    risk=base_risk(severity, Confidence.HIGH),
                )
            )
        return found

    def _waiver(self, rule: str, document: FactsDocument, chosen: list[Chosen]) -> Waiver | None:
        """The acceptance of a failed check: of every control that it answers to here."""
        names = [each.benchmark.name for each in chosen]
        ids = [(name, control) for name in names for control in self.checks[rule].ids(name)]
        found = [self._answer(document, benchmark, control) for benchmark, control in ids]
        accepted = [each for each in found if each is not None and each.result is AnswerResult.ACCEPTED]
        if not accepted or len(accepted) < len(found) or self.options.answers is None:
            return None
        ends = min((each.until for each in accepted if each.until is not None), default=None)
        return Waiver(accepted[0].reason, self.options.answers.file, accepted[0].by, str(ends) if ends else None)

    def _answer(self, document: FactsDocument, benchmark: str, control: str) -> Answer | None:
        answers = self.options.answers
        return answers.get(_name(document), benchmark, control) if answers is not None else None

    def _statuses(self, documents: list[FactsDocument]) -> list[RuleStatus]:
        return [self._status(name, documents) for name in self.rules]

    def _status(self, rule: str, documents: list[FactsDocument]) -> RuleStatus:
        if self.left_out[rule]:
            return RuleStatus(rule, RuleState.SKIPPED, self.left_out[rule])
        if rule in self.failed:
            return RuleStatus(rule, RuleState.ERROR, _first(self.failed[rule]))
        found = {
            _name(document): self.outcomes[index, rule]
            for index, document in enumerate(documents)
            if (index, rule) in self.outcomes
        }
        if not found:
            return RuleStatus(rule, RuleState.SKIPPED, "not part of the benchmarks that were used")
        unknown = [f"{name}: {o.reason}" for name, o in found.items() if o.verdict is Verdict.NOT_JUDGED]
        if unknown:
            return RuleStatus(rule, RuleState.NOT_JUDGED, _first(unknown))
        if all(outcome.verdict is Verdict.NOT_APPLICABLE for outcome in found.values()):
            return RuleStatus(rule, RuleState.SKIPPED, _first([f"{name}: {o.reason}" for name, o in found.items()]))
        return RuleStatus(rule, RuleState.OK)

    def _audited(self, index: int, document: FactsDocument, chosen: list[Chosen]) -> AuditedNode:
        facts = document.facts
        controls: list[ControlResult] = []
        for each in chosen:
            controls += self._controls(index, document, each.benchmark.name)
        return AuditedNode(
            name=_name(document),
            source=document.source,
            layout=facts.layout,
            kubernetes_version=facts.kubernetes_version,
            collected=facts.collected,
            selection=tuple(Selected(each.benchmark.name, each.benchmark.title, each.note) for each in chosen),
            controls=tuple(controls),
        )

    def _controls(self, index: int, document: FactsDocument, benchmark: str) -> list[ControlResult]:
        checks, manual = controls_of(benchmark)
        found = [self._control(index, benchmark, name, rules) for name, rules in checks.items()]
        found += [self._manual(benchmark, name, each) for name, each in manual.items()]
        found = [answered(each, self._answer(document, benchmark, each.id)) for each in found]
        return sorted(found, key=lambda control: in_order(control.id))

    def _control(self, index: int, benchmark: str, control: str, names: list[str]) -> ControlResult:
        outcomes = {name: self.outcomes[index, name] for name in names if (index, name) in self.outcomes}
        rules = [self.rules[name] for name in names]
        state, reason = ControlState.NOT_JUDGED, "its rules were left out"
        for verdict in (Verdict.FAIL, Verdict.NOT_JUDGED, Verdict.PASS, Verdict.NOT_APPLICABLE):
            those = [outcome for outcome in outcomes.values() if outcome.verdict is verdict]
            if those:
                state = ControlState(verdict.value)
                reason = message(those[0]) if verdict is Verdict.FAIL else those[0].reason
                break
        return ControlResult(
            benchmark=benchmark,
            id=control,
            title=rules[0].title,
            state=state,
            reason=reason,
            rules=tuple(names),
            observed=tuple(dict.fromkeys(seen.says for each in outcomes.values() for seen in each.seen))[:10],
        )

    def _manual(self, benchmark: str, control: str, manual: Manual) -> ControlResult:
        data = manual.data
        rules: tuple[str, ...] = ()
        state, reason = ControlState.MANUAL, "people answer it"
        if data.policy:
            rules = policy_rules(self.registry, benchmark, control)
            state, reason = by_scan(rules, self.options.scanned)
        return ControlResult(
            benchmark=benchmark,
            id=control,
            title=data.title,
            state=state,
            reason=reason,
            rules=rules,
            steps=data.steps,
            record=tuple({"name": each.name, "what": each.what} for each in data.record),
        )


def _name(document: FactsDocument) -> str:
    return document.facts.host.name or document.source


def _ref(document: FactsDocument) -> ResourceRef:
    return ResourceRef(API_VERSION, KIND, _name(document))


def _resource(document: FactsDocument) -> Resource:
    return Resource(_ref(document), uid="", kind=None, view=None, origin=_Origin(document))


def _notes(document: FactsDocument, chosen: list[Chosen]) -> list[str]:
    name = _name(document)
    notes = [f"{name}: {each.benchmark.name}: {each.note}" for each in chosen if each.note]
    if not chosen:
        notes.append(f"{name}: no benchmark is about what runs there; name one with --benchmark")
    return notes


def _first(reasons: Sequence[str]) -> str:
    return f"{reasons[0]} (and {len(reasons) - 1} more)" if len(reasons) > 1 else reasons[0]
