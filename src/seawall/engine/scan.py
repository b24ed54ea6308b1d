"""A scan of manifests and clusters: read, judge, place, and account for everything."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from seawall.engine.accepting import Accepting
from seawall.engine.catalogue import MET, SCANNED, load_rules
from seawall.engine.evidence import evidence_of
from seawall.engine.judge import Judge, RuleHit
from seawall.engine.ownrules import OwnRules
from seawall.engine.reading import Reading, ReadOptions
from seawall.engine.result import ScanResult, Subject, no_terms
from seawall.engine.selection import Selection, UnknownRule, select_rules
from seawall.engine.twins import Twins
from seawall.findings import Identity, base_risk, fingerprint, set_apart_twins, waive_known
from seawall.model.finding import (
    Finding,
    Location,
    RenderedEvidence,
    ResourceRef,
    RiskTerm,
    RuleStatus,
    Severity,
)
from seawall.model.paths import Path, PathNamer, lookup
from seawall.model.rendered import RenderedOrigin
from seawall.model.resource import Inventory, Resource
from seawall.model.rule import Rule
from seawall.model.version import NEWEST, KubernetesVersion

if TYPE_CHECKING:
    from datetime import date

    from seawall.engine.config import Project
    from seawall.sources.cluster.source import Stage


class UsageError(Exception):
    """A scan that was asked for in a way that makes no sense; the message says what to do."""


class ScanOptions(Struct, frozen=True):
    """What to scan and how; ``severity`` is the least that is told. No version means the cluster's own, and the
    newest for manifests. ``baseline`` is a file with results: what was found before is waived. ``project`` brings
    waivers, what may be waived, and policies of one's own; ``today`` is the day that waivers are judged by. With
    ``subjects`` the result tells in which object each finding is. ``policies`` are files and folders with
    ValidatingAdmissionPolicies; with ``policies_from_input`` those among what is scanned are judged by too, each where
    it was found."""

    read: ReadOptions
    version: KubernetesVersion | None = None
    selection: Selection = Selection()
    severity: Severity = Severity.INFO
    baseline: str | None = None
    project: Project | None = None
    today: date | None = None
    subjects: bool = False
    policies: tuple[str, ...] = ()
    policies_from_input: bool = False


#: Told now and then the number of objects judged so far and, of a cluster, how far the reading is.
Progress = Callable[[int, "Stage | None"], None]


def scan(options: ScanOptions, progress: Progress | None = None) -> ScanResult:
    """Scan manifests, clusters and snapshots.

    Raises:
        UnknownRule: the selection names a rule that does not exist.
        ResultsError: the baseline cannot be read.
        ConfigError: a policy of the project cannot be used.
        UsageError: the inputs are of different Kubernetes versions, and none is given to judge at.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _Scan(options, progress).run()
    finally:
        if collecting:
            gc.enable()


_SNAPSHOTS = frozenset(("snapshot", "snapshot-of-manifests"))


