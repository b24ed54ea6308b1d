"""Ports as bits: every port is in the same atom as the others that no rule tells from it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from seawall.analysis.network.form import PortMatch
from seawall.model.reach import ALL_PORTS, MAX_PORT, PROTOCOLS, PortRange, Ports


class PortAtoms:
    """Numbers the atoms; a set of ports is an int with a bit for each of its atoms."""

    def __init__(self, matches: Iterable[tuple[str, int, int]]) -> None:
        cuts: dict[str, set[int]] = {protocol: {1, MAX_PORT + 1} for protocol in PROTOCOLS}
        for protocol, first, last in matches:
            if protocol in cuts and 1 <= first <= last <= MAX_PORT:
                cuts[protocol] |= {first, last + 1}
        self._starts: dict[str, list[int]] = {}
        self._offset: dict[str, int] = {}
        self._ranges: list[PortRange] = []
        for protocol in PROTOCOLS:
            starts = sorted(cuts[protocol])
            self._offset[protocol] = len(self._ranges)
            self._starts[protocol] = starts[:-1]
            self._ranges += [PortRange(protocol, a, b - 1) for a, b in pairwise(starts)]
        self.all = (1 << len(self._ranges)) - 1
        self.ports = lru_cache(maxsize=65536)(self._ports)

    def mask(self, protocol: str, first: int, last: int) -> int:
        """The atoms of a range of ports; the cuts must have been given for it to be exact."""
        starts = self._starts.get(protocol)
        if starts is None or not 1 <= first <= last <= MAX_PORT:
            return 0
        low = bisect_right(starts, first) - 1
        high = bisect_right(starts, last) - 1
        return ((1 << (high + 1)) - (1 << low)) << self._offset[protocol]

    def match(self, match: PortMatch, named: dict[str, tuple[str, int]]) -> int:
        """The atoms of a match at pods with these named ports."""
        if not match.name:
            return self.mask(match.protocol or "TCP", match.first, match.last)
        found = named.get(match.name)
        if found is None or (match.protocol is not None and match.protocol != found[0]):
            return 0
        return self.mask(found[0], found[1], found[1])

    def _ports(self, mask: int) -> Ports:
        """What a set of atoms means, neighbours joined."""
        if mask == self.all:
            return ALL_PORTS
        found: list[PortRange] = []
        for index, each in enumerate(self._ranges):
            if not mask >> index & 1:
                continue
            if found and found[-1].protocol == each.protocol and found[-1].last + 1 == each.first:
                found[-1] = PortRange(each.protocol, found[-1].first, each.last)
            else:
                found.append(each)
        return tuple(found)
