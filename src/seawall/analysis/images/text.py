"""Text of unknown encoding, in one form everywhere so that paths compare."""

from __future__ import annotations


def printable(path: str) -> str:
    r"""A path whose undecodable bytes (surrogates) are written as ``\xNN``: fit for JSON."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def decoded(data: bytes) -> str:
    r"""Bytes as text, undecodable ones as ``\xNN``."""
    return data.decode("utf-8", "backslashreplace")
