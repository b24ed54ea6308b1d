"""An image's configuration: OCI's ``application/vnd.oci.image.config.v1+json`` and Docker's, which is the same."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from seawall.analysis.images.documents import json_object, mapping
from seawall.analysis.images.errors import Unreadable
from seawall.model.images import HistoryStep, ImageConfig, Platform

_MAX_ITEMS = 10_000
_MAX_BYTES = 16 << 20


class ReadConfig(Struct, frozen=True):
    """A configuration, the platform that it is for, and the digests of the plain layers."""

    config: ImageConfig
    platform: Platform | None
    diff_ids: tuple[str, ...]


def read_config(data: bytes) -> ReadConfig:
    """The configuration out of its JSON; fields of a wrong type are left out.

    Raises:
        Unreadable: it is no JSON object, or larger than 16 MiB.
    """
    if len(data) > _MAX_BYTES:
        raise Unreadable(f"is a configuration larger than {_MAX_BYTES >> 20} MiB")
    document = json_object(data)
    inner = mapping(document.get("config"))
    health = mapping(inner.get("Healthcheck")).get("Test")
    config = ImageConfig(
        user=_text(inner.get("User")),
        env=_texts(inner.get("Env")),
        entrypoint=_texts(inner.get("Entrypoint")),
        cmd=_texts(inner.get("Cmd")),
        working_dir=_text(inner.get("WorkingDir")),
        ports=tuple(sorted(mapping(inner.get("ExposedPorts")))),
        volumes=tuple(sorted(mapping(inner.get("Volumes")))),
        healthcheck=_texts(health) if isinstance(health, list) and health else None,
        stop_signal=_text(inner.get("StopSignal")),
        labels={key: value for key, value in mapping(inner.get("Labels")).items() if isinstance(value, str)},
        created=_text(document.get("created")),
        author=_text(document.get("author")),
        history=_history(document.get("history")),
    )
    system, machine = _text(document.get("os")), _text(document.get("architecture"))
    platform = Platform(system, machine, _text(document.get("variant"))) if system and machine else None
    return ReadConfig(config, platform, _texts(mapping(document.get("rootfs")).get("diff_ids")))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value[:_MAX_ITEMS] if isinstance(item, str)) if isinstance(value, list) else ()


def _history(value: Any) -> tuple[HistoryStep, ...]:
    steps, layer = [], 0
    for entry in value[:_MAX_ITEMS] if isinstance(value, list) else ():
        step = mapping(entry)
        empty = step.get("empty_layer") is True
        steps.append(
            HistoryStep(
                _text(step.get("created")), _text(step.get("created_by")), _text(step.get("comment")),
                -1 if empty else layer,
            )
        )  # fmt: skip
        layer += not empty
    return tuple(steps)
