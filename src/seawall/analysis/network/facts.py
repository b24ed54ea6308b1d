"""What there is to tell of each workload: who holds it, how far it reaches, from where it is reached."""

from __future__ import annotations

from msgspec import Struct

from seawall.analysis.network.form import Direction
from seawall.analysis.network.index import Parts
from seawall.analysis.network.ranges import EVERYWHERE
from seawall.analysis.network.reach import Reach

#: The address at which clouds serve a machine's metadata and credentials.
METADATA_SERVICE = int.from_bytes((169, 254, 169, 254), "big")


class Facts(Struct, frozen=True, gc=False):
    """Of a workload: policies that select it by direction, numbers of workloads reached and reached by, and whether
    all outside IPv4 addresses, any, or none can be reached (``to_outside``) or reach it (``from_outside``)."""

    label: str
    ingress_policies: tuple[int, ...]
    egress_policies: tuple[int, ...]
    reaches: int
    reached_by: int
    from_outside: str
    to_outside: str


def facts(reach: Reach) -> list[Facts]:
    """The facts of every workload, in the order of their labels."""
    index = reach.index
    reaches, reached_by = counts(reach)
    return [
        Facts(
            reach.workload_ends[number].label,
            _policies(reach, number, Direction.INGRESS),
            _policies(reach, number, Direction.EGRESS),
            reaches[number],
            reached_by[number],
            _outside(reach, number, index.ends.sources_outside, Direction.INGRESS),
            _outside(reach, number, index.ends.targets_outside, Direction.EGRESS),
        )
        for number in range(len(reach.world.workloads))
    ]


def counts(reach: Reach) -> tuple[list[int], list[int]]:
    """How many others each workload reaches, and is reached by. Workloads of one row are counted together."""
    count = len(reach.world.workloads)
    reaches, reached_by = [0] * count, [0] * count
    sharing: dict[Parts, list[int]] = {}
    for number in range(count):
        bits = reach.bits(number)
        if len(bits) == 1:
            sharing.setdefault(reach.index.row(bits[0]), []).append(number)
            continue
        for other in _others(reach, reach.targets_of(number)):
            if other != number:
                reaches[number] += 1
                reached_by[other] += 1
    for sources in sharing.values():
        targets = _others(reach, reach.targets_of(sources[0]))
        within = set(targets).intersection(sources)
        for number in sources:
            reaches[number] = len(targets) - (number in within)
        for other in targets:
            reached_by[other] += len(sources) - (other in within)
    return reaches, reached_by


def _others(reach: Reach, targets: list[tuple[int, int]]) -> list[int]:
    return [number for number in (reach.number_at(at) for at, _ in targets) if number >= 0]


def _policies(reach: Reach, number: int, direction: Direction) -> tuple[int, ...]:
    selecting = reach.index.selecting[direction]
    return tuple(sorted({policy for bit in reach.bits(number) for policy in selecting[bit]}))


def _outside(reach: Reach, number: int, outside: int, direction: Direction) -> str:
    """``all``, ``some`` or ``none`` of the outside IPv4 addresses have a port open with a workload."""
    open_ends = 0
    for bit in reach.bits(number):
        if reach.index.ends.host >> bit & 1:
            return "all"
        parts = reach.index.let_in(bit) if direction is Direction.INGRESS else reach.index.let_out(bit)
        for _, ends in parts:
            open_ends |= ends & outside
    if not open_ends:
        return "none"
    wide = all(open_ends >> bit & 1 for bit in _ipv4(reach, outside))
    return "all" if wide else "some"


def _ipv4(reach: Reach, outside: int) -> list[int]:
    first = (outside & -outside).bit_length() - 1
    found = []
    for bit in range(first, reach.index.ends.size):
        if not outside >> bit & 1 or reach.index.ends.ranges[bit].version != EVERYWHERE[4].version:
            break
        found.append(bit)
    return found
