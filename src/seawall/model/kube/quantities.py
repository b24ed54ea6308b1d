"""Kubernetes' quantities as whole numbers. Source: apimachinery's pkg/api/resource, quantity.go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from seawall.model.kube.base import Quantity

_FORM = re.compile(r"([+-]?)(\d{1,40})?(?:\.(\d{0,40}))?(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,3}))?\Z")
_POWERS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
#: What is larger counts as this much, as the API server caps it.
LARGEST = 2**63 - 1


@lru_cache(maxsize=4096)
def milli(quantity: Quantity) -> int:
    """A quantity in thousandths, rounded up: ``500m`` is 500, ``2`` is 2000, ``1Ki`` is 1024000.

    Raises:
        ValueError: it is no quantity.
    """
    match = _FORM.match(str(quantity))
    if match is None or (match[2] is None and not match[3]):
        raise ValueError(f"{quantity!r:.60} is no quantity")
    sign, whole, part, suffix, exponent = match.groups()
    part = part or ""
    digits = int((whole or "") + part)
    power = 3 - len(part)
    if suffix and suffix.endswith("i"):
        digits *= 1024 ** ("KMGTPE".index(suffix[0]) + 1)
    else:
        power += int(exponent) if exponent else _POWERS[suffix or ""]
    value: int = digits * 10**power if power >= 0 else -(-digits // 10**-power)
    return -min(value, LARGEST) if sign == "-" else min(value, LARGEST)


def milli_of(amounts: Mapping[str, Quantity]) -> dict[str, int]:
    """Amounts by resource in thousandths; what is no quantity is left out, as no API server takes it."""
    found: dict[str, int] = {}
    for name, quantity in amounts.items():
        try:
            found[name] = milli(quantity)
        except ValueError:
            continue
    return found
