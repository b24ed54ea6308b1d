"""Text of unknown encoding, in one form everywhere so that paths compare."""

from __future__ import annotations


def printable(path: str) -> str:
    r"""A path whose undecodable bytes (surrogates) and NULs are written as ``\xNN``: fit for JSON, and for joining."""
    try:
        plain = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        plain = path.encode("utf-8", "backslashreplace").decode()
    return plain.replace("\0", r"\x00")


def decoded(data: bytes) -> str:
    r"""Bytes as text, undecodable ones as ``\xNN``."""
    return data.decode("utf-8", "backslashreplace")
