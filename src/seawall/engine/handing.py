"""What one analysis needs of another, handed over: each result is made when a rule first asks for it."""

from __future__ import annotations

from typing import Any

from seawall.model.rule import Context


def of_others(context: Context, what: str) -> Any:
    """The result of that name for the inventory that is judged.

    Raises:
        KeyError: there is none of that name.
        NotRead: something that it needs was not read.
    """
    if what != "standing":
        raise KeyError(what)
    from seawall.engine.standing import standing_of

    return standing_of(context)
