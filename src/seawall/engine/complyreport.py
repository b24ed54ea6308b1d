"""What compliance answers: controls with their evidence, and the report of a framework as a whole."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from seawall import __version__
from seawall.engine.complysources import Input
from seawall.engine.frameworks import Framework
from seawall.findings.controls import Automation, CheckResult, Status
from seawall.model.finding import ResourceRef, Severity

SCHEMA = "seawall.comply/v1"


class FindingEvidence(Struct, frozen=True, tag="finding", rename="camel", omit_defaults=True):
    """A finding behind an answer, and where it stands."""

    rule: str
    severity: str
    status: str
    resource: ResourceRef
    message: str
    fingerprint: str
    file: str = ""
    line: int = 0
    path: str = ""
    owner: str = ""
    waiver: str = ""


class FactsEvidence(Struct, frozen=True, tag="facts", rename="camel", omit_defaults=True):
    """What a check saw on a node; ``source`` is the file of facts, ``seen`` places in it with what they say."""

    rule: str
    node: str
    source: str
    collected: str
    verdict: str
    seen: tuple[str, ...] = ()
    reason: str = ""


class ObjectsEvidence(Struct, frozen=True, tag="objects"):
    """How many objects of each kind were looked at."""

    kinds: dict[str, int]


class AttestationEvidence(Struct, frozen=True, tag="attestation"):
    """What someone attested; ``files`` are paths with their SHA-256."""

    by: str
    date: str
    until: str
    text: str
    files: dict[str, str]
    sha256: str
    source: str


class SetEvidence(Struct, frozen=True, tag="set", rename="camel", omit_defaults=True):
    """Signatures of malware that images were searched for; ``days`` is how old they were when this was judged."""

    name: str
    kind: str
    version: str
    date: str
    dated: str
    count: int
    sha256: str
    days: int

    def told(self) -> str:
        """In one line."""
        what = "digests" if self.kind == "hashes" else "rules"
        return f"Searched by {self.count} {what} of {self.name} ({self.date}, {self.days} days old, {self.sha256[:12]})"


Evidence = FindingEvidence | FactsEvidence | ObjectsEvidence | AttestationEvidence | SetEvidence


class ControlReport(Struct, frozen=True):
    """A control with its answer; ``more`` counts findings that are not among the evidence."""

    id: str
    section: str
    title: str
    automation: Automation
    status: Status
    reason: str
    severity: str
    checks: tuple[CheckResult, ...]
    evidence: tuple[Evidence, ...]
    owners: dict[str, int]
    more: int = 0

    @property
    def unanswered(self) -> bool:
        """Whether other inputs would have answered what was not checked."""
        open_ended = self.status in (Status.PARTIAL, Status.NOT_CHECKED)
        return open_ended and any(check.answerable and check.required for check in self.checks)


class Trend(Struct, frozen=True):
    """What became of an earlier run: scores in percent, and the controls that pass or no longer pass."""

    previous: float
    change: float
    mended: tuple[str, ...]
    broken: tuple[str, ...]


class Report(Struct):
    """All controls of a framework, and what they were judged from."""

    framework: Framework
    controls: list[ControlReport]
    inputs: list[Input]
    judged: str
    kubernetes_version: str
    complete: bool
    notes: list[str]
    problems: list[str]
    errors: list[dict[str, str]]
    trend: Trend | None = None
    tool: str = __version__

    def counts(self) -> dict[str, int]:
        """How many controls have each status."""
        found = Counter(control.status for control in self.controls)
        return {status.value: found[status] for status in Status}

    def score(self) -> float:
        """Percent of all controls that pass or are attested: what was not looked at counts against it."""
        good = sum(control.status in (Status.PASS, Status.ATTESTED) for control in self.controls)
        return round(100 * good / len(self.controls), 1)

    def owners(self) -> dict[str, dict[str, int]]:
        """Whose objects make controls fail: controls and findings by owner, the most first."""
        controls: Counter[str] = Counter()
        findings: Counter[str] = Counter()
        for control in self.controls:
            for owner, number in control.owners.items():
                controls[owner] += 1
                findings[owner] += number
        return {owner: {"controls": n, "findings": findings[owner]} for owner, n in controls.most_common()}

    def exit_code(self, fail_on: Severity | None, allow_not_checked: bool) -> int:
        """0 complete and nothing failed, 1 failed controls at or above ``fail_on``, 2 incomplete; 2 outranks 1.

        Incomplete is also a control that other inputs would have answered, unless that is allowed. What no input
        can answer (an engine that is absent, people) is told, and does not fail a run.
        """
        if not self.complete or (not allow_not_checked and any(each.unanswered for each in self.controls)):
            return 2
        failed = [each.severity for each in self.controls if each.status is Status.FAIL]
        return int(fail_on is not None and any(Severity(each).at_least(fail_on) for each in failed))
