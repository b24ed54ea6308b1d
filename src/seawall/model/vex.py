"""VEX: what makers and users of software say about whether a vulnerability can do harm in it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class VexStatus(StrEnum):
    """The four statuses of VEX (CISA's minimum requirements)."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


class VexStatement(Struct, frozen=True, gc=False):
    """One statement: of which vulnerability (all its names), for what, and why.

    ``products`` are package URLs, digests or image names; ``components`` are the parts of them that it is for (package
    URLs), all where there are none. ``source`` names the document, ``author`` who wrote it, ``time`` is RFC 3339.
    """

    vulnerabilities: tuple[str, ...]
    status: VexStatus
    products: tuple[str, ...]
    components: tuple[str, ...] = ()
    justification: str = ""
    detail: str = ""
    source: str = ""
    author: str = ""
    time: str = ""
