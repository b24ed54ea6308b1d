"""Kustomize overlays, built by ``kustomize`` or ``kubectl`` in a child process."""

from seawall.sources.kustomize.build import Kustomize, NoKustomize
from seawall.sources.kustomize.graph import NAMES, Closure, Kustomization, KustomizeError, closure, read_kustomization
from seawall.sources.kustomize.load import load_overlay

__all__ = [
    "NAMES",
    "Closure",
    "Kustomization",
    "Kustomize",
    "KustomizeError",
    "NoKustomize",
    "closure",
    "load_overlay",
    "read_kustomization",
]
