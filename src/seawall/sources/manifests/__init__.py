"""Manifests: YAML and JSON files, folders of them, and standard input."""

from seawall.sources.manifests.load import load_bytes, load_file, load_stdin
from seawall.sources.manifests.objects import Loaded
from seawall.sources.manifests.text import MAX_FILE_BYTES
from seawall.sources.manifests.walk import CHART, OVERLAY, Entry, InputFile, Skipped, Unrendered, walk

__all__ = [
    "CHART",
    "MAX_FILE_BYTES",
    "OVERLAY",
    "Entry",
    "InputFile",
    "Loaded",
    "Skipped",
    "Unrendered",
    "load_bytes",
    "load_file",
    "load_stdin",
    "walk",
]
