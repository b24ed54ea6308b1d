"""Controls of benchmarks: their states, the rules behind them, and what scans and people say of them."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from msgspec import Struct, structs

from seawall.analysis.nodes import Manual, catalogue
from seawall.engine.answers import Answer, AnswerResult
from seawall.engine.results import Results
from seawall.model.finding import FindingStatus
from seawall.model.rule import Registry, Rule, Scope
from seawall.model.version import NEWEST

_NEEDS_SCAN = "needs the results of a scan"


class ControlState(StrEnum):
    """What became of a control on a node."""

    PASS = "pass"  # noqa: S105 - a state's name
    FAIL = "fail"
    NOT_JUDGED = "not-judged"
    NOT_APPLICABLE = "not-applicable"
    MANUAL = "manual"


class ControlResult(Struct, frozen=True, omit_defaults=True):
    """A control of a benchmark on a node: its state and why; ``observed`` is what was seen.

    ``steps`` and ``record`` are how people answer it, where they must, ``answers`` what they wrote down; ``accepted``
    tells that someone accepted a failure, ``answered`` that the state is theirs.
    """

    benchmark: str
    id: str
    title: str
    state: ControlState
    reason: str = ""
    rules: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    record: tuple[dict[str, str], ...] = ()
    answers: dict[str, str] = {}
    accepted: bool = False
    answered: bool = False


def rule_of(registry: Registry, name: str) -> Rule:
    """The rule that a check of the catalogue is.

    Raises:
        ValueError: the catalogue names a rule that does not exist.
    """
    rule = registry.get(name)
    if rule is None:
        raise ValueError(f"the benchmarks name a rule {name!r} that does not exist")
    return rule


def controls_of(benchmark: str) -> tuple[dict[str, list[str]], dict[str, Manual]]:
    """The controls of a benchmark: automated ones with their rules, and those that are not automated."""
    checks: dict[str, list[str]] = {}
    for name, check in catalogue().checks.items():
        for control in check.ids(benchmark):
            checks.setdefault(control, []).append(name)
    manual = {
        control.id: each for each in catalogue().manual for control in each.controls if control.framework == benchmark
    }
    return checks, manual


def policy_rules(registry: Registry, benchmark: str, control: str) -> tuple[str, ...]:
    """The rules over a cluster's objects that answer to a control at the newest version."""
    own = catalogue().checks
    return tuple(
        rule.id
        for rule in registry
        if rule.id not in own
        and rule.runs_at(NEWEST)
        and not rule.manifests_only
        and rule.scope not in (Scope.CONTROL_PLANE, Scope.NODE)
        and any(each.framework == benchmark and each.id == control for each in rule.controls)
    )


def by_scan(rules: tuple[str, ...], scanned: Results | None) -> tuple[ControlState, str]:
    """What the results of a scan say of a control: pass only where every rule of it was judged in full."""
    if scanned is None:
        return ControlState.NOT_JUDGED, _NEEDS_SCAN
    count = Counter(f.rule for f, _ in scanned.findings if f.rule in rules and f.status is FindingStatus.OPEN)
    if count:
        return ControlState.FAIL, ", ".join(f"{rule}: {number}" for rule, number in count.most_common())
    missing = [rule for rule in rules if rule not in scanned.judged]
    if missing:
        return ControlState.NOT_JUDGED, f"the scan did not judge {', '.join(missing[:5])}"
    if not scanned.complete:
        return ControlState.NOT_JUDGED, "the scan is incomplete"
    return ControlState.PASS, ""


def answered(control: ControlResult, answer: Answer | None) -> ControlResult:
    """A control with people's answer: it counts where no check judged, and explains a failure that is accepted."""
    if answer is None:
        return control
    if answer.result is AnswerResult.ACCEPTED:
        if control.state is ControlState.FAIL:
            return structs.replace(control, reason=f"{control.reason}; accepted, {answer.told()}", accepted=True)
        return control
    if control.state not in (ControlState.MANUAL, ControlState.NOT_JUDGED) or not control.steps:
        return control
    state = ControlState(answer.result.value)
    return structs.replace(control, state=state, reason=answer.told(), answers=answer.record, answered=True)
