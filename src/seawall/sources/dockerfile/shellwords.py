"""Tokens of POSIX shell text: words with what is substituted in them, operators, redirections.

Quotes, ``$()``, backquotes, ``${}``, ``$(())``, comments and here-documents are understood; aliases and expansions are
not. Every character is looked at a bounded number of times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: Characters that end a word outside of quotes.
_ENDS = frozenset(" \t\r\n;|&()<>")
_OPERATOR = re.compile(r"&&|\|\||;;&?|;&|\|&|[;|&()\n]")
_REDIRECT = re.compile(r"(?:\d{1,2}|&)?(?:<<<|<<-?|<>|<&|>&|>\||>>|<|>)")
_PLAIN = re.compile(r"[^\s;|&()<>\\'\"`$#]+")


class Inner(NamedTuple):
    """Text of commands within a word, with its offset."""

    text: str
    offset: int


class Token(NamedTuple):
    """``sort`` is ``word``, ``operator`` (value: its text) or ``redirect`` (value: operator; the target follows).

    ``raw`` is the word as written, ``value`` without its quotes; ``inner`` are substitutions in it.
    """

    sort: str
    value: str
    offset: int
    raw: str = ""
    inner: tuple[Inner, ...] = ()


def tokens(text: str) -> Iterator[Token]:
    """The tokens of shell text, in order."""
    at, size = 0, len(text)
    pending: list[tuple[str, bool]] = []
    heredoc: bool | None = None
    while at < size:
        char = text[at]
        if char in " \t\r":
            at += 1
        elif text.startswith("\\\n", at):
            at += 2
        elif char == "#":
            end = text.find("\n", at)
            at = size if end < 0 else end
        elif match := _redirect(text, at):
            yield Token("redirect", match[0].lstrip("0123456789"), at)
            at = match.end()
            heredoc = match[0].endswith("-") if "<<" in match[0] and not match[0].endswith("<<<") else None
        elif match := _OPERATOR.match(text, at):
            yield Token("operator", match[0], at)
            at = match.end()
            if match[0] == "\n" and pending:
                at = _skip_bodies(text, at, pending)
                pending = []
        else:
            word, at = _word(text, at)
            if heredoc is not None:
                pending.append((word.value, heredoc))
                heredoc = None
            yield word


def _redirect(text: str, at: int) -> re.Match[str] | None:
    match = _REDIRECT.match(text, at)
    # <( and >( are words: what they run is read or written as a file.
    return None if match is not None and text[match.end() : match.end() + 1] == "(" else match


def _skip_bodies(text: str, at: int, pending: list[tuple[str, bool]]) -> int:
    for name, strip in pending:
        while at < len(text):
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            line = text[at:end]
            at = min(end + 1, len(text))
            if (line.lstrip("\t") if strip else line) == name:
                break
    return at


def _word(text: str, at: int) -> tuple[Token, int]:
    start = at
    out: list[str] = []
    inner: list[Inner] = []
    size = len(text)
    while at < size:
        char = text[at]
        if match := _PLAIN.match(text, at):
            out.append(match[0])
            at = match.end()
        elif char in "<>" and text[at + 1 : at + 2] == "(" and at == start:
            at = _substituted(text, at, out, inner)
        elif char in _ENDS:
            break
        elif char == "\\":
            out.append("" if text[at + 1 : at + 2] == "\n" else text[at + 1 : at + 2])
            at += 2
        elif char == "'":
            end = text.find("'", at + 1)
            end = size if end < 0 else end
            out.append(text[at + 1 : end])
            at = end + 1
        elif char == '"':
            at = _quoted(text, at + 1, out, inner)
        elif char in "$`":
            at = _substituted(text, at, out, inner)
        else:
            out.append(char)
            at += 1
    at = max(min(at, size), start + 1)
    return Token("word", "".join(out), start, text[start:at], tuple(inner)), at


def _quoted(text: str, at: int, out: list[str], inner: list[Inner]) -> int:
    """What stands in double quotes; gives the offset behind them."""
    start = at
    while at < len(text):
        char = text[at]
        if char == '"':
            break
        if char == "\\":
            out.append(text[start:at])
            after = text[at + 1 : at + 2]
            out.append(after if after in '"\\$`' else "" if after == "\n" else f"\\{after}")
            at = start = at + 2
        elif char in "$`":
            out.append(text[start:at])
            at = start = _substituted(text, at, out, inner)
        else:
            at += 1
    out.append(text[start:at])
    return at + 1


def _substituted(text: str, at: int, out: list[str], inner: list[Inner]) -> int:
    """A ``$`` or backquote, or a process substitution, with what belongs to it; gives the offset behind."""
    begin = at
    two, three = text[at : at + 2], text[at : at + 3]
    if text[at] == "`":
        end = _backquote(text, at + 1)
        inner.append(Inner(text[at + 1 : end], at + 1))
        at = end + 1
    elif three == "$((":
        at = closing(text, at + 1) + 1
    elif two in ("$(", "<(", ">("):
        end = closing(text, at + 1)
        inner.append(Inner(text[at + 2 : end], at + 2))
        at = end + 1
    elif two == "${":
        at = closing(text, at + 1) + 1
    else:
        at += 1
    out.append(text[begin:at])
    return min(at, len(text))


def _backquote(text: str, at: int) -> int:
    while at < len(text) and text[at] != "`":
        at += 2 if text[at] == "\\" else 1
    return min(at, len(text))


_CLOSES = {"(": ")", "{": "}", '"': '"', "`": "`"}


def closing(text: str, at: int) -> int:
    """The offset of what closes the bracket at ``at``; the end of the text where nothing does."""
    stack = [_CLOSES[text[at]]]
    at += 1
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char == stack[-1]:
            stack.pop()
            if not stack:
                return at
        elif char == "'" and stack[-1] != '"':
            end = text.find("'", at + 1)
            at = len(text) if end < 0 else end
        elif char in '"`' or (char in "({" and (text[at - 1] == "$" or stack[-1] == _CLOSES[char])):
            stack.append(_CLOSES[char])
        at += 1
    return len(text)
