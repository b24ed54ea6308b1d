"""What became of the findings between two states: results that were kept, folders, dumps, Git revisions."""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec
from msgspec import Struct

from seawall.engine.reading import ReadOptions
from seawall.engine.rendering import RenderOptions
from seawall.engine.result import ScanResult
from seawall.engine.results import KeptFinding, Results, decode_results, holds_results, read_results
from seawall.engine.scan import ScanOptions, scan
from seawall.findings import match
from seawall.model.finding import FindingStatus, Severity

GIT = "git:"

Told = tuple[KeptFinding, msgspec.Raw]


class Side(Struct):
    """One of the two states: what was named, how it was had, its results, and why it is incomplete."""

    input: str
    kind: str
    results: Results
    reasons: list[str]

    def open(self) -> list[Told]:
        """The findings that count."""
        return [each for each in self.results.findings if each[0].status is FindingStatus.OPEN]


class Diff(Struct):
    """Two states compared. ``unknown`` are findings of before whose rule did not judge after."""

    before: Side
    after: Side
    new: list[Told]
    fixed: list[Told]
    unchanged: list[Told]
    unknown: list[Told]

    @property
    def complete(self) -> bool:
        """Whether both states were judged whole."""
        return all(side.results.complete and not side.reasons for side in (self.before, self.after))

    def exit_code(self, fail_on: Severity | None) -> int:
        """0: nothing new at or above ``fail_on`` (None: never), 1: something, 2: a state is incomplete."""
        if not self.complete:
            return 2
        if fail_on is None:
            return 0
        return int(any(finding.severity.at_least(fail_on) for finding, _ in self.new))


def compare(before: str, after: str, options: ScanOptions, encode: Callable[[ScanResult], bytes]) -> Diff:
    """Compare two states; each is scanned with ``options`` unless it is a file of results.

    ``encode`` writes a scan's result as a ``seawall.findings/v1`` document. ``git:REV`` and ``git:REV:PATH`` name a
    revision of the repository here.

    Raises:
        ResultsError: a file of results cannot be read.
        UnknownRule: the selection names a rule that does not exist.
    """
    old, new = (_side(each, options, encode) for each in (before, after))
    ours, theirs = old.open(), new.open()
    found = match([each[0].identity() for each in ours], [each[0].identity() for each in theirs])
    same = {index for index in found if index is not None}
    gone = [each for index, each in enumerate(ours) if index not in same]
    return Diff(
        before=old,
        after=new,
        new=[each for each, index in zip(theirs, found, strict=True) if index is None],
        fixed=[each for each in gone if each[0].rule in new.results.judged],
        unchanged=[each for each, index in zip(theirs, found, strict=True) if index is not None],
        unknown=[each for each in gone if each[0].rule not in new.results.judged],
    )


def _side(what: str, options: ScanOptions, encode: Callable[[ScanResult], bytes]) -> Side:
    if holds_results(what):
        results = read_results(what)
        reasons = [] if results.complete else [f"{what}: the results are of an incomplete run"]
        return Side(what, "results", results, reasons)
    read, kind = _reading(what, options.read)
    result = scan(msgspec.structs.replace(options, read=read))
    return Side(what, kind, decode_results(encode(result), what), result.reasons())


def _reading(what: str, base: ReadOptions) -> tuple[ReadOptions, str]:
    if not what.startswith(GIT) or os.path.exists(what):
        return msgspec.structs.replace(base, paths=(what,)), "scan"
    revision, _, path = what.removeprefix(GIT).partition(":")
    render = msgspec.structs.replace(base.render or RenderOptions(), revision=revision)
    return msgspec.structs.replace(base, paths=(path or ".",), render=render), "revision"
