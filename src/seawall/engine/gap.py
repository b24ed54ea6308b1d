"""What a second framework asks beyond a first, by the checks behind their controls."""

from __future__ import annotations

from msgspec import Struct

from seawall.engine.frameworks import Control, Framework


class Gap(Struct, frozen=True):
    """A control of the second framework: the checks that no control of the first has, and those that both have.

    ``asks`` is what people must attest, which no other framework's checks answer.
    """

    id: str
    title: str
    beyond: tuple[str, ...]
    shared: tuple[str, ...]
    asks: str = ""


def gap(first: Framework, second: Framework) -> list[Gap]:
    """The controls of ``second`` that meeting ``first`` leaves open, in their order."""
    known = {name for control in first.controls for name in _checks(control)}
    found = []
    for control in second.controls:
        checks = _checks(control)
        beyond = tuple(name for name in checks if name not in known)
        asks = control.data.attest or (control.data.title if not checks else "")
        if beyond or asks:
            shared = tuple(name for name in checks if name in known)
            found.append(Gap(control.data.id, control.data.title, beyond, shared, asks))
    return found


def _checks(control: Control) -> tuple[str, ...]:
    return (*control.needed, *(f"engine {name}" for name in control.data.engines))
