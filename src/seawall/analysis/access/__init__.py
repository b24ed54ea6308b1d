"""Access: who may do what by RBAC, how it escalates, and how little would do."""

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

#: The modules under ``rules`` that define rules, in the order in which they run.
RULE_MODULES: tuple[str, ...] = ()
