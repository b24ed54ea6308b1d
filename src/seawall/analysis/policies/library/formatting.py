"""``format``, as cel-go's ``ext.Strings`` has it up to version 3, which is what Kubernetes runs.

Numbers behind ``%f`` and ``%e`` are written as in American English: 1,234.500000 and 1.234500 x 10 to the third.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from seawall.analysis.policies.library.marked import is_marked, kind_of

_PLACE = re.compile(r"%(?:%|(?:\.(\d{1,3}))?([sdfexXob]))")
_HIGH = str.maketrans("0123456789-", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b")
_DIGITS = 6
_MOST_DIGITS = 100
#: Numbers of so many digits before the point get an exponent.
_PLAIN = 6


def formatted(text: str, items: list[Any]) -> str:
    """The text with its places filled.

    Raises:
        ValueError: a value does not suit its place, or there are too few.
    """
    rest = iter(items)

    def one(match: re.Match[str]) -> str:
        if match[2] is None:
            return "%"
        try:
            value = next(rest)
        except StopIteration:
            raise ValueError("there are more places than values") from None
        return _filled(value, match[2], min(int(match[1]), _MOST_DIGITS) if match[1] else _DIGITS)

    if "%" in _PLACE.sub("", text):
        raise ValueError("a % is followed by nothing that is known")
    return _PLACE.sub(one, text)


def _filled(value: Any, verb: str, digits: int) -> str:
    if verb == "s":
        return _as_string(value)
    if verb in "fe":
        return _float(value, verb, digits)
    if verb in "xX" and isinstance(value, str | bytes | bytearray):
        shown = (value.encode() if isinstance(value, str) else value).hex()
        return shown.upper() if verb == "X" else shown
    if isinstance(value, bool) and verb == "b":
        return str(int(value))
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"%{verb} needs a whole number, and was given {_kind(value)}")
    return format(value, verb)


def _float(value: Any, verb: str, digits: int) -> str:
    if value in ("NaN", "Infinity", "-Infinity"):
        value = float(value)
    if not isinstance(value, float):
        raise ValueError(f"%{verb} needs a double, and was given {_kind(value)}")
    if value != value or value in (float("inf"), float("-inf")):
        return "NaN" if value != value else "∞" if value > 0 else "-∞"
    if verb == "f":
        return f"{value:,.{digits}f}"
    mantissa, _, power = f"{value:.{digits}e}".partition("e")
    sign = "-" if power.startswith("-") else ""
    raised = f"{sign}{power[1:]}".translate(_HIGH)
    return f"{mantissa}\u202f\u00d7\u202f10{raised}"


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return kind_of(value)
    return {
        bool: "bool",
        int: "int",
        float: "double",
        str: "string",
        list: "list",
        bytes: "bytes",
        bytearray: "bytes",
    }.get(type(value), "null" if value is None else type(value).__name__)


def _as_string(value: Any) -> str:
    """What ``%s`` is of a value that stands alone."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "replace")
    if isinstance(value, float):
        return go_float(value)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, timedelta):
        return seconds(value)
    return _within(value)


def _within(value: Any) -> str:
    """What it is of one that stands alone, and of one within a list or map."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(value)
    if type(value).__name__ == "Type":
        return _type_name(value.name())
    if isinstance(value, list):
        return f"[{', '.join(map(_quoted, value))}]"
    if is_marked(value) or not isinstance(value, dict):
        told = "strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps"
        raise ValueError(f"string clause can only be used on {told}, was given {_kind(value)}")
    return f"{{{', '.join(sorted(f'{_quoted(key)}:{_quoted(each)}' for key, each in value.items()))}}}"


def _quoted(value: Any) -> str:
    """A value within a list or map, as it would be written in CEL."""
    if isinstance(value, str):
        return _in_quotes(value)
    if isinstance(value, bytes | bytearray):
        return f"b{_in_quotes(value.decode('utf-8', 'replace'))}"
    if isinstance(value, float):
        return f"{value:.{_DIGITS}f}" if value == value and abs(value) != float("inf") else f'"{go_float(value)}"'
    if isinstance(value, datetime):
        return f'timestamp("{_moment(value)}")'
    if isinstance(value, timedelta):
        return f'duration("{seconds(value)}")'
    return _within(value)


_TYPE_NAMES = {
    "null": "null_type", "timestamp": "google.protobuf.Timestamp", "duration": "google.protobuf.Duration",
}  # fmt: skip


def _type_name(name: str) -> str:
    """A type's name in CEL, by the engine's name of it."""
    plain = name.partition("<")[0].lower()
    return _TYPE_NAMES.get(plain, plain)


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r") + '"'


def _moment(value: datetime) -> str:
    text = value.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{value.microsecond:06d}".rstrip("0") + "Z" if value.microsecond else f"{text}Z"


def seconds(value: timedelta) -> str:
    """A duration as CEL writes it."""
    whole = Decimal(value.days * 86400 + value.seconds) + Decimal(value.microseconds) / 1_000_000
    return f"{whole.normalize():f}s"


def go_float(value: float) -> str:
    """A double in its shortest form; with an exponent from 1e+06 on, as Go and so Kubernetes write it."""
    if value != value or value in (float("inf"), float("-inf")):
        return "NaN" if value != value else "+Inf" if value > 0 else "-Inf"
    exact = Decimal(repr(value))
    power = exact.adjusted() if exact else 0
    if -4 <= power < _PLAIN:
        return f"{exact.normalize():f}" if exact else "-0" if str(value).startswith("-") else "0"
    sign, digits, _ = exact.normalize().as_tuple()
    shown = "".join(map(str, digits))
    mantissa = f"{shown[0]}.{shown[1:]}" if len(shown) > 1 else shown
    return f"{'-' * sign}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
