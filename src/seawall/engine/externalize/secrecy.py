"""Values that must not be shown: the forms in which they could slip out, and how they are kept in."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

#: Shorter values, and plain words, are found everywhere: what stands elsewhere is not taken for them.
_LEAST = 6
#: Lines of a value of several lines that tell it.
_LEAST_LINE = 16
_HIDDEN = "***"


#: Keys of what is kept in Secrets beside passwords, and is rightly known elsewhere too: addresses, users, names.
_KNOWN_KEY = re.compile(
    r"(?:\A|.*[_.-])(?:host|hostname|server|endpoint|port|user|username|login|db|database|dbname|schema|region|bucket"
    r"|email|name|namespace)\Z|PG(?:HOST|PORT|USER|DATABASE)\Z",
    re.IGNORECASE,
)
_NAME_LIKE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,252}\Z")


def names_no_secret(key: str, value: str) -> bool:
    """Whether a value is kept in a Secret and is none, by its key and its look: ``DB_HOST: db.example.com``."""
    return _KNOWN_KEY.match(key) is not None and _NAME_LIKE.match(value.strip()) is not None


class Secrecy:
    """Knows the values that move, and finds them, or their base64, in any text."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        #: By how they begin, how long they are: a text is gone through once, however many there are.
        self._lengths: dict[str, set[int]] = {}

    def add(self, text: str | None, written: str) -> None:
        """Take in a value: its text (None where it is none), and as what it is written."""
        if text is None:
            self._take(written)
            return
        for form in (text, text.strip(), *text.splitlines()):
            self._take(form)
        if len(text) >= _LEAST:
            for form in (text, text.strip(), f"{text}\n"):
                self._add(base64.b64encode(form.encode()).decode().rstrip("="))
        self._take(written)

    def _take(self, form: str) -> None:
        is_line = form.startswith("-----")
        if len(form) >= _LEAST and not is_line and (len(form) >= _LEAST_LINE or not form.isalpha()):
            self._add(form)

    def _add(self, form: str) -> None:
        self._forms.add(form)
        self._lengths.setdefault(form[:_LEAST], set()).add(len(form))

    def leak(self, text: str) -> int:
        """The line, from 1, where one of the values stands in a text; 0 where none does."""
        at, _ = next(self._found(text), (-1, 0))
        return text.count("\n", 0, at) + 1 if at >= 0 else 0

    def hide(self, text: str) -> str:
        """The text without the values."""
        pieces: list[str] = []
        end = 0
        for at, length in self._found(text):
            if at >= end:
                pieces += (text[end:at], _HIDDEN)
            # Of values that overlap nothing is left.
            end = max(end, at + length)
        return "".join([*pieces, text[end:]]) if pieces else text

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        """Where values stand and how long they are, in order; of those that begin at one place the longest."""
        for at in range(len(text) - _LEAST + 1):
            lengths = self._lengths.get(text[at : at + _LEAST])
            if lengths is not None:
                length = max((n for n in lengths if text[at : at + n] in self._forms), default=0)
                if length:
                    yield at, length
