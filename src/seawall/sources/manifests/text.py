"""Bytes to text: encodings as YAML allows them, with the place of what is not text."""

from __future__ import annotations

import codecs

from seawall.sources.manifests.yamltext import SyntaxProblem

#: Larger files are refused rather than read into memory.
MAX_FILE_BYTES = 512 * 1024 * 1024

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes) -> str:
    """Decode UTF-8, or UTF-16 and UTF-32 told by a byte order mark or by the zero bytes of its first character.

    Raises:
        SyntaxProblem: bytes that are not text in that encoding.
    """
    encoding, skip = _encoding(data)
    body = data[skip:] if skip else data
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        before = body[: error.start].decode(encoding, "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise SyntaxProblem(f"not {encoding.upper()} text: {error.reason}", line, column) from error


def _encoding(data: bytes) -> tuple[str, int]:
    for bom, name in _BOMS:
        if data.startswith(bom):
            return name, len(bom)
    if len(data) >= 2 and len(data) % 2 == 0:
        if data[0] and not data[1]:
            return "utf-16-le", 0
        if not data[0] and data[1]:
            return "utf-16-be", 0
    return "utf-8", 0


def encode(text: str, like: bytes) -> bytes:
    """Text in the encoding of ``like``, with its byte order mark if it has one."""
    encoding, skip = _encoding(like)
    return like[:skip] + text.encode(encoding)
