"""The analyses that bring rules, and the registry with all of them in it."""

from __future__ import annotations

from importlib import import_module

from seawall.model.rule import REGISTRY, Registry

#: Packages with a ``RULE_MODULES`` list, modules of these names under ``rules``, and ``examples`` beside them.
ANALYSES = ("posture", "network", "access", "endpoints", "cloud")


def load_rules() -> Registry:
    """The registry, with the rules of every analysis in it."""
    for analysis in ANALYSES:
        package = f"seawall.analysis.{analysis}"
        for module in import_module(package).RULE_MODULES:
            import_module(f"{package}.rules.{module}")
    return REGISTRY
