"""How remedies are made: small functions that give functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seawall.model.paths import Path
from seawall.model.remedy import Edit, Proposal, Remedy, Site


def put(value: Any, caution: str = "", where: Callable[[Site], bool] | None = None) -> Remedy:
    """Set the field that the rule fired on; only ``where`` says yes."""

    def remedy(site: Site) -> Proposal | None:
        if not site.path or (where is not None and not where(site)):
            return None
        return Proposal((Edit("set", site.path, value),), caution)

    return remedy


def put_beside(steps: int, below: Path, value: Any, caution: str = "") -> Remedy:
    """Set another field: ``below`` what is ``steps`` above the one that the rule fired on."""

    def remedy(site: Site) -> Proposal:
        return Proposal((Edit("set", site.path[: len(site.path) - steps] + below, value),), caution)

    return remedy


def put_both(first: Any, other: Any, when: str, caution: str = "") -> Remedy:
    """``first``, or ``other`` where the path holds the key ``when`` (annotations next to fields)."""

    def remedy(site: Site) -> Proposal:
        return Proposal((Edit("set", site.path, other if when in site.path else first),), caution)

    return remedy


def take_out(caution: str = "", steps: int = 0) -> Remedy:
    """Remove the field or item that the rule fired on, or what is ``steps`` above it."""

    def remedy(site: Site) -> Proposal | None:
        path = site.path[: len(site.path) - steps]
        return Proposal((Edit("remove", path),), caution) if path and site.at(path) is not None else None

    return remedy


def change(to: Callable[[Any], Any], caution: str = "") -> Remedy:
    """Set the field to what ``to`` makes of its value; None for no fix."""

    def remedy(site: Site) -> Proposal | None:
        value = to(site.value)
        return Proposal((Edit("set", site.path, value),), caution) if value is not None else None

    return remedy


def listed(value: Any, caution: str = "") -> Remedy:
    """Add a value to the list that the rule fired on."""

    def remedy(site: Site) -> Proposal:
        return Proposal((Edit("add", site.path, value),), caution)

    return remedy
