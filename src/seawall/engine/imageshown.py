"""What may be told of an image: without the credentials that stand in its configuration and history."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

from msgspec.structs import replace

from seawall.model.images import ImageInventory

_REDACTED = "[redacted]"


def shown(inventory: ImageInventory) -> ImageInventory:
    """The inventory as it may be told: credentials in variables, labels, commands and the history taken out."""
    config = inventory.config
    clean = _cleaner()
    layers = tuple(replace(layer, created_by=clean(layer.created_by)) for layer in inventory.layers)
    if config is None:
        return replace(inventory, layers=layers)
    config = replace(
        config,
        env=tuple(_variable(each, clean) for each in config.env),
        labels={name: _value(name, value, clean) for name, value in config.labels.items()},
        entrypoint=tuple(map(clean, config.entrypoint)),
        cmd=tuple(map(clean, config.cmd)),
        healthcheck=None if config.healthcheck is None else tuple(map(clean, config.healthcheck)),
        history=tuple(
            replace(step, created_by=clean(step.created_by), comment=clean(step.comment)) for step in config.history
        ),
    )
    return replace(inventory, layers=layers, config=config)


@lru_cache(maxsize=1)
def _cleaner() -> Callable[[str], str]:
    return partial(_clean, find=_finder())


def _finder() -> Callable[[str], list[tuple[int, int]]]:
    """What finds secrets in a text: all that a search would tell, and, wider, what snapshots are scrubbed of."""
    from seawall.analysis.secrets import make_scanner
    from seawall.model.credential_names import is_placeholder
    from seawall.sources.snapshot.patterns import find_secrets

    scanner = make_scanner(fast=False)

    def find(text: str) -> list[tuple[int, int]]:
        spans = find_secrets(text, is_placeholder)
        # In characters, as places in ASCII are; other texts are few.
        data = text if text.isascii() else text.encode("ascii", "replace").decode()
        spans += scanner.spans(data.encode(), "x.sh")
        merged: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged

    return find


def _clean(text: str, find: Callable[[str], list[tuple[int, int]]]) -> str:
    for start, end in reversed(find(text)):
        text = f"{text[:start]}{_REDACTED}{text[end:]}"
    return text


def _variable(text: str, clean: Callable[[str], str]) -> str:
    name, equals, value = text.partition("=")
    return f"{name}{equals}{_value(name, value, clean)}"


def _value(name: str, value: str, clean: Callable[[str], str]) -> str:
    from seawall.model.credential_names import is_placeholder, names_credential

    return _REDACTED if value and names_credential(name) and not is_placeholder(value) else clean(value)
