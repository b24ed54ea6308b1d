"""What came of some fixes: the findings of before held against those of a scan with the fixes made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import copy
from typing import TypeVar

from msgspec import Struct

from seawall.engine.result import ScanResult
from seawall.engine.rewrite import Planned
from seawall.model.finding import RuleState, Severity

_Key = TypeVar("_Key", tuple[int, str], tuple[int, str, Severity])


class Counts:
    """How many open findings each object has, by rule, and of what severity; what could not be judged."""

    def __init__(self, result: ScanResult) -> None:
        numbers = {id(resource): number for number, resource in enumerate(result.inventory.resources)}
        self.objects = [(each.ref.kind, each.ref.namespace, each.ref.name) for each in result.inventory.resources]
        self.by_rule: Counter[tuple[int, str]] = Counter()
        self.by_severity: Counter[tuple[int, str, Severity]] = Counter()
        self.fingerprints: dict[str, int] = {}
        for finding in result.open_findings():
            subject = result.subjects.get(id(finding))
            number = numbers[id(subject.resource)] if subject is not None else -1
            self.by_rule[number, finding.rule] += 1
            self.by_severity[number, finding.rule, finding.severity] += 1
            self.fingerprints[finding.fingerprint] = number
        self.broken = {s.rule for s in result.statuses if s.state in (RuleState.ERROR, RuleState.NOT_JUDGED)}
        self.errors = Counter(error.message for error in result.errors)

    def with_objects(self, other: Counts, numbers: set[int]) -> Counts:
        """These counts, those of some objects taken from another scan."""
        mixed = copy(self)
        mixed.by_rule = _mixed(self.by_rule, other.by_rule, numbers)
        mixed.by_severity = _mixed(self.by_severity, other.by_severity, numbers)
        mixed.fingerprints = {
            **{each: number for each, number in self.fingerprints.items() if number not in numbers},
            **{each: number for each, number in other.fingerprints.items() if number in numbers},
        }
        return mixed


def _mixed(ours: Counter[_Key], theirs: Counter[_Key], numbers: set[int]) -> Counter[_Key]:
    kept = {key: count for key, count in ours.items() if key[0] not in numbers}
    return Counter(kept | {key: count for key, count in theirs.items() if key[0] in numbers})


class Trial(Struct):
    """What came of some fixes. ``bad`` are those that do not hold by themselves; ``troubled`` objects have something
    new; ``elsewhere`` says that something new belongs to no object that was fixed, and ``broken`` that something could
    not be judged."""

    files: dict[str, bytes]
    result: ScanResult
    refused: list[tuple[Planned, str]]
    bad: list[tuple[Planned, str]]
    troubled: dict[int, str]
    counts: Counts
    elsewhere: str = ""
    broken: bool = False


def compare(
    before: Counts,
    result: ScanResult,
    fixes: Sequence[Planned],
    files: dict[str, bytes],
    refused: list[tuple[Planned, str]],
) -> Trial:
    """Hold the findings of a scan with ``fixes`` made against those of before."""
    after = Counts(result)
    trial = Trial(files, result, refused, [], {}, after)
    if after.objects != before.objects:
        trial.elsewhere = "other objects are read then"
    elif after.errors - before.errors:
        trial.elsewhere = f"something cannot be read then: {next(iter(after.errors - before.errors))}"
    elif after.broken - before.broken:
        trial.elsewhere = f"the rule {min(after.broken - before.broken)} cannot judge it then"
    if trial.elsewhere:
        trial.broken = True
        return trial
    planned: dict[tuple[int, str], list[Planned]] = {}
    least: dict[int, Severity] = {}
    for fix in fixes:
        planned.setdefault((fix.number, fix.finding.rule), []).append(fix)
        known = least.get(fix.number)
        if known is None or known.at_least(fix.finding.severity):
            least[fix.number] = fix.finding.severity
    for key, together in planned.items():
        # What another fix took away before is gone already.
        expected = sum(fix.finding.fingerprint in before.fingerprints for fix in together)
        if after.by_rule[key] > before.by_rule[key] - expected:
            there = [fix for fix in together if fix.finding.fingerprint in after.fingerprints] or together
            trial.bad += [(fix, "the finding is still there with it") for fix in there]
    overall = max(least.values(), key=lambda severity: severity.rank, default=Severity.CRITICAL)
    for (number, rule, severity), count in after.by_severity.items():
        if count <= before.by_severity[number, rule, severity] or not severity.at_least(least.get(number, overall)):
            continue
        reason = f"it would bring a new finding of {rule} ({severity})"
        if number in least:
            trial.troubled.setdefault(number, reason)
        else:
            trial.elsewhere = reason
    return trial
