"""Bounds on what is read of one entry."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class CollectOptions(Struct, frozen=True):
    """How far `collect` looks.

    ``database`` bounds a package database, ``document`` metadata and lock files, ``binary`` programs, ``archive`` Java
    archives, all in bytes. ``hashes`` says which programs get a SHA-256: ``unmanaged`` those outside the directories
    that package managers fill (a package's own are dropped again where the layer knows), ``all``, or ``none``.
    ``items`` bounds how much is kept of one layer before the rest is told as not looked into.
    """

    database: int = 256 << 20
    document: int = 32 << 20
    binary: int = 256 << 20
    archive: int = 256 << 20
    hashes: Literal["unmanaged", "all", "none"] = "unmanaged"
    items: int = 500_000


DEFAULT = CollectOptions()
