"""Go templates, as far as it takes to know where their text and their actions stand."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from msgspec import Struct

#: An action, as Go's lexer ends it: comments and the three kinds of quotes may hold ``}}``.
_ACTION = re.compile(
    r"""\{\{(?P<left>-(?=[ \t\r\n]))?
    (?P<body>[ \t\r\n]*+/\*.*?\*/(?:[ \t\r\n]-)?
    |(?:"(?:[^"\\\n]|\\.)*+"|`[^`]*+`|'(?:[^'\\\n]|\\.)*+'|[^"`'}]|\}(?!\}))*+)
    \}\}""",
    re.DOTALL | re.VERBOSE,
)
_TRIM_RIGHT = re.compile(r"[ \t\r\n]-\Z")
_WORD = re.compile(r"[a-z]+\b")
_ASSIGNMENT = re.compile(r"\$\w*(?:\s*,\s*\$\w*)?\s*:?=")
_SILENT = frozenset(("if", "else", "end", "range", "with", "define", "block", "break", "continue"))
_OPENING = frozenset(("if", "range", "with", "define", "block"))


class Action(Struct):
    """An action: its text between the braces, where it stands, and the blocks around it.

    ``line`` and ``last`` count from 1. ``contexts`` has the ``with`` and ``range`` blocks around it with their
    pipelines, outermost first; ``defining`` tells that it stands in a ``define``.
    """

    start: int
    end: int
    body: str
    trim_left: bool
    trim_right: bool
    line: int
    last: int
    contexts: tuple[tuple[str, str], ...]
    defining: bool

    @property
    def speaks(self) -> bool:
        """Whether it writes something itself."""
        word = _WORD.match(self.body)
        silent = word is not None and word[0] in _SILENT
        return bool(self.body) and not (silent or self.body.startswith("/*") or _ASSIGNMENT.match(self.body))


class Template(Struct):
    """A template's text and actions, up to where it can be read."""

    text: str
    actions: list[Action]
    starts: list[int]

    def line_of(self, offset: int) -> int:
        """The line, from 1, of an offset."""
        return bisect_right(self.starts, offset)

    def line_text(self, line: int) -> str:
        """A line, from 1, without its end."""
        if not 0 < line <= len(self.starts):
            return ""
        end = self.starts[line] - 1 if line < len(self.starts) else len(self.text)
        return self.text[self.starts[line - 1] : end]

    def speaking(self, line: int) -> list[Action]:
        """The actions that write something on a line; for a bare ``key:`` the one that begins right after it."""
        found = [action for action in self.actions if action.line <= line <= action.last and action.speaks]
        if found or not self.line_text(line).rstrip().endswith(":"):
            return found
        after = [action for action in self.actions if action.line > line][:1]
        between = self.text[self.starts[line] : after[0].start] if after else ""
        return [action for action in after if action.speaks and not between.strip()]


def parse_template(text: str) -> Template:
    """Find the actions of a template. What cannot be read ends it: Helm refuses such a template itself."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    template = Template(text, [], starts)
    blocks: list[tuple[str, str]] = []
    position = 0
    while (begin := text.find("{{", position)) >= 0:
        match = _ACTION.match(text, begin)
        if match is None:
            break
        body = match["body"]
        right = _TRIM_RIGHT.search(body) is not None
        body = (body[:-1] if right else body).strip()
        word = _WORD.match(body)
        name = word[0] if word else ""
        if name == "end" and blocks:
            blocks.pop()
        contexts = tuple(block for block in blocks if block[0] in ("with", "range"))
        defining = any(kind in ("define", "block") for kind, _ in blocks)
        first, last = template.line_of(begin), template.line_of(match.end() - 1)
        left = match["left"] is not None
        template.actions.append(Action(begin, match.end(), body, left, right, first, last, contexts, defining))
        if name in _OPENING:
            blocks.append((name, body[len(name) :].strip()))
        position = match.end()
    return template


def texts(template: Template) -> Iterator[tuple[int, int, bool]]:
    """The runs of literal text that Helm keeps: start and end, less what actions trim, and whether in a ``define``."""
    position, trimmed, defining = 0, False, False
    for action in [*template.actions, None]:
        end = action.start if action is not None else len(template.text)
        start, stop = position, end
        if trimmed:
            start += len(template.text[start:stop]) - len(template.text[start:stop].lstrip(" \t\r\n"))
        if action is not None and action.trim_left:
            stop = start + len(template.text[start:stop].rstrip(" \t\r\n"))
        if start < stop:
            yield start, stop, defining or (action is not None and action.defining)
        if action is None:
            return
        position, trimmed = action.end, action.trim_right
        defining = action.defining or (action.body.startswith(("define", "block")))
