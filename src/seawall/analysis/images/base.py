"""Which image another was built on: told by what is known of layers, by labels, or by the shape of the history."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from seawall.model.images import BaseImage, ImageConfig, OsRelease, Package

_BASE_NAME = "org.opencontainers.image.base.name"
_BASE_DIGEST = "org.opencontainers.image.base.digest"
_OS_TYPES = frozenset({"deb", "apk", "rpm"})
#: The step that sets the command: ``/bin/sh -c #(nop)  CMD ["bash"]``, ``CMD ["bash"]`` of BuildKit.
_COMMAND = re.compile(r"(?:/bin/sh -c #\(nop\)\s+)?(?:CMD|ENTRYPOINT)\b")


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    """OCI's chain IDs: the Nth names the first N layers together (image-spec, config.md, "Layer ChainID")."""
    chains: list[str] = []
    for diff_id in diff_ids:
        if chains:
            diff_id = f"sha256:{hashlib.sha256(f'{chains[-1]} {diff_id}'.encode()).hexdigest()}"
        chains.append(diff_id)
    return chains


def guess_base(
    config: ImageConfig | None,
    diff_ids: Sequence[str],
    os: OsRelease | None,
    packages: Sequence[Package],
    known: Mapping[str, str],
) -> BaseImage | None:
    """The likely base. ``known`` maps chain IDs to names of images; the longest run of layers that is known wins."""
    for count, chain in reversed(list(enumerate(chain_ids(diff_ids), 1))):
        if chain in known:
            return BaseImage(known[chain], count, "the digests of its layers")
    boundary = _boundary(config)
    labels = config.labels if config else {}
    if labels.get(_BASE_NAME):
        return BaseImage(labels[_BASE_NAME], boundary, f"the label {_BASE_NAME}", labels.get(_BASE_DIGEST, ""))
    return _by_system(boundary, len(diff_ids), os, packages)


def _by_system(boundary: int, layers: int, os: OsRelease | None, packages: Sequence[Package]) -> BaseImage | None:
    first = [package.layer for package in packages if package.type in _OS_TYPES and not package.declared]
    if os is None or not first or layers < 2:
        return None
    name = f"{os.id}:{os.version_id or os.codename or 'latest'}"
    if boundary and min(first) < boundary < layers:
        return BaseImage(name, boundary, "the history's last command before this image's own steps")
    most = max(set(first), key=first.count)
    if most + 1 < layers:
        share = f"{first.count(most)} of {len(first)} packages"
        return BaseImage(name, most + 1, f"the layer that brought {share} of the system")
    return None


def _boundary(config: ImageConfig | None) -> int:
    """How many layers stand before the last ``CMD`` or ``ENTRYPOINT`` that layers follow; 0 where there is none."""
    history = config.history if config else ()
    end = len(history)
    while end and history[end - 1].layer < 0:
        end -= 1
    for index in range(end - 1, -1, -1):
        step = history[index]
        if step.layer < 0 and _COMMAND.match(step.created_by):
            return sum(earlier.layer >= 0 for earlier in history[:index])
    return 0
