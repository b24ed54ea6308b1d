"""The JSON Schema of facts, made from the model that writes and reads them."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from seawall.model.facts import FACTS_SCHEMA, Facts


def schema() -> bytes:
    """The schema of ``seawall.facts/v1`` as JSON text."""
    document: dict[str, Any] = msgspec.json.schema(Facts)
    facts = document["$defs"]["Facts"]
    facts["properties"]["schema"] = {"const": FACTS_SCHEMA}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://seawall.dev/schemas/facts.v1.json",
        "title": FACTS_SCHEMA,
        "description": "What `seawall node collect` writes. Consumers ignore properties that they do not know.",
    }
    return (json.dumps({**head, **document}, indent=2) + "\n").encode()
