"""Secrets in files, histories, logs and images: read, searched, told as findings without their values."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from hashlib import blake2b

from msgspec import Struct

from seawall.analysis.images.text import printable
from seawall.analysis.secrets import ForeignRules, Reading, RulesProblem, Scanner, make_scanner, read_rules
from seawall.analysis.secrets.scanner import Ask
from seawall.engine.accepting import Accepting
from seawall.engine.catalogue import load_rules
from seawall.engine.named import NamedOrigin
from seawall.engine.result import ScanResult
from seawall.engine.vulnerability_evidence import plain
from seawall.findings import base_risk, fingerprint, set_apart_twins
from seawall.model.finding import (
    Evidence,
    FieldEvidence,
    Finding,
    FindingStatus,
    Location,
    ResourceRef,
    RuleState,
    RuleStatus,
    SecretEvidence,
    Severity,
    SourceError,
)
from seawall.model.kube.base import ObjectMeta
from seawall.model.kube.images import FoundSecret, Image, ImageSpec
from seawall.model.kube.kinds import find_kind
from seawall.model.kube.searched import Searched, SearchedSpec
from seawall.model.resource import Inventory, Resource
from seawall.model.rule import Context, Hit, Rule
from seawall.model.secrets import SecretHit
from seawall.model.version import NEWEST
from seawall.model.vulnerabilities import API_VERSION
from seawall.sources.files import FoundFile, find_files, pieces_of
from seawall.sources.manifests.ignore import ignore_rules

FILE, HISTORY, LOG, IMAGE = "File", "History", "Log", "Image"
RULES = {FILE: "secret-in-file", HISTORY: "secret-in-git-history", LOG: "secret-in-log", IMAGE: "secret-in-image"}
_MOST_TOLD = 100_000
_AUTHOR = 120


class SecretsProblem(Exception):
    """Rules that cannot be used; the message says which and why."""


class SecretOptions(Struct, frozen=True):
    """What is searched for: ``rules`` are files in gitleaks' form, ``severity`` the least that is told. Only with
    ``verify`` are values sent, each to its issuer; ``issuers`` are other addresses of those, by name. ``now`` is when
    expiry is judged."""

    rules: tuple[str, ...] = ()
    severity: Severity = Severity.INFO
    verify: bool = False
    issuers: dict[str, str] = {}
    now: datetime | None = None


class FileOptions(Struct, frozen=True):
    """Which files: globs that leave some out, whether .gitignore does, and the bytes of a file that are looked at."""

    exclude: tuple[str, ...] = ()
    gitignore: bool = False
    most: int = 1 << 30


class Told(Struct, frozen=True):
    """A secret as it is told: where it is, in which file, and what is known of it."""

    hit: SecretHit
    location: Location
    says: str
    identity: str
    evidence: tuple[Evidence, ...]


#: Told after each thing that was searched: how many, and what.
Progress = Callable[[int, str], None]


class SecretJudge:
    """Takes what was found in one thing after the other, and has the result at the end."""

    def __init__(self, options: SecretOptions, accepting: Accepting | None = None, *, fast: bool = True) -> None:
        self.notes: list[str] = []
        self.options = options
        foreign, self.identity = _foreign(options.rules, self.notes.append)
        ask = _ask(options, self.notes.append)
        self.scanner: Scanner = make_scanner(fast=fast, now=options.now, foreign=foreign, ask=ask)
        self.errors: list[SourceError] = []
        self.files = 0
        self.skipped: Counter[str] = Counter()
        self._accepting = accepting
        wanted = frozenset(RULES.values())
        self._rules: dict[str, Rule] = {rule.id: rule for rule in load_rules(("secrets",)) if rule.id in wanted}
        self._used: set[str] = set()
        self._resources: list[Resource] = []
        self._findings: list[Finding] = []
        self._inputs: dict[str, str] = {}

    def input(self, name: str, kind: str) -> None:
        """Note something that was asked for, and how it is read."""
        self._inputs.setdefault(plain(name), kind)

    def add(self, ref: ResourceRef, told: Iterable[Told], file: str, same: ResourceRef | None = None) -> None:
        """Judge what was found in a thing; ``same`` is what makes it the same thing in another run."""
        told = [each for each in told if each.hit.severity.at_least(self.options.severity)]
        secrets = tuple(
            FoundSecret(each.hit.detector, each.says, each.hit.severity, each.hit.confidence) for each in told
        )
        metadata = ObjectMeta(name=ref.name)
        view: Image | Searched
        if ref.kind == IMAGE:
            view = Image(metadata=metadata, spec=ImageSpec(secrets=secrets))
        else:
            view = Searched(metadata=metadata, spec=SearchedSpec(secrets))
        made = {"apiVersion": API_VERSION, "kind": ref.kind, "metadata": {"name": ref.name}}
        origin = NamedOrigin(file, lambda: made)
        resource = Resource(ref, uid="", kind=find_kind(API_VERSION, ref.kind), view=view, origin=origin)
        rule = self._rules[RULES[ref.kind]]
        self._used.add(rule.id)
        self._resources.append(resource)
        context = Context(NEWEST, resource)
        for hit in rule.check(view, context):
            self._findings.append(self._finding(rule, hit, told[int(hit.path[-1])], resource, same or ref))

    def searched(self, kind: str) -> None:
        """Note that things of a kind were searched, though nothing was found."""
        self._used.add(RULES[kind])

    def _finding(self, rule: Rule, hit: Hit, told: Told, resource: Resource, same: ResourceRef) -> Finding:
        severity = hit.severity or rule.severity
        status, waiver, why = FindingStatus.OPEN, None, ""
        if self._accepting is not None and isinstance(hit.path, tuple):
            status, waiver, why = self._accepting.accept(rule.id, severity, resource, hit.path, (told.location,))
        return Finding(
            rule=rule.id,
            severity=severity,
            confidence=hit.confidence,
            resource=resource.ref,
            locations=(told.location,),
            message=plain(hit.message) + (f" ({why})" if why else ""),
            evidence=told.evidence,
            fix=None,
            fingerprint=fingerprint(rule.id, same, told.identity),
            status=status,
            waiver=waiver,
            risk=base_risk(severity, hit.confidence),
        )

    def result(self, errors: Sequence[SourceError] = ()) -> ScanResult:
        """All that was judged."""
        if not self._resources and self.files:
            for name in self._inputs:
                self.add(ResourceRef(API_VERSION, FILE, name), (), name)
        set_apart_twins(self._findings)
        _tell_doubles(self._findings)
        self._findings.sort(key=lambda finding: (-finding.risk, finding.locations[0].file, finding.locations[0].line))
        rules = [self._rules[each] for each in sorted(self._used)]
        accepting = self._accepting
        return ScanResult(
            inputs=list(self._inputs),
            kinds=dict(self._inputs),
            version=NEWEST,
            rules=rules,
            findings=self._findings,
            statuses=[RuleStatus(rule.id, RuleState.OK) for rule in rules],
            errors=[*errors, *self.errors],
            skipped=self.skipped,
            unrendered=[],
            files=self.files,
            inventory=Inventory(self._resources),
            texts={},
            wanting=set(),
            notes=[*self.notes, *(accepting.notes() if accepting is not None else ())],
            accepted=accepting,
        )


def read_bases(items: Sequence[str]) -> dict[str, str]:
    """Addresses of issuers as people give them; see `seawall.sources.issuers.read_bases`."""
    if not items:
        return {}
    from seawall.sources import issuers

    return issuers.read_bases(items)


def _ask(options: SecretOptions, tell: Callable[[str], None]) -> Ask | None:
    if not options.verify:
        return None
    from seawall.sources.issuers import Asking

    asking = Asking(options.issuers, tell)
    return lambda detector, value: asking.ask(detector.id, value)


def _tell_doubles(findings: Sequence[Finding]) -> None:
    """Say of a value that stands in several places how many those are."""
    places: dict[str, list[Finding]] = {}
    for finding in findings:
        for each in finding.evidence:
            if isinstance(each, SecretEvidence) and each.digest:
                places.setdefault(each.digest, []).append(finding)
    for found in places.values():
        if len(found) > 1:
            for finding in found:
                finding.message += f"; the same value stands in {len(found)} places"


def _foreign(files: Sequence[str], warn: Callable[[str], None]) -> tuple[ForeignRules | None, str]:
    """The rules of files, and what names them: a digest of all."""
    read, digest = [], blake2b(digest_size=16)
    for file in files:
        try:
            with open(file, "rb") as stream:
                text = stream.read(_MAX_RULES + 1)
            if len(text) > _MAX_RULES:
                raise SecretsProblem(f"{file} is larger than {_MAX_RULES >> 20} MiB")
            read.append(read_rules(text, file, warn))
            digest.update(text)
        except OSError as error:
            raise SecretsProblem(f"{file} cannot be read: {error.strerror}") from error
        except RulesProblem as error:
            raise SecretsProblem(str(error)) from error
    return (ForeignRules.joined(read), digest.hexdigest()) if read else (None, "")


_MAX_RULES = 8 << 20


def evidence_of(hit: SecretHit, commit: str = "", author: str = "", date: str = "") -> SecretEvidence:
    """What is known of a secret."""
    return SecretEvidence(
        detector=hit.detector,
        title=hit.title,
        shown=hit.shown,
        name=plain(hit.name),
        digest=hit.digest,
        encodings=hit.layers,
        notes=hit.notes,
        commit=commit,
        author=author,
        date=date,
    )


def identity_of(hit: SecretHit, path: str = "") -> str:
    """What makes a secret the same in another run: not its line, which moves."""
    return f"{path}\x1f{hit.detector}\x1f{hit.name}\x1f{hit.digest}"


def told_in_file(hit: SecretHit, file: str) -> Told:
    """A secret in a file that can be opened."""
    place = Location(file, hit.line, hit.column, "")
    return Told(hit, place, hit.told(), identity_of(hit), (FieldEvidence(f"line {hit.line}"), evidence_of(hit)))


def search_files(
    judge: SecretJudge, paths: Sequence[str], options: FileOptions, progress: Progress | None = None
) -> ScanResult:
    """Search files and folders; what cannot be read does not keep the rest from it."""
    judge.searched(FILE)
    for named in paths:
        judge.input(named, "files")
        ignore = ignore_rules(named, options.exclude, options.gitignore)
        for found in find_files(named, ignore, _reporter(judge)):
            judge.files += 1
            if progress is not None and not judge.files % 100:
                progress(judge.files, found.path)
            _search_file(judge, found, options.most)
    return judge.result()


def _search_file(judge: SecretJudge, found: FoundFile, most: int) -> None:
    path = found.path
    report = _reporter(judge, lost=False)
    shown = printable(path)
    # Where the folder itself lies says nothing of what is in it.
    reading = Reading(judge.scanner, found.relative, lambda problem: report(path, problem))
    if reading.skipped:
        judge.skipped["packed or drawn"] += 1
        return
    if found.size > most:
        report(path, f"is larger than {most >> 20} MiB: only so much was looked at; say more with --max-size")
    for piece in pieces_of(path, most, _reporter(judge)):
        reading.feed(piece)
    hits = reading.end()
    if hits:
        ref = ResourceRef(API_VERSION, FILE, plain(shown))
        judge.add(ref, [told_in_file(hit, shown) for hit in hits], shown)


def _reporter(judge: SecretJudge, *, lost: bool = True) -> Callable[[str, str], None]:
    def report(path: str, problem: str) -> None:
        judge.errors.append(SourceError(plain(printable(path)), "", problem, unreadable=lost))

    return report


def search_log(judge: SecretJudge, name: str, pieces: Iterable[bytes]) -> ScanResult:
    """Search a log, of any length: memory is bounded."""
    judge.input(name, "log")
    judge.files += 1
    shown = plain(printable(name))
    report = _reporter(judge, lost=False)
    reading = Reading(judge.scanner, "x.log", lambda problem: report(name, problem))
    for piece in pieces:
        reading.feed(piece)
    hits = reading.end()
    ref = ResourceRef(API_VERSION, LOG, "standard input" if name == "-" else shown)
    judge.add(ref, [told_in_file(hit, shown) for hit in hits], shown)
    return judge.result()


def search_history(
    judge: SecretJudge,
    folder: str,
    revisions: Sequence[str] = (),
    since: str = "",
    progress: Progress | None = None,
) -> ScanResult:
    """Search every content of a repository's history once, and the messages of its commits.

    Raises:
        GitError: there is no git, no repository, or no such revision.
    """
    from seawall.sources.githistory import LARGEST, TAG, contents, read_history

    judge.input(folder, "history")
    history = read_history(folder, revisions, since)
    told: list[Told] = []
    for blob, data, size in contents(history):
        judge.files += 1
        if progress is not None and not judge.files % 100:
            progress(judge.files, blob.path)
        if data is None:
            what = f"is larger than {LARGEST >> 20} MiB" if size > 0 else "is not there (a shallow or partial clone)"
            judge.errors.append(SourceError(plain(printable(blob.path)), blob.digest[:12], what))
            continue
        path, commit = plain(printable(blob.path)), blob.commit
        hits = judge.scanner.scan(data, "message.txt" if blob.path == TAG else blob.path)
        if not commit.digest:
            told += (_in_git_object(hit, path, blob.digest) for hit in hits)
            continue
        told += (_in_commit(hit, path, commit.digest, commit.author, commit.date) for hit in hits)
    for commit in history.commits:
        hits = judge.scanner.scan(commit.message, "message.txt")
        told += (_in_commit(hit, "(commit message)", commit.digest, commit.author, commit.date) for hit in hits)
    if not history.commits:
        judge.notes.append(f"{folder}: there are no commits in this range")
    name = plain(os.path.basename(os.path.realpath(history.top)))
    judge.add(ResourceRef(API_VERSION, HISTORY, name), told[:_MOST_TOLD], plain(folder))
    if len(told) > _MOST_TOLD:
        judge.errors.append(SourceError(plain(folder), "", f"{len(told) - _MOST_TOLD:,} more secrets are not told"))
    return judge.result()


def _in_git_object(hit: SecretHit, path: str, digest: str) -> Told:
    place = Location(path, hit.line, hit.column, f"object {digest[:12]}")
    says = f"{path}:{hit.line}: {hit.told()}; in the object {digest[:12]}, which no commit has"
    return Told(hit, place, says, identity_of(hit, path), (evidence_of(hit, digest, "", ""),))


def _in_commit(hit: SecretHit, path: str, commit: str, author: str, date: str) -> Told:
    author = plain(author[:_AUTHOR])
    place = Location(path, hit.line, hit.column, f"commit {commit[:12]}")
    says = f"{path}:{hit.line}: {hit.told()}; brought by commit {commit[:12]} of {author}, {date[:10]}"
    evidence = evidence_of(hit, commit, author, date)
    return Told(hit, place, says, identity_of(hit, path), (evidence,))
