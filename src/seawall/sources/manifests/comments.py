"""Comments that waive findings: ``# seawall: ignore[rule, ...] reason``.

libyaml does not tell of comments, so they come from the text; its tokens say which ``#`` stands inside a value. A
comment behind a field is for that field, one alone on its line for the node that comes next, one before the first key
for the whole document.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from seawall.model.paths import Path
from seawall.model.resource import Suppression
from seawall.sources.manifests.libyaml import CParser, ScalarToken
from seawall.sources.manifests.yamltext import Document, Marks

_DIRECTIVE = re.compile(r"(?:(?<=\s)|^)#[ \t]*seawall:[ \t]*ignore(?![\w-])[ \t]*(?:\[([^\]\r\n]*)\])?([^\r\n]*)", re.M)
_HINT = "write it as `# seawall: ignore[rule, ...] reason`"


class _Directive(NamedTuple):
    """A comment as it stands: line from 0 within the text, whether nothing stands before it, and what it says."""

    line: int
    alone: bool
    names: tuple[str, ...]
    reason: str


class _Node(NamedTuple):
    line: int
    depth: int
    path: Path
    holds_keys: bool


def suppressions(text: str, documents: Sequence[Document], file: str, first_line: int) -> list[Suppression]:
    """What the comments of a document waive.

    ``text`` is the document's own text, which begins at ``first_line`` (from 0) of the file; it has been parsed before,
    so that its nesting is bounded. Where it holds no document, its comments are for the one that follows. A comment
    that cannot be understood gives a Suppression with ``problem``.
    """
    directives = list(_directives(text))
    held = [document for document in documents if document.value is not None]
    if len(held) > 1:
        places = (f"comment at {file}:{first_line + directive.line + 1}" for directive in directives)
        problem = "stands in text with several documents: divide them by --- lines"
        return [Suppression((), "", place, problem=problem) for place in places]
    marks = held[0].marks if held else Marks(0, 0, {})
    if not directives or marks is None:
        return []
    nodes = sorted(_nodes(marks), key=lambda node: (node.line, node.depth))
    lines = [node.line for node in nodes]
    found: list[Suppression] = []
    for directive in directives:
        number = first_line + directive.line + 1
        source = f"comment at {file}:{number}"
        if not directive.names:
            found.append(Suppression((), "", source, problem=f"names no rule; {_HINT}"))
            continue
        paths = _targets(directive, nodes, lines)
        line = 0 if directive.alone else number
        if not paths and not line:
            found.append(Suppression((), "", source, problem="is followed by nothing that it could be for"))
        found += [Suppression(directive.names, directive.reason, source, path, line) for path in paths]
        if line and not paths:
            found.append(Suppression(directive.names, directive.reason, source, None, line))
    return found


def _directives(text: str) -> Iterator[_Directive]:
    matches = list(_DIRECTIVE.finditer(text))
    if not matches:
        return
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|[\n\r\x85\u2028\u2029]", text))]
    places = [bisect_right(starts, match.start()) - 1 for match in matches]
    inside = _inside_values(
        text, [(line, match.start() - starts[line]) for line, match in zip(places, matches, strict=True)]
    )
    for line, match, hidden in zip(places, matches, inside, strict=True):
        if not hidden:
            before = text[starts[line] : match.start()]
            names = tuple(filter(None, (name.strip() for name in (match[1] or "").split(","))))
            yield _Directive(line, not before.strip() or before.startswith("---"), names, match[2].strip())


def _inside_values(text: str, places: Sequence[tuple[int, int]]) -> list[bool]:
    """For places (line, column) in order, whether each lies within a scalar; block scalars begin a line later."""
    hidden = [False] * len(places)
    parser = CParser(text)
    index = 0
    try:
        while index < len(places) and (token := parser.get_token()) is not None:
            if not isinstance(token, ScalarToken):
                continue
            start = (token.start_mark.line, token.start_mark.column)
            if token.style in ("|", ">"):
                start = (start[0] + 1, 0)
            end = (token.end_mark.line, token.end_mark.column)
            while index < len(places) and places[index] < start:
                index += 1
            while index < len(places) and places[index] < end:
                hidden[index] = True
                index += 1
    finally:
        parser.dispose()
    return hidden


def _nodes(marks: Marks) -> Iterator[_Node]:
    """Every field and item with the line where it begins; what aliases repeat is met once."""
    seen: set[int] = set()
    stack: list[tuple[Marks, Path]] = [(marks, ())]
    while stack:
        current, path = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        for step, (line, _, below) in current.children.items():
            child = (*path, step)
            holds_keys = (
                isinstance(step, int) and below is not None and any(isinstance(key, str) for key in below.children)
            )
            yield _Node(line, len(child), child, holds_keys)
            if below is not None:
                stack.append((below, child))


def _targets(directive: _Directive, nodes: Sequence[_Node], lines: Sequence[int]) -> list[Path]:
    if not nodes or directive.line < lines[0]:
        return [()]
    if directive.alone:
        following = bisect_right(lines, directive.line)
        return [nodes[following].path] if following < len(nodes) else []
    same = nodes[bisect_left(lines, directive.line) : bisect_right(lines, directive.line)]
    fields = [node for node in same if not node.holds_keys]
    return [node.path for node in fields if node.depth == fields[0].depth]
