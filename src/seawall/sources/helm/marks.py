"""From lines of a rendered template back to lines of its source.

Helm says which template a text came from, and not which line. So a chart is rendered a second time with marks: words
that occur nowhere in it, set into the literal text of every template and around every action that writes something.
Taking the marks out of that text must give the text of the first render, byte for byte; then each line's own mark is
its source for certain. Where marks changed the outcome (a checksum of another template, a text cut at 63 characters),
lines are matched by their text, and what is told of those that differ is only likely.
"""

from __future__ import annotations

import re
from zlib import crc32

from msgspec import Struct

from seawall.sources.helm.template import Template, texts

_KEY_LINE = re.compile(r"(?:- +)*[\w./\"'-]+:(?:\s|\Z)|- ")
_LINE_IN_TEXT = re.compile(r"[^\n]*\n?")
#: Longer texts are not matched line by line: that takes quadratic time.
_MAX_MATCHED = 4000


class Place(Struct, frozen=True):
    """A line (from 1) of a file of the chart; ``certain`` unless it is a good guess."""

    file: int
    line: int
    certain: bool = True


class Marker:
    """Writes marks and reads them. Files are known by their number."""

    def __init__(self, sources: list[str]) -> None:
        salt = 0
        while True:
            digest = crc32("\0".join([str(salt), *sources]).encode("utf-8", "replace"))
            self._word = f"zq{digest:08x}w"
            if not any(self._word in source for source in sources):
                break
            salt += 1
        self._marks = re.compile(rf"{self._word}(\d+)x(\d+)([tbe])")

    def mark(self, template: Template, number: int, *, defines: bool) -> str:
        """The template's text with marks. Without ``defines`` named templates stay as they are.

        In named templates, whose text others may compute with, only lines that look like YAML fields are marked.
        """
        inserts: list[tuple[int, int, str]] = []
        for start, end, defining in texts(template):
            if not defining or defines:
                inserts += self._text_marks(template, number, start, end, defining)
        text = template.text
        for action in template.actions:
            if not action.speaks or action.defining:
                continue
            left, right = ("{{- " if action.trim_left else "{{ "), (" -}}" if action.trim_right else " }}")
            body = text[action.start + 2 + action.trim_left : action.end - 2 - action.trim_right]
            mark = f"{self._word}{number}x{action.line}"
            marked = f'{left}"{mark}b" }}}}{{{{{body}}}}}{{{{ "{mark}e"{right}'
            inserts.append((action.start, action.end, marked))
        out: list[str] = []
        position = 0
        for start, end, insert in sorted(inserts):
            out += (text[position:start], insert)
            position = end
        return "".join((*out, text[position:]))

    def _text_marks(
        self, template: Template, number: int, start: int, end: int, defining: bool
    ) -> list[tuple[int, int, str]]:
        found: list[tuple[int, int, str]] = []
        for match in _LINE_IN_TEXT.finditer(template.text, start, end):
            piece = match[0]
            bare = piece.lstrip()
            if not bare or (defining and not _KEY_LINE.match(bare)):
                continue
            at = match.start() + len(piece) - len(bare)
            found.append((at, at, f"{self._word}{number}x{template.line_of(at)}t"))
        return found

    def read(self, marked: str) -> tuple[str, list[Place | None]]:
        """The text without marks, and for each of its lines the place that it came from, where a mark tells."""
        out: list[str] = []
        lines: list[Place | None] = [None]
        open_actions: list[Place] = []
        own: Place | None = None
        decided = False
        position = 0
        for match in [*self._marks.finditer(marked), None]:
            piece = marked[position : match.start() if match else len(marked)]
            out.append(piece)
            for index, part in enumerate(piece.split("\n")):
                if index:
                    lines.append(None)
                    own, decided = None, False
                if not decided and part.strip():
                    lines[-1] = own or (open_actions[-1] if open_actions else None)
                    decided = True
            if match is None:
                break
            position = match.end()
            place = Place(int(match[1]), int(match[2]))
            if match[3] == "t":
                own = place
            elif match[3] == "b":
                open_actions.append(place)
                own = None
            elif open_actions:
                open_actions.pop()
                own = None
        return "".join(out), lines


def align(plain: str, unmarked: str, places: list[Place | None]) -> list[Place | None]:
    """The places of the lines of ``plain``, from those of the marked render's text (``unmarked``)."""
    # A helm program takes away the blanks at the end of the template that it happens to print last.
    ours, theirs = plain.rstrip().split("\n"), unmarked.rstrip().split("\n")
    if ours == theirs:
        return places
    if len(ours) == len(theirs):
        return [_sure_if(place, mine == other) for place, mine, other in zip(places, ours, theirs, strict=False)]
    out: list[Place | None] = [None] * len(ours)
    if max(len(ours), len(theirs)) > _MAX_MATCHED:
        return out
    from difflib import SequenceMatcher

    for tag, a, b, c, _ in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if tag == "equal":
            out[a:b] = [_sure_if(place, False) for place in places[c : c + b - a]]
    return out


def _sure_if(place: Place | None, certain: bool) -> Place | None:
    return place if place is None or certain else Place(place.file, place.line, False)


def place_of(places: list[Place | None], line: int) -> Place | None:
    """The place of a rendered line (from 0); the nearest one before it, as a guess, where it has none."""
    for index in range(min(line, len(places) - 1), -1, -1):
        place = places[index]
        if place is not None:
            return place if index == line else Place(place.file, place.line, False)
    return None
