"""Policies that were never in a file: made from plain objects, evaluated, and replayed against observed flows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from msgspec import Struct

from seawall.analysis.network.facts import counts
from seawall.analysis.network.form import Direction
from seawall.analysis.network.lower import Lowered, lower
from seawall.analysis.network.reach import Reach
from seawall.model.finding import Location, ResourceRef
from seawall.model.kube.kinds import find_kind
from seawall.model.paths import Path, format_path
from seawall.model.reach import Flow
from seawall.model.resource import Resource
from seawall.model.views import to_view


class Draft(Struct, gc=False):
    """The origin of an object that was made, not read."""

    value: dict[str, Any]
    file: str = "<draft>"
    unit: str = ""

    def read(self) -> dict[str, Any]:
        """The object."""
        return self.value

    def locate(self, paths: Sequence[Path]) -> list[Location]:
        """It has no lines; only the paths are told."""
        return [Location(self.file, 0, 0, format_path(path)) for path in paths]


def draft(value: dict[str, Any]) -> Resource:
    """A resource of a plain object with ``apiVersion``, ``kind`` and ``metadata``."""
    version, kind, metadata = value["apiVersion"], value["kind"], value.get("metadata", {})
    modelled = find_kind(version, kind)
    view, problems = to_view(value, modelled.view) if modelled else (None, [])
    ref = ResourceRef(version, kind, metadata.get("name", ""), metadata.get("namespace"))
    return Resource(ref, uid="", kind=modelled, view=view, origin=Draft(value), problems=problems)


def lower_drafts(values: Iterable[dict[str, Any]]) -> Lowered:
    """Policies written as plain objects, in the one form."""
    return lower([draft(value) for value in values])


class Replayed(Struct, frozen=True, gc=False):
    """A flow with what the policies say of it; ``known`` is False where an end is not in the inventory."""

    flow: Flow
    allowed: bool
    known: bool = True


def replay(reach: Reach, flows: Iterable[Flow], *, every: bool = False) -> Iterator[Replayed]:
    """What the policies would have done with flows that were observed. Ports and addresses need not be told apart
    beforehand: no policy tells those of one atom or piece from each other.

    Where policies tell pods of one workload apart, a flow is allowed if any of them may, or (``every``) all of them.
    """
    wanted = all if every else any
    bits: dict[tuple[str, bool], list[int]] = {}
    allowed, mask = reach.index.allowed, lru_cache(maxsize=4096)(reach.index.ports.mask)
    for flow in flows:
        for key in ((flow.source, True), (flow.target, False)):
            if key not in bits:
                number = find_end(reach, *key)
                bits[key] = [] if number is None else reach.bits(number)
        sources, targets = bits[flow.source, True], bits[flow.target, False]
        port = mask(flow.protocol, flow.port, flow.port)
        if not sources or not targets:
            yield Replayed(flow, False, known=False)
        else:
            yield Replayed(flow, wanted(allowed(a, b) & port for a in sources for b in targets))


def find_end(reach: Reach, text: str, is_source: bool) -> int | None:
    """The number of the workload of a label, or of the outside range that holds an address; None for neither."""
    number = reach.number(text)
    if number is not None:
        return number
    try:
        address = ip_address(text)
    except ValueError:
        return None
    direction = Direction.INGRESS if is_source else Direction.EGRESS
    bit = reach.index.ends.at_address(address.version, int(address), direction)
    return None if bit is None else ~bit


def count_pairs(reach: Reach) -> int:
    """How many ordered pairs of different workloads have any port open."""
    return sum(counts(reach)[0])
