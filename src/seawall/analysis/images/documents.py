"""JSON and TOML by strangers: an object, or `Unreadable`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.text import decoded

_MAX_PACKAGES = 200_000


def json_object(data: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        Unreadable: it is none, or nested too deeply.
    """
    try:
        value = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("is no JSON that can be read") from error
    if not isinstance(value, dict):
        raise Unreadable("is no JSON object")
    return value


_TOML_TEXT = re.compile(
    r"""([A-Za-z0-9_-]{1,100})[ \t]*=[ \t]*(?:"([^"\\\n]{0,1000})"|'([^'\n]{0,1000})'|(\{[^\n]{0,4000}))"""
)
_TOML_HEAD = re.compile(r"\[\[packages?\]\]")
_TOML_TABLE = re.compile(r"\[packages?\.([A-Za-z0-9_-]{1,100})\]")
_TOML_KNOWN = re.compile(r"^(?:lock-|requires-)?(?:version|python)[ \t]*=|^\[metadata", re.MULTILINE)


def toml_packages(data: bytes) -> list[dict[str, str]]:
    """The entries ``[[package]]`` of a lock file in TOML: texts and one-line tables by key, keys of tables as ``a.b``.

    tomllib is not used: it takes quadratic time for a long dotted key, and half a second for a lock file of 500 KB.

    Raises:
        Unreadable: it has neither packages nor what a lock file without any has, or more than 200,000.
    """
    text_ = decoded(data).replace("\r\n", "\n")
    found: list[dict[str, str]] = []
    prefix: str | None = None
    closing = ""
    for line in text_.split("\n"):
        if closing:
            closing = "" if closing in line else closing
            continue
        line = line.strip()
        if line[:1] == "[":
            table = _TOML_TABLE.fullmatch(line)
            prefix = f"{table[1]}." if table and found else None
            if _TOML_HEAD.fullmatch(line):
                found.append({})
                prefix = ""
        elif prefix is not None:
            match = _TOML_TEXT.match(line)
            if match:
                found[-1].setdefault(prefix + match[1], match[2] or match[3] or match[4] or "")
        for quotes in ('"""', "'''"):
            closing = quotes if line.count(quotes) % 2 else closing
    if len(found) > _MAX_PACKAGES:
        raise Unreadable(f"lists more than {_MAX_PACKAGES:,} packages")
    if not found and not _TOML_KNOWN.search(text_):
        raise Unreadable("is no lock file in TOML")
    return found


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is an object with texts as keys, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in a list, bounded; nothing where it is no list.

    Raises:
        Unreadable: there are more than 200,000.
    """
    if not isinstance(value, list):
        return
    if len(value) > _MAX_PACKAGES:
        raise Unreadable(f"lists more than {_MAX_PACKAGES:,} packages")
    for item in value:
        if isinstance(item, dict):
            yield item


def text(value: Any) -> str:
    """The value if it is a text of sensible length, else an empty one."""
    return value.strip() if isinstance(value, str) and len(value) <= 1000 else ""
