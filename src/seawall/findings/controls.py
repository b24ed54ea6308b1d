"""Controls of frameworks: how far each can be judged, what became of it, and how the parts decide."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct


class Automation(StrEnum):
    """How far a control can be judged without people."""

    AUTOMATIC = "automatic"
    PARTIAL = "partial"
    MANUAL = "manual"
    ATTESTED = "attested"


class Status(StrEnum):
    """What became of a control."""

    PASS = "pass"  # noqa: S105 - a status's name
    FAIL = "fail"
    PARTIAL = "partial"
    NOT_CHECKED = "not-checked"
    WAIVED = "waived"
    ATTESTED = "attested"
    MANUAL = "manual"


class CheckState(StrEnum):
    """What became of one thing that a control needs."""

    PASS = "pass"  # noqa: S105 - a state's name
    FAIL = "fail"
    WAIVED = "waived"
    NOT_CHECKED = "not-checked"
    NOT_APPLICABLE = "not-applicable"


class CheckResult(Struct, frozen=True, omit_defaults=True):
    """One thing that a control needs: a rule over objects, a check of a benchmark over nodes, or a whole engine.

    ``findings`` counts those that are open, ``severity`` is the worst of them. ``answerable`` says that other inputs
    could have answered a check that was not judged. One that is not ``required`` counts where it failed alone.
    """

    type: str
    id: str
    state: CheckState
    reason: str = ""
    findings: int = 0
    severity: str = ""
    answerable: bool = False
    required: bool = True


def decide(automation: Automation, checks: Sequence[CheckResult], attested: str) -> tuple[Status, str]:
    """The status of a control and why. ``attested`` is who attested it, empty for nobody.

    A failure is a failure whatever people say, and a control passes only where all that it needs was judged.
    """
    failed = [check for check in checks if check.state is CheckState.FAIL]
    if failed:
        return Status.FAIL, _listed([f"{check.id}: {check.findings}" for check in failed])
    if automation in (Automation.MANUAL, Automation.ATTESTED):
        return (Status.ATTESTED, attested) if attested else (Status.MANUAL, "people answer it: `seawall comply attest`")
    needed = [check for check in checks if check.required]
    missing = [check for check in needed if check.state is CheckState.NOT_CHECKED]
    seen = [check for check in needed if check.state in (CheckState.PASS, CheckState.WAIVED)]
    if attested and (missing or automation is Automation.PARTIAL):
        return Status.ATTESTED, attested
    if missing or not seen:
        told = _reasons(missing) if missing else _nothing(needed)
        return (Status.PARTIAL if seen else Status.NOT_CHECKED), told
    if any(check.state is CheckState.WAIVED for check in checks):
        return Status.WAIVED, _listed([check.id for check in checks if check.state is CheckState.WAIVED])
    if automation is Automation.PARTIAL:
        return Status.PARTIAL, "the checks pass; people answer the rest: `seawall comply attest`"
    return Status.PASS, ""


def _nothing(needed: Sequence[CheckResult]) -> str:
    return needed[0].reason if needed else "nothing that it needs was looked at"


def _reasons(missing: Sequence[CheckResult]) -> str:
    """Why checks were not judged; those with one reason together."""
    together: dict[str, list[str]] = {}
    for check in missing:
        together.setdefault(check.reason, []).append(check.id)
    return "; ".join(f"{reason} ({_listed(ids)})" for reason, ids in together.items())


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - 5} more" if len(items) > 5 else ""
    return ", ".join(items[:5]) + more
