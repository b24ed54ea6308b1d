"""Quantities (``1.5Gi``) and versions (``1.2.3-rc.1``), and how they compare.

Source: Kubernetes' reference of its CEL libraries; ``resource.Quantity`` and semver.org for the texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

from seawall.analysis.policies.library.marked import Marked, kind_of, mark, text_of
from seawall.analysis.policies.library.table import Function, holds, members, plain

_SUFFIXES = {
    "": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"),
    **{name: Decimal(1000) ** power for power, name in enumerate("kMGTPE", 1)},
    **{f"{name}i": Decimal(1024) ** power for power, name in enumerate("KMGTPE", 1)},
}  # fmt: skip
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)\Z", re.ASCII)
_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?\Z",
    re.ASCII,
)
#: Longer texts make no number or version that Kubernetes would take.
_MOST = 256


def _number(text: str) -> Decimal:
    match = _QUANTITY.match(text) if len(text) <= _MOST else None
    if match is None:
        raise ValueError(f"{text[:40]!r} is no quantity")
    try:
        with localcontext(prec=_MOST + 32):
            return Decimal(match[1] + (match[2] or "")) * _SUFFIXES[match[3] or ""]
    except InvalidOperation as error:
        raise ValueError(f"{text[:40]!r} is no quantity") from error


def _quantity(value: Decimal) -> Marked:
    with localcontext(prec=_MOST + 32):
        return mark("quantity", format(value.normalize(), "f") if value else "0")


def _decimal(marked: Marked) -> Decimal:
    return Decimal(text_of(marked, "quantity"))


def _whole(marked: Marked) -> int:
    value = _decimal(marked)
    if not _is_whole(marked):
        raise ValueError("cannot convert value to integer")
    return int(value)


def _is_whole(marked: Marked) -> bool:
    value = _decimal(marked)
    return value == value.to_integral_value() and -(2**63) <= value < 2**63


def _sign(marked: Marked) -> int:
    value = _decimal(marked)
    return int(value > 0) - int(value < 0)


def _add(one: Marked, other: Marked | int, sign: int = 1) -> Marked:
    with localcontext(prec=_MOST + 32):
        return _quantity(_decimal(one) + sign * (other if isinstance(other, int) else _decimal(other)))


def _times(marked: Marked, factor: int) -> Marked:
    with localcontext(prec=_MOST + 32):
        return _quantity(_decimal(marked) * factor)


def _divided(marked: Marked, by: int, digits: int = 4) -> Marked:
    if not by:
        raise ValueError("division by zero")
    if not 0 <= digits <= 10:
        raise ValueError(f"the valid range for roundVal is 0 to 10 but {digits} was passed")
    with localcontext(prec=_MOST + 32):
        return _quantity((_decimal(marked) / by).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def _whole_times(marked: Marked, by: int) -> Marked:
    """How often ``by`` is in it."""
    if not by:
        raise ValueError("division by zero")
    with localcontext(prec=_MOST + 32):
        return _quantity((_decimal(marked) / by).to_integral_value(ROUND_DOWN))


def _order(marked: Marked) -> Any:
    """What a quantity or a version is compared by."""
    if kind_of(marked) == "kubernetes.Quantity":
        return _decimal(marked)
    match = _SEMVER.match(text_of(marked, "semver"))
    if match is None:
        raise ValueError("the value is no version")
    before = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in (match[4] or "").split(".") if part]
    return (int(match[1]), int(match[2]), int(match[3]), not before, before)


def _compare(one: Marked, other: Marked) -> int:
    if kind_of(one) != kind_of(other):
        raise ValueError("no such overload: values of different types are compared")
    left, right = _order(one), _order(other)
    return int(left > right) - int(left < right)


def _semver(text: str) -> Marked:
    if len(text) > _MOST or not _SEMVER.match(text):
        raise ValueError(f"{text[:40]!r} is no version")
    return mark("semver", text.partition("+")[0])


def _lenient(text: str, lenient: bool) -> Marked:
    """A version; a lenient one may begin with v, have leading zeros, and lack its minor and patch."""
    if lenient:
        version, sign, rest = text.removeprefix("v"), "", ""
        if match := re.search(r"[-+]", version):
            version, sign, rest = version[: match.start()], match[0], version[match.end() :]
        parts = [part.lstrip("0") or "0" if part.isdigit() else part for part in version.split(".")]
        if sign and len(parts) < 3:
            raise ValueError(f"{text[:40]!r} is no version")
        text = f"{'.'.join(parts + ['0'] * (3 - len(parts)))}{sign}{rest}"
    return _semver(text)


def functions() -> Iterator[Function]:
    """All functions on quantities and versions."""
    yield from plain(
        (
            ("quantity", "string", "quantity", lambda text: _quantity(_number(text))),
            ("isQuantity", "string", "bool", holds(_number)),
            ("sign", "quantity", "int", _sign),
            ("semver", "string", "semver", _semver),
            ("isSemver", "string", "bool", holds(_semver)),
            ("semver", "string bool", "semver", _lenient),
            ("isSemver", "string bool", "bool", holds(_lenient)),
        )
    )
    yield from members(
        (
            ("isInteger", "quantity", "bool", _is_whole),
            ("asInteger", "quantity", "int", _whole),
            ("asApproximateFloat", "quantity", "double", lambda value: float(_decimal(value))),
            ("sign", "quantity", "int", _sign),
            ("add", "quantity quantity", "quantity", _add),
            ("add", "quantity int", "quantity", _add),
            ("sub", "quantity quantity", "quantity", lambda one, other: _add(one, other, -1)),
            ("sub", "quantity int", "quantity", lambda one, other: _add(one, other, -1)),
            ("mul", "quantity int", "quantity", _times),
            ("div", "quantity int", "quantity", _divided),
            ("div", "quantity int int", "quantity", _divided),
            ("divInt", "quantity int", "quantity", _whole_times),
            ("major", "semver", "int", lambda value: _version(value)[0]),
            ("minor", "semver", "int", lambda value: _version(value)[1]),
            ("patch", "semver", "int", lambda value: _version(value)[2]),
        )
    )
    for kind in ("quantity", "semver"):
        both = f"{kind} {kind}"
        yield from members(
            (
                ("compareTo", both, "int", _compare),
                ("isLessThan", both, "bool", lambda one, other: _compare(one, other) < 0),
                ("isGreaterThan", both, "bool", lambda one, other: _compare(one, other) > 0),
            )
        )


def _version(marked: Marked) -> tuple[int, ...]:
    return tuple(_order(mark("semver", text_of(marked, "semver")))[:3])
