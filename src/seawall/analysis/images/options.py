"""Bounds on what is read of one entry."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class CollectOptions(Struct, frozen=True):
    """How far `collect` looks.

    In bytes: ``database`` bounds an rpm database, ``listing`` those in text, ``document`` metadata and lock files,
    ``binary`` programs, ``archive`` Java archives. ``hashes`` says which programs get a SHA-256: ``all`` (those of
    packages are dropped once owners are known), ``unmanaged`` those outside the directories that package managers fill,
    or ``none``. ``items`` bounds how much is kept of one layer before the rest is told as not looked into.
    """

    database: int = 256 << 20
    listing: int = 64 << 20
    document: int = 16 << 20
    binary: int = 256 << 20
    archive: int = 256 << 20
    hashes: Literal["unmanaged", "all", "none"] = "all"
    items: int = 500_000


DEFAULT = CollectOptions()
