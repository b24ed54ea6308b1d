"""What people answered: evidence for controls that no check judges, and risks that were accepted until a date."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from msgspec import Struct, field

from seawall.analysis.nodes import catalogue
from seawall.engine.config import ConfigError, read_typed


class AnswerResult(StrEnum):
    """What was found; ``accepted`` is for a check that fails and may."""

    PASS = "pass"  # noqa: S105 - a result's name
    FAIL = "fail"
    NOT_APPLICABLE = "not-applicable"
    ACCEPTED = "accepted"


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to a control (``cis-k8s-1.11 3.1.1``), for one node or (no name) for all.

    ``given`` is its date; it counts until another, if there is one. ``record`` holds what the control's form asks
    for, ``reason`` why a risk is accepted.
    """

    control: str
    result: AnswerResult
    by: str
    given: date = field(name="date")
    node: str = ""
    until: date | None = None
    reason: str = ""
    record: dict[str, str] = {}

    def told(self) -> str:
        """Who said so and when, in one line."""
        end = f", until {self.until}" if self.until is not None else ""
        why = f": {self.reason}" if self.reason else ""
        return f"answered by {self.by} on {self.given}{end}{why}"


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    answers: tuple[Answer, ...]


class Answers:
    """The answers of a file that count on a day; ``notes`` tell of those that no longer do."""

    def __init__(self, file: str, answers: Iterable[Answer], today: date) -> None:
        self.file = file
        self.notes: list[str] = []
        self._found: dict[tuple[str, str], Answer] = {}
        for answer in answers:
            if answer.until is not None and answer.until < today:
                self.notes.append(f"{file}: the answer to {answer.control} ended on {answer.until}: it does not count")
            else:
                self._found[answer.node, answer.control] = answer

    def get(self, node: str, benchmark: str, control: str) -> Answer | None:
        """The answer to a control on a node; one for that node goes before one for all."""
        key = f"{benchmark} {control}"
        return self._found.get((node, key)) or self._found.get(("", key))


def read_answers(file: str, today: date) -> Answers:
    """Read a file of answers.

    Raises:
        ConfigError: it cannot be read, or an answer names no control, is from the future, or lacks what it must have.
    """
    found = read_typed(file, _File)
    if found is None:
        raise ConfigError(f"{file} holds no answers; write a form with `seawall node audit --format answers={file}`")
    for number, answer in enumerate(found.answers, 1):
        problem = _problem(answer, today)
        if problem:
            raise ConfigError(f"{file}: answer {number} ({answer.control}): {problem}")
    return Answers(file, found.answers, today)


def _problem(answer: Answer, today: date) -> str:
    benchmark, _, control = answer.control.partition(" ")
    manual = _asked(benchmark, control)
    if manual is None:
        return "there is no such control; it is written as cis-k8s-1.11 3.1.1"
    if not answer.by.strip():
        return "who answered is missing (by)"
    if answer.given > today:
        return f"it is of {answer.given}, which is to come"
    if answer.result is AnswerResult.ACCEPTED and not answer.reason.strip():
        return "an accepted risk needs a reason"
    if manual and answer.result is AnswerResult.PASS:
        missing = [name for name in manual if not answer.record.get(name, "").strip()]
        if missing:
            return f"its record lacks {', '.join(missing)}"
    return ""


def _asked(benchmark: str, control: str) -> tuple[str, ...] | None:
    """What the form of a control asks for (nothing of one that is judged); None where there is no such control."""
    for manual in catalogue().manual:
        if any(each.framework == benchmark and each.id == control for each in manual.controls):
            return tuple(record.name for record in manual.data.record)
    if any(control in check.ids(benchmark) for check in catalogue().checks.values()):
        return ()
    return None
