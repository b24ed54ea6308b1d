"""What packages say of their licences, as expressions of SPDX where it plainly is one, else as the text that it is."""

from __future__ import annotations

import re
from functools import lru_cache

from seawall.reports.spdx_ids import EXCEPTIONS, LICENCES

_TOKEN = re.compile(r"\s*([()]|[A-Za-z0-9.+-]+)")
_MAX_LENGTH, _MAX_DEPTH = 2000, 32
_IDS = {name.lower(): name for name in LICENCES}
_EXCEPTIONS = {name.lower(): name for name in EXCEPTIONS}
#: Other spellings with one meaning: Debian's short names, Fedora's older ones, words of package indexes.
_ALIASES = {
    "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0", "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0", "apache-2": "Apache-2.0", "asl 2.0": "Apache-2.0",
    "boost": "BSL-1.0", "bsd-2-clause-freebsd": "BSD-2-Clause-Views", "expat": "MIT", "isc license (iscl)": "ISC",
    "mit license": "MIT", "mit/x11": "MIT", "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0", "mpl 2.0": "MPL-2.0",
    "mplv2.0": "MPL-2.0", "psf-2.0": "PSF-2.0", "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense", "zlib/libpng": "Zlib",
}  # fmt: skip
_GNU = re.compile(r"(?P<kind>a?gpl|lgpl|gfdl)-?v?(?P<version>\d(?:\.\d)?)(?:\.0)?(?P<later>\+|-or-later)?(?:-only)?")


def _gnu(name: str) -> str:
    """``GPL-2+``, ``GPLv2+``, ``LGPL-2.1`` as SPDX has them today."""
    found = _GNU.fullmatch(name)
    if not found:
        return ""
    version = found["version"] if "." in found["version"] else f"{found['version']}.0"
    made = f"{found['kind'].upper()}-{version}-{'or-later' if found['later'] else 'only'}"
    return made if made in LICENCES else ""


def _licence(name: str) -> str:
    lower = name.lower()
    found = _IDS.get(lower) or _ALIASES.get(lower) or _gnu(lower)
    if not found and lower.endswith("+"):
        plain = _IDS.get(lower[:-1])
        return f"{plain}+" if plain else ""
    return found


@lru_cache(maxsize=4096)
def expression(text: str) -> str:
    """The SPDX expression that a text is, in canonical spelling; empty where it is none."""
    text = text.strip()
    if not text or len(text) > _MAX_LENGTH:
        return ""
    whole = _licence(text)
    if whole:
        return whole
    tokens, position = [], 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if not found:
            return ""
        tokens.append(found[1])
        position = found.end()
    try:
        result, rest = _alternatives(tokens, 0, 0)
    except ValueError:
        return ""
    return result if rest == len(tokens) else ""


def _word(tokens: list[str], at: int) -> str:
    return tokens[at].upper() if at < len(tokens) else ""


def _alternatives(tokens: list[str], at: int, depth: int) -> tuple[str, int]:
    left, at = _term(tokens, at, depth)
    while _word(tokens, at) in ("AND", "OR"):
        right, after = _term(tokens, at + 1, depth)
        left, at = f"{left} {tokens[at].upper()} {right}", after
    return left, at


def _term(tokens: list[str], at: int, depth: int) -> tuple[str, int]:
    if depth > _MAX_DEPTH or at >= len(tokens):
        raise ValueError
    if tokens[at] == "(":
        inner, at = _alternatives(tokens, at + 1, depth + 1)
        if _word(tokens, at) != ")":
            raise ValueError
        return f"({inner})", at + 1
    name = _licence(tokens[at])
    if not name:
        raise ValueError
    if _word(tokens, at + 1) == "WITH":
        exception = _EXCEPTIONS.get(tokens[at + 2].lower(), "") if at + 2 < len(tokens) else ""
        if not exception:
            raise ValueError
        return f"{name} WITH {exception}", at + 3
    return name, at + 1


def is_id(text: str) -> bool:
    """Whether an expression is a single identifier of the list."""
    return text in LICENCES
