"""Telling why an image has a vulnerability, for people and as ``seawall.imageexplain/v1``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from seawall import __version__
from seawall.reports.excerpt import printable

if TYPE_CHECKING:
    from seawall.engine.explain_image import Explanation, Place
    from seawall.model.finding import ResourceRef
    from seawall.model.vulnerabilities import Vulnerability

SCHEMA = "seawall.imageexplain/v1"
_MOST_UPGRADES = 10
_MOST_WORKLOADS = 20
_ORIGINS = {"base": "of the base image", "own": "of your own", "": "of unknown origin"}


def text(image: str, name: str, explained: Explanation, workloads: Sequence[ResourceRef] = ()) -> bytes:
    """Lines for people; ``workloads`` are known to run the image."""
    found = explained.vulnerability
    if found is None:
        return f"{printable(image)}: {printable(name)} is not among its vulnerabilities\n".encode()
    by = f", says {found.judged_by}" if found.judged_by else ""
    lines = [f"{found.id} in {image}: {found.severity}{by}", f"  {found.summary}" if found.summary else ""]
    if found.names:
        lines.append(f"  also called {', '.join(found.names)}")
    if found.kev_added:
        lines.append(f"  known to be exploited (CISA, {found.kev_added})")
    if workloads:
        more = f" and {len(workloads) - _MOST_WORKLOADS} more" if len(workloads) > _MOST_WORKLOADS else ""
        lines.append(f"  run by {', '.join(map(str, workloads[:_MOST_WORKLOADS]))}{more}")
    for place in explained.places:
        lines += _place(place)
    lines += ["", "upgrades, the one that removes most first:"] if explained.upgrades else []
    for upgrade in explained.upgrades[:_MOST_UPGRADES]:
        step = f"a newer {upgrade.what} as base" if upgrade.kind == "base" else f"{upgrade.what} {upgrade.version}"
        mark = "  <- mends it" if found.id in upgrade.removes else ""
        lines.append(f"  {step}: removes {len(upgrade.removes)}{mark}")
    if explained.unfixable:
        lines.append(f"  {explained.unfixable} have no fixed version yet")
    return ("\n".join(printable(line) for line in lines if line is not None) + "\n").encode()


def _place(place: Place) -> list[str]:
    package = place.package
    fixed = f"fixed in {', '.join(place.fixed)}" if place.fixed else (place.state or "not fixed")
    lines = [f"  {package.name} {package.version} ({fixed})"]
    if place.layer >= 0:
        lines.append(f"    layer {place.layer} {place.layer_digest}, {_ORIGINS[place.origin]}")
    if place.created_by:
        lines.append(f"    made by: {place.created_by[:160]}")
    if place.location:
        lines.append(f"    {place.location}")
    return lines


def json(image: str, name: str, explained: Explanation, workloads: Sequence[ResourceRef] = ()) -> bytes:
    """The document."""
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "tool": {"name": "seawall", "version": __version__},
        "image": image,
        "asked": name,
        "vulnerability": None if explained.vulnerability is None else _vulnerability(explained.vulnerability),
        "places": [_place_members(place) for place in explained.places],
        "upgrades": [
            {
                "what": each.what,
                "kind": each.kind,
                "packages": each.packages,
                "version": each.version,
                "removes": each.removes,
            }
            for each in explained.upgrades
        ],
        "unfixable": explained.unfixable,
        "workloads": workloads,
    }
    return msgspec.json.encode(made) + b"\n"


def _vulnerability(found: Vulnerability) -> dict[str, Any]:
    return {
        "id": found.id,
        "names": found.names,
        "severity": found.severity,
        "severitySource": found.judged_by,
        "summary": found.summary,
        "cvss": found.cvss.score if found.cvss else None,
        "epss": found.epss if found.epss >= 0 else None,
        "kev": found.kev_added or None,
    }


def _place_members(place: Place) -> dict[str, Any]:
    return {
        "package": place.package.name,
        "version": place.package.version,
        "purl": place.package.purl,
        "layer": place.layer if place.layer >= 0 else None,
        "layerDigest": place.layer_digest,
        "createdBy": place.created_by,
        "origin": place.origin,
        "location": place.location,
        "fixed": place.fixed,
        "state": place.state,
    }
