"""The modules that define configuration rules."""

from __future__ import annotations

from importlib import import_module

from seawall.model.rule import REGISTRY, Registry

MODULES = (
    "pss_baseline",
    "pss_restricted",
    "workloads",
    "images",
    "cluster_objects",
    "network",
    "rbac",
    "control_plane",
    "manifests",
)


def load_rules() -> Registry:
    """The registry, with every configuration rule in it."""
    for module in MODULES:
        import_module(f"seawall.analysis.posture.rules.{module}")
    return REGISTRY
