"""What telling an image's layers needs of its configuration: the platform, and the digests of the plain layers.

Source: OCI image specification, "Image Configuration".
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import Struct

from seawall.model.images import Platform
from seawall.sources.images.errors import ImageError
from seawall.sources.images.layer import is_digest

MAX_CONFIG = 8 << 20
_MAX_LAYERS = 512


class _RootFs(Struct):
    diff_ids: tuple[str, ...] | None = None


class _Config(Struct):
    architecture: str | None = None
    os: str | None = None
    variant: str | None = None
    rootfs: _RootFs | None = None


class ConfigFile(NamedTuple):
    """A configuration as it is stored; its platform (None where it names none), and its layers' digests."""

    data: bytes
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
    platform = Platform(read.os, read.architecture, read.variant or "") if read.os and read.architecture else None
    return ConfigFile(data, platform, diff_ids)
