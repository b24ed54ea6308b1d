"""Isolation: what falls with a node, a namespace or a pool, who shares nodes with whom, and how to part them.

Names are imported when they are asked for: a scan that meets no node and no DaemonSet needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seawall.analysis.isolation.blast import Blast, By
    from seawall.analysis.isolation.sensitivity import GIVEN, LEVELS, Level
    from seawall.analysis.isolation.world import Options, World

__all__ = ["GIVEN", "LEVELS", "Blast", "By", "Level", "Options", "World"]

_MODULES = {"blast": ("Blast", "By"), "sensitivity": ("GIVEN", "LEVELS", "Level"), "world": ("Options", "World")}

#: The modules under ``rules`` that define rules, in the order in which they run.
RULE_MODULES = ("mixing", "pools", "agents")


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
