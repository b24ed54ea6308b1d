"""JSON and TOML by strangers: an object, or `Unreadable`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.text import decoded

#: tomllib is slow (1 MB/s) and takes quadratic time on some inputs; no lock file of TOML is larger.
_MAX_TOML = 8 << 20
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


def toml_object(data: bytes) -> dict[str, Any]:
    """A TOML document.

    Raises:
        Unreadable: it is none, nested too deeply, or larger than 8 MiB.
    """
    import tomllib

    if len(data) > _MAX_TOML:
        raise Unreadable(f"is a TOML document larger than {_MAX_TOML >> 20} MiB")
    try:
        return tomllib.loads(decoded(data))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError, TypeError) as error:
        raise Unreadable("is no TOML that can be read") from error


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
