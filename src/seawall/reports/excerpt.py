"""Lines of the sources that findings point at."""

from __future__ import annotations

import os
import re
from collections.abc import Set as AbstractSet

#: Compiled when they are first used: a scan that shows no lines never needs them.
_LINE_BREAK = "\r\n|[\n\r\x85\u2028\u2029]"
_WORD = r'"(?:[^"\\]|\\.)*"|[^\s:,\]}]+'
#: What stands before a value and may be shown: a key of YAML or JSON, in a list or at the start of a flow mapping, or
#: the name of a long option. Other signs (an ``=`` at the end of base64, ``user:password``) do not tell where it is.
_BEFORE = (
    r"\s*(?:-\s+)*"
    r"""(?:[{\[]\s*)*(?:(?:"[^"]*"|'[^']*')\s*:\s*|[^\s:=,'"{}\[\]]+:(?:\s+|\Z))"""
    r"""|\s*(?:-\s+)*["']?--[A-Za-z][\w.-]*="""
    r"|\s*(?:-\s+)*"
)
#: Control and format characters that must not reach a terminal.
_UNPRINTABLE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]"
#: Larger files are not read again for an excerpt.
_MAX_BYTES = 64 * 1024 * 1024


class Excerpts:
    """Reads source files once each. ``held`` has the texts that cannot be read again (standard input).

    Of ``secret_lines`` the values are masked; of ``hidden_lines`` all, with the lines that continue them.
    """

    def __init__(
        self,
        held: dict[str, bytes],
        secret_lines: AbstractSet[tuple[str, int]],
        hidden_lines: AbstractSet[tuple[str, int]] = frozenset(),
    ) -> None:
        self._held = held
        self._secret = secret_lines
        self._hidden = hidden_lines
        self._files: dict[str, list[str]] = {}

    def line(self, file: str, number: int) -> str | None:
        """A line of a file (from 1), secrets masked; None where it cannot be had."""
        lines = self._files.get(file)
        if lines is None:
            lines = self._files[file] = self._read(file)
        if not 0 < number <= len(lines):
            return None
        text = lines[number - 1]
        if self._hidden and self._is_hidden(file, number, lines):
            return f"{text[: len(text) - len(text.lstrip())]}********"
        return _masked(text) if (file, number) in self._secret else text

    def _is_hidden(self, file: str, number: int, lines: list[str]) -> bool:
        while (file, number) not in self._hidden:
            number -= 1
            if number < 1 or not lines[number - 1].rstrip().endswith(("\\", "`")):
                return False
        return True

    def _read(self, file: str) -> list[str]:
        data = self._held.get(file)
        if data is None:
            try:
                if not os.path.isfile(file):
                    return []
                with open(file, "rb") as stream:
                    data = stream.read(_MAX_BYTES)
            except OSError:
                return []
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        return re.split(_LINE_BREAK, data.decode(encoding, "replace"))


def _masked(text: str) -> str:
    """A line without its value: the key before it is left."""
    before = re.match(_BEFORE, text)
    end = before.end() if before is not None else 0
    return f"{text[:end]}********" if text[end:].strip() else text


def printable(text: str) -> str:
    """Text for one line, without the characters that would steer a terminal or forge a line.

    Continuous integration takes commands from lines of a log (``::error::`` at the beginning of one).
    """
    return re.sub(_UNPRINTABLE, "\ufffd", text).replace("\n", " ")


def many(number: int, noun: str) -> str:
    """A count with its noun: ``1 file``, ``2 files``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def mark(line: str, column: int, width: int) -> tuple[str, int, int]:
    """A line cut to a width around a column (from 1), with where to underline (from 0) and how far."""
    start = min(column - 1, len(line))
    token = re.compile(_WORD).match(line, start)
    length = max((token.end() - start) if token else 1, 1)
    left = max(0, start - width // 3) if len(line) > width else 0
    cut = line[left : left + width]
    if left:
        cut = "..." + cut[3:]
    if left + width < len(line):
        cut = cut[:-3] + "..."
    return printable(cut.replace("\t", " ")), start - left, min(length, max(width - (start - left), 1))
