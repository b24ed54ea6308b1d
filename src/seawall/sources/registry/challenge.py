"""What a server that refuses asks for: ``WWW-Authenticate`` (RFC 9110, section 11.6.1)."""

from __future__ import annotations

import re
from typing import NamedTuple

_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_ITEM = re.compile(rf'\s*,*\s*(?P<name>{_WORD})(?:\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>{_WORD})))?')
_MAX_LENGTH = 16 << 10


class Challenge(NamedTuple):
    """A scheme in lower case, and its parameters."""

    scheme: str
    fields: dict[str, str]


def read_challenges(header: str) -> list[Challenge]:
    """All challenges of a header; what cannot be understood ends the reading."""
    found: list[Challenge] = []
    at = 0
    header = header[:_MAX_LENGTH]
    while match := _ITEM.match(header, at):
        at = match.end()
        value = match["quoted"] if match["quoted"] is not None else match["plain"]
        if value is None:
            found.append(Challenge(match["name"].lower(), {}))
        elif found:
            found[-1].fields.setdefault(match["name"].lower(), re.sub(r"\\(.)", r"\1", value))
    return found
