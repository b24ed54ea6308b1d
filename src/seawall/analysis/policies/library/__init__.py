"""The functions that Kubernetes adds to CEL, where the engine has none.

Source: Kubernetes' reference of its CEL libraries.
"""

from __future__ import annotations

from collections.abc import Iterator

from seawall.analysis.policies.library import addresses, authorizing, formats, lists, quantities, strings, urls
from seawall.analysis.policies.library.table import Function


def functions() -> Iterator[Function]:
    """All functions, an overload each."""
    for family in (strings, lists, quantities, addresses, urls, formats, authorizing):
        yield from family.functions()
