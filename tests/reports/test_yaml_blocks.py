"""Texts of several lines are written as such, and read back as they were."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from seawall.reports.yamlout import to_yaml

LINES = st.lists(st.text("ab #:-'\"\t{", max_size=6), min_size=1, max_size=5).map("\n".join)


@given(LINES, st.sampled_from(["", "\n", "\n\n"]))
def test_they_are_read_back(text: str, end: str) -> None:
    value = {"a": {"b": text + end, "c": 1}, "list": [{"d": text + end}, 2]}
    assert yaml.safe_load(to_yaml(value)) == value


def test_they_stand_in_lines_of_their_own() -> None:
    assert to_yaml({"a": "x: 1\n\ny\n", "b": "x\ny"}) == "a: |\n  x: 1\n\n  y\nb: |-\n  x\n  y\n"
