"""Merging: a vulnerability that several advisories and packages tell of is one, with one severity."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from seawall.model.advisories import Advisory, AdvisoryLookup, Affected, Cvss, Known, best_name
from seawall.model.finding import Severity
from seawall.model.images import Package
from seawall.model.vulnerabilities import Vulnerability, VulnerablePackage

#: From which score on CVSS calls a severity that (first.org/cvss, the rating scale of versions 3 and 4).
_BANDS = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"), (0.0, "info"))
_NOTHING_KNOWN = Known()
_UNRATED = "medium"
_DISTRO_PREFIXES = (
    "DEBIAN-",
    "UBUNTU-",
    "ALPINE-",
    "DSA-",
    "DLA-",
    "USN-",
    "RH",
    "RLSA-",
    "ALSA-",
    "SUSE-",
    "openSUSE-",
)


class Hit(Struct, frozen=True, gc=False):
    """An advisory that holds for a package, what it says of it, and the versions that mend it."""

    advisory: Advisory
    affected: Affected
    fixed: tuple[str, ...]


def merge(found: Iterable[tuple[Package, Hit]], advisories: AdvisoryLookup) -> tuple[Vulnerability, ...]:
    """Each vulnerability once, the worst first, whichever of its names it was found by."""
    groups = _Groups()
    told: list[tuple[str, Package, Hit]] = []
    for package, hit in found:
        advisory = hit.advisory
        # An erratum is not a vulnerability but mends some: each of them is one.
        told += ((name, package, hit) for name in (advisory.names if advisory.bundle else (advisory.id,)))
        if not advisory.bundle:
            groups.join((advisory.id, *advisory.names))
    members: dict[str, list[tuple[Package, Hit]]] = {}
    for name, package, hit in told:
        members.setdefault(groups.leader(name), []).append((package, hit))
    names = groups.names()
    merged = [_vulnerability(names.get(leader) or {leader}, hits, advisories) for leader, hits in members.items()]
    merged.sort(key=lambda each: (Severity(each.severity).rank, not each.kev_added, -each.epss, each.id))
    return tuple(merged)


class _Groups:
    """Names that mean the same, by union and find."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def leader(self, name: str) -> str:
        parent = self._parent
        root = name
        while (above := parent.get(root, root)) != root:
            root = above
        while name != root:
            parent[name], name = root, parent.get(name, root)
        return root

    def join(self, names: tuple[str, ...]) -> None:
        first = self.leader(names[0])
        for name in names:
            self._parent[self.leader(name)] = first
        self._parent.setdefault(first, first)

    def names(self) -> dict[str, set[str]]:
        groups: dict[str, set[str]] = {}
        for name in list(self._parent):
            groups.setdefault(self.leader(name), set()).add(name)
        return groups


def _vulnerability(names: set[str], hits: list[tuple[Package, Hit]], advisories: AdvisoryLookup) -> Vulnerability:
    known = _known(names, advisories)
    records = list({hit.advisory.id: hit.advisory for _, hit in hits}.values())
    alone = [record for record in records if not record.bundle] or records
    cvss = _best_score(hits, alone, known)
    severity, judged_by = _severity(hits, alone, cvss)
    best = best_name(names)
    telling = max(alone, key=lambda record: (not record.bundle, bool(record.summary), len(record.summary)))
    return Vulnerability(
        id=best,
        names=tuple(sorted(names - {best})),
        packages=_packages(hits),
        severity=severity,
        judged_by=judged_by,
        summary=telling.summary,
        cvss=cvss,
        epss=known.epss,
        epss_percentile=known.epss_percentile,
        kev_added=known.kev_added,
        kev_due=known.kev_due,
        ransomware=known.ransomware,
        disputed=any(record.disputed for record in records),
        published=min((record.published for record in alone if record.published), default=""),
        references=telling.references,
    )


def _packages(hits: list[tuple[Package, Hit]]) -> tuple[VulnerablePackage, ...]:
    """The packages, each once, with what the advisories together say of it."""
    together: dict[int, tuple[Package, list[Hit]]] = {}
    for package, hit in hits:
        together.setdefault(id(package), (package, []))[1].append(hit)
    made = []
    for package, own in together.values():
        # Where advisories differ the one with fixes for more of it knows better than one that knows of none.
        fixed = max((hit.fixed for hit in own), key=len)
        state = next((hit.affected.state for hit in own if hit.affected.state), "")
        ids = tuple(dict.fromkeys(hit.advisory.id for hit in own))
        made.append(VulnerablePackage(package, ids, fixed, "" if fixed else state))
    return tuple(sorted(made, key=lambda each: (each.package.type, each.package.name, each.package.version)))


def _known(names: set[str], advisories: AdvisoryLookup) -> Known:
    for name in sorted(names):
        if name.startswith("CVE-") and (known := advisories.known(name)) is not None:
            return known
    return _NOTHING_KNOWN


def _best_score(hits: list[tuple[Package, Hit]], records: list[Advisory], known: Known) -> Cvss | None:
    """The newest version of CVSS counts, and in it the worst score of this image's own advisories, then of others."""
    own = [each for _, hit in hits for each in hit.affected.cvss]
    own += (each for record in records for each in record.cvss)
    return max(own or known.cvss, key=lambda each: (each.version, each.score), default=None)


def _severity(hits: list[tuple[Package, Hit]], records: list[Advisory], cvss: Cvss | None) -> tuple[str, str]:
    """What the distribution says, then CVSS, then what another source says; medium where nobody does."""
    distro = []
    for _, hit in hits:
        if hit.advisory.source != "osv" or hit.advisory.id.startswith(_DISTRO_PREFIXES):
            word = hit.affected.severity or hit.advisory.severity
            if word:
                distro.append((Severity(word).rank, word, _speaker(hit.advisory)))
    if distro:
        _, word, who = min(distro)
        return word, who
    if cvss is not None:
        return next(word for floor, word in _BANDS if cvss.score >= floor), f"CVSS {cvss.version}"
    words = [
        (Severity(record.severity).rank, record.severity, _speaker(record)) for record in records if record.severity
    ]
    if words:
        _, word, who = min(words)
        return word, who
    return _UNRATED, ""


def _speaker(advisory: Advisory) -> str:
    return advisory.source if advisory.source != "osv" else advisory.id.partition("-")[0].lower()
