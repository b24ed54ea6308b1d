"""Access: who may do what by RBAC, how it escalates, and how little would do.

Names are imported when they are asked for: a scan of manifests without bindings needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seawall.analysis.access.asking import QuestionError, custom_resources, parse_request, parse_subject
    from seawall.analysis.access.closure import Closure
    from seawall.analysis.access.facts import facts_of
    from seawall.analysis.access.index import AccessIndex, build_index
    from seawall.analysis.access.points import ADMIN, NODE, Hub, Point, Step

__all__ = [
    "ADMIN",
    "NODE",
    "AccessIndex",
    "Closure",
    "Hub",
    "Point",
    "QuestionError",
    "Step",
    "build_index",
    "custom_resources",
    "facts_of",
    "parse_request",
    "parse_subject",
]

_MODULES = {
    "asking": ("QuestionError", "custom_resources", "parse_request", "parse_subject"),
    "closure": ("Closure",),
    "facts": ("facts_of",),
    "index": ("AccessIndex", "build_index"),
    "points": ("ADMIN", "NODE", "Hub", "Point", "Step"),
}

#: The modules under ``rules`` that define rules, in the order in which they run.
RULE_MODULES = (
    "rbac",
    "rbac_escalation",
    "rbac_changes",
    "rbac_reach",
    "identities",
    "nodes",
    "traffic",
    "admission",
    "extensions",
    "operators",
    "role_hygiene",
    "escalations",
    "bindings",
    "grants_hygiene",
)


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
