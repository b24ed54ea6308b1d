"""Judging remembered inventories again when the database of advisories has changed, without pulling an image."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct

from seawall.analysis.images.matching import Matcher
from seawall.model.advisories import DatabaseInfo
from seawall.model.finding import ResourceRef, Severity
from seawall.model.vulnerabilities import Vulnerability, image_ref
from seawall.store.advisories import AdvisoryStore
from seawall.store.inventories import InventoryStore, KnownOf, Remembered, identity_of

#: Told after each image how many are judged.
Progress = Callable[[int], None]


class Change(Struct, frozen=True):
    """What became known of a vulnerability of an image.

    ``what`` is ``new``, ``fixed`` (a version mends it now) or ``exploited`` (known to be, now).
    """

    what: str
    image: str
    digest: str
    vulnerability: Vulnerability
    workloads: tuple[ResourceRef, ...]

    @property
    def severity(self) -> Severity:
        """How bad the vulnerability is."""
        return Severity(self.vulnerability.severity)


class Watched(Struct):
    """What a look at all remembered images gave.

    ``first`` counts those that were never judged before: what they have is not new but only now known. ``gone``
    counts vulnerabilities that are no longer told (withdrawn, or found not to affect). ``unjudged`` are reasons why
    an image could not be judged in whole, by image.
    """

    database: DatabaseInfo
    images: int
    first: int
    vulnerabilities: int
    changes: list[Change]
    gone: int
    unjudged: list[tuple[str, str]]

    def exit_code(self, fail_on: Severity | None) -> int:
        """2 where something was not judged; 1 where something new, or newly exploited, is as bad as ``fail_on``."""
        if self.unjudged or not self.images:
            return 2
        counted = (each for each in self.changes if each.what != "fixed")
        return int(fail_on is not None and any(each.severity.at_least(fail_on) for each in counted))


def watch(store: InventoryStore, database: str, progress: Progress | None = None) -> Watched:
    """Judge every remembered image, tell what changed since it was last judged, and note what is known now.

    Raises:
        DatabaseProblem: there is no database of advisories, or it cannot be used.
        InventoryProblem: the store cannot be used.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        with AdvisoryStore(database) as advisories:
            matcher = Matcher(advisories, datetime.now(UTC).date().isoformat())
            watched = Watched(advisories.info, 0, 0, 0, [], 0, [])
            now: dict[str, dict[str, KnownOf]] = {}
            for remembered in store.all():
                now[identity_of(remembered.inventory)] = _judge(watched, store, matcher, remembered)
                if progress is not None:
                    progress(watched.images)
            watched.changes.sort(key=lambda each: (each.severity.rank, each.what, each.vulnerability.id, each.image))
            store.note(now)
            return watched
    finally:
        if collecting:
            gc.enable()


def _judge(watched: Watched, store: InventoryStore, matcher: Matcher, remembered: Remembered) -> dict[str, KnownOf]:
    inventory = remembered.inventory
    verdict = matcher.match(inventory)
    name = image_ref(inventory).name
    watched.images += 1
    watched.vulnerabilities += len(verdict.vulnerabilities)
    watched.unjudged += (
        (name, f"{each.first}{f' and {each.count - 1} more' if each.count > 1 else ''}: {each.reason}")
        for each in verdict.unjudged
    )
    watched.unjudged += ((name, f"{each.where}: {each.reason}") for each in inventory.not_looked)
    known = {each.id: KnownOf(each.fixable, each.kev_added) for each in verdict.vulnerabilities}
    before = store.known(identity_of(inventory))
    if before is None:
        watched.first += 1
        return known
    watched.gone += len(before.keys() - known.keys())
    for each in verdict.vulnerabilities:
        watched.changes += (
            Change(what, name, inventory.digest, each, remembered.uses) for what in _news(each, before.get(each.id))
        )
    return known


def _news(vulnerability: Vulnerability, before: KnownOf | None) -> list[str]:
    if before is None:
        return ["new"]
    news = ["fixed"] if vulnerability.fixable and not before.fixed else []
    return [*news, "exploited"] if vulnerability.kev_added and not before.exploited else news
