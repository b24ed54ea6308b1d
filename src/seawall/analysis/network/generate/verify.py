"""Proof of generated policies: flows replayed, pairs counted, and what other policies allow besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from seawall.analysis.network.drafts import lower_drafts, replay
from seawall.analysis.network.form import Direction, Tier
from seawall.analysis.network.generate.observed import Key, describe
from seawall.analysis.network.generate.units import Unit, Units
from seawall.analysis.network.index import Options
from seawall.analysis.network.lower import Lowered
from seawall.analysis.network.ranges import EVERYWHERE
from seawall.analysis.network.reach import Reach
from seawall.model.reach import Flow


class Replay(Struct, gc=False):
    """What became of observed flows, each by its text: ``lost`` ones passed before and do not now, ``denied_before``
    neither before nor now, ``opened`` only now."""

    flows: int
    allowed: int
    lost: list[str]
    denied_before: list[str]
    opened: list[str]


class Wider(Struct, frozen=True, gc=False):
    """A policy of others lets more through than was generated for some workloads."""

    policy: str
    workloads: str
    direction: Direction


def with_policies(reach: Reach, values: Iterable[dict[str, Any]], replaced: set[int]) -> tuple[Reach, Lowered]:
    """The network with further policies, without those (by the ``id`` of their resource) that they replace."""
    drafted = lower_drafts(values)
    kept = [policy for policy in reach.lowered.policies if id(policy.resource) not in replaced]
    lowered = Lowered([*kept, *drafted.policies], [*reach.lowered.problems, *drafted.problems], reach.lowered.foreign)
    return Reach(reach.inventory, Options(outside=(EVERYWHERE[6],)), lowered), drafted


def replay_all(before: Reach, after: Reach, flows: Sequence[tuple[Flow, Key]]) -> Replay:
    """Replay flows on both networks; of workloads with pods of several kinds every one must let a flow through."""
    found = Replay(len(flows), 0, [], [], [])
    lost: dict[str, None] = {}
    denied: dict[str, None] = {}
    opened: dict[str, None] = {}
    if any(":" in end for flow, _ in flows for end in flow[:2]):
        before = Reach(before.inventory, Options(outside=(EVERYWHERE[6],)), before.lowered)
    plain = [flow for flow, _ in flows]
    both = zip(flows, replay(before, plain, every=True), replay(after, plain, every=True), strict=True)
    for (_, key), then, now in both:
        found.allowed += now.allowed
        if then.allowed != now.allowed:
            (opened if now.allowed else lost)[describe(key)] = None
        elif not now.allowed:
            denied[describe(key)] = None
    found.lost, found.denied_before, found.opened = sorted(lost), sorted(denied), sorted(opened)
    return found


def wider(after: Reach, units: Units, covered: Iterable[Unit], generated: set[int]) -> Iterator[Wider]:
    """Policies of others that add to what was generated; policies only ever add, so these keep more open."""
    index = after.index
    known: dict[tuple[object, ...], bool] = {}
    told: dict[Wider, None] = {}
    for unit in covered:
        bits = {bit for workload in unit.workloads for bit in after.bits(after.number(workload.label) or 0)}
        for bit in sorted(bits):
            for direction in Direction:
                numbers = [n for n in index.selecting[direction][bit] if index.policies[n].tier is Tier.NAMESPACE]
                own = tuple(n for n in numbers if id(index.policies[n].resource) in generated)
                for number in numbers:
                    if number in own:
                        continue
                    named = tuple(sorted(index.ends.classes[bit].named.items()))
                    key = (own, number, direction, named)
                    if key not in known:
                        sets = [index.allowed_by(each, direction, bit) for each in (own, tuple(sorted((*own, number))))]
                        known[key] = sets[0] != sets[1]
                    if known[key]:
                        told[Wider(index.policies[number].title, unit.label, direction)] = None
    yield from told
