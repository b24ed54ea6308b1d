"""Made advisories and inventories for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from seawall.model.advisories import Entry, Known
from seawall.model.images import ImageInventory, LayerInfo, OsRelease, Package
from seawall.sources.advisories.osv import parse_osv
from seawall.store.advisories import AdvisoryStore, Builder

BOOKWORM = OsRelease("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")
DIGEST = "sha256:" + "ab" * 32
BUILT = "2026-11-25T00:00:00Z"


def package(type_: str, name: str, version: str, **more: Any) -> Package:
    return Package(type=type_, name=name, version=version, purl=f"pkg:{type_}/{name}@{version}", **more)


def image(packages: Iterable[Package], os: OsRelease | None = BOOKWORM, **more: Any) -> ImageInventory:
    given: dict[str, Any] = {
        "reference": "registry.example/shop/api:1",
        "digest": DIGEST,
        "kind": "image",
        "platform": None,
        "os": os,
        "config": None,
        "layers": (LayerInfo("sha256:l0", "sha256:d0", 1), LayerInfo("sha256:l1", "sha256:d1", 1)),
        "packages": tuple(packages),
        "executables": (),
    }
    return ImageInventory(**{**given, **more})


def osv(advisory: str, ecosystem: str, name: str, events: list[dict[str, str]], **more: Any) -> dict[str, Any]:
    affected = {
        "package": {"ecosystem": ecosystem, "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
        **more.pop("affected", {}),
    }
    return {"id": advisory, "modified": "2024-01-01T00:00:00Z", "affected": [affected], **more}


def entries(documents: Iterable[dict[str, Any]]) -> Iterator[Entry]:
    for document in documents:
        entry = parse_osv(json.dumps(document).encode(), document["id"])
        if isinstance(entry, Entry):
            yield entry


def database(
    path: Path,
    documents: Iterable[dict[str, Any]] = (),
    known: dict[str, Known] | None = None,
    more: Iterable[Entry] = (),
) -> AdvisoryStore:
    with Builder(str(path)) as builder:
        builder.add(entries(documents))
        builder.add(more)
        for cve, each in (known or {}).items():
            builder.add_known(cve, each)
        builder.finish(BUILT)
    return AdvisoryStore(str(path))
