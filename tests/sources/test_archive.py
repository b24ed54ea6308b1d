"""Tar archives: of manifests, hostile, and of any bytes."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.sources.archive import ArchiveError, Limits, members
from tests.conftest import Run
from tests.kube import OVERLAYS, program

POD = b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true}\n"
SMALL = Limits(total=1 << 16, file=1 << 15, entries=10)


def packed(names: list[str], data: bytes = POD, mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize(("name", "mode"), [("m.tar", "w"), ("m.tgz", "w:gz"), ("m.tar.gz", "w:gz")])
def test_manifests_in_an_archive(run: Run, tmp_path: Path, name: str, mode: str) -> None:
    (tmp_path / name).write_bytes(packed(["./deploy/a.yaml", "deploy/notes.txt"], mode=mode))
    done = run("scan", name, "--rule", "host-pid", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert f"{name}/deploy/a.yaml:4:8" in done.stdout
    assert "4 | spec: {hostPID: true}" in done.stdout


def test_an_overlay_in_an_archive_may_not_leave_it(run: Run, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "o.tgz", "w:gz") as archive:
        archive.add(OVERLAYS, ".")
    kubectl = program("kubectl")
    done = run("scan", "o.tgz", "--kustomize", kubectl, "--rule", "host-ipc", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "o.tgz/base/web.yaml:20:7" in done.stdout
    up = b"resources: [../../../../../../../../../../../../../../../../tmp]\n"
    (tmp_path / "up.tar").write_bytes(packed(["kustomization.yaml"], up))
    done = run("scan", "up.tar", "--kustomize", kubectl, cwd=tmp_path)
    assert done.returncode == 2 and "leads out of what is scanned" in done.stderr


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no tar archive"),
        (b"hello", "no tar archive"),
        (b"\x1f\x8bhello", "no readable tar archive"),
        (packed(["../a.yaml"]), "leads out of it"),
        (packed(["/etc/a.yaml"]), "leads out of it"),
        (packed(["a/..\\b.yaml"]), "leads out of it"),
        (packed(["a.yaml"])[:700], "cut short|unexpected end"),
        (packed(["a", "a/b.yaml"]), "cannot be unpacked"),
    ],
)
def test_hostile_archives_exit_2(run: Run, tmp_path: Path, data: bytes, message: str) -> None:
    import re

    (tmp_path / "x.tar").write_bytes(data)
    done = run("scan", str(tmp_path / "x.tar"))
    assert done.returncode == 2
    assert re.search(message, done.stderr) and "Traceback" not in done.stderr


def test_keep_going_passes_a_broken_archive(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"no")
    (tmp_path / "a.yaml").write_bytes(POD)
    done = run("scan", str(tmp_path / "x.tar"), str(tmp_path / "a.yaml"), "--keep-going", "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["summary"]["complete"] is False


def test_bounds_hold_before_anything_is_unpacked() -> None:
    bomb = gzip.compress(packed(["a"], b"\0" * (1 << 20)))
    with pytest.raises(ArchiveError, match="larger than"):
        list(members(io.BytesIO(bomb), SMALL))
    with pytest.raises(ArchiveError, match="unpacks to more"):
        list(members(io.BytesIO(gzip.compress(packed([f"f{n}" for n in range(9)], b"\0" * 30000))), SMALL))
    with pytest.raises(ArchiveError, match="more than 10 entries"):
        list(members(io.BytesIO(packed([f"f{n}" for n in range(11)], b"")), SMALL))


@given(st.binary(max_size=2000), st.integers(0, 3000), st.integers(0, 255))
def test_any_bytes_are_an_archive_or_an_error(noise: bytes, at: int, value: int) -> None:
    good = bytearray(packed(["a.yaml", "b.yaml"]))
    good[at % len(good)] = value
    for data in (noise, bytes(good), b"\x1f\x8b" + noise):
        try:
            found = list(members(io.BytesIO(data), SMALL))
        except ArchiveError:
            continue
        assert all(".." not in member.name.split("/") and not member.name.startswith("/") for member in found)
