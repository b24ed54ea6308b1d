"""How long and how much a server is borne with."""

from __future__ import annotations

from msgspec import Struct


class Patience(Struct, frozen=True):
    """How long and how much is borne with: seconds for connecting, for silence, and for a reply as a whole; bytes of
    a reply; tries; the first pause between tries, which doubles, and the longest that a server may ask for."""

    connect: float = 10.0
    silence: float = 30.0
    total: float = 180.0
    bytes: int = 256 * 1024 * 1024
    tries: int = 4
    pause: float = 0.3
    longest_pause: float = 30.0
