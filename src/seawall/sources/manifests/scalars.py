"""Plain YAML scalars as Kubernetes reads them.

Source of the rules: ``resolve.go`` of sigs.k8s.io/yaml's goyaml.v2, and the conversion to JSON that follows it:
y/Y/yes/on are booleans, ``014`` is octal, there is no base 60, a timestamp stays text, a whole float is an integer.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache

Scalar = str | int | float | bool | None

#: A number with more digits than this is refused: reading it costs quadratic time and it fits no field.
MAX_DIGITS = 1000

_BOOLS = dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True)
_BOOLS |= dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False)
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_SPECIAL_FLOATS = {f".{word}": float("nan") for word in ("nan", "NaN", "NAN")}
_SPECIAL_FLOATS |= {f"{sign}.{word}": float(f"{sign}inf") for word in ("inf", "Inf", "INF") for sign in ("", "+", "-")}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_GO_INT = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]*|0[bB][01]+|[1-9][0-9]*)\Z")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9:.]+.*)?\Z")
_STARTS_NUMBER = frozenset("+-.0123456789")
_TAGS = "tag:yaml.org,2002:"


class ScalarError(ValueError):
    """A scalar that Kubernetes would refuse."""


@lru_cache(maxsize=4096)
def resolve_plain(text: str) -> Scalar:
    """The value of a plain (unquoted, untagged) scalar.

    Raises:
        ScalarError: a number of more than MAX_DIGITS digits.
    """
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if text[0] not in _STARTS_NUMBER:
        return text
    return _number(text)


def _number(text: str) -> Scalar:
    if text in _SPECIAL_FLOATS:
        return _SPECIAL_FLOATS[text]
    if _TIMESTAMP.match(text):
        return text
    plain = text if text[0] == "." else text.replace("_", "")
    if _GO_INT.match(plain):
        _check_digits(plain)
        return _go_int(plain)
    if _FLOAT.match(plain):
        _check_digits(plain)
        value = float(plain)
        if value in (float("inf"), float("-inf")):
            return text
        return int(value) if value.is_integer() and abs(value) < 1e21 else value
    return text


def _check_digits(text: str) -> None:
    if len(text) > MAX_DIGITS:
        raise ScalarError(f"a number of {len(text)} characters; at most {MAX_DIGITS} are read")


def _go_int(text: str) -> int:
    """An integer as Go's base 0 reads it: a leading 0 is octal."""
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0":
        prefix = digits[1]
        if prefix in "xX":
            return sign * int(digits[2:], 16)
        if prefix in "bB":
            return sign * int(digits[2:], 2)
        return sign * int(digits[2:] if prefix in "oO" else digits[1:] or "0", 8)
    return sign * int(digits)


def resolve_tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit tag; an unknown tag leaves the text as it is.

    Raises:
        ScalarError: the text is not of that type.
    """
    if not tag.startswith(_TAGS):
        return text
    name = tag[len(_TAGS) :]
    if name in ("str", "timestamp"):
        return text
    if name == "binary":
        return _binary(text)
    value = resolve_plain(text)
    wanted: dict[str, tuple[type, ...]] = {
        "bool": (bool,),
        "int": (int,),
        "float": (int, float),
        "null": (type(None),),
    }
    types = wanted.get(name)
    if types is None:
        return text
    if not isinstance(value, types) or (isinstance(value, bool) and name != "bool"):
        raise ScalarError(f"cannot decode {text[:40]!r} as !!{name}")
    return value


def _binary(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise ScalarError("a !!binary value is not base64") from error


def key_text(value: Scalar) -> str:
    """A mapping key as JSON text, as sigs.k8s.io/yaml converts it.

    Raises:
        ScalarError: a null key.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        raise ScalarError("a null key")
    return str(value)
