"""Reading the encodings that signatures come in: strict, so that one thing is not written in two ways."""

from __future__ import annotations

import binascii
import re
from typing import TypeVar

import msgspec

from seawall.analysis.trust.errors import Invalid

T = TypeVar("T")
#: More certificates than any chain has.
MAX_CHAIN = 16
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----")


def from_base64(text: str, what: str) -> bytes:
    """The bytes of standard base64.

    Raises:
        Invalid: it is something else.
    """
    try:
        return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError as error:
        raise Invalid(f"{what} is not base64") from error


def from_base64url(text: str, what: str) -> bytes:
    """The bytes of base64url without padding (RFC 7515).

    Raises:
        Invalid: it is something else.
    """
    if re.fullmatch(r"[A-Za-z0-9_-]*", text) is None:
        raise Invalid(f"{what} is not base64url")
    return from_base64(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), what)


def from_json(data: bytes, kind: type[T], what: str) -> T:
    """A JSON document as a value of that type; unknown keys are passed over.

    Raises:
        Invalid: it is something else, or nested too deeply.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Invalid(f"{what} is malformed: {str(error)[:160]}") from error


def pem_blocks(text: str, what: str) -> list[tuple[str, bytes]]:
    """The blocks of PEM with their labels.

    Raises:
        Invalid: there is none, or one is malformed.
    """
    found = [(match[1], from_base64("".join(match[2].split()), what)) for match in _PEM.finditer(text[: 1 << 20])]
    if not found:
        raise Invalid(f"{what} is not PEM")
    return found
