"""YAML is read as Kubernetes reads it, with the place of every field."""

from __future__ import annotations

import math
from typing import Any

import pytest

from seawall.sources.manifests.scalars import ScalarError, resolve_plain
from seawall.sources.manifests.yamltext import SyntaxProblem, parse_documents, place_in


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("y", True), ("Y", True), ("yes", True), ("On", True), ("TRUE", True), ("n", False), ("off", False),
        ("yEs", "yEs"), ("~", None), ("", None), ("Null", None), ("nULL", "nULL"),
        ("12", 12), ("+12", 12), ("-12", -12), ("1_000", 1000), ("014", 12), ("0o14", 12), ("0x1F", 31), ("0b11", 3),
        ("-0b11", -3), ("08", 8), ("1:30", "1:30"), ("190:20:30", "190:20:30"), ("1.0", 1), ("1.5", 1.5), (".5", 0.5),
        ("1e3", 1000), ("1e", "1e"), (".inf", math.inf), ("-.INF", -math.inf), ("2024-01-01", "2024-01-01"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"), ("1e999", "1e999"), ("18446744073709551615", 2**64 - 1),
        ("v1", "v1"), ("1.2.3", "1.2.3"), ("-", "-"), ("<<", "<<"), ("=", "="),
    ],
)  # fmt: skip
def test_plain_scalars(text: str, value: Any) -> None:
    assert resolve_plain(text) == value
    assert type(resolve_plain(text)) is type(value)


def test_nan() -> None:
    value = resolve_plain(".NaN")
    assert isinstance(value, float)
    assert math.isnan(value)


def test_long_number_is_refused() -> None:
    with pytest.raises(ScalarError, match="10000 characters"):
        resolve_plain("1" * 10000)


def value_of(text: str) -> Any:
    (document,) = parse_documents(text)
    return document.value


def test_quoted_scalars_stay_text() -> None:
    assert value_of("a: 'yes'\nb: \"1\"\nc: |\n  1\n") == {"a": "yes", "b": "1", "c": "1\n"}


def test_tags() -> None:
    assert value_of("a: !!str 1\nb: !!int '7'\nc: !!float 1\nd: !!binary aGk=\ne: !own x") == {
        "a": "1",
        "b": 7,
        "c": 1,
        "d": "hi",
        "e": "x",
    }
    with pytest.raises(SyntaxProblem, match="cannot decode 'x' as !!int"):
        parse_documents("a: !!int x")


def test_keys_become_text() -> None:
    assert value_of("1: a\ntrue: b\n1.5: c") == {"1": "a", "true": "b", "1.5": "c"}
    with pytest.raises(SyntaxProblem, match="a null key"):
        parse_documents("~: x")
    with pytest.raises(SyntaxProblem, match="plain text"):
        parse_documents("? [a]\n: x")


def test_anchors_and_merges() -> None:
    text = "base: &b {x: 1, z: 2}\none:\n  <<: *b\n  z: 3\ntwo:\n  <<: [{x: 7}, *b]\n"
    assert value_of(text)["one"] == {"x": 1, "z": 3}
    assert value_of(text)["two"] == {"x": 7, "z": 2}


def test_merge_after_a_key_overwrites_it_as_goyaml_v2_does() -> None:
    assert value_of("b: &b {x: 1}\no:\n  x: 2\n  <<: *b\n")["o"] == {"x": 1}


def test_duplicate_keys_are_told_and_the_last_wins() -> None:
    (document,) = parse_documents("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert document.value == {"a": 3, "b": {"c": 2}}
    assert [path for path, *_ in document.duplicates] == [("b", "c"), ("a",)]


def test_a_merge_is_no_duplicate() -> None:
    (document,) = parse_documents("a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\n")
    assert document.duplicates == []


def test_places() -> None:
    (document,) = parse_documents("spec:\n  containers:\n  - name: a\n    image: b\n  - {name: c}\n")
    assert place_in(document.marks, ("spec", "containers", 0, "image")) == (3, 4)
    assert place_in(document.marks, ("spec", "containers", 1, "name")) == (4, 5)
    assert place_in(document.marks, ("spec", "containers", 0, "absent", "x")) == (2, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: *nope", "unknown anchor 'nope'"),
        ("a: &a [*a]", "contains itself"),
        ("[" * 300, "nested deeper than 256"),
        ("{a: " * 300, "nested deeper than 256"),
        ("a: [1", "did not find"),
        ("a: \x00", "control characters"),
    ],
)
def test_bounds_and_mistakes(text: str, message: str) -> None:
    with pytest.raises(SyntaxProblem, match=message):
        parse_documents(text)


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with pytest.raises(SyntaxProblem, match="excessive aliasing"):
        parse_documents("\n".join(lines))
