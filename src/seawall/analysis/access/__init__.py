"""Access: who may do what by RBAC, how it escalates, and how little would do."""

from seawall.analysis.access.index import AccessIndex, build_index

__all__ = ["AccessIndex", "build_index"]

#: The modules under ``rules`` that define rules, in the order in which they run.
RULE_MODULES: tuple[str, ...] = ()
