"""The trend of compliance: this run against a document of an earlier one."""

from __future__ import annotations

import msgspec
from msgspec import Struct, field

from seawall.engine.complyreport import SCHEMA, Report, Trend

_MAX_BYTES = 1 << 28
_GOOD = ("pass", "attested")


class TrendError(Exception):
    """An earlier run that this one cannot be compared with; the message says why."""


class _Control(Struct):
    id: str
    status: str


class _Framework(Struct):
    id: str


class _Summary(Struct):
    score: float


class _Document(Struct):
    schema_: str = field(name="schema")
    framework: _Framework
    summary: _Summary
    controls: list[_Control]


def add_trend(report: Report, file: str) -> None:
    """Compare a report with the ``seawall.comply/v1`` document in a file.

    Raises:
        TrendError: it cannot be read, or is of another schema or framework.
    """
    try:
        with open(file, "rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise TrendError(f"{file} cannot be read: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise TrendError(f"{file} is larger than {_MAX_BYTES >> 20} MiB")
    try:
        earlier = msgspec.json.decode(data, type=_Document)
    except (msgspec.DecodeError, RecursionError) as error:
        raise TrendError(f"{file} holds no {SCHEMA} document: {error}") from error
    if earlier.schema_ != SCHEMA:
        raise TrendError(f"{file} is of schema {earlier.schema_[:60]!r}, not {SCHEMA}")
    if earlier.framework.id != report.framework.id:
        raise TrendError(f"{file} is of {earlier.framework.id[:60]}, this run of {report.framework.id}")
    before = {control.id: control.status for control in earlier.controls}
    now = {control.id: control.status.value for control in report.controls}
    mended = tuple(name for name, status in now.items() if status in _GOOD and before.get(name, status) not in _GOOD)
    broken = tuple(name for name, status in now.items() if status not in _GOOD and before.get(name) in _GOOD)
    change = round(report.score() - earlier.summary.score, 1)
    report.trend = Trend(earlier.summary.score, change, mended, broken)
