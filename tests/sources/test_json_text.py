"""JSON text is decoded at once where that loses nothing, and step by step elsewhere: both give the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.sources.manifests.jsontext import Chunk, decode_chunk

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
KEYS = st.sampled_from(["a", "b", "\\u0061", "\\u0022", '\\"', "\\\\", "é"]) | st.text(max_size=3).map(
    lambda text: json.dumps(text)[1:-1]
)


@st.composite
def texts(draw: st.DrawFn, depth: int = 0) -> str:
    """JSON text with duplicate keys and quotes in every spelling."""
    kind = draw(st.integers(0, 5 if depth < 4 else 2))
    if kind < 3:
        return json.dumps(draw(LEAVES), ensure_ascii=draw(st.booleans()))
    if kind == 3:
        return "[" + draw(st.sampled_from([",", " ,\n"])).join(draw(st.lists(texts(depth + 1), max_size=4))) + "]"
    return "{" + ",".join(f'"{key}": {draw(texts(depth + 1))}' for key in draw(st.lists(KEYS, max_size=5))) + "}"


def by_steps(text: str) -> tuple[Any, bool]:
    """The value, and whether an object has a key twice."""
    duplicated = False

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal duplicated
        value = dict(found)
        duplicated |= len(value) != len(found)
        return value

    return json.loads(text, object_pairs_hook=pairs), duplicated


@given(texts())
def test_both_ways_of_decoding_agree(text: str) -> None:
    value, duplicated = decode_chunk(Chunk(text, 0, 0))
    assert (repr(value), duplicated) == (repr(by_steps(text)[0]), by_steps(text)[1])


@pytest.mark.parametrize(
    ("text", "duplicated"),
    [
        ('{"a": 1, "b": "\\""}', False),
        ('{"a": 1, "a": 2}', True),
        ('{"a": 1, "a": "\\u0022\\u0022"}', True),
        ('{"a": 1, "\\u0061": 2}', True),
        ('{"a": {"b": [], "b": []}}', True),
    ],
)
def test_a_key_that_is_given_twice_is_seen(text: str, duplicated: bool) -> None:
    assert decode_chunk(Chunk(text, 0, 0))[1] == duplicated
