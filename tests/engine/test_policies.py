"""Policies of seawall.yaml: what they judge, what they tell, and that a bad one harms no other."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.analysis.policies.cost import LIMIT, cost, tree_of
from seawall.analysis.policies.form import OwnPolicy
from seawall.analysis.policies.judging import prepare
from seawall.analysis.policies.program import PolicyError, compile_cel, environment
from seawall.analysis.policies.running import judge
from seawall.analysis.policies.subject import Subject
from seawall.model.resource import Resource
from seawall.sources.manifests import load_stdin
from tests.conftest import Run

pytest.importorskip("cel_expr_python", reason="the extra `cel` is not installed")

TRUE = [
    "quantity('1Gi').isGreaterThan(quantity('500Mi'))",
    "quantity('1.5G').isInteger() && !quantity('1m').isInteger()",
    "quantity('50k').asInteger() == 50000 && quantity('1.5').asApproximateFloat() == 1.5",
    "quantity('50k').add(quantity('20k')) == quantity('70k') && quantity('50k').sub(20) == quantity('49980')",
    "quantity('-2').sign() == -1 && quantity('200M').compareTo(quantity('0.2G')) == 0",
    "isQuantity('1.3Ei') && !isQuantity('10 Mi')",
    "semver('1.2.3').isLessThan(semver('2.0.0')) && semver('1.0.0-alpha').compareTo(semver('1.0.0')) == -1",
    "semver('1.2.3').major() == 1 && semver('1.2.3').patch() == 3 && !isSemver('1.2')",
    "ip('127.0.0.1').isLoopback() && ip('::1').family() == 6 && !ip.isCanonical('2001:DB8::1')",
    "isIP('10.0.0.1') && !isIP('10.0.0.256') && !isIP('::ffff:1.2.3.4')",
    "cidr('192.168.0.0/24').containsIP(ip('192.168.0.1')) && !cidr('10.0.0.0/8').containsIP('11.0.0.1')",
    "cidr('192.168.0.0/16').containsCIDR('192.168.1.0/24') && cidr('10.0.0.0/8').prefixLength() == 8",
    "cidr('192.168.1.5/24').masked() == cidr('192.168.1.0/24') && cidr('10.1.0.0/8').ip() == ip('10.1.0.0')",
    "url('https://example.com:80/path?k=a').getHost() == 'example.com:80'",
    "url('https://[::1]:80/').getHostname() == '::1' && url('https://e.com/').getPort() == ''",
    "url('https://e.com/p?a=1&b=2&b=3').getQuery() == {'a': ['1'], 'b': ['2', '3']} && !isURL('../relative')",
    "sets.contains([1, 2], [2]) && sets.intersects([1], [1, 2]) && sets.equivalent([1, 1], [1])",
    "[1, 2, 2].sum() == 5 && [1, 3].max() == 3 && [1, 2].isSorted() && ['a', 'b', 'a'].lastIndexOf('a') == 2",
    "[[1], [2, 2]].flatten().distinct().reverse() == [2, 1] && [3, 1].sort().slice(0, 1) == [1]",
    "'%s has %d of %.2f'.format(['x', 3, 2.5]) == 'x has 3 of 2.50' && '%x'.format([255]) == 'ff'",
    "'a,b'.split(',') == ['a', 'b'] && ['a', 'b'].join('-') == 'a-b' && 'tacocat'.substring(4) == 'cat'",
    "'tacocat'.replace('c', 'x', 1) == 'taxocat' && ' a '.trim() == 'a' && 'TacoÉ'.lowerAscii() == 'tacoÉ'",
    "'abc 123'.find('[0-9]+') == '123' && '1 2 3'.findAll('[0-9]', 2) == ['1', '2'] && 'ab'.matches('^a')",
    "object.?spec.?replicas.orValue(1) == 1 && !object.?spec.hasValue() && [?object.?x] == []",
    "timestamp('2024-01-01T00:00:00Z') + duration('24h') == timestamp('2024-01-02T00:00:00Z')",
]


@pytest.mark.parametrize("expression", TRUE)
def test_the_libraries_of_kubernetes(expression: str) -> None:
    assert compile_cel(expression).eval(data={"object": {}}).value() is True


@pytest.mark.parametrize(
    "expression",
    ["quantity('x')", "ip('x')", "cidr('10.0.0.1')", "semver('1')", "url('x')", "['a'].sum()", "'a'.find('(')"],
)
def test_what_makes_no_sense_is_an_error_of_the_expression(expression: str) -> None:
    assert compile_cel(expression).eval(data={"object": {}}).type().name() == "ERROR"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("object.", "line 1, column 8"),
        ("true &&\n  nope(1)", "line 2, column 7: undeclared reference to 'nope'"),
        ("quantity('1') > 2", "line 1, column 15: found no matching overload"),
        ("true &&\n  1 == 1.0", "line 2, column 5: found no matching overload for '_==_'"),
        ("o.a.all(a, o.b)".replace("o.", "unknown."), "undeclared reference"),
        ("object.a.all(a, a.all(b, b.all(c, c.all(d, d > 0))))", "could cost"),
        ("(" * 300 + "1" + ")" * 300, "line 1, column 251: more than 250 brackets are nested"),
        ("1" + " + 1" * 300, "more than 250 operators"),
        ("[1].all(x, " * 40 + "x > 0" + ")" * 40, "too many loops within loops"),
    ],
)
def test_refused_expressions_say_why_and_where(expression: str, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        compile_cel(expression)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cost_counts_lists_that_are_written_out() -> None:
    def of(expression: str) -> int:
        return cost(tree_of(environment().compile(expression).serialize()))

    assert of("1 + 1") < of("[1, 2].all(x, x > 0)") < of("object.a.all(x, x > 0)") < LIMIT


POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: shop}\nspec: {containers: [{name: a, image: 'a:1'}]}\n"
)


def verdicts(*policies: OwnPolicy, count: int = 2) -> list[tuple[list[tuple[int, str]], str]]:
    text = "---\n".join(POD % f"p{index}" for index in range(count))
    resources = [Subject(each) for each in load_stdin(text.encode()) if isinstance(each, Resource)]
    return [(each.broken, each.stopped) for each in judge([prepare(each) for each in policies], resources)]


def test_defaults_of_the_api_are_there() -> None:
    good = OwnPolicy("a", "object.spec.restartPolicy == 'Always' && object.spec.containers[0].imagePullPolicy != ''")
    new = OwnPolicy("b", "oldObject == null && namespaceObject.metadata.name == 'shop'")
    assert verdicts(good, new) == [([], ""), ([], "")]


def test_messages_variables_and_errors() -> None:
    from seawall.analysis.policies.form import Variable

    name = (Variable("n", "object.metadata.name"), Variable("twice", "variables.n + variables.n"))
    told = OwnPolicy("a", "variables.n != 'p1'", message_expression="'no ' + variables.twice", variables=name)
    broken = OwnPolicy("b", "object.spec.nope", message="m")
    (first, _), (second, _) = verdicts(told, broken)
    assert first == [(1, "no p1p1")]
    assert [item for item, _ in second] == [0, 1]
    assert "Key not found" in second[0][1]


def test_a_runaway_is_stopped_within_its_time_and_harms_no_other() -> None:
    hang = OwnPolicy("hang", f"'{'a' * 60}!'.find('^(a+)+$') == ''")
    other = OwnPolicy("other", "object.metadata.name == 'p0'")
    began = time.monotonic()
    before, stopped, after = verdicts(other, hang, OwnPolicy("last", "object.metadata.name == 'p1'"))
    assert time.monotonic() - began < 30
    assert [item for item, _ in before[0]] == [1]
    assert [item for item, _ in after[0]] == [0]
    assert "took longer than 1 s on Pod shop/p0" in stopped[1]


CONFIG = """\
policies:
  - id: team-label
    match: {kind: "*Pod", namespace: "sh*"}
    expression: object.metadata.?labels.?team.hasValue()
    message: no team answers for it
    severity: high
    controls: ["soc2:CC6.1"]
  - id: of-a-request
    expression: request.userInfo.username != 'x'
