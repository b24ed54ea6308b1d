"""Rules in gitleaks' form: read, translated, and refused with their place where they cannot be."""

from __future__ import annotations

import re

import pytest

from seawall.analysis.secrets.foreign import ForeignRules, RulesProblem, Unsupported, read_rules, translated
from seawall.analysis.secrets.making import make_scanner


def rules(text: str) -> tuple[ForeignRules, list[str]]:
    told: list[str] = []
    return read_rules(text.encode(), "own.toml", told.append), told


def found(text: str, data: str, path: str = "a.txt") -> list[str]:
    read, told = rules(text)
    assert not told
    return [hit.detector for hit in make_scanner(foreign=read).scan(data, path)]


_OWN = """
[[rules]]
id = "shop-token"
description = "Token of the shop"
regex = '''(?i)shop[_-]?token\\s*=\\s*"?([a-z0-9]{16})"?'''
secretGroup = 1
entropy = 3
keywords = ["shop"]
"""


def test_a_rule_finds_its_group() -> None:
    read, _ = rules(_OWN)
    (hit,) = make_scanner(foreign=read).scan('SHOP_TOKEN = "a8f3k2m9q1z7x5c4"\n')
    assert (hit.detector, hit.title, hit.column, hit.shown) == ("shop-token", "Token of the shop", 15, "16 characters")
    assert "a8f3k2m9" not in repr(hit)


def test_entropy_and_keywords_hold_it_back() -> None:
    assert found(_OWN, 'shop_token = "aaaaaaaaaaaaaaab"') == []
    assert found(_OWN.replace('["shop"]', '["store"]'), 'shop_token = "a8f3k2m9q1z7x5c4"') == []


def test_ours_come_in_with_the_default_alone() -> None:
    data = "password: Zk39dk!kdPq\n"
    assert found(_OWN, data) == []
    assert found("[extend]\nuseDefault = true\n" + _OWN, data) == ["password-setting"]
    disabled = '[extend]\nuseDefault = true\ndisabledRules = ["database-url"]\n' + _OWN
    assert found(disabled, "postgres://shop:Zk39dkkdPq7@db/shop") == []


@pytest.mark.parametrize(
    "allowed",
    [
        "[[rules.allowlists]]\nregexes = ['^a8f3']",
        "[rules.allowlist]\nstopwords = ['k2m9']",
        "[rules.allowlist]\npaths = ['''\\.txt$''']",
        "[rules.allowlist]\nregexTarget = 'line'\nregexes = ['SHOP']",
        "[rules.allowlist]\nregexTarget = 'match'\nregexes = ['SHOP']",
        "[allowlist]\nregexes = ['^a8f3']",
        "[[allowlists]]\ntargetRules = ['shop-token']\nstopwords = ['a8f3']",
        "[[rules.allowlists]]\ncondition = 'AND'\nstopwords = ['a8f3']\npaths = ['''a\\.txt''']",
    ],
)
def test_lists_let_pass(allowed: str) -> None:
    data = 'SHOP_TOKEN = "a8f3k2m9q1z7x5c4"'
    assert found(_OWN, data) == ["shop-token"]
    assert found(_OWN + allowed, data) == []


@pytest.mark.parametrize(
    "allowed",
    [
        "[[rules.allowlists]]\ncondition = 'AND'\nstopwords = ['a8f3']\npaths = ['''b\\.txt''']",
        "[[allowlists]]\ntargetRules = ['other']\nstopwords = ['a8f3']",
        "[rules.allowlist]\nregexes = ['SHOP']",
    ],
)
def test_lists_let_nothing_else_pass(allowed: str) -> None:
    assert found(_OWN + allowed, 'SHOP_TOKEN = "a8f3k2m9q1z7x5c4"') == ["shop-token"]


def test_lists_hold_for_ours_too() -> None:
    text = "[extend]\nuseDefault = true\n[allowlist]\nregexes = ['Zk39']\n"
    assert found(text, "password: Zk39dk!kdPq") == []


def test_a_rule_may_be_about_paths_alone() -> None:
    text = "[[rules]]\nid = 'keystore'\npath = '''\\.p12$'''\n"
    assert found(text, "x", "tls/key.p12") == ["keystore"]
    assert found(text, "x", "tls/key.pem") == []


@pytest.mark.parametrize("pattern", [r"(a+)+b", r"(?:x*y?)*z", r"\p{Greek}+", "[[:foo:]]"])
def test_patterns_that_explode_or_have_no_twin_are_told_with_their_place(pattern: str) -> None:
    text = f"[[rules]]\nid = 'bad'\nregex = '''{pattern}'''\n" + _OWN
    read, told = rules(text)
    assert [rule.id for rule in read.rules] == ["shop-token"]
    assert len(told) == 1 and told[0].startswith("own.toml: rules[0] (bad): the pattern is not supported")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"a(?i)bC", "aBc"),
        (r"(?:x|(?i)y)z", "Yz"),
        (r"[[:alnum:]]{3}\z", "a1b"),
        (r"\x{41}+", "AA"),
        (r"(?P<n>a)b", "ab"),
    ],
)
def test_words_of_re2_are_translated(pattern: str, text: str) -> None:
    assert re.search(translated(pattern), text)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(Unsupported):
        translated("x" * 30_000)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[rules", "is no TOML"),
        ("a = 1", "holds no rules"),
        ("[[rules]]\nregex = 'a'", "rules[0] has no id"),
        ("[[rules]]\nid = 'x'", "neither regex nor path"),
        ("[[rules]]\nid = 'x'\nregex = 'a'\nsecretGroup = 3", "there is no group 3"),
        ("[[rules]]\nid = 'x'\nregex = 'a'\nkeywords = 'b'", "no list of strings"),
        ("rules = 3", "no list"),
        ("extend = 3", "no table"),
    ],
)
def test_what_cannot_be_used_is_said(text: str, says: str) -> None:
    with pytest.raises(RulesProblem, match=re.escape(says)):
        rules(text)
