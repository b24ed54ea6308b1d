"""Layers: how they are packed, their digests, whiteouts, and streams that are broken or blow up."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model.images import EntryKind, LayerInfo
from seawall.sources.images.errors import BadLayer, ImageError
from seawall.sources.images.layer import LayerWalk
from seawall.sources.images.limits import DEFAULT_LIMITS, Limits
from seawall.sources.images.unpack import unpacked
from tests.registry import digest
from tests.sources.images.build import entry, pieces, problems, seen, tar, walked

zstd = pytest.importorskip("backports.zstd") if sys.version_info < (3, 14) else pytest.importorskip("compression.zstd")

PLAIN = tar(*(entry(f"file{number}", bytes([number]) * 3000) for number in range(50)))
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("piece", [1, 100, 1 << 17])
def test_every_packing(name: str, piece: int) -> None:
    stored = PACKERS[name](PLAIN)
    found, walk = walked(stored, piece=piece, diff_id=digest(PLAIN))
    assert len(found) == 50 and found[7].data == b"\7" * 3000
    assert walk.trusted and not walk.problems and walk.plain == digest(PLAIN) and walk.found == digest(stored)


@pytest.mark.parametrize("name", ["gzip", "zstd", "bzip2", "xz"])
def test_several_members_are_one(name: str) -> None:
    pack = PACKERS[name]
    stored = b"".join(pack(part) for part in pieces(PLAIN, 40_000)) + b"\0" * 30
    if name == "zstd":  # a frame to be skipped, as seekable images have at their end
        stored = stored[:-30] + b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    assert b"".join(unpacked(pieces(stored), DEFAULT_LIMITS)) == PLAIN
    assert len(walked(stored)[0]) == 50


def test_gzip_without_the_faster_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal.igzip_lib", None)
    stored = b"".join(gzip.compress(part) for part in pieces(PLAIN, 40_000))
    assert b"".join(unpacked(pieces(stored, 777), DEFAULT_LIMITS)) == PLAIN
    with pytest.raises(BadLayer, match="corrupt"):
        list(unpacked([stored[:100] + b"\xff" * 40 + stored[140:]], DEFAULT_LIMITS))


def test_zstd_without_a_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    with pytest.raises(ImageError, match=r"pip install 'seawall\[images\]'"):
        walked(zstd.compress(PLAIN))


@pytest.mark.parametrize("name", ["gzip", "zstd", "bzip2", "xz"])
def test_a_stream_that_is_cut_or_corrupt_names_the_layer(name: str) -> None:
    stored = PACKERS[name](PLAIN)
    _, walk = walked(stored[: len(stored) // 2])
    assert f"layer {digest(stored[: len(stored) // 2])}" in problems(walk) and "cut short" in problems(walk)
    broken = bytearray(stored)
    broken[len(broken) // 2] ^= 0xFF
    broken[len(broken) // 2 + 1] ^= 0xFF
    _, walk = walked(bytes(broken))
    assert "corrupt" in problems(walk) or "cut short" in problems(walk) or "no tar" in problems(walk)


@pytest.mark.parametrize("library", ["isal", "zlib"])
def test_bombs_are_defused(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if library == "zlib":
        monkeypatch.setitem(sys.modules, "isal.igzip_lib", None)
    bomb = gzip.compress(bytes(64 << 20))
    _, walk = walked(bomb, limits=Limits(unpacked=1 << 20))
    assert "unpacks to more than 1 MiB" in problems(walk)
    _, walk = walked(tar(entry("x"))[:512] + bomb, limits=Limits(ratio=100, ratio_from=1 << 20))
    assert "no tar archive" in problems(walk)  # packed data inside of a plain layer is not unpacked
    _, walk = walked(bomb, limits=Limits(ratio=100, ratio_from=1 << 20))
    assert "as a bomb's do" in problems(walk)
    inner = gzip.compress(tar(entry("zeros", bytes(8 << 20))))
    _, walk = walked(inner, limits=Limits(ratio=100, ratio_from=1 << 20))
    assert "entry zeros" in problems(walk) and "as a bomb's do" in problems(walk)


def test_a_wrong_digest_takes_everything_back() -> None:
    stored = gzip.compress(PLAIN)
    walk = LayerWalk(LayerInfo(digest(b"other"), digest(PLAIN), 0), pieces(stored))
    assert len(list(walk)) == 50
    assert not walk.trusted
    assert problems(walk) == f"layer {digest(b'other')}: holds {len(stored)} bytes that are not of this digest"


def test_a_configuration_that_lies_about_a_layer() -> None:
    _, walk = walked(gzip.compress(PLAIN), diff_id=digest(b"other"))
    assert walk.trusted and "the image's configuration says" in problems(walk)


def test_a_layer_known_by_its_plain_digest_may_be_packed() -> None:
    for stored in (PLAIN, gzip.compress(PLAIN)):
        walk = LayerWalk(LayerInfo(digest(PLAIN), digest(PLAIN), 0), pieces(stored))
        assert len(list(walk)) == 50 and walk.trusted and not walk.problems
    walk = LayerWalk(LayerInfo(digest(b""), digest(b""), 0), pieces(PLAIN))
    assert len(list(walk)) == 50 and not walk.trusted


def test_what_follows_the_archive_counts_for_the_digest() -> None:
    stored = gzip.compress(PLAIN + b"trailing" * 5000)
    _, walk = walked(stored)
    assert walk.trusted and not walk.problems and walk.plain == digest(PLAIN + b"trailing" * 5000)


def test_whiteouts() -> None:
    data = tar(
        entry("etc/.wh.motd"),
        entry("var/cache/.wh..wh..opq"),
        entry(".wh..wh..opq"),
        entry(".wh..wh.aufs"),
        entry("x.wh.y", b"1"),
    )
    found, walk = walked(data)
    assert [(each.path, each.kind) for each in found] == [
        ("etc/motd", EntryKind.WHITEOUT),
        ("var/cache", EntryKind.OPAQUE),
        ("", EntryKind.OPAQUE),
        ("x.wh.y", EntryKind.FILE),
    ]
    assert not walk.problems


def test_problems_are_bounded() -> None:
    data = tar(*(entry(f"../{number}") for number in range(250)))
    _, walk = walked(data)
    assert len(walk.problems) == 101 and walk.problems[-1].reason == "has 150 more entries that cannot be judged"


@given(st.binary(max_size=600), st.sampled_from([gzip.compress, zstd.compress, bz2.compress, lzma.compress]), st.data())
def test_any_damage_ends(data: bytes, pack: Callable[[bytes], bytes], draw: st.DataObject) -> None:
    stored = bytearray(pack(tar(entry("a", data))))
    for _ in range(draw.draw(st.integers(0, 4))):
        stored[draw.draw(st.integers(0, len(stored) - 1))] = draw.draw(st.integers(0, 255))
    cut = bytes(stored[: draw.draw(st.integers(1, len(stored)))])
    walk = LayerWalk(LayerInfo(digest(cut), "", 0), pieces(cut, 100), Limits(unpacked=1 << 22))
    list(seen(walk))
    assert walk.found == digest(cut)


def test_crc_is_not_needed_where_the_digest_is_right() -> None:
    # A stream whose own checksum is wrong is told even though its digest is that of the layer.
    stored = bytearray(gzip.compress(PLAIN))
    stored[-8:-4] = (zlib.crc32(PLAIN) ^ 1).to_bytes(4, "little")
    _, walk = walked(bytes(stored))
    assert walk.trusted and "corrupt" in problems(walk)
