"""What all parsers of advisories share: their error, and plain reading of JSON."""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")

#: No single document of any source is larger; Debian's tracker is the largest by far.
MAX_BYTES = 512 * 1024 * 1024


class AdvisoryProblem(Exception):
    """A document that cannot be understood; the message says which and why."""


def decode_json(data: bytes, kind: type[T], name: str) -> T:
    """Read JSON into a type; ``name`` is for the message.

    Raises:
        AdvisoryProblem: it is no JSON, or not of that form.
    """
    if len(data) > MAX_BYTES:
        raise AdvisoryProblem(f"{name} is larger than {MAX_BYTES >> 20} MiB")
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise AdvisoryProblem(f"{name}: {error}") from error
