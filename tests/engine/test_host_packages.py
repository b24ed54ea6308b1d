"""The packages of a host, read by the parsers of images."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from seawall.engine.host_packages import host_packages
from seawall.sources.host import Problems, Root

STATUS = (
    "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nSource: zlib (1:1.3)\nVersion: 1:1.3-1\n\n"
)


def put(root: Path, path: str, data: bytes) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def listed(root: Path) -> tuple[list[tuple[str, str, str]] | None, list[str]]:
    problems = Problems()
    with Root(str(root)) as opened:
        found = host_packages(opened, problems)
    packages = None if found is None else [(each.type, each.name, each.version) for each in found]
    return packages, [problem.reason for problem in problems.all()]


def test_dpkg_and_apk(tmp_path: Path) -> None:
    put(tmp_path, "var/lib/dpkg/status", STATUS.encode())
    put(tmp_path, "lib/apk/db/installed", b"P:musl\nV:1.2.5-r0\nA:x86_64\n\n")
    assert listed(tmp_path) == ([("deb", "zlib1g", "1:1.3-1"), ("apk", "musl", "1.2.5-r0")], [])


def test_no_list_is_told_apart_from_an_empty_one(tmp_path: Path) -> None:
    assert listed(tmp_path) == (None, [])
    put(tmp_path, "var/lib/dpkg/status", b"")
    assert listed(tmp_path) == ([], [])


@pytest.mark.parametrize("path", ["var/lib/dpkg/status", "var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/Packages"])
def test_what_cannot_be_read_is_a_problem(tmp_path: Path, path: str) -> None:
    put(tmp_path, path, b"\x00nonsense" * 999)
    packages, problems = listed(tmp_path)
    assert packages is None
    assert len(problems) == 1
    assert problems[0].startswith(f"/{path} ")


def test_changes_that_are_not_in_rpms_database_yet(tmp_path: Path) -> None:
    put(tmp_path, "var/lib/rpm/rpmdb.sqlite", b"SQLite format 3\0" + bytes(4080))
    put(tmp_path, "var/lib/rpm/rpmdb.sqlite-wal", b"x")
    packages, problems = listed(tmp_path)
    assert packages is None
    assert "not written back" in problems[0]


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="this machine's packages are not dpkg's")
def test_this_machine() -> None:
    packages, problems = listed(Path("/"))
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\n"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    installed = {tuple(line.split()[1:]) for line in shown.stdout.splitlines() if line[1] not in "nc"}
    assert problems == []
    assert packages is not None
    assert {(name, version) for kind, name, version in packages if kind == "deb"} == installed
