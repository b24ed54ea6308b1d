"""Helm charts, rendered by Helm's own engine in a child process."""

from seawall.sources.helm.engine import Engine, find_engine
from seawall.sources.helm.load import Release, load_chart
from seawall.sources.helm.stage import ChartError, Staged, stage_archive, stage_folder

__all__ = [
    "ChartError",
    "Engine",
    "Release",
    "Staged",
    "find_engine",
    "load_chart",
    "stage_archive",
    "stage_folder",
]
