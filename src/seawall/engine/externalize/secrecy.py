"""Values that must not be shown: the forms in which they could slip out, and how they are kept in."""

from __future__ import annotations

import base64
import re

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

    def add(self, text: str | None, written: str) -> None:
        """Take in a value: its text (None where it is none), and as what it is written."""
        if text is None:
            self._take(written)
            return
        for form in (text, text.strip(), *text.splitlines()):
            self._take(form)
        if len(text) >= _LEAST:
            for form in (text, text.strip(), f"{text}\n"):
                self._forms.add(base64.b64encode(form.encode()).decode().rstrip("="))
        self._take(written)

    def _take(self, form: str) -> None:
        is_line = form.startswith("-----")
        if len(form) >= _LEAST and not is_line and (len(form) >= _LEAST_LINE or not form.isalpha()):
            self._forms.add(form)

    def leak(self, text: str) -> int:
        """The line, from 1, where one of the values stands in a text; 0 where none does."""
        found = [at for at in (text.find(form) for form in self._forms) if at >= 0]
        return text.count("\n", 0, min(found)) + 1 if found else 0

    def hide(self, text: str) -> str:
        """The text without the values."""
        for form in sorted(self._forms, key=len, reverse=True):
            if form in text:
                text = text.replace(form, _HIDDEN)
        return text
