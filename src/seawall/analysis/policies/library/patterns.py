"""Regular expressions as Go has them (RE2), for Python: said in its way where it can say the same, and refused else.

Source: the syntax of RE2, and Go's ``regexp`` for which matches are found one after the other.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache

_MOST_REPEATS = 1000
_CLASSES = {
    "alnum": string.ascii_letters + string.digits, "alpha": string.ascii_letters, "blank": "\t ",
    "ascii": "".join(map(chr, range(128))), "cntrl": "".join(map(chr, [*range(32), 127])), "digit": string.digits,
    "graph": "".join(map(chr, range(33, 127))), "lower": string.ascii_lowercase,
    "print": "".join(map(chr, range(32, 127))), "punct": string.punctuation, "space": "\t\n\v\f\r ",
    "upper": string.ascii_uppercase, "word": string.ascii_letters + string.digits + "_", "xdigit": string.hexdigits,
}  # fmt: skip
_SPACE = r"\t\n\f\r "
_REPEAT = re.compile(r"[*+?]|\{(\d+)(?:,(\d*))?\}")
_GROUP = re.compile(r"\(\?(?:P?<(?P<name>\w+)>|(?P<flags>[ims]*(?:-[ims]+)?)(?P<end>[:)]))", re.ASCII)
_CODE = re.compile(r"\\(?:x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|(0[0-7]{0,2}|[1-7][0-7]{1,2}))")
_NAMED = re.compile(r"\[:(\^?)([a-z]+):\]")


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern, self._at = pattern, 0
        self._made: list[str] = []
        #: Whether ``$`` is also before the end of a line, of each open group.
        self._lines = [False]

    def read(self) -> str:
        """The pattern for Python.

        Raises:
            ValueError: Go would refuse it, or Python cannot say it.
        """
        repeated = True
        while self._at < len(self._pattern):
            if repeat := _REPEAT.match(self._pattern, self._at):
                if repeated:
                    raise self._refused("a repetition of nothing, or of a repetition")
                self._repeat(repeat)
                repeated = True
                continue
            repeated = self._one()
        return "".join(self._made)

    def _refused(self, what: str) -> ValueError:
        return ValueError(f"{what} in the regular expression {self._pattern[:80]!r}")

    def _take(self, made: str, count: int = 1) -> None:
        self._made.append(made)
        self._at += count

    def _repeat(self, repeat: re.Match[str]) -> None:
        if any(int(each) > _MOST_REPEATS for each in repeat.groups() if each):
            raise self._refused(f"more than {_MOST_REPEATS} repetitions")
        self._take(repeat[0], len(repeat[0]))
        if self._pattern.startswith("?", self._at):
            self._take("?")

    def _one(self) -> bool:
        """Read one part; whether nothing that could be repeated ends there."""
        char = self._pattern[self._at]
        if char == "\\":
            self._escape()
        elif char == "[":
            self._class()
        elif char == "(":
            self._open()
            return True
        elif char == ")":
            if len(self._lines) > 1:
                self._lines.pop()
            self._take(char)
        elif char == "$":
            self._take("$" if self._lines[-1] else r"\Z")
        elif char in "{}]":
            self._take(f"\\{char}")
        else:
            self._take(char)
            return char == "|"
        return False

    def _open(self) -> None:
        lines = self._lines[-1]
        if not self._pattern.startswith("(?", self._at):
            self._take("(")
            self._lines.append(lines)
            return
        group = _GROUP.match(self._pattern, self._at)
        if group is None:
            raise self._refused("a group of a kind that is not known")
        if group["name"]:
            self._take(f"(?P<{group['name']}>", len(group[0]))
            self._lines.append(lines)
            return
        on, _, off = group["flags"].partition("-")
        lines = (lines or "m" in on) and "m" not in off
        if group["end"] == ")":
            if self._at or off or not on:
                raise self._refused("flags that do not stand at the beginning, or around a group,")
            self._lines[-1] = lines
        else:
            self._lines.append(lines)
        self._take(group[0], len(group[0]))

    def _escape(self) -> None:
        text = self._pattern[self._at : self._at + 2]
        if code := _CODE.match(self._pattern, self._at):
            self._take(re.escape(_char(code)), len(code[0]))
        elif text == r"\Q":
            end = self._pattern.find(r"\E", self._at + 2)
            end = len(self._pattern) if end < 0 else end
            quoted = self._pattern[self._at + 2 : end]
            self._take(f"(?:{re.escape(quoted)})", min(end + 2, len(self._pattern)) - self._at)
        elif text in _MEANING:
            self._take(_MEANING[text], 2)
        elif len(text) == 2 and (text[1] in _PLAIN or not text[1].isalnum()):
            self._take(text, 2)
        else:
            raise self._refused(f"{text} is not known, or has no equal,")

    def _class(self) -> None:
        made = ["["]
        at = self._at + 1
        if self._pattern.startswith("^", at):
            made.append("^")
            at += 1
        first = at
        while at < len(self._pattern) and (self._pattern[at] != "]" or at == first):
            char = self._pattern[at]
            part, length = char, 1
            if named := _NAMED.match(self._pattern, at):
                if named[2] not in _CLASSES:
                    raise self._refused(f"{named[0]} is not known")
                part, length = _ranges(_CLASSES[named[2]], bool(named[1])), len(named[0])
            elif code := _CODE.match(self._pattern, at):
                part, length = re.escape(_char(code)), len(code[0])
            elif char == "\\":
                part, length = self._class_escape(at), 2
            elif char in "[]&~|":
                part = f"\\{char}"
            made.append(part)
            at += length
        if at >= len(self._pattern):
            raise self._refused("a [ without ]")
        self._take(f"{''.join(made)}]", at + 1 - self._at)

    def _class_escape(self, at: int) -> str:
        text = self._pattern[at : at + 2]
        if text == r"\s":
            return _SPACE
        if len(text) == 2 and (text[1] in "dDwWaftnrv" or not text[1].isalnum()):
            return text
        raise self._refused(f"{text} is not known, or has no equal,")


#: Escapes that Python writes in another way, and those that it writes in the same.
_MEANING = {r"\z": r"\Z", r"\s": f"[{_SPACE}]", r"\S": f"[^{_SPACE}]"}
_PLAIN = frozenset("AbBdDwWaftnrv")


def _char(code: re.Match[str]) -> str:
    number = int(code[1] or code[2], 16) if code[3] is None else int(code[3], 8)
    if number > 0x10FFFF:
        raise ValueError(f"{code[0]} is no character")
    return chr(number)


def _ranges(chars: str, others: bool) -> str:
    """A set of ASCII characters, or all others, as it stands in a class."""
    wanted = [number for number in range(128) if (chr(number) in chars) != others]
    return "".join(f"\\x{number:02x}" for number in wanted) + "\\x80-\\U0010ffff" * others


@lru_cache(maxsize=512)
def pattern_of(text: str) -> re.Pattern[str]:
    """A pattern of Go's, ready to use.

    Raises:
        ValueError: Go would refuse it, or Python cannot say it.
    """
    made = _Reader(text).read()
    try:
        return re.compile(made, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"the regular expression {text[:80]!r} cannot be used: {error}") from error


def find(text: str, pattern: str) -> str:
    """The first match; empty where there is none."""
    match = pattern_of(pattern).search(text)
    return match[0] if match else ""


def find_all(text: str, pattern: str, most: int = -1) -> list[str]:
    """The matches one after the other; an empty one does not count where another ends."""
    compiled, found = pattern_of(pattern), list[str]()
    at, before = 0, -1
    while at <= len(text) and (most < 0 or len(found) < most):
        match = compiled.search(text, at)
        if match is None:
            break
        taken = True
        if match.end() == at:
            taken = match.start() != before
            at += 1
        else:
            at = match.end()
        before = match.end()
        if taken:
            found.append(match[0])
    return found
