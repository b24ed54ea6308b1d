"""Text to logical lines, as BuildKit's parser cuts it: directives, comments, continuations, here-documents.

After github.com/moby/buildkit, frontend/dockerfile/parser. Every step is linear in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from seawall.sources.dockerfile.words import split_words, unquote

#: A file with more instructions than this is refused.
MAX_INSTRUCTIONS = 5_000
_DIRECTIVE = re.compile(r"#[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(.+?)[ \t]*\Z")
_DIRECTIVES = frozenset(("syntax", "escape", "check"))
_HEREDOC = re.compile(r"(\d*)<<(-?)([^<]*)\Z")
_WITH_HEREDOCS = frozenset(("ADD", "COPY", "RUN"))


class BuildFileProblem(Exception):
    """Text that is no build file; the message says why."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line, self.column = line, column


class Comment(NamedTuple):
    """A comment without its ``#``: its line, and the count of logical lines that begin before it.

    ``inside`` says that it stands within the last of these.
    """

    line: int
    text: str
    before: int
    inside: bool


class Body(NamedTuple):
    """A here-document: its name, its text, whether variables are filled in, and the line where the text begins."""

    name: str
    text: str
    expands: bool
    line: int


class Logical:
    """An instruction in one line; :meth:`place` leads from offsets in ``text`` back to the file."""

    __slots__ = ("_starts", "bodies", "end", "line", "pieces", "text")

    def __init__(self, line: int, pieces: list[tuple[str, int, int]]) -> None:
        self.line = line
        self.end = line
        self.pieces = pieces
        self.text = "".join(piece for piece, *_ in pieces)
        self.bodies: list[Body] = []
        self._starts: list[int] = []
        offset = 0
        for piece, *_ in pieces:
            self._starts.append(offset)
            offset += len(piece)

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        # Of pieces that begin at one offset (empty ones) the last is meant.
        index = max(bisect_right(self._starts, offset) - 1, 0)
        _, line, column = self.pieces[index]
        return line, column + offset - self._starts[index]


class Lines(NamedTuple):
    """A whole file. ``problems`` are (line, message) of what BuildKit would refuse."""

    directives: dict[str, str]
    escape: str
    logical: list[Logical]
    comments: list[Comment]
    problems: list[tuple[int, str]]


def read_lines(text: str) -> Lines:
    """Cut the text of a build file.

    Raises:
        BuildFileProblem: it holds too many instructions.
    """
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    directives = _directives(lines)
    found = Lines(directives, directives.get("escape", "\\"), [], [], [])
    if found.escape not in ("\\", "`"):
        found.problems.append((1, f"the directive escape must be \\ or `, and is {found.escape[:20]!r}"))
        found = found._replace(escape="\\")
    continued = re.compile(rf"(?:(?<=[^{re.escape(found.escape)}])|\A){re.escape(found.escape)}[ \t]*\Z")
    at = 0
    while at < len(lines):
        stripped = lines[at].strip()
        if not stripped or stripped[0] == "#":
            if stripped:
                found.comments.append(Comment(at + 1, stripped[1:], len(found.logical), False))
            at += 1
            continue
        at = _instruction(lines, at, continued, found)
        if len(found.logical) > MAX_INSTRUCTIONS:
            raise BuildFileProblem(f"more than {MAX_INSTRUCTIONS} instructions", at)
    return found


def _directives(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        match = _DIRECTIVE.match(line.strip())
        if match is None or match[1].lower() not in _DIRECTIVES or match[1].lower() in found:
            break
        found[match[1].lower()] = match[2]
    return found


def _instruction(lines: list[str], at: int, continued: re.Pattern[str], found: Lines) -> int:
    """Read one instruction that begins at a line (from 0); gives the line behind it."""
    start = at
    pieces: list[tuple[str, int, int]] = []
    more = True
    while more and at < len(lines):
        line = lines[at]
        at += 1
        stripped = line.strip()
        if pieces and (not stripped or stripped[0] == "#"):
            if stripped:
                found.comments.append(Comment(at, stripped[1:], len(found.logical) + 1, True))
            continue
        skipped = 0 if pieces else len(line) - len(line.lstrip())
        match = continued.search(line)
        end = match.start() if match is not None else len(line)
        pieces.append((line[skipped:end], at, skipped + 1))
        more = match is not None
    logical = Logical(start + 1, pieces)
    logical.end = at
    if not logical.text.strip():
        return at  # nothing but a continuation
    found.logical.append(logical)
    return _bodies(lines, at, logical, found)


def _bodies(lines: list[str], at: int, logical: Logical, found: Lines) -> int:
    """Read the here-documents that an instruction announces."""
    if "<<" not in logical.text:
        return at
    words = split_words(logical.text, found.escape)
    keywords = [text.upper() for text, _ in words[:2]]
    if keywords[:1] == ["ONBUILD"]:
        keywords = keywords[1:]
    if not keywords or keywords[0] not in _WITH_HEREDOCS:
        return at
    for text, _ in words[1:]:
        match = _HEREDOC.match(text)
        name = unquote(match[3], found.escape) if match is not None else ""
        if match is None or not name:
            continue
        strip = "\t" if match[2] else ""
        first = at
        body: list[str] = []
        while at < len(lines) and lines[at].lstrip(strip or "\0") != name:
            body.append(lines[at].lstrip(strip) if strip else lines[at])
            at += 1
        if at >= len(lines):
            found.problems.append((logical.line, f"the here-document {name!r} has no end"))
        at = min(at + 1, len(lines))
        logical.bodies.append(Body(name, "".join(f"{line}\n" for line in body), name == match[3], first + 1))
        logical.end = at
    return at
