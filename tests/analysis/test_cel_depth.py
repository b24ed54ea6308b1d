"""Expressions nested far more deeply than the engine takes: they compile as in Kubernetes, and mean the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seawall.analysis.policies.facts import Variables
from seawall.analysis.policies.parsing import MOST_DEPTH, parse_cel
from seawall.analysis.policies.program import PolicyError
from seawall.analysis.policies.shaping import MOST_HEIGHT, shaped
from seawall.analysis.policies.syntax import SyntaxFault, text_of

pytest.importorskip("cel_expr_python", reason="the extra `cel` is not installed")

LEVELS = (40, 100, 200)


def evaluate(expression: str, given_object: Any = None, variables: tuple[tuple[str, str], ...] = ()) -> Any:
    """What an expression gives, as a plain value."""
    run = Variables(variables).program(expression).run
    return run.eval(data={"object": given_object if given_object is not None else {"x": 7}}).plain_value()


def nested(levels: int, inmost: Any) -> Any:
    """Maps within maps."""
    for _ in range(levels):
        inmost = {"b": inmost}
    return inmost


@pytest.mark.parametrize("levels", LEVELS)
def test_chains_of_operators(levels: int) -> None:
    assert evaluate("1" + " + object.x" * levels) == 1 + 7 * levels
    assert evaluate("0" + " - 1" * levels) == -levels
    assert evaluate("'a'" + " + string(object.x)" * levels) == "a" + "7" * levels
    assert evaluate("[]" + " + [object.x]" * levels) == [7] * levels
    assert evaluate(" && ".join(["object.x == 7"] * levels)) is True
    assert evaluate(" || ".join(["object.x == 8"] * levels + ["object.x == 7"])) is True
    assert evaluate("!" * levels + "(object.x == 7)") is True


@pytest.mark.parametrize("levels", LEVELS)
def test_nested_brackets(levels: int) -> None:
    assert evaluate("(" * levels + "object.x" + ")" * levels) == 7
    assert evaluate("(1 + " * levels + "object.x" + ")" * levels) == 7 + levels
    assert evaluate("(object.x == 7 && " * levels + "true" + ")" * levels) is True
    assert evaluate("!(object.x == 8 || " * levels + "false" + ")" * levels) is (levels % 2 == 1)
    assert evaluate("[" * levels + "object.x" + "]" * levels + "[0]" * (levels // 2)) != []
    assert evaluate("{'b': " * levels + "object.x" + "}" * levels) == nested(levels, 7)
    assert evaluate("size([" * (levels // 2) + "'a'" + "])" * (levels // 2)) == 1


@pytest.mark.parametrize("levels", LEVELS)
def test_chains_of_selections_and_calls(levels: int) -> None:
    value = nested(levels, {"x": 7})
    assert evaluate("object" + ".b" * levels + ".x", value) == 7
    assert evaluate("object" + "['b']" * levels + ".x", value) == 7
    assert evaluate("object" + ".?b" * levels + ".?y.orValue(1)", value) == 1
    assert evaluate("has(object" + ".b" * levels + ".x)", value) is True
    assert evaluate("[object.x]" + ".map(i, i + 1)" * levels) == [7 + levels]
    assert evaluate("'a'" + ".replace('a', 'ab')" * 40) == "a" + "b" * 40


@pytest.mark.parametrize("levels", LEVELS)
def test_ternaries(levels: int) -> None:
    cases = "".join(f"object.x == {number} ? 'is {number}' : " for number in range(100, 100 + levels))
    assert evaluate(f"{cases}'none'") == "none"
    assert evaluate(f"{cases}'none'", {"x": 99 + levels}) == f"is {99 + levels}"
    assert evaluate("(object.x == 7 ? " * levels + "'a'" + " : 'b')" * levels) == "a"


@pytest.mark.parametrize("levels", LEVELS)
def test_generated_policies(levels: int) -> None:
    """As generators write them: an allowlist, a message put together, a condition for each of many kinds."""
    allowed = " || ".join(f"object.image.startsWith('registry{number}.example.com/')" for number in range(levels))
    assert evaluate(allowed, {"image": f"registry{levels - 1}.example.com/a:1"}) is True
    assert evaluate(allowed, {"image": "docker.io/a"}) is False
    message = "'of ' + object.name" + "".join(
        f" + ', {number} is ' + string(object.x)" for number in range(levels // 2)
    )
    assert evaluate(message, {"name": "web", "x": 1}).endswith(f"{levels // 2 - 1} is 1")
    clauses = "".join(f"(object.kind == 'K{number}' ? object.x > {number} : " for number in range(levels))
    assert evaluate(f"{clauses}true{')' * levels}", {"kind": f"K{levels - 1}", "x": 0}) is False
    many = ", ".join(["(" + "1 + (" * levels + "object.x" + ")" * levels + ")"] * 20)
    assert evaluate(f"[{many}]") == [7 + levels] * 20


def test_what_is_decided_without_a_deep_part_stays_so() -> None:
    deep = "1 / object.zero" + " + 1" * 60
    assert evaluate(f"object.x == 7 || {deep} > 0", {"x": 7, "zero": 0}) is True
    assert evaluate(f"{deep} > 0 || object.x == 7", {"x": 7, "zero": 0}) is True
    assert evaluate(f"object.x == 7 ? 'a' : string({deep})", {"x": 7, "zero": 0}) == "a"
    assert (
        evaluate(f"object.items.all(i, i == 0 || {deep.replace('object.zero', 'i')} > 60)", {"items": [0, 1]}) is True
    )


def test_variables_around_deep_expressions() -> None:
    given_variables = (("one", "1" + " + object.x" * 60), ("two", "variables.one" + " + 1" * 60))
    assert evaluate("variables.two" + " + variables.one" * 100, variables=given_variables) == 481 + 421 * 100
    many = tuple((f"v{number}", f"variables.v{number - 1} + 1" if number else "object.x") for number in range(80))
    assert len(Variables(many).program("variables.v79 == 86").variables) == 80
    some = tuple((f"v{number}", f"[object.x].map(i, i + {number})[0]") for number in range(20))
    read = " + ".join(f"variables.v{number}" for number in range(20))
    assert evaluate(read, variables=some) == 7 * 20 + 190
    long = Variables(some).program(f"{read}{' + 1' * 100}")
    assert len(long.variables) in (0, 20)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("true ||\n " + "(" * 260 + "1" + ")" * 260, "line 2, column 252: more than 250 brackets are nested"),
        ("1" + " + 1" * (MOST_DEPTH + 1), "more than 250 operators, selections and calls are nested"),
        ("[1].all(x, " * 60 + "true" + ")" * 60, "too many loops within loops: the CEL engine takes some 30"),
    ],
)
def test_what_is_too_deep_is_told_with_its_place(expression: str, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Variables().program(expression)
    assert said in str(caught.value)
    assert str(caught.value).startswith("line ")


def test_mistakes_in_a_deep_expression_are_told_where_they_stand() -> None:
    with pytest.raises(PolicyError, match=r"line 2, column 17: undeclared reference to 'nope'"):
        Variables().program("1" + " + 1" * 100 + "\n > 5 && 3 > nope(1)" + " + 1" * 100)


_LEAF = st.sampled_from(
    ["1", "2.5", "'a'", "object.x", "object.y.z", "true", "null", "-3", 'r"\\a"', "b'c'", "0x1F", "7u"]
)


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "&&", "||", "==", "<", "in"]), inner).map(" ".join),
        inner.map(lambda one: f"({one})"),
        inner.map(lambda one: f"!({one})"),
        inner.map(lambda one: f"-({one})"),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        pair.map(lambda both: f"{{'k': {both[0]}, ?'o': object.?p, 'l': {both[1]}}}"),
        st.tuples(inner, inner, inner).map(lambda three: f"(({three[0]}) ? ({three[1]}) : {three[2]})"),
        pair.map(lambda both: f"[{both[0]}].map(i, i == {both[1]})"),
        inner.map(lambda one: f"optional.of({one}).?f[0].hasValue()"),
        inner.map(lambda one: f"cel.bind(v, {one}, [v, v])"),
    )


EXPRESSIONS = st.recursive(_LEAF, _grow, max_leaves=12)


@given(EXPRESSIONS)
def test_text_of_what_was_read_is_the_same_expression(expression: str) -> None:
    tree = parse_cel(expression)
    again = parse_cel(text_of(tree))
    assert text_of(again) == text_of(tree)
    assert again.height == tree.height


@given(EXPRESSIONS)
def test_a_shaped_expression_gives_the_same(expression: str) -> None:
    """Compared without type checks, as most of these have none that fit; shaped far more than it would need."""
    from cel_expr_python import cel

    from seawall.analysis.policies.program import environment
    from seawall.analysis.policies.shaping import Shaper

    def told(text: str) -> Any:
        try:
            run = environment().compile(text, disable_check=True)
        except RuntimeError:
            return RuntimeError
        found: cel.Value = run.eval(data={"object": {"x": 7, "y": {"z": [1]}}})
        return "error" if found.type().name() == "ERROR" else found.plain_value()

    tree = parse_cel(expression)
    try:
        fitted = Shaper().fit(tree, max(12, tree.height * 2 // 3))
    except SyntaxFault:
        return
    if told(expression) is not RuntimeError:
        assert told(text_of(fitted)) == told(expression)
    assert shaped(tree).height <= MOST_HEIGHT


@given(st.text(alphabet="ab.?[](){}'\"\\+-!&|:,<=>1 \n/", max_size=40))
@example("{,}")
@example("[,]")
@example("[1,,]")
def test_any_text_is_read_or_refused_as_the_engine_does(text: str) -> None:
    from seawall.analysis.policies.program import environment

    try:
        tree = parse_cel(text)
    except SyntaxFault as error:
        assert 0 <= error.at <= len(text)
        with pytest.raises(RuntimeError):
            environment().compile(text, disable_check=True)
        return
    try:
        environment().compile(text, disable_check=True)
    except RuntimeError:
        return
    environment().compile(text_of(tree), disable_check=True)
