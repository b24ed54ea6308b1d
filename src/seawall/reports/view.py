"""How a person wants to see a report in a terminal."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class View(Struct, frozen=True):
    """Colour, grouping, width in characters, and the number of findings to show (0: all)."""

    colour: bool = False
    group_by: Literal["object", "rule"] = "object"
    width: int = 100
    limit: int = 100
