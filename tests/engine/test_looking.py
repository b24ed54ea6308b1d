"""Analyses that share the one pass over each layer: each sees every entry once, keeps its own, and harms no other."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from seawall.engine import images
from seawall.engine.images import ImageOptions, look_into
from seawall.model.images import Entry, EntryKind, Feed
from seawall.sources.images.places import PlaceOptions
from tests.registry import digest
from tests.sources.images.build import BASE, archive_of, build, entry, pack_gzip, tar, write_layout

SEEN: Counter[str] = Counter()


class Sizes:
    """Tells how many bytes each file has, of those above ``large`` by pieces."""

    def __init__(self, key: str, large: int = 1 << 30) -> None:
        self.key = key
        self._large = large

    def layer(self) -> SizesOfLayer:
        return SizesOfLayer(self.key, self._large)


class SizesOfLayer:
    def __init__(self, key: str, large: int) -> None:
        self._key = key
        self._large = large
        self.told: list[str] = []

    def see(self, entry: Entry) -> Feed | None:
        SEEN[self._key] += 1
        if entry.kind is not EntryKind.FILE:
            return None
        if entry.size > self._large:
            return Sum(entry.path, self)
        self.told.append(f"{entry.path}={len(entry.read(1 << 30))}")
        return None

    def found(self) -> bytes:
        return "\n".join(self.told).encode()


class Sum:
    def __init__(self, path: str, owner: SizesOfLayer) -> None:
        self._path, self._owner, self._length = path, owner, 0

    def feed(self, piece: bytes) -> None:
        self._length += len(piece)

    def end(self, problem: str) -> None:
        self._owner.told.append(f"{self._path}={self._length}{problem}")


UPPER = tar(entry("app/big", b"x" * 300_000), entry("app/run.sh", b"#!/bin/sh\n"))


@pytest.fixture
def layout(tmp_path: Path) -> str:
    return f"oci-dir:{write_layout(tmp_path / 'layout', (build([BASE, UPPER]), 'v1'))}"


@pytest.mark.parametrize("large", [1 << 30, 1000])
def test_every_look_sees_every_file_beside_the_inventory(layout: str, large: int) -> None:
    looked = look_into(layout, ImageOptions(), [Sizes("one"), Sizes("two", large)])
    assert looked.inventory.os is not None and not looked.inventory.not_looked
    for key in ("one", "two"):
        lower, upper = looked.found[key]
        assert upper == b"app/big=300000\napp/run.sh=10" and lower is not None and b"etc/os-release=" in lower


def test_an_archive_that_is_read_once_and_a_root(layout: str, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar.gz"
    archive.write_bytes(gzip.compress(archive_of(Path(layout.removeprefix("oci-dir:")))))
    looked = look_into(f"oci-archive:{archive}", ImageOptions(), [Sizes("one", 1000)])
    assert looked.found["one"][1] == b"app/big=300000\napp/run.sh=10"
    root = tmp_path / "root"
    root.mkdir()
    (root / "f").write_bytes(b"y" * 5000)
    assert look_into(f"rootfs:{root}", ImageOptions(), [Sizes("one", 1000)]).found["one"] == [b"f=5000"]


def test_each_look_is_kept_under_its_own_key(layout: str, tmp_path: Path) -> None:
    options = ImageOptions(cache_folder=str(tmp_path / "cache"))
    SEEN.clear()
    first = look_into(layout, options, [Sizes("one")])
    before = SEEN["one"]
    again = look_into(layout, options, [Sizes("one"), Sizes("two")])
    assert SEEN["one"] == before == SEEN["two"] and again.found["one"] == first.found["one"] == again.found["two"]
    assert look_into(layout, options, [Sizes("two")]).inventory == first.inventory and SEEN["two"] == before


def test_a_layer_cut_short_in_a_file_read_by_pieces_is_told(tmp_path: Path) -> None:
    cut = UPPER[:100_000]
    layout = write_layout(tmp_path / "layout", (build([cut]), "v1"))
    looked = look_into(f"oci-dir:{layout}", ImageOptions(), [Sizes("one", 1000)])
    (found,) = looked.found["one"]
    assert found is not None and found.endswith(b"is cut short")
    assert any("is cut short" in each.reason for each in looked.inventory.not_looked)


def test_an_sbom_has_no_files(tmp_path: Path) -> None:
    bom = tmp_path / "bom.json"
    bom.write_text('{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": []}')
    assert look_into(f"sbom:{bom}", ImageOptions(PlaceOptions()), [Sizes("one")]).found == {"one": []}


def test_what_later_layers_do_to_a_file() -> None:
    from seawall.analysis.images import collect
    from seawall.analysis.images.overlay import Overlay
    from tests.analysis.images.entries import Made, folder, link, opaque, whiteout

    lower = collect([Made("a/one"), Made("a/two"), Made("b/c/three"), Made("d/four"), Made("e/five"), Made("f")])
    upper = collect([Made("a/one"), whiteout("a/two"), link("b", "a"), opaque("d"), folder("f"), folder("e")])
    overlay = Overlay([lower, upper, collect([])])
    fates = {path: overlay.fate(path, 0).state for path in ("a/one", "a/two", "b/c/three", "d/four", "e/five", "f")}
    assert fates == {
        "a/one": "replaced", "a/two": "deleted", "b/c/three": "deleted", "d/four": "deleted", "e/five": "there",
        "f": "deleted",
    }  # fmt: skip
    assert overlay.fate("a/one", 0).layer == 1 and overlay.fate("a/one", 1) == ("there", 1)
    assert Overlay([lower, collect([opaque("")])]).fate("a/one", 0).state == "deleted"


def test_nothing_is_kept_of_a_layer_that_is_not_the_one_named(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", (build([BASE]), "v1"))
    blob = layout / "blobs/sha256" / digest(pack_gzip(BASE))[7:]
    blob.write_bytes(pack_gzip(UPPER))
    looked = look_into(f"oci-dir:{layout}", ImageOptions(cache_folder=str(tmp_path / "c")), [Sizes("one")])
    assert looked.found["one"] == [None] and looked.inventory.not_looked


def test_readers_without_looks_pass_no_watch(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "watched", None)
    assert images.read_image(layout, ImageOptions()).packages
