"""Facts of managed clusters, as the providers' command lines and Terraform print them (JSON), told apart by shape."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.model.finding import SourceError
from seawall.model.resource import Resource
from seawall.sources.cloud import aks, eks, gke, terraform
from seawall.sources.cloud.fields import Made
from seawall.sources.made import make_resource

_MAX_BYTES = 256 * 1024 * 1024
_READERS = (eks.read, gke.read, aks.read, terraform.read)


def load_cloud(path: str) -> Iterator[Resource | SourceError]:
    """The clusters and node pools of a file; ``-`` is standard input.

    What cannot be read, and a document in which nothing is recognised, is a SourceError.
    """
    shown = "<stdin>" if path == "-" else path
    try:
        data = _read(path)
    except OSError as error:
        yield SourceError(shown, "", f"cannot be read: {error.strerror or error}", unreadable=True)
        return
    if len(data) > _MAX_BYTES:
        yield SourceError(shown, "", f"larger than {_MAX_BYTES >> 20} MiB; split it", unreadable=True)
        return
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        told = str(error) or "nested too deep"
        yield SourceError(shown, "", f"is no JSON: {told}; print it with --output json", unreadable=True)
        return
    found = list(recognise(document))
    if not found and not (isinstance(document, dict) and terraform.is_terraform(document)):
        message = "holds no cluster or node pool that is known; see docs/guide/cloud.md for what to export"
        yield SourceError(shown, "", message, unreadable=True)
    for kind, name, spec in found:
        yield make_resource(kind, name or "unnamed", spec, shown)


def _read(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(_MAX_BYTES + 1)
    with open(path, "rb") as file:
        return file.read(_MAX_BYTES + 1)


def recognise(document: Any) -> Iterator[Made]:
    """What a decoded document holds; lists (``list`` commands, several outputs in one) item by item."""
    if isinstance(document, dict) and isinstance(document.get("value"), list):
        document = document["value"]
    if isinstance(document, list):
        objects = [item for item in document if isinstance(item, dict)]
        settings = [item for item in objects if aks.is_diagnostics(item)]
        yield from aks.read_diagnostics(settings)
        for item in objects:
            if item not in settings:
                yield from _one(item)
    elif isinstance(document, dict):
        yield from _one(document)


def _one(document: dict[str, Any]) -> Iterator[Made]:
    for read in _READERS:
        found = list(read(document))
        if found:
            yield from found
            return
