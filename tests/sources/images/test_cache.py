"""What was found in layers, kept by digest."""

from __future__ import annotations

import os
from pathlib import Path

from seawall.sources.images.cache import LayerCache, cache_folder
from tests.registry import digest

ONE, TWO = digest(b"1"), digest(b"2")


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    cache = LayerCache(str(tmp_path), "1")
    assert cache.get(ONE) is None
    cache.put(ONE, b"found")
    assert LayerCache(str(tmp_path), "1").get(ONE) == b"found" and cache.get(TWO) is None
    assert LayerCache(str(tmp_path), "2").get(ONE) is None
    assert [path.stat().st_mode & 0o777 for path in files(tmp_path)] == [0o600]


def test_what_is_damaged_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    cache = LayerCache(str(tmp_path), "1")
    cache.put(ONE, b"found" * 100)
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    for damaged in (b"", whole[:40], whole[:-1], whole + b"x", whole[:50] + b"?" + whole[51:]):
        file.write_bytes(damaged)
        assert cache.get(ONE) is None
    cache.put(ONE, b"new")
    assert cache.get(ONE) == b"new" and files(tmp_path) == [file]
    cache.put(TWO, b"two")
    (other,) = set(files(tmp_path)) - {file}
    other.write_bytes(file.read_bytes())  # what belongs to another layer
    assert cache.get(TWO) is None


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    cache = LayerCache(str(tmp_path), "1", most=100_000)
    for number in range(20):
        cache.put(digest(b"%d" % number), bytes(10_000))
        for path in files(tmp_path):
            os.utime(path, (path.stat().st_mtime - 100,) * 2)
    assert cache.get(digest(b"0")) is not None
    LayerCache(str(tmp_path), "1", most=100_000).put(ONE, b"x")
    assert 0 < sum(path.stat().st_size for path in files(tmp_path)) <= 90_000
    assert cache.get(digest(b"0")) is not None and cache.get(digest(b"2")) is None


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = LayerCache(str(tmp_path / "file"), "1")
    cache.put(ONE, b"x")
    assert cache.get(ONE) is None


def test_where_it_is() -> None:
    assert cache_folder({"SEAWALL_CACHE": "/a", "XDG_CACHE_HOME": "/b"}) == "/a"
    assert cache_folder({"XDG_CACHE_HOME": "/b"}) == "/b/seawall"
    assert cache_folder({"XDG_CACHE_HOME": "relative"}).endswith("/.cache/seawall")
