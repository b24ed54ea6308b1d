"""Compliance: each control of a framework answered from scans, facts of nodes, results of other runs and people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from seawall.analysis.nodes import Outcome, Verdict, message
from seawall.engine.attestations import Attestations
from seawall.engine.catalogue import load_all_rules
from seawall.engine.complyreport import (
    AttestationEvidence,
    ControlReport,
    Evidence,
    FactsEvidence,
    FindingEvidence,
    ObjectsEvidence,
    Report,
    SetEvidence,
)
from seawall.engine.complysources import Sources
from seawall.engine.frameworks import Control, Framework, judged_by
from seawall.engine.results import KeptFinding, Results
from seawall.findings.controls import CheckResult, CheckState, Status, decide
from seawall.model.finding import Finding, FindingStatus, ResourceRef, RuleState, Severity
from seawall.model.kube.base import InvalidField
from seawall.model.kube.kinds import templated_names
from seawall.model.malware import STALE_SET_DAYS, age
from seawall.model.resource import Resource
from seawall.model.rule import CONTAINER, INVENTORY, OBJECT, POD, Rule, Scope

#: Findings told behind one control; the checks count all.
_MOST_FINDINGS = 20
_MOST_SEEN = 10
_WANTED = {
    "scan": "needs a scan: give the cluster, a snapshot or manifests with --on",
    "facts": "needs facts of nodes: give those of `seawall node collect -o FILE` with --on",
    "images": "needs results of `seawall image --vulnerabilities --format json=FILE`: give them with --on",
    "malware": "needs results of `seawall image --malware --format json=FILE`: give them with --on",
    "image-secrets": "needs results of `seawall image --secrets --format json=FILE`: give them with --on",
    "trust": "needs results of `seawall image REF --trust FILE --format json=FILE`: give them with --on",
    "registry": "needs results of `seawall registry --format json=FILE`: give them with --on",
    "probe": "needs results of `seawall probe --format json=FILE`: give them with --on",
    "components": "needs results of `seawall scan --components --format json=FILE`: give them with --on",
    "host-packages": "needs results of `seawall node audit --vulnerabilities --format json=FILE`: give them with --on",
    "cloud": "needs results of `seawall cloud --format json=FILE`: give them with --on",
    "kubeconfig": "needs results of `seawall kubeconfig --format json=FILE`: give them with --on",
    "files": "needs the files of the control plane among the inputs",
    "build-files": "needs the Dockerfiles of the images: give their folders with --on",
}
#: How inputs are read of which a scan sees every kind.
_WHOLE = frozenset(("cluster", "snapshot"))
#: What a scan judges where someone gives it the files.
_OF_FILES = ("files", "kubeconfig", "build-files")
#: How a scan or an audit of nodes reads inputs; other commands have ways of their own.
_ESTATE = frozenset(("cluster", "snapshot", "manifests", "stdin", "facts"))
#: What rules over the whole inventory are about: one of these kinds must be there, among manifests, for a pass.
_ABOUT: dict[Scope, frozenset[str]] = {
    Scope.RBAC: frozenset(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")),
    Scope.SERVICE_ACCOUNT: frozenset(("ServiceAccount", *templated_names())),
    Scope.NETWORK: frozenset(("NetworkPolicy", "Namespace", *templated_names())),
    Scope.WORKLOAD: frozenset(templated_names()),
    Scope.NAMESPACE: frozenset(("Namespace", *templated_names())),
    Scope.NODE: frozenset(("Node",)),
}


def comply(framework: Framework, sources: Sources, attestations: Attestations | None = None) -> Report:
    """Answer every control of a framework."""
    judge = _Judge(sources)
    controls = [judge.control(framework.id, control, attestations) for control in framework.controls]
    notes = [*sources.notes, *judge.notes(framework)]
    if attestations is not None:
        notes += attestations.notes
        known = {control.data.id for control in framework.controls}
        for each in attestations.of(framework.id):
            if each.control not in known:
                notes.append(f"{attestations.file}: {framework.id} has no control {each.control}")
    return Report(
        framework=framework,
        controls=controls,
        inputs=sources.inputs,
        judged=datetime.now(UTC).isoformat(timespec="seconds"),
        kubernetes_version=str(sources.version),
        complete=sources.complete,
        notes=notes,
        problems=sources.problems,
        errors=sources.errors,
    )


class _Judge:
    """Answers controls from sources; what is shared between controls is kept in ``sources``."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.rules = load_all_rules()
        self.today = datetime.now(UTC).date()

    def notes(self, framework: Framework) -> Iterator[str]:
        """What to say of how the framework fits the inputs."""
        if framework.mapping:
            yield f"{framework.id} is a mapping: its controls were not written for Kubernetes, and ask for more"

    def control(self, framework: str, control: Control, attestations: Attestations | None) -> ControlReport:
        """The answer to one control."""
        data = control.data
        checks = [self._rule(name, True) for name in control.needed]
        checks += [each for name in control.further if (each := self._rule(name, False)).state is not _UNSEEN]
        checks += [CheckResult("engine", name, _UNSEEN, "engine absent") for name in data.engines]
        said = attestations.get(framework, data.id) if attestations is not None else None
        status, reason = decide(data.automation, checks, said.told() if said is not None else "")
        rules = [check.id for check in checks if check.type != "engine"]
        evidence, more = self._evidence(rules)
        if said is not None and attestations is not None:
            files = {file.path: file.sha256 for file in said.files}
            days = (str(said.given), str(said.until))
            evidence.append(AttestationEvidence(said.by, *days, said.text, files, said.sha256, attestations.file))
        worst = min((check.severity for check in checks if check.severity), key=_rank, default="")
        return ControlReport(
            id=data.id,
            section=data.section,
            title=data.title,
            automation=data.automation,
            status=status,
            reason=reason,
            severity=worst,
            checks=tuple(checks),
            evidence=tuple(evidence),
            owners=self._owners(rules) if status is Status.FAIL else {},
            more=more,
        )

    def _rule(self, name: str, required: bool) -> CheckResult:
        known = self.sources.cache.get((name, required))
        if known is None:
            rule = self.rules.get(name)
            if rule is None:
                raise ValueError(f"a framework names a rule {name!r} that does not exist")
            known = self.sources.cache[name, required] = self._judged(rule, required)
        return known

    def _judged(self, rule: Rule, required: bool) -> CheckResult:
        by = judged_by(rule)
        kind = "benchmark" if by == "facts" else "rule"
        found = self.sources.findings.get(rule.id, [])
        opened = [each for each in found if each.status is FindingStatus.OPEN]
        outcomes = self.sources.outcomes(rule.id) if by == "facts" else []
        bad = sum(outcome.verdict is Verdict.FAIL for _, outcome in outcomes)
        if opened or bad:
            severities = [each.severity for each in opened] + [rule.severity] * bool(bad)
            worst = min(severities, key=lambda severity: severity.rank)
            return CheckResult(kind, rule.id, CheckState.FAIL, "", len(opened) + bad, str(worst), False, required)
        state, reason, answerable = self._unfailed(rule, by, outcomes)
        if found and state is CheckState.PASS:
            state = CheckState.WAIVED
        return CheckResult(kind, rule.id, state, reason, 0, "", answerable, required)

    def _unfailed(self, rule: Rule, by: str, outcomes: list[tuple[int, Outcome]]) -> tuple[CheckState, str, bool]:
        if by == "facts":
            return self._facts(outcomes)
        if self.sources.scan is not None and (by == "scan" or (by in _OF_FILES and not self._absent(rule))):
            return self._scanned(rule)
        kept = [results for results in self.sources.results if rule.id in results.judged]
        if by not in ("scan", "malware", "components", "host-packages"):
            # Rules over packages judge nodes and components too: those are not what an image is made of.
            kept = [results for results in kept if not _ESTATE.issuperset(results.kinds)]
        if not kept:
            return _UNSEEN, _WANTED[by], True
        if not all(results.complete for results in kept):
            return _UNSEEN, "the run whose results were given was incomplete", True
        if by == "scan" and any(not _WHOLE.issuperset(results.kinds) for results in kept):
            return _UNSEEN, "results of manifests do not tell which kinds there were: give the manifests", True
        if by == "malware" and (reason := self._stale(kept)):
            return _UNSEEN, reason, True
        return CheckState.PASS, "", False

    def _stale(self, kept: Sequence[Results]) -> str:
        """Why the sets of a search for malware do not answer; empty where one of each run is new enough."""
        for results in kept:
            if not results.sets:
                return "the results do not tell by which sets was searched"
            days = min(age(each, self.today) for each in results.sets)
            if days > STALE_SET_DAYS:
                return f"the newest set that was searched by is {days} days old, more than {STALE_SET_DAYS}"
        return ""

    def _facts(self, outcomes: list[tuple[int, Outcome]]) -> tuple[CheckState, str, bool]:
        if not outcomes:
            return _UNSEEN, _WANTED["facts"], True
        unknown = [outcome.reason for _, outcome in outcomes if outcome.verdict is Verdict.NOT_JUDGED]
        if unknown:
            return _UNSEEN, unknown[0], True
        missing = self.sources.nodes_without_facts()
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            return _UNSEEN, f"no facts of the nodes {', '.join(missing[:3])}{more}", True
        if all(outcome.verdict is Verdict.NOT_APPLICABLE for _, outcome in outcomes):
            return CheckState.NOT_APPLICABLE, f"applies to no node that was given: {outcomes[0][1].reason}", False
        return CheckState.PASS, "", False

    def _scanned(self, rule: Rule) -> tuple[CheckState, str, bool]:
        scan = self.sources.scan
        if scan is None:
            return _UNSEEN, _WANTED["scan"], True
        if not rule.runs_at(scan.version):
            return CheckState.NOT_APPLICABLE, f"not meant for Kubernetes {scan.version}", False
        status = self.sources.statuses.get(rule.id)
        if status is None or status.state is not RuleState.OK:
            skipped = status is not None and status.state is RuleState.SKIPPED
            return _UNSEEN, status.reason if status is not None else "was not run", not skipped
        if scan.errors or scan.unrendered:
            return _UNSEEN, "an input could not be read in full", True
        if not self.sources.live and (absent := self._absent(rule)):
            return _UNSEEN, f"the manifests have no {absent}", True
        return CheckState.PASS, "", False

    def _absent(self, rule: Rule) -> str:
        """The kinds that a rule is about, where manifests have none of them: nothing was looked at."""
        if not self.sources.kinds:
            return "objects"
        about: set[str] = set()
        for on in rule.on:
            if on in (CONTAINER, POD):
                about.update(templated_names())
            elif on == INVENTORY:
                about |= _ABOUT.get(rule.scope, frozenset(self.sources.kinds))
            elif on == OBJECT:
                about |= set(self.sources.kinds)
            else:
                about.add(on)
        if not about.isdisjoint(self.sources.kinds):
            return ""
        return "workloads" if about.issuperset(templated_names()) else " or ".join(sorted(about)[:4])

    def _evidence(self, rules: Sequence[str]) -> tuple[list[Evidence], int]:
        evidence: list[Evidence] = []
        more = 0
        kinds: Counter[str] = Counter()
        for name in dict.fromkeys(rules):
            found = self.sources.findings.get(name, [])
            room = max(_MOST_FINDINGS - len(evidence), 0)
            evidence += [self._finding(each) for each in found[:room]]
            more += max(len(found) - room, 0)
            rule = self.rules.get(name)
            if rule is not None and judged_by(rule) == "scan" and self.sources.scan is not None:
                kinds.update(dict.fromkeys(self._kinds(rule), 0))
        for name in dict.fromkeys(rules):
            evidence += [self._fact(name, index, outcome) for index, outcome in self.sources.outcomes(name)]
        if any((rule := self.rules.get(name)) is not None and judged_by(rule) == "malware" for name in rules):
            evidence += self._sets()
        counted = {kind: self.sources.kinds[kind] for kind in sorted(kinds) if self.sources.kinds[kind]}
        return ([*evidence, ObjectsEvidence(counted)] if counted else evidence), more

    def _sets(self) -> Iterator[SetEvidence]:
        for each in dict.fromkeys(each for results in self.sources.results for each in results.sets):
            told = (each.name, each.kind, each.version, each.date, each.dated, each.count, each.sha256)
            yield SetEvidence(*told, days=age(each, self.today))

    def _kinds(self, rule: Rule) -> Iterator[str]:
        for on in rule.on:
            if on in (CONTAINER, POD):
                yield from templated_names()
            elif on == INVENTORY:
                yield from _ABOUT.get(rule.scope, ())
            elif on != OBJECT:
                yield on

    def _finding(self, each: Finding | KeptFinding) -> FindingEvidence:
        place = each.locations[0] if each.locations else None
        return FindingEvidence(
            rule=each.rule,
            severity=str(each.severity),
            status=str(each.status),
            resource=each.resource,
            message=each.message,
            fingerprint=each.fingerprint,
            file=place.file if place else "",
            line=place.line if place else 0,
            path=place.path if place else "",
            owner=self.owner(each.resource),
            waiver=each.waiver.reason if each.waiver else "",
        )

    def _fact(self, rule: str, index: int, outcome: Outcome) -> FactsEvidence:
        document = self.sources.facts[index]
        seen = tuple(f"{each.path}: {each.says}" for each in outcome.seen[:_MOST_SEEN])
        told = message(outcome) if outcome.verdict is Verdict.FAIL else outcome.reason
        name = document.facts.host.name or document.source
        return FactsEvidence(rule, name, document.source, document.facts.collected, outcome.verdict.value, seen, told)

    def _owners(self, rules: Sequence[str]) -> dict[str, int]:
        found: Counter[str] = Counter()
        for name in dict.fromkeys(rules):
            if name not in self.sources.owners:
                opened = [f for f in self.sources.findings.get(name, []) if f.status is FindingStatus.OPEN]
                self.sources.owners[name] = Counter(owner for f in opened if (owner := self.owner(f.resource)))
            found.update(self.sources.owners[name])
        return dict(found.most_common())

    def owner(self, ref: ResourceRef) -> str:
        """Who owns an object, by its labels and annotations or those of its namespace; empty where nobody is told."""
        known = self.sources.owned.get(ref)
        if known is None:
            known = self._labelled(self.sources.resource(ref))
            if not known and ref.namespace is not None:
                known = self._labelled(self.sources.namespace(ref))
            self.sources.owned[ref] = known
        return known

    def _labelled(self, resource: Resource | None) -> str:
        if resource is None:
            return ""
        try:
            tables = (resource.metadata.labels or {}, resource.metadata.annotations or {})
        except InvalidField:
            return ""
        return next((str(t[key]) for key in self.sources.owner_keys for t in tables if t.get(key)), "")


_UNSEEN = CheckState.NOT_CHECKED


def _rank(severity: str) -> int:
    return Severity(severity).rank
