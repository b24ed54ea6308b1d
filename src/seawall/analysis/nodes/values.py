"""Typed values of settings: what a flag or a field says, as the program that reads it takes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_TRUE = frozenset(("1", "t", "true"))
_FALSE = frozenset(("0", "f", "false"))
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"([+-]?)((?:\d{1,18}(?:\.\d{0,18})?(?:ns|us|µs|ms|h|m|s)){1,8})\Z")
_PART = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|h|m|s)")
_QUANTITY = re.compile(r"([+-]?\d{1,18}(?:\.\d{1,18})?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?\Z")
_SCALES = {
    **{"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18},
    **{"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60},
}
_INTEGER = re.compile(r"[+-]?\d{1,18}\Z")


def _truth(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    word = str(raw).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"{_cut(raw)} is neither true nor false")


def _integer(raw: Any) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    if isinstance(raw, str) and _INTEGER.match(raw):
        return int(raw)
    raise ValueError(f"{_cut(raw)} is not a whole number")


def seconds(raw: Any) -> float:
    """A duration as Go writes it (``1h2m3.5s``, ``0``) in seconds.

    Raises:
        ValueError: it is not one.
    """
    if raw in (0, "0") and not isinstance(raw, bool):
        return 0.0
    match = _DURATION.match(raw) if isinstance(raw, str) else None
    if match is None:
        raise ValueError(f"{_cut(raw)} is not a duration")
    total = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(match[2]))
    return -total if match[1] == "-" else total


def quantity(raw: Any) -> float:
    """A Kubernetes quantity (``100Mi``, ``2``, ``500m``).

    Raises:
        ValueError: it is not one.
    """
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return float(raw)
    match = _QUANTITY.match(raw) if isinstance(raw, str) else None
    if match is None:
        raise ValueError(f"{_cut(raw)} is not a quantity")
    return float(match[1]) * _SCALES[match[2] or ""]


def _texts(raw: Any) -> tuple[str, ...]:
    values = raw if isinstance(raw, list | tuple) else (raw,)
    texts: list[str] = []
    for value in values:
        if isinstance(value, dict | list | tuple):
            raise ValueError(f"{_cut(value)} is not a list of words")
        texts += [item.strip() for item in _text(value).split(",") if item.strip()]
    return tuple(texts)


def _mapping(raw: Any) -> dict[str, str]:
    if isinstance(raw, Mapping):
        return {str(key): _text(value) for key, value in raw.items()}
    pairs = [text.partition("=") for text in _texts(raw)]
    if not all(sign for _, sign, _ in pairs):
        raise ValueError(f"{_cut(raw)} is not a list of key=value")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _text(raw: Any) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, dict | list | tuple):
        raise ValueError(f"{_cut(raw)} is not plain text")
    return str(raw)


def _cut(raw: Any) -> str:
    text = repr(raw)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _anything(raw: Any) -> Any:
    return raw


#: What each type makes of a value as it stands in a file or on a command line.
TYPES: Mapping[str, Callable[[Any], Any]] = {
    "bool": _truth,
    "int": _integer,
    "duration": seconds,
    "quantity": quantity,
    "list": _texts,
    "map": _mapping,
    "text": _text,
    "any": _anything,
}


def from_flag(kind: str, given: tuple[str, ...]) -> Any:
    """The value of a flag by its occurrences: the last counts, those of a list or map add up.

    Raises:
        ValueError: it is not of the type.
    """
    return TYPES[kind](given if kind in ("list", "map") else given[-1])


def shown(value: Any) -> str:
    """A value as people read it in a message, cut where it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value in ("", (), [], None):
        return "empty"
    if isinstance(value, dict):
        return shown(tuple(f"{key}={each}" for key, each in value.items()))
    if isinstance(value, list | tuple):
        return shown(", ".join(map(str, value)))
    text = str(value)
    return text if len(text) <= 160 else f"{text[:157]}..."
