"""Vulnerabilities of images: inventories matched against the database, VEX taken into account, findings made."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from seawall.analysis.images.matching import Matcher
from seawall.engine.accepting import Accepting
from seawall.engine.catalogue import load_rules
from seawall.engine.named import image_origin
from seawall.engine.result import ScanResult
from seawall.engine.vulnerability_evidence import package_evidence, place_of, plain
from seawall.findings import fingerprint, vulnerability_risk
from seawall.findings.vex import Vex
from seawall.model.advisories import STALE_DAYS, AdvisoryLookup, DatabaseInfo
from seawall.model.finding import (
    Evidence,
    FieldEvidence,
    Finding,
    FindingStatus,
    Location,
    ResourceRef,
    RuleState,
    RuleStatus,
    Severity,
    SourceError,
)
from seawall.model.images import ImageInventory
from seawall.model.kube.base import ObjectMeta
from seawall.model.kube.images import Image, ImageOs, ImageSpec, ImageVulnerability
from seawall.model.kube.kinds import find_kind
from seawall.model.paths import format_path
from seawall.model.resource import Inventory, Resource
from seawall.model.rule import Context, Hit, Rule
from seawall.model.version import NEWEST
from seawall.model.vulnerabilities import API_VERSION, ImageVerdict, Vulnerability, image_ref
from seawall.sources.vex import read_vex
from seawall.store.advisories import AdvisoryStore

if TYPE_CHECKING:
    from seawall.engine.config import Project

#: The rules by what is judged: that about vulnerabilities, and that about distributions.
RULES = {
    "image": ("vulnerable-package", "outdated-distribution"),
    "component": ("vulnerable-component",),
    "node": ("vulnerable-host-package", "outdated-host-distribution"),
}
_KINDS = {"image": "Image", "component": "Component", "node": "Node"}
_MOST_REASONS = 5


class VulnerabilityOptions(Struct, frozen=True):
    """How images are judged. ``vex`` are files; ``severity`` is the least that is told. ``project`` brings waivers;
    ``accepting`` are those of a result that this one is joined to."""

    database: str
    vex: tuple[str, ...] = ()
    ignore_unfixed: bool = False
    severity: Severity = Severity.INFO
    project: Project | None = None
    accepting: Accepting | None = None


#: Told after each image: how many are judged.
Progress = Callable[[int], None]


def judge_images(
    inventories: Iterable[ImageInventory],
    options: VulnerabilityOptions,
    errors: Sequence[SourceError] = (),
    progress: Progress | None = None,
    what: Literal["image", "component", "node"] = "image",
) -> ScanResult:
    """Judge inventories by the database; ``errors`` are of reading them, and part of the result. ``what`` they are
    decides by which rules.

    Raises:
        DatabaseProblem: there is no database, or it cannot be used.
        VexProblem: a VEX file cannot be read.
    """
    vex = Vex(statement for file in options.vex for statement in read_vex(file))
    now = datetime.now(UTC)
    collecting = gc.isenabled()
    gc.disable()
    try:
        with AdvisoryStore(options.database) as store:
            judge = _Judge(store, vex, options, now, what)
            for count, inventory in enumerate(inventories, 1):
                judge.add(inventory)
                if progress is not None:
                    progress(count)
            return judge.result(errors, [*_age(store.info, now), *judge.notes()])
    finally:
        if collecting:
            gc.enable()


def join(result: ScanResult, judged: ScanResult) -> None:
    """Add what images, components or packages of nodes were judged to another result."""
    result.findings += judged.findings
    result.findings.sort(key=lambda finding: -finding.risk)
    result.errors += judged.errors
    result.errors[:] = dict.fromkeys(result.errors)
    result.notes += judged.notes
    result.sets += judged.sets
    result.accepted = result.accepted or judged.accepted
    new = {rule.id: rule for rule in judged.rules if all(rule.id != each.id for each in result.rules)}
    result.rules += new.values()
    states = {status.rule: status for status in judged.statuses}
    result.statuses[:] = [
        _worse(status, states[status.rule]) if status.rule in states else status for status in result.statuses
    ]
    result.statuses += (status for status in judged.statuses if status.rule in new)


def _worse(before: RuleStatus, now: RuleStatus) -> RuleStatus:
    """What became of a rule in two runs: not judged where one of them could not."""
    if before.state is not RuleState.NOT_JUDGED:
        return now
    both = now.state is RuleState.NOT_JUDGED and now.reason != before.reason
    return RuleStatus(now.rule, RuleState.NOT_JUDGED, f"{before.reason}; {now.reason}" if both else before.reason)


def _age(info: DatabaseInfo, now: datetime) -> list[str]:
    days = (now - datetime.fromisoformat(info.built)).days
    if days < STALE_DAYS:
        return []
    return [f"the database of advisories is {days} days old: what became known since is missing; `seawall db update`"]


class _Judge:
    def __init__(
        self, advisories: AdvisoryLookup, vex: Vex, options: VulnerabilityOptions, now: datetime, what: str
    ) -> None:
        registry = load_rules()
        self.rules: list[Rule] = [rule for rule in registry if rule.id in RULES[what]]
        self._vulnerable = RULES[what][0]
        self._kind = find_kind(API_VERSION, _KINDS[what])
        self._matcher = Matcher(advisories, now.date().isoformat())
        self._vex = vex
        self._accepting = options.accepting
        if self._accepting is None and options.project is not None:
            self._accepting = Accepting(registry, options.project)
        self._options = options
        self._resources: list[Resource] = []
        self._findings: list[Finding] = []
        self._seen: set[str] = set()
        self._unjudged: dict[str, list[str]] = {}
        self._inputs: list[str] = []
        self._errors: list[SourceError] = []
        self._unfixed = 0

    def add(self, inventory: ImageInventory) -> None:
        """Judge an image; a digest that was judged already adds no findings."""
        inventory = replace(inventory, reference=plain(inventory.reference), digest=plain(inventory.digest))
        self._inputs.append(inventory.reference)
        verdict = self._matcher.match(inventory)
        ref = image_ref(inventory)
        for each in verdict.unjudged:
            more = f" and {each.count - 1} more" if each.count > 1 else ""
            self._unjudged.setdefault(each.reason, []).append(plain(f"{ref.name}: {each.first}{more}"))
        self._errors += (
            SourceError(ref.name, plain(each.where), f"was not looked into: {plain(each.reason)}")
            for each in inventory.not_looked
        )
        identity = inventory.digest or ref.name
        if identity in self._seen:
            return
        self._seen.add(identity)
        told = [each for each in verdict.vulnerabilities if self._is_told(each)]
        view = _view(ref.name, inventory, verdict, told)
        origin = image_origin(inventory.reference, view)
        resource = Resource(ref, uid="", kind=self._kind, view=view, origin=origin)
        self._resources.append(resource)
        context = Context(NEWEST, resource)
        for rule in self.rules:
            for hit in rule.check(view, context):
                vulnerability = told[int(hit.path[-1])] if rule.id == self._vulnerable else None
                self._add(rule, hit, inventory, resource, vulnerability)

    def _is_told(self, vulnerability: Vulnerability) -> bool:
        if not Severity(vulnerability.severity).at_least(self._options.severity):
            return False
        if self._options.ignore_unfixed and not any(each.fixed for each in vulnerability.packages):
            self._unfixed += 1
            return False
        return True

    def _add(
        self, rule: Rule, hit: Hit, inventory: ImageInventory, resource: Resource, vulnerability: Vulnerability | None
    ) -> None:
        severity, ref = hit.severity or rule.severity, resource.ref
        if not severity.at_least(self._options.severity):
            return
        path = hit.path if isinstance(hit.path, str) else format_path(hit.path)
        evidence: tuple[Evidence, ...] = (FieldEvidence(path),)
        message, waiver, field = plain(hit.message), None, path
        risk, terms = vulnerability_risk(severity, hit.confidence, False, -1)
        if vulnerability is not None:
            evidence = tuple(package_evidence(vulnerability, inventory))
            waiver = self._vex.waiver(vulnerability, inventory)
            if note := self._vex.note(vulnerability, inventory):
                message = f"{message} (VEX: {note})"
            field = vulnerability.id
            exploited = bool(vulnerability.kev_added)
            risk, terms = vulnerability_risk(severity, hit.confidence, exploited, vulnerability.epss)
        locations = (Location(inventory.reference, 0, 0, place_of(vulnerability) or path),)
        if waiver is None and self._accepting is not None:
            _, waiver, told = self._accepting.accept(rule.id, severity, resource, (), locations)
            message = f"{message} ({told})" if told else message
        # By the digest alone: the same image in another repository has the same finding.
        identity = ResourceRef(ref.api_version, ref.kind, inventory.digest or ref.name)
        self._findings.append(
            Finding(
                rule=rule.id,
                severity=severity,
                confidence=hit.confidence,
                resource=ref,
                locations=locations,
                message=message,
                evidence=evidence,
                fix=None,
                fingerprint=fingerprint(rule.id, identity, field),
                status=FindingStatus.WAIVED if waiver else FindingStatus.OPEN,
                waiver=waiver,
                risk=risk,
                risk_terms=terms,
            )
        )

    def notes(self) -> Iterator[str]:
        """What a person should know of the run."""
        if self._unfixed:
            yield f"{self._unfixed} vulnerabilities without a fixed version are left out (--ignore-unfixed)"
        if self._vex.unused:
            yield f"{self._vex.unused} VEX statements are for nothing that was found"
        if self._accepting is not None and self._options.accepting is None:
            yield from self._accepting.notes()

    def result(self, errors: Sequence[SourceError], notes: list[str]) -> ScanResult:
        """All that was judged."""
        self._findings.sort(key=lambda finding: -finding.risk)
        return ScanResult(
            inputs=self._inputs,
            kinds=dict.fromkeys(self._inputs, "image"),
            version=NEWEST,
            rules=self.rules,
            findings=self._findings,
            statuses=self._statuses(),
            errors=[*errors, *self._errors],
            skipped=Counter(),
            unrendered=[],
            files=len(self._inputs),
            inventory=Inventory(self._resources),
            texts={},
            wanting=set(),
            notes=notes,
        )

    def _statuses(self) -> list[RuleStatus]:
        reasons = [f"{reason} ({_several(where)})" for reason, where in self._unjudged.items()]
        more = len(reasons) - _MOST_REASONS
        text = "; ".join(reasons[:_MOST_REASONS]) + (f"; and {more} more reasons" if more > 0 else "")
        text = plain(text)
        state = RuleState.NOT_JUDGED if reasons else RuleState.OK
        return [
            RuleStatus(rule.id, state, text) if rule.id == self._vulnerable else RuleStatus(rule.id, RuleState.OK)
            for rule in self.rules
        ]


def _several(where: list[str]) -> str:
    return where[0] if len(where) == 1 else f"{where[0]}, and in {len(where) - 1} more"


def _view(name: str, inventory: ImageInventory, verdict: ImageVerdict, told: list[Vulnerability]) -> Image:
    os = inventory.os
    system = ImageOs(os.name or f"{os.id} {os.version_id}", verdict.end_of_life) if os is not None else None
    return Image(
        metadata=ObjectMeta(name=name),
        spec=ImageSpec(
            os=system,
            vulnerabilities=tuple(
                ImageVulnerability(
                    id=each.id,
                    severity=Severity(each.severity),
                    summary=_cut(each.summary),
                    packages=tuple(f"{one.package.name} {one.package.version}" for one in each.packages),
                    fixed=tuple(dict.fromkeys(one.fixed[0] for one in each.packages if one.fixed)),
                    exploited=bool(each.kev_added),
                    disputed=each.disputed,
                    declared=all(one.package.declared for one in each.packages),
                )
                for each in told
            ),
        ),
    )


_MAX_SUMMARY = 140


def _cut(summary: str) -> str:
    return summary if len(summary) <= _MAX_SUMMARY else f"{summary[:_MAX_SUMMARY].rstrip('. ')}..."
