"""Values that a pattern takes, made out of the pattern, to see that nothing on the way to it loses them."""

from __future__ import annotations

import random
import re
from importlib import import_module
from typing import Any

_SPACE, _DIGITS = "space", "0123456789"
_WORD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"


def sample(pattern: bytes, rnd: random.Random) -> bytes:
    """Some text that the pattern matches as a whole; what it looks ahead or back for is left out."""
    return _made(import_module("re._parser").parse(pattern.decode("latin-1")), rnd, {}).encode("latin-1")


def _made(parsed: Any, rnd: random.Random, groups: dict[int, str]) -> str:
    return "".join(_one(str(operation), argument, rnd, groups) for operation, argument in parsed)


def _one(name: str, argument: Any, rnd: random.Random, groups: dict[int, str]) -> str:
    if name == "LITERAL":
        return chr(argument)
    if name == "NOT_LITERAL":
        return "q" if argument != ord("q") else "z"
    if name == "ANY":
        return rnd.choice(_WORD)
    if name == "IN":
        return rnd.choice(_letters(argument))
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, body = argument
        count = rnd.randint(least, min(most, least + 2)) if least else rnd.randint(0, min(most, 1))
        return "".join(_made(body, rnd, groups) for _ in range(count))
    if name == "SUBPATTERN":
        number, _, _, body = argument
        made = _made(body, rnd, groups)
        if number is not None:
            groups[number] = made
        return made
    if name == "BRANCH":
        return _made(rnd.choice(argument[1]), rnd, groups)
    if name == "GROUPREF":
        return groups.get(argument, "")
    return ""


def _letters(items: Any) -> str:
    found: set[str] = set()
    negated = False
    for operation, argument in items:
        name = str(operation)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            found.add(chr(argument))
        elif name == "RANGE":
            found.update(chr(code) for code in range(argument[0], argument[1] + 1))
        elif name == "CATEGORY":
            kind = str(argument).removeprefix("CATEGORY_")
            found.update({"WORD": _WORD, "DIGIT": _DIGITS, "SPACE": " ", "NOT_SPACE": _WORD, "NOT_WORD": " -"}[kind])
    if negated:
        found = set(_WORD) - found
    return "".join(sorted(found - set("\r\n"))) or "".join(sorted(found))


def is_taken(pattern: re.Pattern[bytes], text: bytes) -> bool:
    """Whether the pattern matches the text from its beginning."""
    return pattern.match(text) is not None
