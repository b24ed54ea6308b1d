"""The result of a scan, and what it means for the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from msgspec import Struct

from seawall.engine.accepting import Accepting
from seawall.model.finding import (
    Finding,
    FindingStatus,
    ResourceRef,
    RiskTerm,
    RuleState,
    RuleStatus,
    Severity,
    SourceError,
)
from seawall.model.malware import UsedSet
from seawall.model.paths import Path
from seawall.model.resource import Inventory, Resource
from seawall.model.rule import Rule
from seawall.model.version import KubernetesVersion


class Subject(Struct, frozen=True):
    """What a finding is about: the object, and the path in it."""

    resource: Resource
    path: Path


def no_terms(workload: ResourceRef) -> tuple[RiskTerm, ...]:
    """Where nothing was weighed."""
    return ()


class ScanResult(Struct):
    """Everything that a face needs to tell of a scan.

    ``skipped`` counts files by the reason why they were passed over; ``unrendered`` are folders of templates;
    ``texts`` holds what cannot be read again: standard input. ``kinds`` says how each input was read. ``wanting`` are
    the rules that were not judged for no other reason than that a kind could not be read. ``notes`` are lines that a
    person should read though they do not make the run incomplete. ``accepted`` tells what became of each waiver;
    ``sets`` are the signatures of malware that were searched for.
    ``subjects``, where they were asked for, are by the ``id()`` of the finding. ``users_terms`` gives the terms of risk
    of a workload, by which what is found in its images weighs.
    """

    inputs: list[str]
    kinds: dict[str, str]
    version: KubernetesVersion
    rules: list[Rule]
    findings: list[Finding]
    statuses: list[RuleStatus]
    errors: list[SourceError]
    skipped: Counter[str]
    unrendered: list[tuple[str, str]]
    files: int
    inventory: Inventory
    texts: dict[str, bytes]
    wanting: set[str]
    notes: list[str]
    accepted: Accepting | None = None
    sets: tuple[UsedSet, ...] = ()
    subjects: dict[int, Subject] = {}
    users_terms: Callable[[ResourceRef], tuple[RiskTerm, ...]] = no_terms

    @property
    def complete(self) -> bool:
        """Whether all that was named was judged by all rules that were asked for."""
        broken = any(status.state in (RuleState.ERROR, RuleState.NOT_JUDGED) for status in self.statuses)
        return not (self.errors or self.unrendered or broken) and bool(self.inventory.resources)

    def reasons(self) -> list[str]:
        """Why the run is incomplete, a line each; empty where it is complete."""
        lines = [str(error) for error in self.errors]
        lines += [f"{path}: not judged: needs rendering ({what})" for path, what in self.unrendered]
        lines += self._rules_told()
        if not self.inventory.resources and not lines:
            lines.append("nothing to judge was found: name files or folders with Kubernetes manifests or Dockerfiles")
        return lines

    def _rules_told(self) -> list[str]:
        """The rules that failed or were not judged; those with the same reason together."""
        together: dict[tuple[str, str], list[str]] = {}
        for status in self.statuses:
            if status.state in (RuleState.ERROR, RuleState.NOT_JUDGED):
                word = "failed" if status.state is RuleState.ERROR else "not judged everywhere"
                together.setdefault((word, status.reason), []).append(status.rule)
        lines = []
        for (word, reason), rules in together.items():
            more = f" and {len(rules) - 3} more" if len(rules) > 3 else ""
            lines.append(f"rule{'s' * (len(rules) > 1)} {', '.join(rules[:3])}{more}: {word}: {reason}")
        return lines

    def open_findings(self) -> list[Finding]:
        """The findings that count."""
        return [finding for finding in self.findings if finding.status is FindingStatus.OPEN]

    def exit_code(self, fail_on: Severity | None, keep_going: bool) -> int:
        """0 clean, 1 open findings at or above ``fail_on`` (None: never), 2 incomplete; 2 outranks 1.

        ``keep_going`` lifts 2 where inputs could not be read, with what could not be judged for want of them, and
        only there.
        """
        unreadable_only = all(error.unreadable is True for error in self.errors) and bool(self.errors)
        if not self.complete and not (keep_going and unreadable_only and self._otherwise_complete()):
            return 2
        if fail_on is None:
            return 0
        return int(any(finding.severity.at_least(fail_on) for finding in self.open_findings()))

    def _otherwise_complete(self) -> bool:
        broken = any(
            status.state is RuleState.ERROR
            or (status.state is RuleState.NOT_JUDGED and status.rule not in self.wanting)
            for status in self.statuses
        )
        return not (self.unrendered or broken) and bool(self.inventory.resources)
