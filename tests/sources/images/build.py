"""Layers, images and layouts made by hand."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from seawall.model.images import EntryKind, EntryTooLarge, LayerInfo
from seawall.sources.images.layer import LayerWalk
from seawall.sources.images.limits import DEFAULT_LIMITS, Limits
from tests.registry import digest

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

OS_RELEASE = b'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
STATUS = b"Package: bash\nStatus: install ok installed\nVersion: 5.2.15-2\nArchitecture: amd64\nMaintainer: a\n\n"


def entry(name: str, data: bytes = b"", mode: int = 0o644, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """An entry of a layer; ``fields`` are those of ``tarfile.TarInfo``."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = mode
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def tar(*entries: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A plain archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


BASE = tar(entry("etc/os-release", OS_RELEASE), entry("var/lib/dpkg/status", STATUS))
OWN = tar(entry("app/run.sh", b"#!/bin/sh\nexec true\n", 0o4755), entry("etc/.wh.motd"))


def pack_gzip(data: bytes) -> bytes:
    """Packed, always alike."""
    return gzip.compress(data, mtime=0)


class Built(NamedTuple):
    """An image's parts: its manifest, and all blobs by digest (configuration and layers)."""

    manifest: bytes
    blobs: dict[str, bytes]
    media_type: str

    @property
    def digest(self) -> str:
        return digest(self.manifest)


def build(
    layers: Iterable[bytes] = (BASE, OWN),
    *,
    architecture: str = "amd64",
    docker: bool = False,
    pack: Callable[[bytes], bytes] = pack_gzip,
    config: dict[str, Any] | None = None,
) -> Built:
    """An image of plain layers, which are packed on the way."""
    plain = list(layers)
    stored = [pack(layer) for layer in plain]
    body: dict[str, Any] = {
        "os": "linux",
        "architecture": architecture,
        "created": "2024-05-01T00:00:00Z",
        "config": {"User": "1000", "Env": ["PATH=/bin", "DB_PASSWORD=hunter2hunter2"], "Cmd": ["/app/run.sh"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in plain]},
        "history": [{"created_by": f"step {number}"} for number, _ in enumerate(plain)],
    }
    data = json.dumps(body | (config or {})).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST if docker else MANIFEST,
        "config": _described(data, DOCKER_CONFIG if docker else CONFIG),
        "layers": [_described(each, DOCKER_LAYER if docker else f"{LAYER}+gzip") for each in stored],
    }
    blobs = {digest(each): each for each in (data, *stored)}
    return Built(json.dumps(manifest).encode(), blobs, DOCKER_MANIFEST if docker else MANIFEST)


def _described(data: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest(data), "size": len(data)}


def index_of(*images: tuple[Built, str]) -> bytes:
    """An index of images with the platforms that they are for (``linux/arm64/v8``)."""
    items = []
    for image, platform in images:
        names = ("os", "architecture", "variant")
        described = _described(image.manifest, image.media_type)
        items.append(described | {"platform": dict(zip(names, platform.split("/"), strict=False))})
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": items}).encode()


def write_layout(folder: Path, *images: tuple[Built, str]) -> Path:
    """An OCI layout with images by their names."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    items = []
    for image, name in images:
        for key, data in [(image.digest, image.manifest), *image.blobs.items()]:
            (blobs / key[7:]).write_bytes(data)
        described = _described(image.manifest, image.media_type)
        items.append(described | {"annotations": {"org.opencontainers.image.ref.name": name}})
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": items}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


def archive_of(folder: Path) -> bytes:
    """A folder as a tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.add(folder, ".")
    return out.getvalue()


class Seen(NamedTuple):
    """An entry as it was seen, with its content where it has at most 1 MiB."""

    path: str
    kind: EntryKind
    mode: int
    uid: int
    size: int
    target: str
    data: bytes


def walked(
    data: bytes, *, piece: int = 4096, limits: Limits = DEFAULT_LIMITS, diff_id: str = ""
) -> tuple[list[Seen], LayerWalk]:
    """All entries of a stored layer, and the walk after it."""
    walk = LayerWalk(LayerInfo(digest(data), diff_id, len(data)), pieces(data, piece), limits)
    return list(seen(walk)), walk


def seen(walk: LayerWalk) -> Iterator[Seen]:
    for each in walk:
        try:
            content = each.read(1 << 20)
        except EntryTooLarge:
            content = b""
        yield Seen(each.path, each.kind, each.mode, each.uid, each.size, each.target, content)


def pieces(data: bytes, size: int = 4096) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def problems(walk: LayerWalk) -> str:
    """What a walk tells, in one text."""
    return "\n".join(f"{each.where}: {each.reason}" for each in walk.problems)
