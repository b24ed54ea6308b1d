"""An image's configuration: what it runs as, and how it was built.

Source: OCI image specification, "Image Configuration".
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import Struct

from seawall.model.images import HistoryStep, ImageConfig, Platform
from seawall.sources.images.errors import ImageError
from seawall.sources.images.layer import is_digest

MAX_CONFIG = 8 << 20
_MAX_LAYERS = 512


class _Health(Struct, rename="pascal"):
    test: tuple[str, ...] | None = None


class _Run(Struct, rename="pascal"):
    user: str | None = None
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | str | None = None
    cmd: tuple[str, ...] | str | None = None
    working_dir: str | None = None
    exposed_ports: dict[str, object] | None = None
    volumes: dict[str, object] | None = None
    healthcheck: _Health | None = None
    stop_signal: str | None = None
    labels: dict[str, str] | None = None


class _Step(Struct):
    created: str | None = None
    created_by: str | None = None
    comment: str | None = None
    empty_layer: bool | None = None


class _RootFs(Struct):
    diff_ids: tuple[str, ...] | None = None


class _Config(Struct):
    architecture: str = ""
    os: str = ""
    variant: str | None = None
    created: str | None = None
    author: str | None = None
    config: _Run | None = None
    rootfs: _RootFs | None = None
    history: tuple[_Step, ...] | None = None


class ConfigFile(NamedTuple):
    """What a configuration says: of the image, of its platform (None where it names none), and its layers' digests."""

    config: ImageConfig
    platform: Platform | None
    diff_ids: tuple[str, ...]


def read_config(data: bytes) -> ConfigFile:
    """An image's configuration.

    Raises:
        ImageError: it is none.
    """
    try:
        read = msgspec.json.decode(data, type=_Config)
    except msgspec.ValidationError as error:
        raise ImageError(f"has a malformed configuration: {error}") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ImageError("has a configuration that is no JSON") from error
    diff_ids = (read.rootfs.diff_ids if read.rootfs is not None else None) or ()
    if len(diff_ids) > _MAX_LAYERS:
        raise ImageError(f"has more than {_MAX_LAYERS} layers")
    for diff_id in diff_ids:
        if not is_digest(diff_id):
            raise ImageError(f"has a configuration with the digest {diff_id[:80]!r}; it must be sha256 or sha512")
    run = read.config or _Run()
    config = ImageConfig(
        user=run.user or "",
        env=run.env or (),
        entrypoint=_words(run.entrypoint),
        cmd=_words(run.cmd),
        working_dir=run.working_dir or "",
        ports=tuple(run.exposed_ports or ()),
        volumes=tuple(run.volumes or ()),
        healthcheck=run.healthcheck.test if run.healthcheck is not None else None,
        stop_signal=run.stop_signal or "",
        labels=run.labels or {},
        created=read.created or "",
        author=read.author or "",
        history=_history(read.history or ()),
    )
    platform = Platform(read.os, read.architecture, read.variant or "") if read.os and read.architecture else None
    return ConfigFile(config, platform, diff_ids)


def _words(value: tuple[str, ...] | str | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()


def _history(steps: tuple[_Step, ...]) -> tuple[HistoryStep, ...]:
    found, layer = [], 0
    for step in steps:
        empty = bool(step.empty_layer)
        found.append(HistoryStep(step.created or "", step.created_by or "", step.comment or "", -1 if empty else layer))
        layer += not empty
    return tuple(found)


def commands(config: ImageConfig, layers: int) -> list[str]:
    """The command that made each layer, where the history accounts for as many layers as there are."""
    made = [step for step in config.history if step.layer >= 0]
    return [step.created_by for step in made] if len(made) == layers else [""] * layers
