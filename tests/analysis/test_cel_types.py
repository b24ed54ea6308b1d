"""Kubernetes' own types: addresses, ranges, quantities, URLs, versions, images: what they can do and cannot."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.analysis.policies.conditions import Conditions
from seawall.analysis.policies.facts import Variables
from seawall.analysis.policies.form import OwnPolicy, Variable
from seawall.analysis.policies.judging import prepare
from seawall.analysis.policies.program import PolicyError
from seawall.analysis.policies.subject import Subject
from seawall.model.resource import Resource
from seawall.sources.manifests import load_stdin

pytest.importorskip("cel_expr_python", reason="the extra `cel` is not installed")

VARIABLES = (
    ("address", "ip(object.address)"),
    ("range", "object.wide ? cidr('10.0.0.0/8') : cidr('10.1.0.0/16')"),
    ("limit", "quantity(object.limit)"),
    ("addresses", "[variables.address, ip('10.0.0.1')]"),
    ("byName", "{'one': variables.address, 'two': ip('10.0.0.2')}"),
    ("version", "semver('1.2.3')"),
    ("link", "url('https://a.example/b')"),
)
OBJECT = {"address": "10.1.2.3", "wide": True, "limit": "1.5Gi", "n": 3, "list": ["10.0.0.1", "fe80::1"]}


def evaluate(expression: str) -> Any:
    """What an expression gives, and an error as text."""
    found = Variables(VARIABLES).program(expression).run.eval(data={"object": OBJECT})
    return str(found.value()) if found.type().name() == "ERROR" else found.plain_value()


@pytest.mark.parametrize(
    "expression",
    [
        "string(variables.address) == '10.1.2.3' && string(variables.range) == '10.0.0.0/8'",
        "string(object.wide ? variables.address : ip('::1')) == '10.1.2.3'",
        "string(variables.byName['two']) == '10.0.0.2' && string(variables.addresses[1]) == '10.0.0.1'",
        "object.list.map(each, string(ip(each))) == object.list",
        "object.list.map(each, ip(each)).exists(each, string(each) == 'fe80::1' && each.family() == 6)",
        "variables.byName.all(name, string(variables.byName[name]).startsWith('10.'))",
        "variables.byName.exists(name, each, name == 'one' && each == variables.address)",
        "variables.address in variables.addresses && !(ip('::1') in variables.addresses)",
        "variables.address == ip('10.1.2.3') && variables.address != ip('10.1.2.4')",
        "variables.limit == quantity('1536Mi') && variables.limit != quantity('1')",
        "quantity('1000m') == quantity('1') && quantity('0') == quantity('0Gi') && quantity('1e3') == quantity('1k')",
        "variables.version == semver('1.2.3+build') && variables.link == url('https://a.example/b')",
        "type(variables.address) == net.IP && type(variables.range) == net.CIDR",
        "type(variables.address) != net.CIDR && type(variables.limit) == type(quantity('1'))",
        "type(variables.range.ip()) == net.IP && type(variables.limit) != type(variables.version)",
        "type(object.n) == int && type(string(variables.address)) == string && type(object) == map",
        "'%s is in %s'.format([string(variables.address), string(variables.range)]) == '10.1.2.3 is in 10.0.0.0/8'",
        "'%s'.format([type(variables.address)]) == 'net.IP'",
        "[variables.address].map(each, each).filter(each, each.isGlobalUnicast()).size() == 1",
        "variables.addresses.indexOf(ip('10.0.0.1')) == 1 && sets.contains(variables.addresses, [ip('10.0.0.1')])",
        "optional.of(variables.address).optMap(each, string(each)).orValue('') == '10.1.2.3'",
        "{'a': variables.limit}.a.isGreaterThan(quantity('1Gi')) && {'a': variables.limit} == {'a': quantity('1.5Gi')}",
        "cel.bind(each, variables.range, each.containsIP(variables.address) && string(each.masked()) == '10.0.0.0/8')",
        "dyn(variables.address) == ip('10.1.2.3') && string(dyn(variables.address)) == '10.1.2.3'",
        "string(object.n) == '3' && string(1.5) == '1.5' && string(duration('90s')) == '90s' && string(b'a') == 'a'",
    ],
)
def test_what_they_can_do(expression: str) -> None:
    assert evaluate(expression) is True
    assert evaluate(f"ip('::1') == ip('::1') && ({expression})") is True


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("variables.address == '10.1.2.3'", "'_==_' applied to '(net.IP, string)'"),
        ("variables.limit > quantity('1')", "'_>_' applied to '(kubernetes.Quantity, kubernetes.Quantity)'"),
        ("variables.limit.isLessThan('2Gi')", "'isLessThan' applied to '(kubernetes.Quantity, string)'"),
        ("string(variables.limit)", "'string' applied to '(kubernetes.Quantity)'"),
        ("string(variables.version)", "'string' applied to '(kubernetes.Semver)'"),
        ("size(variables.address) == 1", "'size' applied to '(net.IP)'"),
        ("variables.address.all(each, true)", "net.IP"),
        ("isIP(variables.range)", "'isIP' applied to '(net.CIDR)'"),
        ("semver('1.0.0').isLessThan(quantity('1'))", "'(kubernetes.Semver, kubernetes.Quantity)'"),
        ("type(variables.address) == 'net.IP'", "applied to '(type(net.IP), string)'"),
        ("authorizer.group('').check('get').allowed()", "'check' applied to '(kubernetes.authorization.GroupCheck,"),
        ("kubernetes.Quantity == type(variables.limit)", "undeclared reference to 'kubernetes"),
    ],
)
def test_what_kubernetes_refuses_is_refused(expression: str, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Variables(VARIABLES).program(expression)
    assert said in str(caught.value)
    assert str(caught.value).startswith("line 1, column ")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("'%s'.format([variables.address])", "was given net.IP"),
        ("'%s'.format([[variables.limit]])", "was given kubernetes.Quantity"),
        ("'%d'.format([variables.limit])", "was given kubernetes.Quantity"),
        ("string(dyn(variables.limit))", "no such overload: string(kubernetes.Quantity)"),
        ("dyn(variables.address).isLessThan(variables.limit)", "no such overload"),
        ("dyn(variables.limit).family() == 4", "no such overload: net.IP is needed, not kubernetes.Quantity"),
    ],
)
def test_what_fails_in_kubernetes_fails(expression: str, said: str) -> None:
    assert said in evaluate(expression)


def _told(policy: OwnPolicy) -> str:
    resource = next(
        each for each in load_stdin(b"{apiVersion: v1, kind: Pod, metadata: {name: a}}") if isinstance(each, Resource)
    )
    return next(iter(prepare(policy).judge(Subject(resource)))).message


def test_people_never_see_how_they_are_kept() -> None:
    mixed = "dyn([ip('10.0.0.1'), {'a': quantity('1.5Gi')}])"
    told = _told(OwnPolicy("a", mixed))
    assert "10.0.0.1" in told
    assert "1610612736" in told
    assert "True" not in told
    given_variables = (Variable("a", "ip('10.0.0.1')"),)
    policy = OwnPolicy("a", "false", message_expression="dyn(variables.a)", variables=given_variables, message="no")
    assert _told(policy) == "no"
    assert Conditions(["quantity('1k')"], ()).judge({}) == ["it gives map: 1000"]


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("1 < 2.5 && 2.5 > 1 && 1 <= 1.0 && 1.0 >= 1", True),
        ("1u < 2 && -1 < 1u && 1u <= 1.5 && 2.5 > 1u", True),
        ("size(object.list) >= 1.5 && object.list.size() < 2.5", True),
        ("object.n > 2.5 ? 1 < 0.5 : 2 < 0.5", False),
        ("[1, 2, 3].all(each, each > 0.5) && {'a': 1}.a < 1.5", True),
        ("quantity('1500').asApproximateFloat() > 1000 && quantity('1.5').asApproximateFloat() < 2", True),
        ("variables.version.major() < 1.5 && variables.limit.asInteger() > 0.1", True),
    ],
)
def test_numbers_of_different_types_are_compared(expression: str, holds: bool) -> None:
    assert evaluate(expression) is holds


@pytest.mark.parametrize(
    "expression",
    [
        "1 == 1.0",
        "1 != 1u",
        "1 in [1.0]",
        "1 + 1.0 > 1",
        "1 < '2'",
        "timestamp('2024-01-01T00:00:00Z') < 1",
        "1 < true",
    ],
)
def test_what_is_no_comparison_in_kubernetes_is_none_here(expression: str) -> None:
    with pytest.raises(PolicyError, match="no matching overload"):
        Variables(VARIABLES).program(expression)
    assert evaluate("dyn(1) == 1.0 && dyn(1) in [1.0]") is True


@pytest.mark.parametrize(
    "expression",
    [
        "[1, 2].all(index, each, each > index) && [1, 2].exists(index, each, index == 1 && each == 2)",
        "[1, 2].existsOne(index, each, each == 2) && {'a': 1}.all(key, each, key == 'a' && each == 1)",
        "[1, 2].transformList(index, each, index * each) == [0, 2]",
        "[1, 2].transformList(index, each, index > 0, each) == [2] && {'a': 1}.transformList(key, each, key) == ['a']",
        "{'a': 1, 'b': 2}.transformMap(key, each, each * 2) == {'a': 2, 'b': 4}",
        "{'a': 1, 'b': 2}.transformMap(key, each, key == 'b', each * 2) == {'b': 4}",
        "['a', 'b'].transformMap(index, each, each) == {0: 'a', 1: 'b'}",
        "['a', 'b'].transformMapEntry(index, each, {each: index}) == {'a': 0, 'b': 1}",
        "{'a': 'x'}.transformMapEntry(key, each, key == 'a', {each: key}) == {'x': 'a'}",
    ],
)
def test_loops_with_two_variables(expression: str) -> None:
    assert evaluate(expression) is True


def test_a_key_that_two_entries_have_is_an_error() -> None:
    assert "already exists" in evaluate("['a', 'a'].transformMapEntry(index, each, {each: index})")
