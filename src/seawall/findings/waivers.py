"""Waivers of a project: which findings do not count, who decided it, why and until when.

They stand in ``seawall.yaml`` or ``seawall-waivers.yaml``; :mod:`seawall.findings.suppress` reads those that stand
with the objects. ``Waiving`` is what a project forbids of both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fnmatch import translate
from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct

from seawall.findings.selecting import Selector, Subject
from seawall.model.finding import Severity, Waiver
from seawall.model.rule import Registry

#: So many days before its end a waiver is told of.
NOTICE = 14
#: A waiver that covers more objects, or more rules, than this is too wide to be looked after.
MOST_OBJECTS, MOST_RULES = 20, 10

Names = str | tuple[str, ...]


class WaiverEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A waiver as it is written. ``rule`` is an id, a peer's id or a glob of ids, or several; ``expires`` is its last
    day."""

    rule: Names
    reason: Annotated[str, Meta(min_length=1)]
    select: Selector = Selector()
    owner: str = ""
    expires: date | None = None


class Waiving(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What may be waived. ``forbid`` (rules by id, peer's id or glob) and ``forbid_severities`` bind comments,
    annotations and baselines too; ``in_place: false`` forbids all comments and annotations. ``max_days`` bounds how
    far ahead a waiver's last day may lie.
    """

    forbid: tuple[str, ...] = ()
    forbid_severities: tuple[Severity, ...] = ()
    require_owner: bool = False
    require_expiry: bool = False
    max_days: Annotated[int, Meta(ge=1)] | None = None
    in_place: bool = True


class PlacedWaiver(Struct, frozen=True):
    """A waiver and where it stands (``seawall.yaml:12``). ``entry`` is None where it cannot be understood, and
    ``problem`` says why. ``folder`` is where its file lies, which its paths are relative to.
    """

    place: str
    entry: WaiverEntry | None
    problem: str = ""
    folder: str = "."


class Standing(Struct):
    """What became of a waiver: its rules, what is wrong with it, and what it waived.

    ``invalid`` waivers and ``expired`` ones waive nothing; of the latter ``findings`` counts what they would have.
    """

    placed: PlacedWaiver
    rules: tuple[str, ...] = ()
    invalid: str = ""
    expired: bool = False
    findings: int = 0
    refused: int = 0
    objects: set[tuple[str, str, str]] = set()

    @property
    def source(self) -> str:
        """What its findings' waivers name as their source."""
        return f"waiver at {self.placed.place}"

    def wide(self) -> list[str]:
        """Why it is too wide to be looked after; empty where it is not."""
        entry = self.placed.entry
        if entry is None or self.invalid:
            return []
        reasons = []
        if entry.select.everything():
            reasons.append("it selects every object; name a kind, namespace, name, label, path or image")
        if len(self.rules) > MOST_RULES:
            reasons.append(f"it waives {len(self.rules)} rules")
        if len(self.objects) > MOST_OBJECTS:
            reasons.append(f"it waives findings of {len(self.objects)} objects")
        return reasons


class Policy:
    """What a project forbids to waive. ``place`` is where it says so."""

    def __init__(self, registry: Registry, waiving: Waiving, place: str) -> None:
        self.waiving = waiving
        self._place = place
        self._rules = {rule for name in waiving.forbid for rule in rules_of(registry, name)}
        self._severities = frozenset(waiving.forbid_severities)
        self.binds = bool(self._rules or self._severities or not waiving.in_place)

    def refusal(self, rule: str, severity: Severity, *, in_place: bool) -> str:
        """Why a finding may not be waived; empty where it may."""
        if rule in self._rules:
            return f"{self._place} forbids to waive {rule}"
        if severity in self._severities:
            return f"{self._place} forbids to waive {severity} findings"
        if in_place and not self.waiving.in_place:
            return f"{self._place} forbids comments and annotations that waive"
        return ""

    def objection(self, entry: WaiverEntry, today: date) -> str:
        """What the policy asks of every waiver and this one does not have; empty where all is well."""
        if self.waiving.require_owner and not entry.owner:
            return f"has no owner, which {self._place} asks for"
        if entry.expires is None:
            wanted = self.waiving.require_expiry or self.waiving.max_days is not None
            return f"has no `expires`, which {self._place} asks for" if wanted else ""
        most = self.waiving.max_days
        if most is not None and (entry.expires - today).days > most:
            return f"expires more than {most} days from now, which {self._place} forbids"
        return ""


class Waivers:
    """Decides which findings are waived by a project's files, and keeps account of each waiver."""

    def __init__(self, registry: Registry, placed: Iterable[PlacedWaiver], policy: Policy, today: date) -> None:
        self.policy = policy
        self._today = today
        self.standings = [_standing(registry, each, policy, today) for each in placed]
        self.by_rule: dict[str, list[Standing]] = {}
        for standing in self.standings:
            if not standing.invalid:
                for rule in standing.rules:
                    self.by_rule.setdefault(rule, []).append(standing)
        for candidates in self.by_rule.values():
            candidates.sort(key=lambda each: each.expired)

    def waiver(self, rule: str, severity: Severity, subject: Subject) -> tuple[Waiver | None, str]:
        """The waiver of a finding, or None and why one that is meant for it does not count (empty: there is none)."""
        for standing in self.by_rule.get(rule, ()):
            entry = standing.placed.entry
            if entry is None or not entry.select.matches(subject, standing.placed.folder):
                continue
            if refusal := self.policy.refusal(rule, severity, in_place=False):
                standing.refused += 1
                return None, f"not waived by {standing.source}: {refusal}"
            ref = subject.resource.ref
            standing.findings += 1
            standing.objects.add((ref.kind, ref.namespace or "", ref.name))
            if standing.expired:
                return None, f"{standing.source} expired on {entry.expires}"
            expires = entry.expires.isoformat() if entry.expires else None
            return Waiver(entry.reason, standing.source, entry.owner or None, expires), ""
        return None, ""

    def notes(self) -> list[str]:
        """A line for each waiver that does not work, has ended, or will end within two weeks."""
        lines = []
        for standing in self.standings:
            entry = standing.placed.entry
            if standing.invalid:
                lines.append(f"{standing.source} waives nothing: it {standing.invalid}")
            elif entry is not None and entry.expires is not None:
                lines += self._about_end(standing, entry.expires)
        return lines

    def _about_end(self, standing: Standing, expires: date) -> list[str]:
        left = (expires - self._today).days
        if standing.expired:
            return [f"{standing.source} expired on {expires}: {_findings(standing.findings)} count again"]
        if left <= NOTICE:
            days = "today" if not left else f"in {left} day{'s' * (left > 1)}"
            return [f"{standing.source} expires {days}, on {expires}; it waives {_findings(standing.findings)}"]
        return []


def _findings(count: int) -> str:
    return "1 finding" if count == 1 else f"{count} findings"


def _standing(registry: Registry, placed: PlacedWaiver, policy: Policy, today: date) -> Standing:
    entry = placed.entry
    if entry is None:
        return Standing(placed, invalid=placed.problem)
    rules: dict[str, None] = {}
    for name in names_of(entry.rule):
        found = rules_of(registry, name)
        if not found:
            return Standing(placed, invalid=f"names {name!r}, which is no rule and no alias of one")
        rules.update(dict.fromkeys(found))
    if not rules:
        return Standing(placed, invalid="names no rule")
    expired = entry.expires is not None and entry.expires < today
    return Standing(placed, tuple(rules), policy.objection(entry, today), expired, objects=set())


def names_of(value: Names) -> tuple[str, ...]:
    """One or several names, as a tuple."""
    return (value,) if isinstance(value, str) else value


def rules_of(registry: Registry, name: str) -> list[str]:
    """The ids of the rules of that id or alias; with ``*`` or ``?`` in it of all that match, by id or alias."""
    if "*" not in name and "?" not in name:
        return [rule.id for rule in registry.find(name)]
    match = _glob(name).match
    return [rule.id for rule in registry if match(rule.id) or any(match(alias) for alias in rule.aliases)]


@lru_cache(maxsize=256)
def _glob(text: str) -> re.Pattern[str]:
    return re.compile(translate(text))


def waivers_by_state(standings: Sequence[Standing]) -> Mapping[str, list[Standing]]:
    """The waivers by what became of them: ``invalid``, ``expired``, ``forbidden``, ``unused`` or ``matched``."""
    states: dict[str, list[Standing]] = {}
    for standing in standings:
        states.setdefault(state_of(standing), []).append(standing)
    return states


def state_of(standing: Standing) -> str:
    """What became of a waiver, in a word."""
    if standing.invalid:
        return "invalid"
    if standing.expired:
        return "expired"
    if standing.findings:
        return "matched"
    return "forbidden" if standing.refused else "unused"
