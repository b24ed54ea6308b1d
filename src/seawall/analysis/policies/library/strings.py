"""Functions on text: CEL's extended strings, and Kubernetes' ``find`` and ``findAll``.

Source: the reference of cel-go's ``ext.Strings`` (version 2, as Kubernetes has it) and of Kubernetes' regex library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from seawall.analysis.policies.library.formatting import formatted
from seawall.analysis.policies.library.patterns import find, find_all
from seawall.analysis.policies.library.table import Function, members, plain

_MOST = 1 << 20
#: White space as Unicode has it.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"


def _char(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise ValueError(f"index out of range: {index}")
    return text[index : index + 1]


def _index(text: str, part: str, start: int = 0) -> int:
    if start < 0:
        raise ValueError(f"index out of range: {start}")
    return text.find(part, start) if part else start


def _last_index(text: str, part: str, start: int | None = None) -> int:
    if start is None:
        return text.rfind(part)
    if start < 0:
        raise ValueError(f"index out of range: {start}")
    if not part:
        return start
    return text.rfind(part, 0, start + len(part)) if start < len(text) else -1


def _substring(text: str, start: int, end: int | None = None) -> str:
    end = len(text) if end is None else end
    if not 0 <= start <= end <= len(text):
        raise ValueError(f"{start} to {end} is out of range of the length {len(text)}")
    return text[start:end]


def _split(text: str, by: str, most: int = -1) -> list[str]:
    if not most:
        return []
    return (list(text) if most < 0 else [*text[: most - 1], text[most - 1 :]]) if not by else text.split(by, most - 1)


def _replace(text: str, old: str, new: str, most: int = -1) -> str:
    result = text.replace(old, new, most)
    if len(result) > _MOST:
        raise ValueError("the text becomes too long")
    return result


_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
            "\\": "\\\\", '"': '\\"'}  # fmt: skip


def _quote(text: str) -> str:
    return f'"{"".join(_ESCAPES.get(char, char) for char in text)}"'


def functions() -> Iterator[Function]:
    """All functions on text."""
    yield from members(
        (
            ("charAt", "string int", "string", _char),
            ("format", "string list", "string", formatted),
            ("find", "string string", "string", find),
            ("findAll", "string string", "strings", find_all),
            ("findAll", "string string int", "strings", find_all),
            ("indexOf", "string string", "int", _index),
            ("indexOf", "string string int", "int", _index),
            ("lastIndexOf", "string string", "int", _last_index),
            ("lastIndexOf", "string string int", "int", _last_index),
            ("lowerAscii", "string", "string", lambda text: re.sub("[A-Z]+", lambda match: match[0].lower(), text)),
            ("upperAscii", "string", "string", lambda text: re.sub("[a-z]+", lambda match: match[0].upper(), text)),
            ("replace", "string string string", "string", _replace),
            ("replace", "string string string int", "string", _replace),
            ("reverse", "string", "string", lambda text: text[::-1]),
            ("split", "string string", "strings", _split),
            ("split", "string string int", "strings", _split),
            ("substring", "string int", "string", _substring),
            ("substring", "string int int", "string", _substring),
            ("trim", "string", "string", lambda text: text.strip(_SPACE)),
            ("join", "strings", "string", "".join),
            ("join", "strings string", "string", lambda items, by: by.join(items)),
        )
    )
    yield from plain((("strings.quote", "string", "string", _quote),))