"""


def scan(run: Run, folder: Path, config: str, *args: str) -> tuple[int, str, dict[str, Any]]:
    (folder / "seawall.yaml").write_text(config)
    done = run("scan", "-", "--format", "json", *args, stdin=(POD % "p").encode(), cwd=folder)
    return done.returncode, done.stderr, json.loads(done.stdout) if done.stdout else {}


def test_findings_are_like_all_others(run: Run, tmp_path: Path) -> None:
    code, stderr, document = scan(run, tmp_path, CONFIG)
    (finding,) = (each for each in document["findings"] if each["rule"] == "team-label")
    assert (finding["message"], finding["severity"], finding["locations"][0]["line"]) == (
        "no team answers for it",
        "high",
        3,
    )
    assert document["rules"]["team-label"]["controls"] == {"soc2": ["CC6.1"]}
    (status,) = (each for each in document["statuses"] if each["rule"] == "of-a-request")
    assert status == {"rule": "of-a-request", "state": "not-judged", "reason": status["reason"]}
    assert "asks for `request.userInfo`" in stderr
    assert code == 2


def test_own_policies_can_be_chosen_and_waived(run: Run, tmp_path: Path) -> None:
    config = CONFIG.partition("  - id: of-a")[0] + "waivers: [{rule: team-label, reason: r}]\n"
    code, _, document = scan(run, tmp_path, config, "--rule", "team-label")
    assert code == 0
    assert [each["status"] for each in document["findings"]] == ["waived"]


def test_the_page_that_people_are_sent_to_is_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "seawall.yaml").write_text(CONFIG.partition("  - id: of-a")[0])
    for options in (("--rule", "team-label"), ()):
        done = run("scan", "-", *options, stdin=(POD % "p").encode(), cwd=tmp_path)
        assert "high[team-label]" in done.stdout
        named = done.stdout.rpartition("seawall rules show ")[2].partition("`")[0]
        assert (named == "team-label" or not options) and run("rules", "show", named, cwd=tmp_path).returncode == 0


def test_of_several_mistakes_the_command_that_tells_all_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("profil: a\npolicys: []\n")
    done = run("scan", "-", "--config", "own.yaml", stdin=(POD % "p").encode(), cwd=tmp_path)
    assert "(and 1 more: `seawall config check own.yaml` tells all)" in done.stderr


def test_a_policy_that_is_no_cel_stops_the_run_with_its_place(run: Run, tmp_path: Path) -> None:
    code, stderr, _ = scan(run, tmp_path, "policies:\n  - {id: a, expression: 'object.'}\n")
    assert code == 2
    assert stderr.startswith("seawall: seawall.yaml:2: policy a: line 1, column 8")
    done = run("config", "check", cwd=tmp_path)
    assert "seawall.yaml:2:5: policies[0]: a: line 1, column 8" in done.stdout


@given(st.text(max_size=40))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    try:
        compile_cel(text.encode("utf-8", "replace").decode())
    except PolicyError as error:
        assert "\n" not in str(error)


def test_policies_are_tested_by_their_examples(run: Run, tmp_path: Path) -> None:
    config = "policies:\n  - {id: a, expression: \"object.metadata.name != 'p'\", message: m}\n"
    (tmp_path / "seawall.yaml").write_text(config)
    (tmp_path / "policies").mkdir()
    examples = tmp_path / "policies" / "a.yaml"
    done = run("policy", "test", cwd=tmp_path)
    assert (done.returncode, done.stdout.count("has no `#")) == (1, 2)
    examples.write_text(f"# bad\n{POD % 'p'}# good\n{POD % 'q'}")
    done = run("policy", "test", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "a: bad 1: ok\na: good 2: ok\n2 examples, 0 failed\n")
    examples.write_text(f"# bad\n{POD % 'q'}# good\n{POD % 'p'}")
    done = run("policy", "test", cwd=tmp_path)
    assert "a: bad 1: FAILED: nothing is found in it\na: good 2: FAILED: breaks the policy: m\n" in done.stdout
    assert done.returncode == 1
    assert run("policy", "list", cwd=tmp_path).stdout.split() == ["medium", "a", "m"]
