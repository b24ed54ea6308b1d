"""How checks and people decide a control."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.findings.controls import Automation, CheckResult, CheckState, Status, decide

P, F, W, N, A = (CheckState(value) for value in ("pass", "fail", "waived", "not-checked", "not-applicable"))
AUTO, PART, MAN = Automation.AUTOMATIC, Automation.PARTIAL, Automation.MANUAL


def checks(*states: CheckState, required: bool = True) -> list[CheckResult]:
    return [CheckResult("rule", f"r{n}", state, "why", required=required) for n, state in enumerate(states)]


@pytest.mark.parametrize(
    ("automation", "states", "attested", "status"),
    [
        (AUTO, (P, P), "", "pass"),
        (AUTO, (P, F), "", "fail"),
        (AUTO, (P, F), "by me", "fail"),
        (AUTO, (P, N), "", "partial"),
        (AUTO, (P, N), "by me", "attested"),
        (AUTO, (N,), "", "not-checked"),
        (AUTO, (), "", "not-checked"),
        (AUTO, (A,), "", "not-checked"),
        (AUTO, (P, A), "", "pass"),
        (AUTO, (W, P), "", "waived"),
        (AUTO, (W, N), "", "partial"),
        (PART, (P,), "", "partial"),
        (PART, (P,), "by me", "attested"),
        (PART, (N,), "", "not-checked"),
        (MAN, (), "", "manual"),
        (MAN, (), "by me", "attested"),
        (MAN, (F,), "by me", "fail"),
    ],
)
def test_the_parts_decide(automation: Automation, states: tuple[CheckState, ...], attested: str, status: str) -> None:
    assert decide(automation, checks(*states), attested)[0] == status


@given(st.lists(st.sampled_from(list(CheckState))), st.lists(st.sampled_from(list(CheckState))), st.booleans())
def test_nothing_passes_that_was_not_looked_at(
    needed: list[CheckState], further: list[CheckState], attested: bool
) -> None:
    both = [*checks(*needed), *checks(*further, required=False)]
    status, reason = decide(AUTO, both, "by me" if attested else "")
    if status is Status.PASS:
        assert CheckState.PASS in needed and not {N, F, W} & set(needed)
    if F in (*needed, *further):
        assert status is Status.FAIL
    assert status is Status.PASS or reason
