"""Words of instructions: cut at white space outside of quotes, without their quotes, and with variables filled in.

After BuildKit's shell lexer (frontend/dockerfile/shell), which knows less than a shell and does so on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import translate

#: Values are cut here, so that variables made of variables stay small; patterns are tried on no more than the second.
MAX_VALUE = 4_096
_MAX_PATTERN = 256
_MAX_DEPTH = 10
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#]")
_QUOTES = "'\""


def split_words(text: str, escape: str) -> list[tuple[str, int]]:
    """The words as written, each with its offset."""
    words: list[tuple[str, int]] = []
    at, size = 0, len(text)
    while at < size:
        if text[at].isspace():
            at += 1
            continue
        start = at
        at = _word_end(text, at, escape)
        words.append((text[start:at], start))
    return words


def _word_end(text: str, at: int, escape: str) -> int:
    quote = ""
    while at < len(text):
        char = text[at]
        if char == escape and quote != "'":
            at += 2
            continue
        if quote:
            if char == quote:
                quote = ""
        elif char in _QUOTES:
            quote = char
        elif char.isspace():
            break
        at += 1
    return min(at, len(text))


def unquote(text: str, escape: str) -> str:
    """A word without its quotes and escapes; variables stay as they are."""
    return _Filler(escape, None).fill(text)[0]


def fill(text: str, escape: str, values: Mapping[str, str | None]) -> tuple[str, bool]:
    """A word without its quotes and with its variables filled in, and whether all of them were known.

    A variable with the value None, or none, is not known, and stays as written.
    """
    if "$" not in text and escape not in text and "'" not in text and '"' not in text:
        return text, True
    return _Filler(escape, values).fill(text)


class _Filler:
    """Goes through a word once; ``values`` is None where variables are to stay as they are."""

    def __init__(self, escape: str, values: Mapping[str, str | None] | None) -> None:
        self.escape = escape
        self.values = values
        self.known = True

    def fill(self, text: str) -> tuple[str, bool]:
        out = self._run(text, 0)
        return out[:MAX_VALUE], self.known

    def _run(self, text: str, depth: int) -> str:
        out: list[str] = []
        at, quote = 0, ""
        while at < len(text):
            char = text[at]
            if char == quote:
                quote = ""
            elif not quote and char in _QUOTES:
                quote = char
            elif char == self.escape and quote != "'" and at + 1 < len(text):
                at += 1
                out.append(text[at] if not quote or text[at] in f'"${self.escape}' else char + text[at])
            elif char == "$" and quote != "'" and self.values is not None:
                value, at = self._variable(text, at, depth)
                out.append(value)
                continue
            else:
                out.append(char)
            at += 1
        return "".join(out)

    def _variable(self, text: str, at: int, depth: int) -> tuple[str, int]:
        """The value of the variable at a ``$``, and the offset behind it."""
        if text[at + 1 : at + 2] != "{":
            match = _NAME.match(text, at + 1)
            return (self._value(match[0], text[at : match.end()]), match.end()) if match else ("$", at + 1)
        end = _brace_end(text, at + 2)
        inner, written = text[at + 2 : end], text[at : end + 1]
        match = _NAME.match(inner)
        if match is None or end >= len(text) or depth >= _MAX_DEPTH:
            self.known = False
            return written, end + 1
        rest = inner[match.end() :]
        return (self._modified(match[0], rest, written, depth) if rest else self._value(match[0], written)), end + 1

    def _value(self, name: str, written: str) -> str:
        value = self.values.get(name) if self.values is not None else None
        if value is None:
            self.known = False
            return written
        return value

    def _modified(self, name: str, rest: str, written: str, depth: int) -> str:
        value = self.values.get(name) if self.values is not None else None
        match = re.match(r":?([-+?])", rest)
        if match is not None:
            there = bool(value) if rest[0] == ":" else value is not None
            if match[1] == "+":
                return self._run(rest[match.end() :], depth + 1) if there else ""
            if value is not None and there:
                return value
            if match[1] == "-":
                return self._run(rest[match.end() :], depth + 1)
        elif value is not None:
            change = _change(rest)
            if change is not None:
                return change(value)
        self.known = False
        return written


def _brace_end(text: str, at: int) -> int:
    depth = 1
    while at < len(text):
        depth += (text[at] == "{") - (text[at] == "}")
        if not depth:
            return at
        at += 1
    return at


def _change(rest: str) -> Callable[[str], str] | None:
    """What ``#``, ``##``, ``%``, ``%%``, ``/`` and ``//`` do to a value; None for what is none of them."""
    if rest[0] == "/":
        every = rest.startswith("//")
        pattern, _, new = rest[2 if every else 1 :].partition("/")
        return lambda value: _replace(value, pattern, new, every)
    if rest[0] not in "#%":
        return None
    greedy = rest[:2] == rest[0] * 2
    pattern = rest[2 if greedy else 1 :]
    return (lambda value: _cut(value, pattern, greedy)) if rest[0] == "#" else _from_end(pattern, greedy)


def _from_end(pattern: str, greedy: bool) -> Callable[[str], str]:
    def cut(value: str) -> str:
        if len(value) > _MAX_PATTERN or len(pattern) > _MAX_PATTERN:
            return value
        compiled = re.compile(translate(pattern))
        starts = range(len(value) + 1) if greedy else range(len(value), -1, -1)
        return next((value[:start] for start in starts if compiled.match(value[start:])), value)

    return cut


def _cut(value: str, pattern: str, greedy: bool) -> str:
    if len(value) > _MAX_PATTERN or len(pattern) > _MAX_PATTERN:
        return value
    compiled = re.compile(translate(pattern))
    ends = range(len(value), -1, -1) if greedy else range(len(value) + 1)
    return next((value[end:] for end in ends if compiled.match(value[:end])), value)


def _replace(value: str, pattern: str, new: str, every: bool) -> str:
    if not pattern or len(value) > _MAX_PATTERN or any(char in pattern for char in "*?["):
        return value
    return value.replace(pattern, new) if every else value.replace(pattern, new, 1)
