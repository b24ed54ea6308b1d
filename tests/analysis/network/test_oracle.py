"""The index agrees with a naive evaluator on random clusters with every kind of policy.

100,000 sampled pairs by default; ``SEAWALL_ORACLE_PAIRS`` asks for more.
"""

from __future__ import annotations

import os
from random import Random

import pytest

from seawall.analysis.network.drafts import find_end
from seawall.analysis.network.explain import explain
from seawall.analysis.network.form import Direction
from seawall.analysis.network.reach import Reach
from tests.analysis.network import oracle
from tests.analysis.network.clusters import ADDRESSES, PORTS, Maker

PAIRS = int(os.environ.get("SEAWALL_ORACLE_PAIRS", "100000"))
SHARES, PER_CLUSTER = 10, 400
PROTOCOLS = ("TCP", "UDP", "SCTP")


def ends_of(reach: Reach, maker: Maker, is_source: bool) -> list[tuple[oracle.End, int]]:
    """The oracle's ends with the number that each has in the index."""
    found: list[tuple[oracle.End, int]] = []
    for pod in maker.pods:
        number = reach.number(f"{pod.namespace}/{pod.name}[Pod]")
        assert number is not None
        found.append((pod, number))
    for address in ADDRESSES:
        number = find_end(reach, address, is_source)
        assert number is not None
        found.append((address, number))
    return found


@pytest.mark.parametrize("share", range(SHARES))
def test_the_index_agrees_with_the_oracle(share: int) -> None:
    compared = 0
    seed = share
    while compared < PAIRS // SHARES:
        maker = Maker(seed)
        reach = Reach(maker.inventory)
        assert not reach.lowered.problems, (seed, reach.lowered.problems)
        random = Random(seed)
        sources, targets = ends_of(reach, maker, True), ends_of(reach, maker, False)
        for _ in range(PER_CLUSTER):
            (source, a), (target, b) = random.choice(sources), random.choice(targets)
            if (isinstance(source, str) and isinstance(target, str)) or source is target:
                continue
            protocol, port = random.choice(PROTOCOLS), random.choice((*PORTS, 1, 65535, random.randint(1, 65535)))
            wanted = oracle.allowed(maker.cluster, source, target, protocol, port)
            mask = reach.index.ports.mask(protocol, port, port)
            got = bool(reach.between(a, b) & mask)
            assert got == wanted, f"seed {seed}: {source} => {target} {protocol} {port}: {got}, oracle {wanted}"
            compared += 1
        seed += SHARES
    assert compared >= PAIRS // SHARES


@pytest.mark.parametrize("seed", range(60))
def test_rows_and_explanations_agree_with_single_pairs(seed: int) -> None:
    reach = Reach(Maker(seed).inventory)
    index = reach.index
    targets = [bit for bit in range(index.ends.size) if index.targets() >> bit & 1]
    for source, row in index.rows():
        told = {bit: mask for mask, ends in row for bit in targets if ends >> bit & 1}
        if index.ends.sources_outside >> source & 1:
            assert all(bit < index.ends.controller for bit in told)
        for target in targets:
            if index.ends.sources_outside >> source & 1 and target > index.ends.controller:
                continue
            mask = index.allowed(source, target)
            assert told.get(target, 0) == mask, (seed, source, target)
            for bit in range(index.ports.all.bit_length()):
                verdicts = [explain(index, source, target, 1 << bit, direction) for direction in Direction]
                hosted = (index.ends.host >> source | index.ends.host >> target) & 1
                assert hosted or all(v.allowed for v in verdicts) == bool(mask >> bit & 1), (seed, source, target, bit)
