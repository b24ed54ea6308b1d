"""What a run takes as decided: the waivers of its files, and those that stand with the objects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from seawall.engine.catalogue import load_rules
from seawall.findings import Policy, Subject, Suppressions, Waivers, Waiving
from seawall.model.finding import FindingStatus, Location, Severity, Waiver
from seawall.model.paths import Path
from seawall.model.resource import Resource, Suppression
from seawall.model.rule import Registry

if TYPE_CHECKING:
    from seawall.engine.config import Project

#: The status of a finding, its waiver, and what to add to its message (why a waiver does not count).
Verdict = tuple[FindingStatus, Waiver | None, str]
_OPEN: Verdict = (FindingStatus.OPEN, None, "")


def _every(registry: Registry) -> Registry:
    """All rules there are and those of a run: waivers may name what only other commands find."""
    loaded = load_rules()
    if registry is loaded:
        return loaded
    every = Registry()
    for rule in (*loaded, *(rule for rule in registry if loaded.get(rule.id) is None)):
        every.add(rule)
    return every


class Accepting:
    """Decides of each finding whether it is waived, and keeps account of the waivers."""

    def __init__(self, registry: Registry, project: Project | None, today: date | None = None) -> None:
        named = project is not None and bool(project.waivers or project.config.waiving.forbid)
        every = _every(registry) if named else registry
        waiving = project.config.waiving if project is not None else Waiving()
        self.policy = Policy(every, waiving, project.waiving_place if project is not None else "")
        placed = project.waivers if project is not None else []
        self.waivers = Waivers(every, placed, self.policy, today or date.today()) if placed else None
        self.suppressions = Suppressions(registry, load_rules)
        self._wishes: dict[int, list[Suppression]] = {}

    def meet(self, resource: Resource) -> None:
        """Take note of what stands with an object, before its findings are judged."""
        if wishes := self.suppressions.of(resource):
            self._wishes[id(resource)] = wishes

    def accept(
        self, rule: str, severity: Severity, resource: Resource, path: Path, locations: Sequence[Location]
    ) -> Verdict:
        """Whether a finding counts. A waiver in place is asked first, then those of the files."""
        told = ""
        wishes = self._wishes.get(id(resource)) if self._wishes else None
        if wishes and (waiver := self.suppressions.waiver(rule, path, locations[0].line, wishes)):
            refusal = self.policy.refusal(rule, severity, in_place=True) if self.policy.binds else ""
            if not refusal:
                return FindingStatus.WAIVED, waiver, ""
            told = f"not waived by {waiver.source}: {refusal}"
        if self.waivers is None or rule not in self.waivers.by_rule:
            return (FindingStatus.OPEN, None, told) if told else _OPEN
        found, why = self.waivers.waiver(rule, severity, Subject(resource, path, locations))
        if found is not None:
            return FindingStatus.WAIVED, found, ""
        return FindingStatus.OPEN, None, told or why

    def notes(self) -> list[str]:
        """Lines that a person should read: wishes that cannot be followed, and waivers that end."""
        return [*self.suppressions.notes, *(self.waivers.notes() if self.waivers is not None else ())]
