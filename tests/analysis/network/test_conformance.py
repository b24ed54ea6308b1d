"""What others' tool lists for 57 sets of manifests, and where host-network pods make that wrong.

The source treats pods in their node's network as ordinary pods. There only the lines without such a pod are compared;
for those with one, Seawall must never tell less than the source does.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.engine import ReadOptions
from seawall.engine.network import Network
from seawall.model.reach import Certainty, ReachView
from seawall.reports.network import lines
from tests.conftest import REPOSITORY

_FOLDER = REPOSITORY.parent / "shared" / "conformance" / "network"
#: Directories of which the source differs, with the reason.
DIVERGENT = dict.fromkeys(
    (
        "ipblockstest_2",
        "ipblockstest_4",
        "minikube_resources",
        "multiple_topology_resources_1",
        "multiple_topology_resources_2",
        "multiple_topology_resources_3",
        "multiple_topology_resources_4",
        "semanticDiff-same-topologies-new1",
        "semanticDiff-same-topologies-new2",
        "semanticDiff-same-topologies-new3",
        "semanticDiff-same-topologies-old2",
        "semanticDiff-same-topologies-old3",
    ),
    "host-network pods are held by no policy that can be relied on; the source treats them as ordinary pods",
)


def folders(conformance: Path) -> list[Path]:
    return sorted(path for path in (conformance / "network").iterdir() if path.is_dir())


def test_other_analyses_can_ask_a_network(conformance: Path) -> None:
    view: ReachView = Network(ReadOptions((str(conformance / "network" / "anp_demo" / "manifests"),)))
    assert view.enforcement.evidence
    labels = {end.label for end in view.ends()}
    assert {each.target.label for each in view.connections()} <= labels
    assert view.exposures() == []
    assert view.errors() == []


def answer(folder: Path) -> tuple[Network, list[str]]:
    network = Network(ReadOptions((str(folder / "manifests"),)))
    return network, b"".join(lines(network)).decode().splitlines()


def test_every_folder_is_as_listed(conformance: Path) -> None:
    found = folders(conformance)
    assert len(found) >= 57
    assert {path.name for path in found if (path / "HOSTNETWORK").exists()} <= DIVERGENT.keys()
    for folder in found:
        if folder.name not in DIVERGENT:
            _, told = answer(folder)
            assert told == (folder / "expected.txt").read_text().splitlines(), folder.name


@pytest.mark.parametrize("name", sorted(DIVERGENT))
def test_host_network_pods_are_never_told_as_protected(conformance: Path, name: str) -> None:
    folder = conformance / "network" / name
    network, told = answer(folder)
    expected = (folder / "expected.txt").read_text().splitlines()
    hosted = [workload.label for workload in network.reach.world.workloads if workload.host_network]

    def ordinary(rows: list[str]) -> list[str]:
        return [row for row in rows if not any(label in row for label in hosted)]

    assert ordinary(told) == ordinary(expected)
    pairs = {row.partition(" : ")[0] for row in told}
    assert {row.partition(" : ")[0] for row in expected} <= pairs
    unsure = [each for each in network.connections() if each.certainty is Certainty.CNI]
    assert all(each.source.label in hosted or each.target.label in hosted for each in unsure)
