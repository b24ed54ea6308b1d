"""Reading documents of which any part may be absent or of another type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: What is made of a document: the kind, the name and the spec of a resource.
Made = tuple[str, str, dict[str, Any]]


def at(value: Any, *steps: str) -> Any:
    """The value at some keys; None where they lead nowhere."""
    for step in steps:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def text(value: Any, *steps: str) -> str:
    """The text at some keys; empty where there is none."""
    found = at(value, *steps)
    return found if isinstance(found, str) else ""


def flag(value: Any, *steps: str) -> bool:
    """Whether ``true`` stands there: providers leave out what is off."""
    return at(value, *steps) is True


def maybe(value: Any, *steps: str) -> bool | None:
    """The truth value there; None where there is none."""
    found = at(value, *steps)
    return found if isinstance(found, bool) else None


def items(value: Any, *steps: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a list with their indices."""
    found = at(value, *steps)
    for index, item in enumerate(found if isinstance(found, list) else []):
        if isinstance(item, dict):
            yield index, item


def texts(value: Any, *steps: str) -> list[str]:
    """The texts of a list."""
    found = at(value, *steps)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def known(spec: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known."""
    return {key: value for key, value in spec.items() if value is not None}
