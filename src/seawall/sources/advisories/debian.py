"""Debian's security tracker (security-tracker.debian.org/tracker/data/json): package -> vulnerability -> releases."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from seawall.model.advisories import Advisory, Affected, Entry, Event
from seawall.model.distro import DEBIAN_RELEASES
from seawall.sources.advisories.problem import AdvisoryProblem, decode_json

#: Debian's urgencies; "unimportant" is for what is no vulnerability in the packages as built.
_URGENCIES = {"high": "high", "medium": "medium", "low": "low", "unimportant": "info"}
_STATES = {"ignored": "ignored", "postponed": "deferred"}
_MAX_SUMMARY = 300


class _Release(Struct):
    status: str = ""
    fixed_version: str = ""
    urgency: str = ""
    nodsa: str = ""
    nodsa_reason: str | None = None


class _Item(Struct):
    description: str = ""
    releases: dict[str, _Release] = {}


def parse_tracker(data: bytes, name: str) -> Iterator[Entry]:
    """What the tracker says, a package and vulnerability at a time.

    Raises:
        AdvisoryProblem: it is not the tracker's JSON.
    """
    for package, raw in decode_json(data, dict[str, msgspec.Raw], name).items():
        try:
            items = msgspec.json.decode(raw, type=dict[str, _Item])
        except (msgspec.DecodeError, RecursionError) as error:
            raise AdvisoryProblem(f"{name}: package {package[:80]!r}: {error}") from error
        for vulnerability, item in items.items():
            yield _entry(package, vulnerability, item)


def _entry(package: str, vulnerability: str, item: _Item) -> Entry:
    advisory = Advisory(
        id=f"debian/{vulnerability}",
        source="debian",
        names=(vulnerability,),
        summary=item.description[:_MAX_SUMMARY],
        references=(f"https://security-tracker.debian.org/tracker/{vulnerability}",),
    )
    affected = tuple(
        (f"Debian:{DEBIAN_RELEASES.get(name, name)}", package, _affected(advisory.id, release))
        for name, release in item.releases.items()
    )
    return Entry(advisory, affected)


def _affected(advisory: str, release: _Release) -> Affected:
    severity = _URGENCIES.get(release.urgency.rstrip("*"), "")
    events: tuple[Event, ...] = (("introduced", "0"),)
    if release.status == "resolved":
        if release.fixed_version in ("", "0"):
            return Affected(advisory, "debian", state="not-affected")
        return Affected(advisory, "debian", ((*events, ("fixed", release.fixed_version)),), severity=severity)
    state = _STATES.get(release.nodsa_reason or "", "")
    if release.urgency == "end-of-life":
        state = "end-of-life"
    elif release.status == "undetermined":
        state = "under-investigation"
    return Affected(advisory, "debian", (events,), state=state, severity=severity)
