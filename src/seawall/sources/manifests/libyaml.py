"""libyaml's parser as PyYAML brings it, without what PyYAML does at its import for its other parser.

The other one, in Python, compiles patterns over all of Unicode: 6 ms of each start. They are compiled here when they
are first used, which is never, unless somebody else in the process uses that parser.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any


class _Later:
    """A pattern that is compiled when something is asked of it."""

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments
        self._made: re.Pattern[Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            self._made = re.compile(*self._arguments)
        return getattr(self._made, name)


def _import_yaml() -> None:
    if "yaml" in sys.modules:
        return
    compiles: Callable[..., Any] = re.compile

    def later(*arguments: Any) -> Any:
        ours = sys._getframe(1).f_globals.get("__name__", "").startswith("yaml.")
        return _Later(*arguments) if ours else compiles(*arguments)

    re.compile = later  # type: ignore[assignment]
    try:
        import yaml  # noqa: F401 - for what it leaves in sys.modules
    finally:
        re.compile = compiles


_import_yaml()

from yaml import YAMLError  # noqa: E402
from yaml._yaml import CParser  # noqa: E402
from yaml.events import (  # noqa: E402
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from yaml.tokens import ScalarToken  # noqa: E402

__all__ = [
    "AliasEvent",
    "CParser",
    "DocumentEndEvent",
    "DocumentStartEvent",
    "MappingEndEvent",
    "MappingStartEvent",
    "ScalarEvent",
    "ScalarToken",
    "SequenceEndEvent",
    "SequenceStartEvent",
    "StreamEndEvent",
    "StreamStartEvent",
    "YAMLError",
]
