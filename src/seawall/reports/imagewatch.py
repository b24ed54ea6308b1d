"""Telling what changed for remembered images, for people and as ``seawall.imagewatch/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall import __version__
from seawall.reports.excerpt import printable

if TYPE_CHECKING:
    from seawall.engine.watch import Change, Watched

SCHEMA = "seawall.imagewatch/v1"
_MOST_CHANGES = 100
_WORDS = {"new": "new", "fixed": "mended now", "exploited": "exploited now"}


def text(watched: Watched) -> bytes:
    """Lines for people."""
    lines = [_change(each) for each in watched.changes[:_MOST_CHANGES]]
    if len(watched.changes) > _MOST_CHANGES:
        lines.append(f"... {len(watched.changes) - _MOST_CHANGES} more; --format json has all")
    if not watched.changes:
        lines.append("nothing new")
    first = f", {watched.first} of them for the first time" if watched.first else ""
    gone = f"; {watched.gone} are gone" if watched.gone else ""
    lines.append(
        f"{watched.images} images judged{first}: {watched.vulnerabilities} vulnerabilities{gone} "
        f"(advisories of {watched.database.built[:10]})"
    )
    return "".join(f"{printable(line)}\n" for line in lines).encode()


def _change(change: Change) -> str:
    found = change.vulnerability
    packages = ", ".join(f"{each.package.name} {each.package.version}" for each in found.packages[:3])
    fixed = next((each.fixed[0] for each in found.packages if each.fixed), "")
    more = f" and {len(change.workloads) - 1} more" if len(change.workloads) > 1 else ""
    runs = f"; run by {change.workloads[0]}{more}" if change.workloads else ""
    mended = f" (fixed in {fixed})" if fixed else ""
    return f"{_WORDS[change.what]}: {found.severity} {found.id} in {packages}{mended}: {change.image}{runs}"


def json(watched: Watched) -> bytes:
    """The document."""
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "tool": {"name": "seawall", "version": __version__},
        "database": {"built": watched.database.built, "checksum": watched.database.checksum},
        "images": watched.images,
        "first": watched.first,
        "vulnerabilities": watched.vulnerabilities,
        "gone": watched.gone,
        "changes": [_members(each) for each in watched.changes],
        "unjudged": [{"image": image, "reason": reason} for image, reason in watched.unjudged],
    }
    return msgspec.json.encode(made) + b"\n"


def _members(change: Change) -> dict[str, Any]:
    found = change.vulnerability
    return {
        "what": change.what,
        "image": change.image,
        "digest": change.digest or None,
        "vulnerability": found.id,
        "names": found.names,
        "severity": found.severity,
        "kev": found.kev_added or None,
        "epss": found.epss if found.epss >= 0 else None,
        "packages": [
            {"name": each.package.name, "version": each.package.version, "fixed": each.fixed} for each in found.packages
        ],
        "workloads": change.workloads,
    }
