"""What became of each waiver, ``seawall.waivers/v1``; its schema lies in ``schemas/waivers.v1.json``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from seawall import __version__
from seawall.findings.waivers import NOTICE, Standing, names_of, state_of
from seawall.reports.excerpt import many, printable

if TYPE_CHECKING:
    from seawall.engine import ScanResult

SCHEMA = "seawall.waivers/v1"


class Row(Struct, frozen=True):
    """A waiver: what it is, its state, how many findings it waives, and what should be done about it."""

    source: str
    rules: tuple[str, ...]
    reason: str
    owner: str | None
    expires: str | None
    state: str
    findings: int
    objects: int
    problems: tuple[str, ...]

    @property
    def wrong(self) -> bool:
        """Whether somebody should mend it."""
        return bool(self.problems) or self.state != "matched"


def rows(result: ScanResult) -> list[Row]:
    """A row for each waiver of the files, then for each that stands with an object."""
    statuses = {status.rule: status for status in result.statuses}
    accepted = result.accepted
    if accepted is None:
        return []
    standings = accepted.waivers.standings if accepted.waivers is not None else []
    found = [_row(each, {rule: statuses[rule].reason for rule in each.rules if rule in statuses}) for each in standings]
    for (source, names, reason), count in accepted.suppressions.used.items():
        problems = () if count else ("nothing is found there that it could waive; remove it",)
        state = "matched" if count else "unused"
        found.append(Row(source, names, reason, None, None, state, count, 0, problems))
    return found


def _row(standing: Standing, reasons: dict[str, str]) -> Row:
    entry = standing.placed.entry
    state = state_of(standing)
    problems = []
    if state == "invalid":
        problems.append(f"it {standing.invalid}")
    elif state == "expired":
        problems.append(f"it ended; {standing.findings} findings count again: mend them, or decide anew")
    elif state == "forbidden":
        problems.append("what it names may not be waived")
    elif state == "unused":
        left_out = next((reason for reason in reasons.values() if reason), "")
        problems.append(f"it waives nothing{f' ({left_out})' if left_out else ''}; remove it")
    problems += [f"too wide: {reason}" for reason in standing.wide()]
    expires = entry.expires.isoformat() if entry is not None and entry.expires else None
    rules = names_of(entry.rule) if entry is not None else ()
    count, objects = standing.findings, len(standing.objects)
    told = (entry.reason, entry.owner or None) if entry is not None else ("", None)
    return Row(standing.source, rules, *told, expires, state, count, objects, tuple(problems))


def render(name: str, result: ScanResult, found: list[Row]) -> Iterable[bytes]:
    """The rows in a format."""
    return [_json(result, found)] if name == "json" else (line.encode() for line in _terminal(found))


def _json(result: ScanResult, found: list[Row]) -> bytes:
    document = {
        "schema": SCHEMA,
        "tool": {"name": "seawall", "version": __version__},
        "inputs": result.inputs,
        "complete": result.complete,
        "noticeDays": NOTICE,
        "waivers": found,
    }
    return msgspec.json.encode(document) + b"\n"


def _terminal(found: list[Row]) -> Iterator[str]:
    for row in found:
        until = f", until {row.expires}" if row.expires else ""
        owner = f", {row.owner}" if row.owner else ""
        what = f"{row.findings} finding{'s' * (row.findings != 1)}"
        yield (
            printable(f"{row.state:<9} {', '.join(row.rules)}  {what}  [{row.source}{owner}{until}] {row.reason}")
            + "\n"
        )
        for problem in row.problems:
            yield f"          {printable(problem)}\n"
    wrong = sum(row.wrong for row in found)
    yield f"{many(len(found), 'waiver')}, {wrong} to look at\n"
