"""Copies of charts: links, packed subcharts, bounds, and archives that mean harm."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from seawall.sources.helm import ChartError, stage_archive, stage_folder
from seawall.sources.helm.stage import LIMITS
from seawall.sources.helm.tree import chart_tree, owner_of

HEAD = b"apiVersion: v2\nname: %s\nversion: 0.1.0\n"


def packed(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return out.getvalue()


def chart(folder: Path, name: str = "app") -> Path:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_bytes(HEAD % name.encode())
    (folder / "templates" / "a.yaml").write_text("a: b\n")
    return folder


def test_packed_subcharts_are_unpacked_and_shown_where_they_were(tmp_path: Path) -> None:
    app = chart(tmp_path / "app")
    (app / "charts").mkdir()
    inner = packed({"deep/Chart.yaml": HEAD % b"deep", "deep/templates/d.yaml": b"d: 1\n"})
    data = packed({"sub/Chart.yaml": HEAD % b"sub", "sub/templates/s.yaml": b"s: 1\n", "sub/charts/deep-1.tgz": inner})
    (app / "charts" / "sub-0.1.0.tgz").write_bytes(data)
    staged = stage_folder(str(app), "app", str(app), tmp_path / "out")
    assert staged.shown["charts/sub/templates/s.yaml"] == "app/charts/sub-0.1.0.tgz/sub/templates/s.yaml"
    nodes = chart_tree(staged)
    assert [node.rendered for node in nodes] == ["app", "app/charts/sub", "app/charts/sub/charts/deep"]
    found = owner_of(nodes, "app/charts/sub/charts/deep/templates/d.yaml")
    assert found is not None and found[1] == "charts/sub/charts/deep/templates/d.yaml"


def test_links_may_lead_within_what_was_named(tmp_path: Path) -> None:
    app = chart(tmp_path / "app")
    chart(tmp_path / "common", "common")
    (app / "charts").mkdir()
    (app / "charts" / "common").symlink_to("../../common")
    staged = stage_folder(str(app), "app", str(tmp_path), tmp_path / "out")
    assert "charts/common/templates/a.yaml" in staged.shown
    with pytest.raises(ChartError, match="leads out of what was named"):
        stage_folder(str(app), "app", str(app), tmp_path / "out2")


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    app = chart(tmp_path / "app")
    (app / "loop").symlink_to(".")
    with pytest.raises(ChartError, match="circle"):
        stage_folder(str(app), "app", str(app), tmp_path / "out")


def test_a_link_of_an_archive_leads_nowhere(tmp_path: Path) -> None:
    data = packed({"a/Chart.yaml": HEAD % b"a"}, {"a/values.yaml": "/etc/passwd", "a/templates": "/"})
    staged = stage_archive(data, "a.tgz", tmp_path)
    assert list(staged.shown) == ["Chart.yaml"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a/Chart.yaml": HEAD % b"a", "a/../../x": b""}, "leads out of it"),
        ({"a/Chart.yaml": HEAD % b"a", "/x": b""}, "leads out of it"),
        ({"a/Chart.yaml": b"name: [\n"}, "did not find"),
        ({"a/Chart.yaml": b"version: 1\n"}, "no name"),
        ({"a/Chart.yaml": HEAD % b"a/b"}, "no name"),
        ({"a/templates/x.yaml": b""}, "no packaged chart"),
        ({"a/Chart.yaml": HEAD % b"a", "a/big": b"\0" * (LIMITS.file + 1)}, "larger than"),
        ({"a/Chart.yaml": HEAD % b"a", "a/Chart.yaml/x": b""}, "cannot be unpacked"),
    ],
)
def test_hostile_archives_are_refused(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(ChartError, match=message):
        stage_archive(packed(files), "a.tgz", tmp_path / "out")
    assert not (tmp_path / "x").exists()


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    piece = b"\0" * (4 << 20)
    data = packed({"a/Chart.yaml": HEAD % b"a", **{f"a/f{n}": piece for n in range(31)}})
    assert len(data) < 1 << 20
    with pytest.raises(ChartError, match="more than"):
        stage_archive(data, "a.tgz", tmp_path)


def test_aliases_of_aliases_are_bounded(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    for depth in range(4):
        names = "".join(f"- {{name: sub, version: 1, alias: s{n}}}\n" for n in range(12))
        folder.mkdir(parents=True)
        (folder / "Chart.yaml").write_bytes(
            (HEAD % (b"sub" if depth else b"app")) + b"dependencies:\n" + names.encode()
        )
        folder = folder / "charts" / "sub"
    staged = stage_folder(str(tmp_path / "app"), "app", str(tmp_path), tmp_path / "out")
    with pytest.raises(ChartError, match="more than 1000 charts"):
        chart_tree(staged)


def test_what_is_cut_short_is_told(tmp_path: Path) -> None:
    data = packed({"a/Chart.yaml": HEAD % b"a", "a/values.yaml": b"x: y\n" * 100})
    for end in (1, 10, len(data) // 2, len(data) - 9):
        with pytest.raises(ChartError):
            stage_archive(data[:end], "a.tgz", tmp_path / str(end))


def test_charts_of_the_first_version_have_their_aliases_elsewhere(tmp_path: Path) -> None:
    app = chart(tmp_path / "app")
    (app / "Chart.yaml").write_text("apiVersion: v1\nname: app\nversion: 0.1.0\n")
    (app / "requirements.yaml").write_text("dependencies: [{name: sub, version: 0.1.0, alias: other}]\n")
    chart(app / "charts" / "sub", "sub")
    nodes = chart_tree(stage_folder(str(app), "app", str(app), tmp_path / "out"))
    assert [(node.rendered, node.scope) for node in nodes] == [("app", ()), ("app/charts/other", ("other",))]
