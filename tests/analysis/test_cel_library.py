"""Every function of Kubernetes' CEL libraries, by an example of its documentation or like it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.analysis.policies.facts import Variables
from seawall.analysis.policies.library import functions
from seawall.analysis.policies.library.formats import FORMATS
from seawall.analysis.policies.program import PolicyError

pytest.importorskip("cel_expr_python", reason="the extra `cel` is not installed")

EXAMPLES = """
has(object.a) && !has(object.b)
[1, 2].all(x, x > 0) && [1, 2].exists(x, x == 2) && [1, 2].exists_one(x, x == 2)
[1, 2].map(x, x * 2) == [2, 4] && [1, 2].filter(x, x > 1) == [2] && [1, 2].map(x, x > 1, x * 3) == [6]
size('abc') == 3 && [1].size() == 1 && 'a' in {'a': 1} && type(1) == int
int('3') == 3 && string(3) == '3' && double('1.5') == 1.5 && uint(1) == 1u && bool('true') && bytes('a') == b'a'
timestamp('2023-01-02T03:04:05Z').getFullYear() == 2023 && duration('90m').getHours() == 1 && dyn(1) == 1
'kubernetes'.startsWith('k') && 'kubernetes'.endsWith('s') && 'kubernetes'.contains('ber')
optional.of(1).hasValue() && !optional.none().hasValue() && optional.ofNonZeroValue('').orValue('a') == 'a'
optional.of(1).value() == 1 && optional.none().or(optional.of(2)).value() == 2 && [optional.of(1)][0].hasValue()
optional.of(2).optMap(x, x + 1).value() == 3 && optional.of(2).optFlatMap(x, optional.of(x)).hasValue()
object.?b.orValue(7) == 7 && {'a': 1}[?'b'].orValue(2) == 2 && {?'a': object.?b} == {}
[1, 2, 3].isSorted() && !['b', 'a'].isSorted()
[1, 3].sum() == 4 && [1.5, 2.5].sum() == 4.0
[1, 3].min() == 1 && ['a', 'c'].max() == 'c'
[1, 2, 2, 3].indexOf(2) == 1 && ['a', 'b', 'b'].lastIndexOf('b') == 2 && [1].indexOf(9) == -1
"abc 123".find('[0-9]*') == '' && 'abc 123'.find('[0-9]+') == '123'
"123 abc 456".findAll('[0-9]+') == ['123', '456'] && '1 2 3'.findAll('[0-9]+', 1) == ['1'] && 'ab'.matches('a.')
url('https://example.com:80/').getHost() == 'example.com:80' && url('https://a.b/').getScheme() == 'https'
url('https://example.com:80/').getPort() == '80' && url('https://[::1]:80/').getHostname() == '::1'
url('https://a.b/path with spaces'.replace(' ', '%20')).getEscapedPath() == '/path%20with%20spaces'
url('https://example.com/path?k1=a&k2=b&k2=c').getQuery() == {'k1': ['a'], 'k2': ['b', 'c']}
isURL('https://user:pass@example.com:80/path?query=val#fragment') && isURL('/absolute-path') && !isURL('../relative')
ip('192.168.0.1') == ip('192.168.0.1') && isIP('127.0.0.1') && isIP('::1') && !isIP('127.0.0.256')
ip.isCanonical('127.0.0.1') && !ip.isCanonical('2001:DB8::abcd') && ip('::1').family() == 6
ip('0.0.0.0').isUnspecified() && ip('::1').isLoopback() && ip('169.254.169.254').isLinkLocalUnicast()
ip('224.0.0.1').isLinkLocalMulticast() && ip('ff02::1').isLinkLocalMulticast()
!ip('224.0.1.1').isLinkLocalMulticast() && ip('::1.2.3.4') == ip('::102:304') && !isIP('::ffff:1.2.3.4')
ip('192.168.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast() && ip('2001:db8::1').isGlobalUnicast()
string(ip('192.168.0.1')) == '192.168.0.1' && string(cidr('10.0.0.0/8')) == '10.0.0.0/8'
string(ip('::1').family()) == '6'
string(ip('::1').isLoopback()) == 'true'
isCIDR('192.168.0.0/24') && !isCIDR('192.168.0.0') && cidr('192.168.0.0/24').containsIP('192.168.0.1')
cidr('192.168.0.0/24').containsIP(ip('192.168.0.1')) && cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24')
cidr('192.168.0.0/16').containsCIDR(cidr('192.168.10.0/24')) && cidr('192.168.1.0/24').ip() == ip('192.168.1.0')
cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24') && cidr('192.168.0.0/24').prefixLength() == 24
isQuantity('1.3Gi') && !isQuantity('1,3G') && quantity('50000k').isInteger() && quantity('50M').asInteger() == 50000000
quantity('50k').asApproximateFloat() == 50000.0 && quantity('-10').sign() == -1
quantity('1k').sub(1) == quantity('999')
quantity('50k').add(20000) == quantity('70k') && quantity('50k').add(quantity('1')) == quantity('50001')
quantity('50k').sub(quantity('20k')) == quantity('30k') && quantity('200M').compareTo(quantity('0.2G')) == 0
quantity('50M').isGreaterThan(quantity('50Mi')) == false && quantity('50M').isLessThan(quantity('100M'))
quantity('50k').mul(2) == quantity('100000') && quantity('10').div(3) == quantity('3.3333')
quantity('10').div(3, 1) == quantity('3.3') && quantity('10k').divInt(3) == quantity('3333')
semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2 && semver('1.2.3').patch() == 3 && isSemver('1.0.0')
semver('v1.01', true) == semver('1.1.0') && isSemver('v1.0', true) && !isSemver('v1.0')
semver('1.2.3').compareTo(semver('1.2.4')) == -1 && semver('1.2.3-rc.1').isLessThan(semver('1.2.3'))
semver('1.2.3').isGreaterThan(semver('1.2.3-alpha'))
sets.contains([1, 2, 3], [2]) && sets.equivalent([1, 1], [1]) && sets.intersects([1], [1, 2]) && sets.contains([], [])
'hello'.charAt(4) == 'o' && 'hello mellow'.indexOf('ello') == 1 && 'hello mellow'.indexOf('ello', 2) == 7
['hello', 'mellow'].join() == 'hellomellow' && ['hello', 'mellow'].join(' ') == 'hello mellow'
'hello mellow'.lastIndexOf('ello') == 7 && 'TacoCat'.lowerAscii() == 'tacocat' && 'TacoCat'.upperAscii() == 'TACOCAT'
'hello hello'.replace('he', 'we') == 'wello wello' && 'hello hello'.replace('he', 'we', 1) == 'wello hello'
'hello hello'.split(' ') == ['hello', 'hello'] && 'a b c'.split(' ', 2) == ['a', 'b c'] && 'a'.split(' ', 0) == []
'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco' && '  \\ttrim\\n '.trim() == 'trim'
'gums'.reverse() == 'smug' && strings.quote('a"b') == '"a\\\\"b"'
'%s is %d'.format(['a', 3]) == 'a is 3' && '%s'.format([[1, 'b', true, null]]) == '[1, "b", true, null]'
'%x %X %o %b'.format([255, 255, 8, 5]) == 'ff FF 10 101' && '%.1f'.format([2.25]) == '2.2' && '%%'.format([]) == '%'
[1, 2, 2].distinct() == [1, 2] && [1, 2].reverse() == [2, 1] && [1, 2, 3].slice(1, 3) == [2, 3]
[2, 1].sort() == [1, 2] && [1, 2].first().value() == 1 && [1, 2].last().value() == 2
![].first().hasValue() && ![].last().hasValue() && [[0], [1, 2]].last().value().first().orValue(7) == 1
[{'a': 2}, {'a': 1}].sortBy(each, each.a).map(each, each.a) == [1, 2]
['bb', 'a'].sortBy(e, size(e)).last().value() == 'bb'
[duration('2s'), duration('1s')].sortBy(e, e).first().value() == duration('1s')
[[1], [[2]]].flatten() == [1, [2]] && [[1], [[2]]].flatten(2) == [1, 2] && lists.range(3) == [0, 1, 2]
!format.dns1123Label().validate('my-label').hasValue() && format.dns1123Label().validate('My').hasValue()
!format.dns1123Subdomain().validate('a.b').hasValue() && format.dns1123Subdomain().validate('a..b').hasValue()
!format.dns1035Label().validate('a1').hasValue() && format.dns1035Label().validate('1a').hasValue()
!format.dns1123LabelPrefix().validate('1a-').hasValue() && format.dns1123LabelPrefix().validate('-b').hasValue()
!format.dns1123SubdomainPrefix().validate('a.b-').hasValue() && format.dns1123SubdomainPrefix().validate('A').hasValue()
!format.dns1035LabelPrefix().validate('a-').hasValue() && format.dns1035LabelPrefix().validate('1-a').hasValue()
!format.qualifiedName().validate('example.com/my.name').hasValue()
format.qualifiedName().validate('a/b/c').hasValue()
!format.labelValue().validate('').hasValue() && format.labelValue().validate('-a').value().size() == 1
!format.uri().validate('https://a.b').hasValue() && format.uri().validate('a b').hasValue()
!format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue() && format.uuid().validate('1').hasValue()
!format.byte().validate('YQ==').hasValue() && format.byte().validate('a').hasValue()
!format.date().validate('2024-02-29').hasValue() && format.date().validate('2023-02-29').hasValue()
!format.datetime().validate('2024-01-01T00:00:00Z').hasValue() && format.datetime().validate('2024-01-01').hasValue()
format.named('uuid').value().validate('1').orValue([]).size() == 1 && !format.named('nope').hasValue()
image('nginx').registry() == 'index.docker.io' && image('nginx').repository() == 'library/nginx'
image('a.example/bb/c:1').tag() == '1' && image('a.example/bb:1').identifier() == '1' && !isImage('a.example//bb')
image('localhost/bb').tag() == 'latest' && image('localhost/bb').registry() == 'localhost' && !isImage('BB')
!image('a.example/bb').containsDigest() && image('a.example/bb').digest() == '' && isImage('a.example:5000/bb:1')
sign(quantity('-1')) == -1 && 'abcabc'.lastIndexOf('c', 3) == 2
'abc'.indexOf('', 3) == 3 && 'abc'.indexOf('a', 9) == -1
sets.contains([1], [1, 1.0, 1u]) && !sets.contains([dyn(1)], [true])
[duration('1s'), duration('2s')].sum() == duration('3s') && [duration('1s'), duration('2s')].max() == duration('2s')
[timestamp('2024-01-01T00:00:00Z'), timestamp('2023-01-01T00:00:00Z')].min() == timestamp('2023-01-01T00:00:00Z')
[1u, 2u].max() == 2u && type([1u, 2u].min()) == uint && [1, 2].map(x, [x, 5].max()).sum() == 10
base64.decode('aGVsbG8=') == b'hello' && base64.encode(b'hello') == 'aGVsbG8=' && math.greatest(1, 2) == 2
"""
#: They are known to a cluster only; see the tests of policies.
AUTHORIZER = frozenset(
    ["path", "group", "serviceAccount", "resource", "subresource", "namespace", "name", "fieldSelector",
     "labelSelector", "check", "allowed", "reason", "errored", "error"]
)  # fmt: skip


@pytest.mark.parametrize("expression", EXAMPLES.strip().splitlines())
def test_functions_of_kubernetes(expression: str) -> None:
    found = Variables().program(expression).run.eval(data={"object": {"a": 1}})
    assert found.value() is True, found.value()


def test_each_function_has_an_example() -> None:
    used = EXAMPLES
    names = {each.name for each in functions() if not each.name.startswith("kubernetes.")}
    assert {name for name in names if not re.search(rf"(?<!\w){re.escape(name)}\(", used)} == AUTHORIZER
    assert all(used.count(f"format.{name}()") == 2 for name in FORMATS)


@given(
    st.text(max_size=60) | st.sampled_from(["format.named(", "format.uri().validate('", "format . a ( ) .validate("])
)
def test_any_text_is_compiled_or_refused(text: str) -> None:
    try:
        Variables().program(text.encode("utf-8", "replace").decode() + "format.uri().validate(")
    except PolicyError as error:
        assert "\n" not in str(error)


@given(st.sampled_from(sorted(FORMATS)), st.text(max_size=300))
def test_formats_take_any_text(name: str, text: str) -> None:
    assert all(isinstance(told, str) for told in FORMATS[name](text))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "dns1123Label",
            "Web",
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', ",
        ),
        ("dns1123Label", "a.b", "must not contain dots"),
        ("dns1123Label", "a" * 64, "must be no more than 63 characters"),
        (
            "dns1123Subdomain",
            "a..b",
            "(e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?",
        ),
        ("dns1035Label", "1a", "(e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*"),
        (
            "qualifiedName",
            "a/b/c",
            "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must",
        ),
        ("qualifiedName", "A_/b", "prefix part a lowercase RFC 1123 subdomain must consist of"),
        ("qualifiedName", "a.b/", "name part must be non-empty"),
        ("qualifiedName", "a b", "name part must consist of alphanumeric characters, '-', '_' or '.', and must start"),
        (
            "labelValue",
            "-a",
            "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9]",
        ),
        ("uri", "a b", "invalid URI for request"),
    ],
)
def test_formats_tell_what_kubernetes_tells(name: str, text: str, told: str) -> None:
    assert any(told in each for each in FORMATS[name](text))
    assert FORMATS["dns1123SubdomainPrefix"]("my.name.-") == []


@pytest.mark.parametrize(
    ("expression", "made"),
    [
        ("'%s'.format([['a', 1.5, null, [9], {'k': b'x'}]])", '["a", 1.500000, null, [9], {"k":b"x"}]'),
        ("'%s %s'.format([{'b': 1, 'a': true}, {}])", '{"a":true, "b":1} {}'),
        ("'%s, %s'.format([timestamp('2024-01-02T03:04:05Z'), duration('90m')])", "2024-01-02T03:04:05Z, 5400s"),
        ("'%s'.format([[timestamp('2024-01-02T03:04:05Z'), duration('1.5s')]])",
         '[timestamp("2024-01-02T03:04:05Z"), duration("1.5s")]'),
        ("'%s %s %s'.format([1.0, 0.5, 1234567.0])", "1 0.5 1.234567e+06"),
        ("'%s %s %s'.format([type(1), type([1]), type(null)])", "int list null_type"),
        ("'%s %x'.format([b'xyz', b'xyz'])", "xyz 78797a"),
        ("'%f %.2f'.format([1234.5, -0.125])", "1,234.500000 -0.12"),
        ("'%.3e'.format([1052.03])", "1.052\u202f\u00d7\u202f10\u2070\u00b3"),
        ("'%d %b %o %x %X'.format([-5, true, 8, -255, 'Hi'])", "-5 1 10 -ff 4869"),
    ],
)  # fmt: skip
def test_format_writes_what_kubernetes_writes(expression: str, made: str) -> None:
    assert Variables().program(expression).run.eval(data={}).value() == made


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("'%f'.format([1])", "%f needs a double, and was given int"),
        ("'%d'.format([1.5])", "%d needs a whole number, and was given double"),
        ("'%d'.format([true])", "was given bool"),
        ("'%s %s'.format([1])", "more places than values"),
        ("'%q'.format([1])", "a % is followed by nothing that is known"),
        ("'abc'.charAt(4)", "index out of range: 4"),
        ("'abc'.indexOf('a', -1)", "index out of range: -1"),
        ("'abc'.substring(2, 1)", "out of range"),
        ("[].max()", "the list is empty"),
        ("quantity('1.5').asInteger()", "cannot convert value to integer"),
        ("quantity('1').div(0)", "division by zero"),
        ("quantity('1').div(2, 11)", "0 to 10"),
    ],
)
def test_what_fails_in_kubernetes_fails_here(expression: str, said: str) -> None:
    found = Variables().program(expression).run.eval(data={})
    assert said in str(found.value())


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("duration('1x') == duration('1s')", "line 1, column 10: invalid duration: '1x'"),
        ("object.a < timestamp('2024-13-01')", "line 1, column 22: invalid timestamp"),
        ("object.a.matches('[')", "line 1, column 18: invalid regular expression: '['"),
        ("object.a in [1, 'a']", "line 1, column 17: expected type 'int' but found 'string'"),
        ("object.a == {'k': true, 'l': 1}", "expected type 'bool' but found 'int'"),
        ("cel.bind(a, object.a, a == 1)", "line 1, column 9: Kubernetes has no function cel.bind"),
        ("base64.encode(b'a') == object.a", "Kubernetes has no function base64.encode"),
        ("math.greatest(1, 2) == 2", "Kubernetes has no function math.greatest"),
    ],
)
def test_what_kubernetes_refuses_beyond_types(expression: str, said: str) -> None:
    Variables().program(expression)
    with pytest.raises(PolicyError) as caught:
        Variables([("a", "object.a")], strict=True).program(expression)
    assert said in str(caught.value)


def test_what_kubernetes_takes_beyond_types() -> None:
    for expression in (
        "'%s %d'.format(['a', 1])",
        "[1, object.a, -2]",
        "object.a.matches('^[a-z]+$')",
        "['a', object.b]",
    ):
        Variables([("a", "object.a")], strict=True).program(expression)
