"""Go's ``go.mod`` and ``go.sum``."""

from __future__ import annotations

import re

from seawall.analysis.images.contents import Item, PackagesItem
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.golang import module
from seawall.analysis.images.text import decoded

_MAX = 200_000
_REQUIRE = re.compile(r'^(?:require[ \t]+)?"?([\w.~/-]{1,500})"?[ \t]+(v\d[\w.+-]{0,200})')
_REPLACE = re.compile(r'^(?:replace[ \t]+)?"?([\w.~/-]+)"?(?:[ \t]+(v\S+))?[ \t]+=>[ \t]+"?(\S+?)"?(?:[ \t]+(v\S+))?$')


def go_mod(data: bytes, path: str) -> tuple[Item, ...]:
    """``go.mod``: what it requires, with its replacements; a module replaced by a folder is left out."""
    required: dict[str, str] = {}
    replaced: dict[str, tuple[str, str]] = {}
    block = ""
    for raw in decoded(data).splitlines():
        line = raw.partition("//")[0].strip()
        if not line:
            continue
        opening = re.fullmatch(r"(\w+)\s*\(", line)
        if opening:
            block = opening[1]
        elif line == ")":
            block = ""
        elif block == "require" or line.startswith("require "):
            found = _REQUIRE.match(line)
            if found:
                required[found[1]] = found[2]
        elif block == "replace" or line.startswith("replace "):
            change = _REPLACE.match(line)
            if change:
                replaced[change[1]] = (change[3], change[4] or "")
        if len(required) > _MAX:
            raise Unreadable(f"lists more than {_MAX:,} modules")
    modules = [replaced.get(name, (name, version)) for name, version in required.items()]
    return (PackagesItem(tuple(module(name, version, path, declared=True) for name, version in modules if version)),)


_SUM = re.compile(r"^(\S+) (v[^\s/]+) h1:", re.MULTILINE)


def go_sum(data: bytes, path: str) -> tuple[Item, ...]:
    """``go.sum``: modules whose code is hashed, not only their ``go.mod``; the newest of each stands last."""
    found: dict[str, str] = {match[1]: match[2] for match in _SUM.finditer(decoded(data))}
    return (PackagesItem(tuple(module(name, version, path, declared=True) for name, version in found.items())),)
