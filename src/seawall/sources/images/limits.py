"""How much of an image is borne with."""

from __future__ import annotations

from msgspec import Struct


class Limits(Struct, frozen=True):
    """Bounds of one layer.

    ``unpacked``: bytes of the plain tar. ``ratio``: plain bytes for each stored byte, asked only of layers above
    ``ratio_from`` plain bytes (a file of zeros packs a thousandfold). ``entries``: how many. ``special``: bytes of one
    extended header or long name. ``segments``: pieces of a sparse file.
    """

    unpacked: int = 64 << 30
    ratio: int = 200
    ratio_from: int = 1 << 30
    entries: int = 4_000_000
    special: int = 1 << 20
    segments: int = 1 << 16


DEFAULT_LIMITS = Limits()