class _Scan:
    def __init__(self, options: ScanOptions, progress: Progress | None) -> None:
        self.options = options
        self.progress = progress
        self.reading = Reading(options.read)
        self.reading.build_files = True
        self.reading.open()
        self.version = options.version or _own_version(self.reading)
        self.incoming: Iterable[Resource] = self.reading.resources()
        if options.policies_from_input:
            self.incoming = list(self.incoming)
        own = OwnRules(options.project, options.policies)
        if own.asked or options.policies_from_input:
            self.incoming = own.read(self.incoming, options.policies_from_input)
            self.reading.errors += own.faults
        self.add_own = own.add
        registry = self.add_own(load_rules() if options.read.supplied else load_rules(SCANNED))
        try:
            chosen = select_rules(registry, options.selection, self.version)
        except UnknownRule:
            registry = self.add_own(load_rules())
            chosen = select_rules(registry, options.selection, self.version)
        self.left_out, self.severities = chosen.left_out, chosen.severities
        self.all_rules = list(registry)
        self.judge = Judge((rule for rule in registry if not self.left_out[rule.id]), self.version)
        self.stage: Stage | None = None
        if progress is not None:
            self.reading.tell = self._tell
        self.met: set[str] = set()
        self.resources: list[Resource] = []
        self.findings: list[Finding] = []
        self.twins = Twins()
        self.known: dict[int, set[tuple[str, str]]] = {}
        self.copies: list[tuple[Resource, Resource]] = []
        self.spans: dict[int, tuple[int, int]] = {}
        self.units: dict[tuple[str, str, str | None, str, str | None], set[str]] = {}
        self.fields: list[tuple[Resource, str, str]] = []
        self.subjects: dict[int, Subject] = {}
        self.users_terms: Callable[[ResourceRef], tuple[RiskTerm, ...]] = no_terms
        self.accepting = Accepting(registry, options.project, options.today)
        self.accepted = _known(options.baseline) if options.baseline is not None else None

    def run(self) -> ScanResult:
        for resource in self.incoming:
            self.resources.append(resource)
            ref = resource.ref
            if ref.kind in MET and ref.kind not in self.met and resource.kind is not None:
                self._bring_in(ref.kind)
            key = (ref.api_version, ref.kind, ref.namespace, ref.name, ref.cluster)
            self.units.setdefault(key, set()).add(resource.origin.unit)
            self.accepting.meet(resource)
            start = len(self.findings)
            first = self.twins.first(resource)
            if first is not None:
                self.copies.append((resource, first))
            self._add(resource, self.judge.judge(resource, template=first is None))
            if resource.kind is not None and resource.kind.template is not None:
                self.spans[id(resource)] = (start, len(self.findings))
            if self.progress is not None and not len(self.resources) % 500:
                self.progress(len(self.resources), self.stage)
        inventory = Inventory(self.resources, self.reading.unread)
        self.judge.account_for(self.reading.unread)
        self._drop_inherited(inventory)
        self._judge_together(inventory)
        return self._result(inventory)

    def _bring_in(self, kind: str) -> None:
        """Load the rules about a kind that few scans meet, at the first object of it."""
        self.met.add(kind)
        known = {rule.id for rule in self.all_rules}
        registry = self.add_own(load_rules((MET[kind],)))
        chosen = select_rules(registry, self.options.selection, self.version)
        new = [rule for rule in registry if rule.id not in known]
        self.left_out.update((rule.id, chosen.left_out[rule.id]) for rule in new)
        self.severities.update(chosen.severities)
        self.all_rules += new
        self.judge.add(rule for rule in new if not self.left_out[rule.id])

    def _tell(self, stage: Stage) -> None:
        self.stage = stage
        if self.progress is not None:
            self.progress(len(self.resources), stage)

    def _drop_inherited(self, inventory: Inventory) -> None:
        """Of a workload that another made, tell only what differs from the owner's template (injected sidecars)."""
        dropped: set[int] = set()
        for resource in self.resources:
            dropped.update(self._inherited(resource, inventory))
        for twin, first in self.copies:
            # Where all that was said of the first pod is its owner's, there is nothing to say of its twins.
            if not dropped.issuperset(range(*self.spans[id(first)])):
                start = len(self.findings)
                twin.hold(twin.raw)
                self._add(twin, self.judge.judge_template(twin))
                twin.hold(None)
                self.spans[id(twin)] = (start, len(self.findings))
                dropped.update(self._inherited(twin, inventory))
        if dropped:
            self.findings = [f for index, f in enumerate(self.findings) if index not in dropped]
            self.fields = [f for index, f in enumerate(self.fields) if index not in dropped]

    def _inherited(self, resource: Resource, inventory: Inventory) -> Iterator[int]:
        owner = inventory.owner_of(resource)
        if owner is not None and id(owner) in self.spans and id(resource) in self.spans:
            known = self.known.get(id(owner))
            if known is None:
                known = self.known[id(owner)] = {key for _, key in self._keys(owner)}
            yield from (index for index, key in self._keys(resource) if key in known)

    def _keys(self, resource: Resource) -> Iterator[tuple[int, tuple[str, str]]]:
        """Its findings' indices, with keys that are equal for a template and for a pod made from it."""
        base = resource.kind.template if resource.kind is not None else None
        prefix = f"{'.'.join(map(str, base))}." if base else ""
        for index in range(*self.spans[id(resource)]):
            _, field, rule = self.fields[index]
            yield index, (rule, field.removeprefix(prefix))

    def _judge_together(self, inventory: Inventory) -> None:
        for hit in self.judge.judge_inventory(inventory):
            self._add(hit.resource, [hit])

    def _add(self, resource: Resource, hits: Sequence[RuleHit]) -> None:
        floor = self.options.severity
        if floor is not Severity.INFO:
            hits = [hit for hit in hits if self._severity(hit).at_least(floor)]
        if not hits:
            return
        # Hits on objects as a whole, as inventory rules yield them by the thousand, need no second reading.
        raw = resource.raw if any(hit.path for hit in hits) else {}
        name = PathNamer(raw)
        ref = resource.ref
        places = self._places(resource, [hit.path for hit in hits], raw)
        for each, (locations, how) in zip(hits, places, strict=True):
            rule, hit, path = each.rule, each.hit, each.path
            location = locations[0]
            severity = self._severity(each)
            evidence = evidence_of(hit, location.path, None if hit.secret else lookup(raw, path), how)
            status, waiver, told = self.accepting.accept(rule.id, severity, resource, path, locations)
            # Positional, in the order of the contract: this is the hottest line of a large scan.
            self.findings.append(
                Finding(
                    rule.id,
                    severity,
                    hit.confidence,
                    ref,
                    locations,
                    f"{hit.message} ({told})" if told else hit.message,
                    evidence,
                    None,
                    "",
                    status,
                    waiver,
                    base_risk(severity, hit.confidence),
                )
            )
            self.fields.append((resource, name(path, hit.secret), rule.id))
            if self.options.subjects:
                self.subjects[id(self.findings[-1])] = Subject(resource, path)

    def _places(
        self, resource: Resource, paths: list[Path], raw: dict[str, Any]
    ) -> list[tuple[tuple[Location, ...], RenderedEvidence | None]]:
        """Where each path stands; for rendered objects all places that it comes from, and how that is known."""
        origin = resource.origin
        if isinstance(origin, RenderedOrigin):
            return [(trace.locations, trace.evidence) for trace in origin.traces(paths, raw)]
        return [((location,), None) for location in origin.locate(paths)]

    def _severity(self, hit: RuleHit) -> Severity:
        own = self.severities.get(hit.rule.id) if self.severities else None
        return own or hit.hit.severity or hit.rule.severity

    def _result(self, inventory: Inventory) -> ScanResult:
        for finding, (resource, field, rule) in zip(self.findings, self.fields, strict=True):
            ref = resource.ref
            twins = self.units[(ref.api_version, ref.kind, ref.namespace, ref.name, ref.cluster)]
            finding.fingerprint = fingerprint(rule, ref, field, resource.origin.unit if len(twins) > 1 else "")
        self._weigh()
        statuses = self.judge.statuses(self.all_rules, self._left_out)
        notes = self.accepting.notes()
        nodes = [resource for resource in self.resources if resource.ref.kind == "NodeInfo"]
        if nodes:
            statuses = self._judge_nodes(nodes, statuses, notes)
        set_apart_twins(self.findings)
        if self.accepted is not None and self.options.baseline is not None:
            gone = waive_known(self.findings, self.accepted, self.options.baseline, self.accepting.policy)
            if gone:
                notes.append(f"{gone} findings of the baseline {self.options.baseline} are gone; write it anew")
        self.findings.sort(key=lambda finding: -finding.risk)
        self.reading.hold({place.file for finding in self.findings for place in finding.locations})
        return ScanResult(
            inputs=list(self.options.read.paths),
            kinds=self.reading.kinds,
            version=self.version,
            rules=self.all_rules,
            findings=self.findings,
            statuses=statuses,
            errors=self.reading.errors,
            skipped=self.reading.skipped,
            unrendered=self.reading.unrendered,
            files=self.reading.files,
            inventory=inventory,
            texts=self.reading.texts,
            wanting=self.judge.wanting(),
            notes=[*self.reading.notes, *notes],
            accepted=self.accepting,
            subjects=self.subjects,
            users_terms=self.users_terms,
        )

    def _left_out(self, rule: Rule) -> str:
        """Why a rule was not run, or could not see what it is about."""
        snapshots = rule.by_value and _SNAPSHOTS.issuperset(self.reading.kinds.values())
        if snapshots and all(found.rule != rule.id for found in self.findings):
            return "told by values, of which snapshots are rid: scan the cluster or the manifests for it"
        return self.left_out[rule.id]

    def _weigh(self) -> None:
        """Let the rest of the estate add to the risk of what was found."""
        if self.fields and self.judge.contexts:
            from seawall.engine.risk import weigh

            found = ((finding, of, field) for finding, (of, field, _) in zip(self.findings, self.fields, strict=True))
            self.users_terms = weigh(found, self.judge.contexts)

    def _judge_nodes(self, nodes: list[Resource], statuses: list[RuleStatus], notes: list[str]) -> list[RuleStatus]:
        """Judge facts of nodes among the objects by the benchmarks; gives all statuses."""
        from seawall.engine.nodeinfo import judge_nodes, merge_statuses

        found = judge_nodes(nodes, self.options.selection, self.options.severity, self.accepting)
        self.findings += found.findings
        known = {rule.id for rule in self.all_rules}
        self.all_rules += [rule for rule in found.rules if rule.id not in known]
        self.reading.errors += found.errors
        notes += found.notes
        return merge_statuses(statuses, found.statuses)


def _known(file: str) -> list[Identity]:
    from seawall.engine.results import known_findings, read_results

    return known_findings(read_results(file))


def _own_version(reading: Reading) -> KubernetesVersion:
    if len(reading.versions) > 1:
        versions = " and ".join(map(str, sorted(reading.versions)))
        raise UsageError(f"the inputs are of Kubernetes {versions}: scan them apart, or say --kubernetes-version")
    return next(iter(reading.versions), NEWEST)
