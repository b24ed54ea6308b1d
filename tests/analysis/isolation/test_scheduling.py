"""Which nodes take which pods: taints, tolerations, affinities, as Kubernetes documents them; and quantities."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.analysis.isolation.scheduling import Demand, is_wildcard, selects, takes, tolerates
from seawall.model.kube.node import Taint
from seawall.model.kube.pod import Toleration
from seawall.model.kube.quantities import LARGEST, milli

KEPT = Taint("example.com/kept", "a", "NoSchedule")


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        (Toleration("example.com/kept", "Equal", "NoSchedule", "a"), True),
        (Toleration("example.com/kept", "", "", "a"), True),
        (Toleration("example.com/kept", "Equal", "NoSchedule", "b"), False),
        (Toleration("example.com/kept", "Exists"), True),
        (Toleration("", "Exists"), True),
        (Toleration("", "Equal", "", "a"), False),
        (Toleration("example.com/kept", "Exists", "NoExecute"), False),
        (Toleration("other", "Exists"), False),
    ],
)
def test_tolerations(toleration: Toleration, expected: bool) -> None:
    assert tolerates(toleration, KEPT) is expected


def test_wildcards() -> None:
    assert is_wildcard(Toleration("", "Exists"))
    assert not is_wildcard(Toleration("", "Exists", "NoExecute"))
    assert not is_wildcard(Toleration("a", "Exists"))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"key": "zone", "operator": "In", "values": ["a", "b"]}, True),
        ({"key": "zone", "operator": "NotIn", "values": ["a"]}, False),
        ({"key": "absent", "operator": "NotIn", "values": ["a"]}, True),
        ({"key": "zone", "operator": "Exists"}, True),
        ({"key": "absent", "operator": "DoesNotExist"}, True),
        ({"key": "size", "operator": "Gt", "values": ["4"]}, True),
        ({"key": "size", "operator": "Lt", "values": ["4"]}, False),
        ({"key": "zone", "operator": "Gt", "values": ["4"]}, False),
        ({"key": "zone", "operator": "Sideways", "values": ["a"]}, False),
    ],
)
def test_node_affinity(expression: dict[str, Any], expected: bool) -> None:
    demand = Demand(terms=({"matchExpressions": [expression]},))
    assert selects(demand, "n", {"zone": "a", "size": "8"}) is expected


def test_terms_are_alternatives_and_an_empty_one_selects_nothing() -> None:
    other = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}
    assert selects(Demand(terms=({}, other)), "n", {})
    assert not selects(Demand(terms=({},)), "n", {})
    assert not selects(Demand(terms=(other,)), "m", {})


def test_soft_taints_keep_nobody_off() -> None:
    assert takes(Demand(), "n", {}, [Taint("a", "", "PreferNoSchedule")])
    assert not takes(Demand(), "n", {}, [Taint("a", "", "NoExecute")])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500m", 500), ("2", 2000), (2, 2000), ("1.5", 1500), ("1Ki", 1_024_000), ("64Gi", 64 * 2**30 * 1000),
        ("1k", 1_000_000), ("1e3", 1_000_000), ("100u", 1), (".5", 500), ("9E", LARGEST), ("1e999", LARGEST),
    ],
)  # fmt: skip
def test_quantities(text: str | int, expected: int) -> None:
    assert milli(text) == expected


@pytest.mark.parametrize("text", ["", "x", "1 Gi", "1GiB", "--1", "1e9999999", "."])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        milli(text)


@given(st.text(max_size=80))
def test_any_text_is_a_quantity_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert abs(milli(text)) <= LARGEST
