"""The benchmark of Docker is whole, and says of a machine without Docker that it does not know or does not apply."""

from __future__ import annotations

from msgspec import structs

from seawall.analysis.nodes import Node, Verdict, catalogue
from seawall.analysis.nodes.examples import example_facts

BENCHMARK = "cis-docker-1.7"
#: How many controls each part has; Swarm (7) is out of scope.
PARTS = {"1.1": 18, "1.2": 2, "2": 18, "3": 24, "4": 12, "5": 32, "6": 2}
CHECKS = [check for check in catalogue().checks.values() if check.ids(BENCHMARK)]


def test_every_control_is_there_once() -> None:
    wanted = [f"{part}.{number}" for part, count in PARTS.items() for number in range(1, count + 1)]
    found = [each for check in CHECKS for each in check.ids(BENCHMARK)]
    found += [c.id for manual in catalogue().manual for c in manual.controls if c.framework == BENCHMARK]
    assert sorted(found) == sorted(wanted)


def test_results_of_docker_bench_find_their_check() -> None:
    for check in CHECKS:
        assert check.words is not None
        assert check.words.aliases.split() == [f"docker-bench:{each}" for each in check.ids(BENCHMARK)]


def test_nothing_passes_where_nothing_was_collected() -> None:
    bare = structs.replace(example_facts("docker", {}), docker=None, components={}, files={}, paths={})
    verdicts = {check.rule: check.test(Node(bare), None).verdict for check in CHECKS}
    passed = {rule for rule, verdict in verdicts.items() if verdict in (Verdict.PASS, Verdict.FAIL)}
    assert passed == {"docker-own-partition"}
