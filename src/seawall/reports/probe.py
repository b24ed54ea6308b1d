"""The facts of a probe, ``seawall.probe/v1``; the schema lies in ``schemas/probe.v1.json``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

SCHEMA = "seawall.probe/v1"


def render_facts(facts: Sequence[dict[str, Any]], version: str) -> Iterator[bytes]:
    """The document; each endpoint is the ``spec`` of a resource ``seawall.dev/v1`` Endpoint."""
    document = {"schema": SCHEMA, "tool": {"name": "seawall", "version": version}, "endpoints": list(facts)}
    yield msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
