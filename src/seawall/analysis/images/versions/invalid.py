"""The error that all schemes share."""

from __future__ import annotations

_SHOWN = 60


class InvalidVersion(ValueError):
    """Text that a scheme cannot order."""

    def __init__(self, version: str) -> None:
        shown = version if len(version) <= _SHOWN else f"{version[:_SHOWN]}..."
        super().__init__(f"{shown!r} is no version")
