"""Examples of checks: base facts, and the changes that make them bad or leave them good."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from seawall.analysis.nodes.settings import DataError
from seawall.model.facts import Facts

_BASES = Path(__file__).parent / "examples"


@cache
def base_document(name: str) -> dict[str, Any]:
    """The facts that the examples of a file change, as a plain document; not to be changed.

    Raises:
        DataError: there are none of that name.
    """
    try:
        document = msgspec.yaml.decode((_BASES / f"{name}.yaml").read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"the base facts {name!r} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise DataError(f"the base facts {name!r} are not a mapping")
    return document


def example_facts(base: str, change: dict[str, Any]) -> Facts:
    """The base facts with a change (a JSON merge patch, RFC 7396).

    Raises:
        DataError: the result is no facts document.
    """
    try:
        return msgspec.convert(merged(base_document(base), change), Facts, strict=True)
    except msgspec.ValidationError as error:
        raise DataError(f"an example of {base!r} is no facts document: {error}") from error


def merged(document: Any, patch: Any) -> Any:
    """A document with a JSON merge patch applied; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
