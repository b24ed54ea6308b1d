"""Ranges of addresses: holes, disjoint pieces, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from seawall.analysis.network.form import AddressRange

LAST_ADDRESS = {4: (1 << 32) - 1, 6: (1 << 128) - 1}
#: Powers modulo a large prime: sums of few of them do not meet by chance.
_PRIME = (1 << 127) - 1
EVERYWHERE = {version: AddressRange(version, 0, last) for version, last in LAST_ADDRESS.items()}


def subtract(block: AddressRange, holes: Iterable[AddressRange]) -> tuple[AddressRange, ...]:
    """What is left of a range without the holes in it."""
    left: list[AddressRange] = []
    start = block.first
    for hole in sorted(holes):
        if hole.first > start:
            left.append(AddressRange(block.version, start, hole.first - 1))
        start = max(start, hole.last + 1)
    if start <= block.last:
        left.append(AddressRange(block.version, start, block.last))
    return tuple(left)


def pieces(sets: Iterable[tuple[AddressRange, ...]], version: int) -> list[AddressRange]:
    """Cut all addresses of a version into the largest ranges that no set tells apart, in order of address.

    Which sets hold an address is told by the sum of a token of each, so that many sets stay cheap.
    """
    changes: dict[int, list[tuple[int, int]]] = {}
    for number, ranges in enumerate(sets, 1):
        token = pow(3, number, _PRIME)
        for each in ranges:
            if each.version == version:
                changes.setdefault(each.first, []).append((token, 1))
                changes.setdefault(each.last + 1, []).append((token, -1))
    depth: dict[int, int] = {}
    found: list[AddressRange] = []
    start = before = now = 0
    for at in sorted(changes):
        for token, change in changes[at]:
            old = depth.get(token, 0)
            depth[token] = old + change
            now += token * ((old + change > 0) - (old > 0))
        if now != before and at > start and at <= LAST_ADDRESS[version]:
            found.append(AddressRange(version, start, at - 1))
            start = at
        before = now
    found.append(AddressRange(version, start, LAST_ADDRESS[version]))
    return found


def format_range(each: AddressRange) -> str:
    """``10.0.0.0-10.255.255.255``."""
    make = IPv4Address if each.version == 4 else IPv6Address
    return f"{make(each.first)}-{make(each.last)}"
