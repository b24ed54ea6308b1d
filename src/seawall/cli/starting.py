"""Imports that cost less than they would: what a library takes in by the way, and a start does not use, stays out.

Each trick is harmless where it does not fit: what is asked for later is then imported as usual.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


def import_argparse() -> None:
    """Import argparse without gettext: help is in one language, and looking for translations costs 4 ms a start."""
    words = ModuleType("gettext")
    words.gettext = str  # type: ignore[attr-defined]
    words.ngettext = lambda one, many, number: one if number == 1 else many  # type: ignore[attr-defined]
    with _instead({"gettext": words}):
        import_module("argparse")


def import_msgspec() -> None:
    """Import msgspec without what it takes in for schemas and old Pythons, at 12 ms a start.

    Schemas and introspection come in when they are asked for. uuid asks ``platform`` for the system's name alone.
    """
    stand_ins: dict[str, ModuleType | None] = {"typing_extensions": None}
    if sys.platform == "linux":
        system = ModuleType("platform")
        system.system = lambda: "Linux"  # type: ignore[attr-defined]
        stand_ins["platform"] = system
    if "msgspec" not in sys.modules:
        stand_ins |= {name: _Later(name) for name in ("msgspec.inspect", "msgspec._json_schema")}
    with _instead(stand_ins):
        msgspec = import_module("msgspec")
    if isinstance(getattr(msgspec, "inspect", None), _Later):
        # Gone from the package, it is looked for and imported.
        del msgspec.inspect


class _Later(ModuleType):
    """Stands for a module until something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*args: Any, **options: Any) -> Any:
            return getattr(import_module(self.__name__), name)(*args, **options)

        return call


@contextmanager
def _instead(modules: dict[str, ModuleType | None]) -> Iterator[None]:
    """Have others find these modules for a while, unless the real ones are there."""
    names = [name for name in modules if name not in sys.modules]
    sys.modules.update({name: modules[name] for name in names})  # type: ignore[misc]
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
