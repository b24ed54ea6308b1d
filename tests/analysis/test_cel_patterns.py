"""Regular expressions in ``find`` and ``findAll``: as Go has them, compared with the engine's own ``matches``."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seawall.analysis.policies.facts import Variables
from seawall.analysis.policies.library.patterns import find, find_all, pattern_of

pytest.importorskip("cel_expr_python", reason="the extra `cel` is not installed")


@pytest.mark.parametrize(
    ("text", "pattern", "found"),
    [
        ("abc 123", "[0-9]*", ["", "", "", "", "123"]),
        ("a", "|a", ["", ""]),
        ("aab", "a*", ["aa", ""]),
        ("é1٣", r"\d", ["1"]),
        ("a\n", "a$", []),
        ("a\nb", "(?m)[ab]$", ["a", "b"]),
        ("a\nb", r"b\z", ["b"]),
        ("A1_ü", "[[:alpha:]]+", ["A"]),
        ("A1_ü", "[[:^alpha:]]+", ["1_ü"]),
        ("a{,2}", "a{,2}", ["a{,2}"]),
        ("x.y", r"\Q.\E", ["."]),
        ("aXb", "(?i:x)", ["X"]),
        ("tag: v1.2", "(?P<major>[0-9]+)[.](?<minor>[0-9]+)", ["1.2"]),
        ("a\vb", r"\s", []),
        ("[a]", "[][]", ["[", "]"]),
        ("é", r"\x{e9}", ["é"]),
        ("S", r"\123", ["S"]),
        ("a&&b", "[&&a]+", ["a&&"]),
    ],
)
def test_what_is_found(text: str, pattern: str, found: list[str]) -> None:
    assert find_all(text, pattern) == found
    assert find_all(text, pattern, 1) == found[:1]
    assert find_all(text, pattern, 0) == []
    assert find(text, pattern) == (found[0] if found else "")


@pytest.mark.parametrize(
    "pattern",
    ["(?=a)", "(?<!a)b", r"(a)\1", "a**", "a*+", "(?>a)", "a(?i)b", r"\pL", r"\Z", "a{1001}", "[a", "(", "*", r"\y",
     "(?U)a", "[[:nope:]]", r"\x{110000}"],
)  # fmt: skip
def test_what_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"regular expression|is no character"):
        pattern_of(pattern)
    found = (
        Variables()
        .program("object.text.find(object.pattern)")
        .run.eval(data={"object": {"text": "aaa", "pattern": pattern}})
    )
    assert found.type().name() == "ERROR"


_MATCHES: list[Any] = []


def _engine(text: str, pattern: str) -> bool | None:
    """What the engine says of it; None where it refuses the pattern."""
    if not _MATCHES:
        _MATCHES.append(Variables().program("object.text.matches(object.pattern)").run)
    found = _MATCHES[0].eval(data={"object": {"text": text, "pattern": pattern}})
    return None if found.type().name() == "ERROR" else bool(found.value())


_PATTERNS = st.text(alphabet="ab1_ .^$|()[]{},*+?\\dswbzAQE-:\n", max_size=10) | st.lists(
    st.sampled_from(["a", "b?", "[ab]", "[^a]", "(a|b)*", r"\d", r"\s", r"\w+", "^", "$", "(?m)", "(?s)", ".", "a{1,2}",
                     r"\b", "[[:space:]]", "(?:a|)", r"\z", "x{2}?", "|"]),
    max_size=6,
).map("".join)  # fmt: skip


@given(_PATTERNS, st.text(alphabet="ab1_ \n\v.é", max_size=8))
@example("a$", "a\n")
@example("[^a]", "\n")
def test_patterns_match_what_the_engine_matches(pattern: str, text: str) -> None:
    """What the engine takes is taken and matches the same, or is refused because Python cannot say it."""
    try:
        ours: bool | None = pattern_of(pattern).search(text) is not None
    except ValueError:
        return
    assert ours is _engine(text, pattern)
