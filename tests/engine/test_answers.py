"""What people answer counts where no check judges, until its date, with all that its form asks for."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from seawall.analysis.nodes.examples import example_facts
from seawall.engine.answers import Answers, read_answers
from seawall.engine.config import ConfigError
from seawall.engine.controls import ControlResult, ControlState
from seawall.engine.nodes import AuditOptions, FactsDocument, NodeAudit, audit
from seawall.model.finding import FindingStatus, Severity
from seawall.reports import nodes as report

TODAY = date(2026, 11, 25)
BAD: dict[str, Any] = {"components": {"kube-apiserver": {"flags": {"profiling": ["true"]}}}}
RECORD = "{way: OpenID Connect, certificates: none, emergency: in the safe}"


def read(tmp_path: Path, *answers: str) -> Answers:
    """A file of answers."""
    file = tmp_path / "answers.yaml"
    file.write_text("answers:\n" + "".join(f"- {{{each}}}\n" for each in answers), encoding="utf-8")
    return read_answers(str(file), TODAY)


def audited(answers: Answers) -> NodeAudit:
    """An audit of a node where one check fails."""
    documents = [FactsDocument("f.json", example_facts("kubeadm", BAD))]
    return audit(documents, AuditOptions(answers=answers))


def control(found: NodeAudit, name: str) -> ControlResult:
    """A control of the only node."""
    return next(each for each in found.nodes[0].controls if each.id == name)


GOOD = f"control: cis-k8s-1.11 3.1.1, result: pass, by: Jo, date: 2026-11-01, record: {RECORD}"


def test_an_answer_decides_a_manual_control(tmp_path: Path) -> None:
    found = control(audited(read(tmp_path, GOOD)), "3.1.1")
    assert found.state is ControlState.PASS
    assert found.reason == "answered by Jo on 2026-11-01"
    assert found.answers["way"] == "OpenID Connect"
    assert "answered by Jo" in "".join(report.table(audited(read(tmp_path, GOOD))))


def test_an_answer_for_a_node_goes_before_one_for_all(tmp_path: Path) -> None:
    own = "control: cis-k8s-1.11 3.1.1, result: fail, by: Jo, date: 2026-11-01, node: cp-1"
    other = "control: cis-k8s-1.11 3.1.2, result: fail, by: Jo, date: 2026-11-01, node: cp-2"
    found = audited(read(tmp_path, GOOD, own, other))
    assert control(found, "3.1.1").state is ControlState.FAIL
    assert control(found, "3.1.2").state is ControlState.MANUAL


def test_an_answer_that_ended_does_not_count(tmp_path: Path) -> None:
    found = audited(read(tmp_path, f"{GOOD}, until: 2026-11-24"))
    assert control(found, "3.1.1").state is ControlState.MANUAL
    assert "ended on 2026-11-24" in found.scan.notes[0]


def test_an_answer_does_not_overrule_a_check(tmp_path: Path) -> None:
    answers = read(tmp_path, "control: cis-k8s-1.11 1.2.15, result: pass, by: Jo, date: 2026-11-01")
    found = audited(answers)
    assert control(found, "1.2.15").state is ControlState.FAIL
    assert found.scan.findings[0].status is FindingStatus.OPEN


def test_an_accepted_risk_waives_its_finding(tmp_path: Path) -> None:
    accepted = (
        "control: cis-k8s-1.11 1.2.15, result: accepted, by: Jo, date: 2026-11-01, until: 2027-01-01, reason: load test"
    )
    found = audited(read(tmp_path, accepted))
    (finding,) = found.scan.findings
    assert finding.status is FindingStatus.WAIVED
    assert finding.waiver is not None
    assert (finding.waiver.owner, finding.waiver.expires) == ("Jo", "2027-01-01")
    assert found.scan.exit_code(Severity.LOW, keep_going=False) == 0
    assert control(found, "1.2.15").state is ControlState.FAIL
    assert control(found, "1.2.15").accepted
    assert "accepted    1.2.15" in "".join(report.table(found))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("control: cis-k8s-1.11 9.9.9, result: pass, by: Jo, date: 2026-11-01", "there is no such control"),
        ("control: cis-k8s-1.11 3.1.1, result: pass, by: Jo, date: 2026-11-01", "its record lacks way, certificates"),
        ("control: cis-k8s-1.11 3.1.1, result: fail, by: ' ', date: 2026-11-01", "who answered is missing"),
        ("control: cis-k8s-1.11 3.1.1, result: fail, by: Jo, date: 2026-12-01", "which is to come"),
        ("control: cis-k8s-1.11 1.2.1, result: accepted, by: Jo, date: 2026-11-01", "needs a reason"),
        ("control: cis-k8s-1.11 3.1.1, result: fine, by: Jo, date: 2026-11-01", "answers.yaml:2:"),
        ("control: cis-k8s-1.11 3.1.1, result: fail, date: 2026-11-01", "missing required field"),
        ("control: cis-k8s-1.11 3.1.1, result: fail, by: Jo, date: 2026-11-01, who: me", "unknown field"),
    ],
)
def test_answers_that_make_no_sense_are_refused(tmp_path: Path, answer: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read(tmp_path, answer)


def test_the_form_for_answers_names_every_open_control(tmp_path: Path) -> None:
    found = audited(read(tmp_path, GOOD))
    text = "".join(report.answers(found))
    file = tmp_path / "form.yaml"
    filled = (
        text.replace('result: ""', "result: fail").replace('by: ""', "by: Jo").replace('date: ""', "date: 2026-11-01")
    )
    file.write_text(filled, encoding="utf-8")
    again = audited(read_answers(str(file), TODAY))
    manual = {c.id for c in found.nodes[0].controls if c.state in (ControlState.MANUAL, ControlState.NOT_JUDGED)}
    assert manual
    assert {c.id for c in again.nodes[0].controls if c.answered} == manual


def test_an_empty_file_says_how_to_begin(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="--format answers="):
        read_answers(str(file), TODAY)
