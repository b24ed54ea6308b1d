"""YAML that is written is read back as it was, whatever the comments in it say."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from seawall.reports.yamlout import Inside, Shared, to_yaml

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | TEXT
    | st.sampled_from(["yes", "1.0", "x" * 300, "~", "0x1", "- a", "a: b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)
COMMENT = st.text(max_size=30)


@given(st.dictionaries(TEXT, VALUES, min_size=1, max_size=4), st.lists(COMMENT, max_size=3), st.data())
def test_comments_and_memory_change_nothing(value: dict[str, Any], comments: list[str], data: st.DataObject) -> None:
    paths: list[tuple[str | int, ...]] = [(key,) for key in value]
    paths += [(key, number) for key, items in value.items() if isinstance(items, list) for number in range(len(items))]
    inside = data.draw(st.dictionaries(st.sampled_from(paths), st.lists(COMMENT, max_size=2), max_size=3))
    shared: Shared = {}
    for text in (to_yaml(value), to_yaml(value, comments, inside), *(to_yaml(value, comments, inside, shared),) * 2):
        assert yaml.safe_load(text) == value
    assert to_yaml(value, comments, inside, shared) == to_yaml(value, comments, inside)


def test_where_comments_stand() -> None:
    value = {"spec": {"rules": [{"to": [], "ports": [1]}, "x"], "type": "a"}}
    inside: Inside = {
        ("spec",): ["one"],
        ("spec", "rules", 0): ["two\nkind: Evil", "  three"],
        ("spec", "rules", 1): ["four"],
    }
    assert to_yaml(value, ["zero"], inside).splitlines() == [
        "# zero",
        "# one",
        "spec:",
        "  rules:",
        "  # two kind: Evil",
        "  #   three",
        "  - to: []",
        "    ports: [1]",
        "  # four",
        "  - x",
        "  type: a",
    ]
