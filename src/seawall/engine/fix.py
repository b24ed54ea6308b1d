"""Fixing findings: propose, edit in memory, judge everything anew, and keep only what holds.

A fix holds if its finding is gone and nothing new of its severity or above appeared, in the whole of what was scanned.
That the rest of each document is equal in meaning, the editor has made sure of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

from msgspec import Struct, structs

from seawall.engine.catalogue import load_rules
from seawall.engine.config import OwnProfile
from seawall.engine.result import ScanResult
from seawall.engine.rewrite import Dropped, Planned, Rewriter, write_file
from seawall.engine.scan import ScanOptions, scan
from seawall.engine.selection import Selection, UnknownRule
from seawall.engine.suggest import Suggestion, suggest
from seawall.engine.trial import Counts, Trial, compare
from seawall.model.finding import Finding, FindingStatus, Fix, Severity, SourceError
from seawall.model.remedy import Remedy, Site

#: Analyses with remedies: packages with a ``remedies`` module.
_WITH_REMEDIES = ("access", "posture")
#: Rounds in which the fixes of objects where something new appeared are tried one by one.
_MAX_ROUNDS = 64
#: Turns after which no more is looked for.
_MAX_TURNS = 6
_PROFILE = "fix"


class FixOptions(Struct, frozen=True):
    """What to fix. ``rules`` are ids or aliases (none: all that have a remedy); ``unsafe`` takes cautious ones too.

    ``choose`` is asked of each fix that holds, with the files before and after that fix alone.
    """

    scan: ScanOptions
    rules: tuple[str, ...] = ()
    unsafe: bool = False
    choose: Callable[[Planned, dict[str, tuple[bytes, bytes]]], bool] | None = None


class FixedFile(Struct, frozen=True):
    """A file before and after, and the fixes made in it."""

    path: str
    before: bytes
    after: bytes
    fixes: tuple[Planned, ...]


class FixResult(Struct):
    """What was fixed, what not and why. ``after`` is what a scan finds with the fixes made, and holds what was fixed
    with the status ``fixed``. ``cautious`` are fixes that can break something, and wait for somebody to agree."""

    before: ScanResult
    after: ScanResult
    files: list[FixedFile]
    dropped: list[Dropped]
    cautious: list[Planned]
    suggestions: list[Suggestion]


def load_remedies() -> dict[str, Remedy]:
    """All remedies by the id of their rule."""
    found: dict[str, Remedy] = {}
    for analysis in _WITH_REMEDIES:
        found.update(import_module(f"seawall.analysis.{analysis}.remedies").REMEDIES)
    return found


def fix(options: FixOptions) -> FixResult:
    """Find out what can be fixed and what comes of it. Nothing is written; :func:`write` does.

    Raises:
        UnknownRule: ``rules`` names one that does not exist, or that has no fix.
        Whatever :func:`seawall.engine.scan.scan` raises.
    """
    return _Fixing(options).run()


def write(result: FixResult) -> list[SourceError]:
    """Write the fixed files; gives those that could not be. What was to be fixed in these is open again."""
    problems: list[SourceError] = []
    for file in [each for each in result.files if each.path != "<stdin>"]:
        problem = write_file(file.path, file.before, file.after)
        if problem is not None:
            problems.append(problem)
            result.files.remove(file)
            lost = {fix.finding.fingerprint for fix in file.fixes}
            for finding in result.after.findings:
                if finding.status is FindingStatus.FIXED and finding.fingerprint in lost:
                    finding.status, finding.fix = FindingStatus.OPEN, None
    return problems


class _Fixing:
    def __init__(self, options: FixOptions) -> None:
        self.options = options
        self.rules = _wanted(options.rules)
        base = options.scan
        selection = base.selection
        if options.rules:
            own = OwnProfile(extends=selection.profile, enable=options.rules)
            selection = Selection((), selection.skip, _PROFILE, {**selection.own, _PROFILE: own})
        self.scan = structs.replace(base, selection=selection, severity=Severity.INFO, subjects=True)
        self.first = scan(self.scan)
        self.dropped: list[Dropped] = []
        #: Findings whose fixes were left out, by fingerprint: they are not tried again.
        self.settled: set[str] = set()
        self.originals: dict[str, bytes] = {}
        self._start(self.first, {})

    def _start(self, base: ScanResult, edited: dict[str, bytes]) -> None:
        """Begin a turn, on top of what earlier ones made of the files."""
        self.base, self.edited = base, edited
        self.before = Counts(base)
        self.rewriter = Rewriter({**self.first.texts, **edited})

    def run(self) -> FixResult:
        """Turn by turn until nothing more can be fixed: a fix can bring lesser findings, that have fixes too."""
        kept: list[Planned] = []
        for turn in range(_MAX_TURNS):
            editable, cautious, elsewhere = self._plan(turn)
            more, last = self._settle(editable)
            if self.options.choose is not None:
                chosen = [fix for fix in more if self._chosen(fix)]
                self.settled.update(fix.finding.fingerprint for fix in more if fix not in chosen)
                if len(chosen) < len(more):
                    more, last = self._settle(chosen)
            for path, data in self.rewriter.bytes.items():
                self.originals.setdefault(path, data)
            if last is None:
                break
            kept += more
            self._start(last.result, {**self.edited, **last.files})
        files = [
            FixedFile(path, self.originals[path], data, tuple(fix for fix in kept if fix.resource.origin.file == path))
            for path, data in sorted(self.edited.items())
        ]
        suggestions, held, dropped = suggest(self.scan, elsewhere)
        return FixResult(self.first, _told(self.base, kept, held), files, self.dropped + dropped, cautious, suggestions)

    def _plan(self, turn: int) -> tuple[list[Planned], list[Planned], list[Planned]]:
        """The fixes for files, those that need somebody to agree, and those for what no file holds as it is."""
        remedies = load_remedies()
        numbers = {id(resource): number for number, resource in enumerate(self.base.inventory.resources)}
        raws: dict[int, dict[str, Any]] = {}
        editable: list[Planned] = []
        cautious: list[Planned] = []
        elsewhere: list[Planned] = []
        for finding in self.base.open_findings():
            remedy = remedies.get(finding.rule)
            subject = self.base.subjects.get(id(finding))
            if remedy is None or subject is None or not self._is_wanted(finding):
                continue
            number = numbers[id(subject.resource)]
            if number not in raws:
                raws[number] = subject.resource.raw
            proposal = remedy(Site(raws[number], subject.path))
            if proposal is None:
                continue
            fix = Planned(finding, subject.resource, number, subject.path, proposal.edits, proposal.caution, turn)
            if fix.caution and not (self.options.unsafe or self.options.choose):
                cautious.append(fix)
            elif self.rewriter.can_edit(subject.resource):
                editable.append(fix)
            else:
                elsewhere.append(fix)
        return editable, cautious, elsewhere

    def _is_wanted(self, finding: Finding) -> bool:
        return finding.fingerprint not in self.settled and (not self.rules or finding.rule in self.rules)

    def _chosen(self, fix: Planned) -> bool:
        changed, _ = self.rewriter.edited([fix])
        choose = self.options.choose
        return choose is not None and choose(fix, {p: (self.rewriter.bytes[p], data) for p, data in changed.items()})

    def _settle(self, fixes: list[Planned]) -> tuple[list[Planned], Trial | None]:
        """The fixes that hold together, and the trial that showed it."""
        fixes = list(fixes)
        proven: set[int] = set()
        halved = False
        while fixes:
            trial = self._try(fixes)
            troubled = trial.troubled.keys() - proven
            if trial.refused or trial.bad:
                fixes = self._without(fixes, trial.refused + trial.bad)
            elif trial.broken or (trial.elsewhere and not halved):
                halved = not trial.broken
                fixes = self._bisect(fixes)
            elif troubled:
                fixes = self._one_by_one(fixes, troubled)
                proven |= troubled
            else:
                return fixes, trial
        return [], None

    def _without(self, fixes: list[Planned], lost: Iterable[tuple[Planned, str]]) -> list[Planned]:
        reasons = {id(fix): reason for fix, reason in lost}
        self._drop((fix, reasons[id(fix)]) for fix in fixes if id(fix) in reasons)
        return [fix for fix in fixes if id(fix) not in reasons]

    def _drop(self, lost: Iterable[tuple[Planned, str]]) -> None:
        for fix, reason in lost:
            self.dropped.append(Dropped(fix.finding, reason))
            self.settled.add(fix.finding.fingerprint)

    def _one_by_one(self, fixes: list[Planned], objects: set[int]) -> list[Planned]:
        """Of each object where something new appeared, add one fix after the other and leave out those to blame.

        Each is judged against what was there before it, so that it answers for its own severity alone.
        """
        kept = [fix for fix in fixes if fix.number not in objects]
        counts = self._try(kept).counts if kept else self.before
        waiting = {number: [fix for fix in fixes if fix.number == number] for number in objects}
        for _ in range(_MAX_ROUNDS):
            added = [queue.pop(0) for queue in waiting.values() if queue]
            if not added:
                break
            trial = self._try([*kept, *added], added, counts)
            lost = {id(fix): (fix, reason) for fix, reason in trial.refused + trial.bad}
            for fix in added:
                if fix.number in trial.troubled:
                    lost.setdefault(id(fix), (fix, trial.troubled[fix.number]))
            good = self._without(added, lost.values())
            kept += good
            counts = counts.with_objects(trial.counts, {fix.number for fix in good})
        self._drop((fix, "too many fixes of one object clash") for queue in waiting.values() for fix in queue)
        return kept

    def _bisect(self, fixes: list[Planned]) -> list[Planned]:
        """Something new appeared in an object that was not touched: leave out the fixes to blame, found by halving."""
        kept: list[Planned] = []
        counts = self.before
        queue = [fixes]
        while queue:
            part = queue.pop()
            trial = self._try([*kept, *part], part, counts)
            if not trial.elsewhere:
                kept += part
                counts = trial.counts
            elif len(part) == 1:
                self._drop([(part[0], trial.elsewhere)])
            else:
                middle = len(part) // 2
                queue += [part[middle:], part[:middle]]
        return kept

    def _try(
        self, fixes: Sequence[Planned], judged: Sequence[Planned] | None = None, before: Counts | None = None
    ) -> Trial:
        """Scan with these fixes made; ``judged`` of them are held against what was found ``before`` them."""
        files, refused = self.rewriter.edited(fixes)
        read = structs.replace(self.scan.read, instead={**self.first.texts, **self.edited, **files})
        result = scan(structs.replace(self.scan, read=read))
        unwritten = {id(fix) for fix, _ in refused}
        checked = [fix for fix in (fixes if judged is None else judged) if id(fix) not in unwritten]
        return compare(before or self.before, result, checked, files, refused)


def _told(result: ScanResult, kept: Sequence[Planned], held: Sequence[Planned]) -> ScanResult:
    """The result with what was fixed in it, and with the fixes that are suggested beside their findings."""
    suggested = {fix.finding.fingerprint: _fix(fix) for fix in held}
    for finding in result.findings:
        finding.fix = suggested.get(finding.fingerprint)
    result.findings += [structs.replace(fix.finding, status=FindingStatus.FIXED, fix=_fix(fix)) for fix in kept]
    return result


def _fix(planned: Planned) -> Fix:
    return Fix("patch", tuple(edit.told() for edit in planned.edits), planned.caution)


def _wanted(names: Sequence[str]) -> set[str]:
    """The ids of the rules to fix; empty for all."""
    registry, remedies = load_rules(), load_remedies()
    wanted: set[str] = set()
    for name in names:
        found = {rule.id for rule in registry.find(name)}
        if not found:
            raise UnknownRule(f"no rule is called {name!r}; `seawall rules list` shows them all")
        if not found & remedies.keys():
            raise UnknownRule(
                f"the rule {name} has no fix that can be made in place; `seawall rules show {name}` tells how"
            )
        wanted |= found
    return wanted
