"""From an inventory to its vulnerabilities: look up, evaluate, merge what is one under several names."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from seawall.analysis.images.matching.ecosystems import end_of_life, modules_of, origin_of
from seawall.analysis.images.matching.merging import Hit, merge
from seawall.analysis.images.matching.ranges import fixes_of, is_affected
from seawall.analysis.images.versions import InvalidVersion, scheme_of
from seawall.model.advisories import Advisory, AdvisoryLookup, Affected, package_key
from seawall.model.images import ImageInventory, OsRelease, Package
from seawall.model.vulnerabilities import ImageVerdict, Unjudged

#: What was found out about a package is kept for others like it: images share most of theirs.
_KEPT = 1 << 17
_NOT_AFFECTED = "not-affected"


class _Asked(NamedTuple):
    """All that the judgement of a package depends on."""

    ecosystem: str
    name: str
    version: str
    source: str
    source_version: str
    module: str


class _Answer(Struct, frozen=True, gc=False):
    """What is known of a package; ``invalid`` tells why it could not be judged by all that is said of it."""

    hits: tuple[Hit, ...]
    invalid: str = ""


_NOTHING = _Answer(())


class Matcher:
    """Judges inventories by one database; what it found out about a package is kept."""

    def __init__(self, advisories: AdvisoryLookup, today: str) -> None:
        self._advisories = advisories
        self._today = today
        self._answers: OrderedDict[_Asked, _Answer] = OrderedDict()
        self._read: dict[str, Advisory | None] = {}

    def match(self, inventory: ImageInventory) -> ImageVerdict:
        """The vulnerabilities of an image, file system or SBOM."""
        found: list[tuple[Package, Hit]] = []
        unjudged: dict[str, list[str]] = {}
        judged = self._judged_distro(inventory)
        for package in inventory.packages:
            # The distribution mends it under its own versions: the language's advisories would say it did not.
            if package.owner and judged and package.type not in ("deb", "apk", "rpm"):
                continue
            answer, reason = self._judge(package, inventory.os)
            found += ((package, hit) for hit in answer.hits)
            if reason:
                unjudged.setdefault(reason, []).append(f"{package.name} {package.version}")
        return ImageVerdict(
            merge(found, self._advisories),
            tuple(Unjudged(reason, len(names), names[0]) for reason, names in unjudged.items()),
            end_of_life(inventory.os, self._today),
        )

    def _judged_distro(self, inventory: ImageInventory) -> bool:
        for package in inventory.packages:
            if package.type in ("deb", "apk", "rpm"):
                return self._advisories.has_ecosystem(origin_of(package, inventory.os).ecosystem)
        return False

    def _judge(self, package: Package, os: OsRelease | None) -> tuple[_Answer, str]:
        """What is known of a package, and why it was not judged (in whole), if it was not."""
        ecosystem, reason = origin_of(package, os)
        if not ecosystem:
            return _NOTHING, reason
        if not self._advisories.has_ecosystem(ecosystem):
            return _NOTHING, f"the database holds no advisories of {ecosystem}"
        asked = _Asked(
            ecosystem, package.name, package.version, package.source_name, package.source_version, package.module
        )
        answer = self._answers.get(asked)
        if answer is None:
            answer = self._answers[asked] = self._ask(asked)
            if len(self._answers) > _KEPT:
                self._answers.popitem(last=False)
        return answer, answer.invalid

    def _ask(self, asked: _Asked) -> _Answer:
        scheme = scheme_of(asked.ecosystem)
        if scheme is None:
            return _Answer((), f"the order of versions of {asked.ecosystem} is not known")
        hits: dict[str, Hit] = {}
        invalid = ""
        for ecosystem, name, version in _candidates(asked):
            said = [each for each in self._advisories.lookup(ecosystem, name) if _of_module(each, asked)]
            for affected in self._of_best_source(said):
                try:
                    if affected.state == _NOT_AFFECTED or not is_affected(affected, scheme, version):
                        continue
                except InvalidVersion as error:
                    invalid = invalid or f"{error} that can be compared ({asked.ecosystem})"
                    continue
                advisory = self._advisory(affected.advisory)
                if advisory is not None and advisory.id not in hits:
                    hits[advisory.id] = Hit(advisory, affected, tuple(fixes_of(affected, scheme, version)))
        return _Answer(tuple(hits.values()), invalid) if hits or invalid else _NOTHING

    def _of_best_source(self, said: list[Affected]) -> Iterable[Affected]:
        """A distribution's own word on a vulnerability is preferred to OSV's rendering of it."""
        own = {affected.advisory for affected in said if affected.source != "osv"}
        if not own:
            return said
        names: set[str] = set()
        for name in own:
            names |= self._names(name)
        return [each for each in said if each.source != "osv" or not self._told(each.advisory, names)]

    def _told(self, advisory: str, names: set[str]) -> bool:
        """Whether everything that an advisory is about is among these names."""
        record = self._advisory(advisory)
        if record is None:
            return False
        return names.issuperset(record.names) if record.bundle else not names.isdisjoint((record.id, *record.names))

    def _names(self, advisory: str) -> set[str]:
        record = self._advisory(advisory)
        return {record.id, *record.names} if record is not None else {advisory}

    def _advisory(self, advisory_id: str) -> Advisory | None:
        if advisory_id not in self._read:
            if len(self._read) > _KEPT:
                self._read.clear()
            self._read[advisory_id] = self._advisories.advisory(advisory_id)
        return self._read[advisory_id]


def _candidates(asked: _Asked) -> Iterable[tuple[str, str, str]]:
    """The ecosystems and names by which advisories may know a package, each with the version that counts for it."""
    base = asked.ecosystem.partition(":")[0]
    for ecosystem in (asked.ecosystem, *modules_of(asked.ecosystem)):
        yield ecosystem, package_key(base, asked.name), asked.version
        if asked.source and asked.source != asked.name:
            yield ecosystem, asked.source, _source_version(asked)
    if base == "Go" and asked.name == "toolchain":
        yield asked.ecosystem, "stdlib", asked.version


def _source_version(asked: _Asked) -> str:
    """The source package's version; an rpm's names its source without the epoch that both have."""
    version = asked.source_version or asked.version
    epoch, colon, _ = asked.version.partition(":")
    if colon and ":" not in version and scheme_of(asked.ecosystem) == "rpm":
        return f"{epoch}:{version}"
    return version


def _of_module(affected: Affected, asked: _Asked) -> bool:
    """Whether advice on a module of rpms is for this one: streams have versions of their own, modular or not."""
    if asked.ecosystem.partition(":")[0] not in ("Red Hat", "Rocky Linux", "AlmaLinux", "Oracle"):
        return True
    modular = bool(asked.module) or ".module" in asked.version
    if affected.module:
        wanted = ":".join(affected.module.split(":")[:2])
        return modular and (not asked.module or ":".join(asked.module.split(":")[:2]) == wanted)
    fixed = [text for events in affected.ranges for kind, text in events if kind == "fixed"]
    return not fixed or any((".module" in text) == modular for text in fixed)
