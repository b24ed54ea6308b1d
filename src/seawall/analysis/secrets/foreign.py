"""Rules in the form of gitleaks (TOML): read, translated, searched for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from seawall.analysis.secrets.allowed import entropy
from seawall.analysis.secrets.checks import Judged
from seawall.analysis.secrets.detector import Detector, Sort
from seawall.analysis.secrets.seen import Seen
from seawall.model.finding import Confidence, Severity

#: So much of a text is searched by one of these patterns at a time.
_MOST_RULES = 5000
_MOST_PATTERN = 20_000


class RulesProblem(Exception):
    """Rules that cannot be used; the message says which and why."""


class Allowlist(Struct, frozen=True):
    """What lets a match pass: patterns of the value (or of the ``match`` or ``line``), of paths, and words."""

    regexes: tuple[re.Pattern[str], ...] = ()
    target: str = "secret"
    paths: tuple[re.Pattern[str], ...] = ()
    stopwords: tuple[str, ...] = ()
    every: bool = False
    rules: frozenset[str] = frozenset()

    def lets_pass(self, value: str, match: str, line: str, path: str) -> bool:
        """Whether a finding is allowed; with ``every`` all conditions that are given must hold."""
        text = {"match": match, "line": line}.get(self.target, value)
        tests = []
        if self.regexes:
            tests.append(any(each.search(text) for each in self.regexes))
        if self.paths:
            tests.append(any(each.search(path) for each in self.paths))
        if self.stopwords:
            lower = value.lower()
            tests.append(any(word in lower for word in self.stopwords))
        return bool(tests) and (all(tests) if self.every else any(tests))


class ForeignRule(Struct, frozen=True):
    """One rule. ``keywords`` are lower case; ``group`` is the one with the value, 0 for the first that is set."""

    id: str
    title: str
    pattern: re.Pattern[bytes] | None
    path: re.Pattern[str] | None
    keywords: tuple[bytes, ...]
    group: int
    entropy: float
    allowlists: tuple[Allowlist, ...]


class ForeignRules:
    """A set of rules; ``disabled`` are ids of ours that it switches off, ``alone`` says that ours are not wanted."""

    def __init__(
        self, rules: Sequence[ForeignRule], allowlists: Sequence[Allowlist], disabled: frozenset[str], alone: bool
    ) -> None:
        self.rules = rules
        self.disabled = disabled
        self.alone = alone
        self._allowlists = allowlists
        self._detectors = {
            rule.id: Detector(rule.id, rule.title, Severity.HIGH, Sort.FORMAT, (), b"", shown=False, thought_up=True)
            for rule in rules
        }

    @classmethod
    def joined(cls, several: Sequence[ForeignRules]) -> ForeignRules:
        """Several files as one: ours are wanted if any of them wants them."""
        return cls(
            [rule for each in several for rule in each.rules],
            [allowed for each in several for allowed in each._allowlists],
            frozenset().union(*(each.disabled for each in several)),
            all(each.alone for each in several),
        )

    def passes(self, value: bytes, path: str, detector: str) -> bool:
        """Whether a list that holds for all rules lets a secret of ours pass."""
        lists = [each for each in self._allowlists if not each.rules or detector in each.rules]
        text = value.decode("utf-8", "replace")
        return any(each.lets_pass(text, text, text, path) for each in lists)

    def search(self, data: bytes, low: int, high: int, path: str) -> Iterator[Seen]:
        """What the rules find that begins in a range of the data."""
        lower = data.lower()
        for rule in self.rules:
            if rule.path is not None and not rule.path.search(path):
                continue
            if rule.pattern is None:
                if low == 0 and rule.path is not None:
                    yield self._match(rule, 0, 0)
                continue
            if rule.keywords and not any(word in lower for word in rule.keywords):
                continue
            for match in rule.pattern.finditer(data, low):
                if match.start() >= high:
                    break
                start, end = _value(match, rule.group)
                if rule.entropy and entropy(data[start:end]) <= rule.entropy:
                    continue
                if not self._passes(rule, data, match, start, end, path):
                    yield self._match(rule, start, end)

    def _match(self, rule: ForeignRule, start: int, end: int) -> Seen:
        return Seen(self._detectors[rule.id], start, end, "", Confidence.MEDIUM, Judged())

    def _passes(self, rule: ForeignRule, data: bytes, match: re.Match[bytes], start: int, end: int, path: str) -> bool:
        lists = [*rule.allowlists, *(each for each in self._allowlists if not each.rules or rule.id in each.rules)]
        if not lists:
            return False
        begin = data.rfind(b"\n", max(match.start() - 5000, 0), match.start()) + 1
        stop = data.find(b"\n", match.end(), match.end() + 5000)
        line = data[begin : stop if stop >= 0 else match.end() + 5000]
        texts = [each.decode("utf-8", "replace") for each in (data[start:end], match[0], line)]
        return any(each.lets_pass(texts[0], texts[1], texts[2], path) for each in lists)


def _value(match: re.Match[bytes], group: int) -> tuple[int, int]:
    if group:
        return match.span(group) if match.start(group) >= 0 else match.span()
    for index in range(1, match.re.groups + 1):
        if match.start(index) >= 0 and match[index]:
            return match.span(index)
    return match.span()


def read_rules(text: bytes, name: str, warn: Callable[[str], None]) -> ForeignRules:
    """Rules out of TOML; ``warn`` is told of each that is left out, and why.

    Raises:
        RulesProblem: it is no TOML, or of another shape, or holds no rule that can be used.
    """
    import tomllib

    try:
        document = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RulesProblem(f"{name} is no TOML: {error}") from error
    reader = _Reader(name, warn)
    extend = reader.table(document.get("extend", {}), "extend")
    if extend.get("path") or extend.get("url"):
        warn(f"{name}: extend: other files are not read; name them with --rules as well")
    rules = [rule for index, each in enumerate(reader.tables(document, "rules")) if (rule := reader.rule(each, index))]
    lists = reader.allowlists(document, "allowlist")
    alone = not extend.get("useDefault", False)
    disabled = frozenset(reader.strings(extend, "disabledRules", "extend"))
    if not rules and not lists and not disabled:
        raise RulesProblem(f"{name} holds no rules: it needs [[rules]] with id and regex, as gitleaks has them")
    return ForeignRules(rules, lists, disabled, alone and bool(rules))


class _Reader:
    def __init__(self, name: str, warn: Callable[[str], None]) -> None:
        self._name = name
        self._warn = warn

    def table(self, value: Any, where: str) -> dict[str, Any]:
        """A table."""
        if not isinstance(value, dict):
            raise RulesProblem(f"{self._name}: {where} is no table")
        return value

    def tables(self, document: dict[str, Any], key: str) -> list[dict[str, Any]]:
        """A list of tables."""
        found = document.get(key, [])
        if not isinstance(found, list) or len(found) > _MOST_RULES:
            raise RulesProblem(f"{self._name}: {key} is no list of at most {_MOST_RULES} tables")
        return [self.table(each, f"{key}[{index}]") for index, each in enumerate(found)]

    def strings(self, table: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
        """A list of strings; empty where there is none."""
        found = table.get(key, [])
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise RulesProblem(f"{self._name}: {where}.{key} is no list of strings")
        return tuple(found)

    def rule(self, table: dict[str, Any], index: int) -> ForeignRule | None:
        """One rule; None, and told, where its pattern is not supported."""
        rule_id = table.get("id")
        where = f"rules[{index}]" + (f" ({rule_id})" if rule_id else "")
        if not isinstance(rule_id, str) or not rule_id:
            raise RulesProblem(f"{self._name}: {where} has no id")
        regex, path = table.get("regex"), table.get("path")
        try:
            pattern = None if regex is None else re.compile(translated(regex).encode())
            place = None if path is None else re.compile(translated(path))
            lists = tuple(self.allowlists(table, "allowlist"))
        except (Unsupported, re.error) as error:
            self._warn(f"{self._name}: {where}: the pattern is not supported, and the rule left out: {error}")
            return None
        if pattern is None and place is None:
            raise RulesProblem(f"{self._name}: {where} has neither regex nor path")
        group, least = table.get("secretGroup", 0), table.get("entropy", 0)
        if not isinstance(group, int) or not isinstance(least, int | float):
            raise RulesProblem(f"{self._name}: {where}: secretGroup and entropy are numbers")
        if pattern is not None and not 0 <= group <= pattern.groups:
            raise RulesProblem(f"{self._name}: {where}: there is no group {group} in the pattern")
        keywords = tuple(word.lower().encode() for word in self.strings(table, "keywords", where))
        title = table.get("description") or rule_id
        return ForeignRule(rule_id, str(title)[:200], pattern, place, keywords, group, float(least), lists)

    def allowlists(self, table: dict[str, Any], key: str) -> list[Allowlist]:
        """The lists under ``allowlist`` (one) and ``allowlists`` (several)."""
        found = self.tables(table, f"{key}s")
        if key in table:
            found.append(self.table(table[key], key))
        return [self._allowlist(each, f"{key}s[{index}]") for index, each in enumerate(found)]

    def _allowlist(self, table: dict[str, Any], where: str) -> Allowlist:
        try:
            return Allowlist(
                regexes=tuple(re.compile(translated(each)) for each in self.strings(table, "regexes", where)),
                target=str(table.get("regexTarget", "secret")),
                paths=tuple(re.compile(translated(each)) for each in self.strings(table, "paths", where)),
                stopwords=tuple(word.lower() for word in self.strings(table, "stopwords", where)),
                every=str(table.get("condition", "OR")).upper() == "AND",
                rules=frozenset(self.strings(table, "targetRules", where)),
            )
        except (Unsupported, re.error) as error:
            # A list that is not read would let nothing pass: more is told, never less.
            self._warn(f"{self._name}: {where}: a pattern is not supported, and the list left out: {error}")
            return Allowlist()


class Unsupported(Exception):
    """A pattern in RE2's language that has no twin in Python's, or could take for ever."""


_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "space": r"\s",
    "xdigit": "0-9A-Fa-f",
    "word": r"\w",
    "punct": r"!-/:-@\[-`{-~",
    "blank": r" \t",
}
_FLAGS = re.compile(r"\(\?([ims]+)\)")


def translated(pattern: str) -> str:
    """A pattern of RE2 (Go) in the language of Python's ``re``.

    Raises:
        Unsupported: it uses what Python has not, or may backtrack without end.
    """
    if not isinstance(pattern, str) or len(pattern) > _MOST_PATTERN:
        raise Unsupported(f"it is no text of at most {_MOST_PATTERN} characters")
    text = re.sub(r"\[:(\w+):\]", lambda match: _class(match[1]), pattern)
    text = text.replace(r"\z", r"\Z").replace(r"\Q", "").replace(r"\E", "")
    text = re.sub(r"\\x\{([0-9A-Fa-f]{1,4})\}", lambda match: re.escape(chr(int(match[1], 16))), text)
    if re.search(r"\\[pP]\{?\w", text):
        raise Unsupported("classes of Unicode (\\p) are not")
    text = _with_flags(text)
    _refuse_explosive(text)
    return text


def _class(name: str) -> str:
    if name not in _CLASSES:
        raise Unsupported(f"there is no class [:{name}:]")
    return _CLASSES[name]


def _with_flags(text: str) -> str:
    """Flags in the middle, which in RE2 hold from there to the end of the group, as a group of their own."""
    while (match := _FLAGS.search(text)) is not None:
        depth, at, escaped, in_class = 0, match.end(), False, False
        while at < len(text):
            letter = text[at]
            if escaped:
                escaped = False
            elif letter == "\\":
                escaped = True
            elif in_class:
                in_class = letter != "]"
            elif letter == "[":
                in_class = True
            elif letter == "(":
                depth += 1
            elif letter == ")":
                if not depth:
                    break
                depth -= 1
            at += 1
        text = f"{text[: match.start()]}(?{match[1]}:{text[match.end() : at]}){text[at:]}"
    return text


def _refuse_explosive(text: str) -> None:
    """A repetition without end inside of another: exponential in Python, linear in RE2."""
    from importlib import import_module

    _walk(import_module("re._parser").parse(text), False)


def _walk(parsed: Any, inside: bool) -> None:
    for operation, argument in parsed:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            _, most, body = argument
            endless = most is not None and int(most) > 1000
            if endless and inside:
                raise Unsupported("a repetition without end stands in another, which may take for ever")
            _walk(body, inside or endless)
        elif name == "SUBPATTERN":
            _walk(argument[-1], inside)
        elif name == "BRANCH":
            for branch in argument[1]:
                _walk(branch, inside)
        elif name in ("ASSERT", "ASSERT_NOT"):
            _walk(argument[1], inside)
