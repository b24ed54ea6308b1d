"""The text that the engine is given for a tree, and where what it says of the text stands in the source."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from seawall.analysis.policies.syntax import Node, pieces

_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): ([^\n]*)")
#: Names that stand for others, which their author wrote.
_INNER = re.compile(r"kubernetes\.(string|transformMap|transformMapEntry)\b")


class Rendered:
    """A tree as text."""

    def __init__(self, tree: Node) -> None:
        parts = list(pieces(tree))
        self.text = "".join(text for text, _ in parts)
        self._starts = [0, *accumulate(len(text) for text, _ in parts)]
        self._places = [-1 if node is None else node.at for _, node in parts]

    def errors(self, message: str) -> Iterator[tuple[int, str]]:
        """The errors in an engine's message, each with its place in the source (-1: nowhere) and what is told."""
        lines = [0, *(match.end() for match in re.finditer("\n", self.text))]
        for match in _ERROR.finditer(message):
            line, column = int(match[1]), int(match[2])
            at = self._source(lines[line - 1] + column - 1) if 0 < line <= len(lines) else -1
            yield at, _INNER.sub(r"\1", match[3]).removesuffix(" [INVALID_ARGUMENT]")

    def _source(self, offset: int) -> int:
        """The place of the piece at an offset, or of the one before it that has one."""
        index = bisect_right(self._starts, offset) - 1
        found = (self._places[each] for each in range(min(index, len(self._places) - 1), -1, -1))
        return next((at for at in found if at >= 0), -1)
