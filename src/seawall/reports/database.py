"""What the database of advisories holds and how old it is, for people and as ``seawall.db/v1``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from seawall import __version__
from seawall.model.advisories import STALE_DAYS

if TYPE_CHECKING:
    from seawall.engine.database import UpdateResult
    from seawall.model.advisories import DatabaseInfo, SourceInfo

SCHEMA = "seawall.db/v1"
_MOST_ECOSYSTEMS = 40


def age_days(time: str, now: datetime) -> float | None:
    """Days since a time (RFC 3339); None where it is none."""
    try:
        then = datetime.fromisoformat(time)
    except ValueError:
        return None
    return (now - then.replace(tzinfo=then.tzinfo or UTC)).total_seconds() / 86400


def stale(info: DatabaseInfo, now: datetime) -> list[str]:
    """What is old, a line each."""
    lines = []
    for source in info.sources:
        age = age_days(source.fetched, now)
        if age is not None and age >= STALE_DAYS:
            lines.append(f"{source.name} is {age:.0f} days old")
    age = age_days(info.built, now)
    if age is not None and age >= STALE_DAYS and not lines:
        lines.append(f"the database is {age:.0f} days old")
    return lines


def document(path: str, info: DatabaseInfo, now: datetime, result: UpdateResult | None = None) -> bytes:
    """The JSON document."""
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "tool": {"name": "seawall", "version": __version__},
        "path": path,
        "built": info.built,
        "ageDays": _rounded(age_days(info.built, now)),
        "checksum": info.checksum,
        "counts": {"packages": info.packages, "advisories": info.advisories, "known": info.known},
        "ecosystems": dict(sorted(info.ecosystems.items())),
        "sources": [_source(each, now) for each in info.sources],
        "stale": stale(info, now),
        "notes": [],
    }
    if result is not None:
        made["notes"] = result.notes
        made["files"] = [
            {"name": name, "outcome": outcome.what, "bytes": outcome.bytes} for name, outcome in result.outcomes
        ]
    return msgspec.json.encode(made) + b"\n"


def _source(source: SourceInfo, now: datetime) -> dict[str, Any]:
    return {
        "name": source.name,
        "origin": source.origin,
        "fetched": source.fetched,
        "modified": source.modified,
        "ageDays": _rounded(age_days(source.fetched, now)),
        "advisories": source.advisories,
        "leftOut": source.left_out,
    }


def _rounded(days: float | None) -> float | None:
    return None if days is None else round(days, 2)


def text(path: str, info: DatabaseInfo, now: datetime) -> str:
    """Lines for people."""
    age = age_days(info.built, now)
    lines = [
        f"{path}: built {info.built} ({_age(age)})",
        f"{info.packages} packages, {info.advisories} advisories, {info.known} CVEs with scores or exploitation",
        "",
        f"{'SOURCE':<34} {'AGE':>9} {'ENTRIES':>9}  LEFT OUT",
    ]
    for source in info.sources:
        left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(source.left_out.items()))
        row = f"{source.name:<34} {_age(age_days(source.fetched, now)):>9} {source.advisories:>9}  {left_out}"
        lines.append(row.rstrip())
    ecosystems = sorted(info.ecosystems)
    more = len(ecosystems) - _MOST_ECOSYSTEMS
    lines += ["", "ecosystems: " + ", ".join(ecosystems[:_MOST_ECOSYSTEMS]) + (f" and {more} more" if more > 0 else "")]
    return "\n".join(lines) + "\n"


def _age(days: float | None) -> str:
    if days is None:
        return "unknown"
    return f"{days:.0f} days" if days >= 2 else f"{days * 24:.0f} h"
