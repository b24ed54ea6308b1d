"""rpm databases made by rpm itself, in each of its forms."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from seawall.analysis.images import Unreadable, collect, inventory_of
from seawall.analysis.images.contents import DatabaseItem, OsPackage
from seawall.analysis.images.rpm import berkeley, ndb, sqlite
from tests.analysis.images.entries import Made

SPECS = {
    "harbour": "Epoch: 2\nLicense: GPLv2+\nVendor: Example",
    "mole": "Requires: harbour >= 1, /bin/sh\nLicense: MIT\nModularityLabel: mole:1:20240101:abcdef",
}
FILES = {"harbour": ("usr/bin/harbour", "usr/share/harbour/chart", "etc/harbour.conf"), "mole": ("opt/mole/run",)}
FORMAT = "%{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE} %{ARCH}\n"


def _build(folder: Path, name: str, head: str) -> Path:
    lines = "\n".join(
        f"mkdir -p %{{buildroot}}/{Path(file).parent}; echo x > %{{buildroot}}/{file}" for file in FILES[name]
    )
    listed = "\n".join(f"/{file}" for file in FILES[name])
    spec = folder / f"{name}.spec"
    spec.write_text(
        f"Name: {name}\nVersion: 1.4~rc1\nRelease: 3.el9\nSummary: a test\nBuildArch: noarch\n{head}\n%description\nx\n"
        f"%install\nmkdir -p %{{buildroot}}/usr/share\n{lines}\n%files\n%dir /usr/share\n{listed}\n"
    )
    command = [
        "rpmbuild",
        "-bb",
        "--quiet",
        "--define",
        f"_topdir {folder}/top",
        "--buildroot",
        f"{folder}/{name}",
        str(spec),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return next((folder / "top").rglob(f"{name}-*.rpm"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    folder = tmp_path_factory.mktemp("rpms")
    return [_build(folder, name, head) for name, head in SPECS.items()]


def _install(packages: list[Path], folder: Path) -> None:
    define = ["--dbpath", str(folder), "--define", "_db_backend sqlite"]
    subprocess.run(["rpm", "--initdb", *define], check=True, capture_output=True)
    subprocess.run(
        ["rpm", "-i", "--justdb", "--nodeps", "--ignorearch", *define, *map(str, packages)],
        check=True,
        capture_output=True,
    )


def _told(folder: Path, backend: str) -> set[str]:
    command = ["rpm", "-qa", "--dbpath", str(folder), "--define", f"_db_backend {backend}", "--qf", FORMAT]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines())


def _found(items: tuple[DatabaseItem, ...]) -> tuple[OsPackage, ...]:
    (item,) = items
    return item.packages


def _check(found: tuple[OsPackage, ...], told: set[str]) -> None:
    assert told
    assert {f"{package.name} {package.version} {package.arch}" for package in found} == told
    by_name = {package.name: package for package in found}
    harbour = by_name["harbour"]
    assert harbour.version == "2:1.4~rc1-3.el9"
    assert (harbour.source_name, harbour.source_version) == ("harbour", "2:1.4~rc1-3.el9")
    assert harbour.licences == ("GPLv2+",)
    assert harbour.vendor == "Example"
    assert by_name["mole"].module == "mole:1:20240101:abcdef"
    assert sorted(harbour.files.split("\n")) == sorted(FILES["harbour"]), "directories are no files"


def test_sqlite_as_rpm_tells_it(packages: list[Path], tmp_path: Path) -> None:
    _install(packages, tmp_path)
    data = (tmp_path / "rpmdb.sqlite").read_bytes()
    _check(_found(sqlite(data, "var/lib/rpm/rpmdb.sqlite")), _told(tmp_path, "sqlite"))


def _blobs(folder: Path) -> list[bytes]:
    import sqlite3

    connection = sqlite3.connect(folder / "rpmdb.sqlite")
    rows = connection.execute("SELECT blob FROM Packages").fetchall()
    connection.close()
    return [blob for (blob,) in rows]


def _ndb(blobs: list[bytes], erased: int = -1) -> bytes:
    """As ``rpmpkg.c`` lays it out: no rpm of Debian writes this form."""
    slots, body = [struct.pack("<4sIIII12x", b"RpmP", 0, 7, 1, len(blobs) + 1)], b""
    for number, blob in enumerate(blobs, 1):
        start = (4096 + len(body)) // 16
        whole = struct.pack("<4sIII", b"BlbS", number, 7, len(blob)) + blob
        whole += bytes(-(len(whole) + 12) % 16) + struct.pack("<II4s", zlib.adler32(blob), len(blob), b"BlbE")
        body += whole
        used = (0, 0, 0) if number == erased else (number, start, len(whole) // 16)
        slots.append(struct.pack("<4sIII", b"Slot", *used))
    slots += [struct.pack("<4sIII", b"Slot", 0, 0, 0)] * (255 - len(slots))
    return b"".join(slots) + body


def test_ndb_holds_the_same(packages: list[Path], tmp_path: Path) -> None:
    _install(packages, tmp_path)
    _check(_found(ndb(_ndb(_blobs(tmp_path)), "p")), _told(tmp_path, "sqlite"))


def test_an_erased_package_is_gone_from_ndb(packages: list[Path], tmp_path: Path) -> None:
    _install(packages, tmp_path)
    blobs = _blobs(tmp_path)
    names = {package.name for package in _found(ndb(_ndb(blobs, 1), "p"))}
    assert len(names) == len(blobs) - 1


@pytest.mark.parametrize("page", [512, 4096, 65536])
@pytest.mark.parametrize("order", [1234, 4321])
def test_berkeley_as_rpm_tells_it(packages: list[Path], tmp_path: Path, page: int, order: int) -> None:
    """Debian's rpm reads this form but does not write it: BerkeleyDB's own program does, with many rows beside."""
    loader = shutil.which("db5.3_load") or shutil.which("db_load")
    if not loader:
        pytest.skip("db_load is not installed")
    made, folder = tmp_path / "sqlite", tmp_path / "bdb"
    made.mkdir()
    folder.mkdir()
    _install(packages, made)
    blobs = _blobs(made)
    head = f"VERSION=3\nformat=bytevalue\ntype=hash\ndb_lorder={order}\ndb_pagesize={page}\nHEADER=END\n"
    sign = "<" if order == 1234 else ">"
    rows = [(0, struct.pack(f"{sign}I", len(blobs))), *enumerate(blobs, 1)]
    text = "".join(f" {struct.pack(f'{sign}I', key).hex()}\n {value.hex()}\n" for key, value in rows)
    subprocess.run([loader, str(folder / "Packages")], input=f"{head}{text}DATA=END\n", text=True, check=True)
    data = (folder / "Packages").read_bytes()
    told = _told(folder, "bdb_ro") if order == 1234 else _told(made, "sqlite")
    _check(_found(berkeley(data, "p")), told)


def test_a_log_that_was_not_written_back_is_told() -> None:
    """An image built while something held the database open has the newest packages in ``-wal`` alone."""
    found = inventory_of("x", [Made("var/lib/rpm/rpmdb.sqlite-wal", b"\x37\x7f\x06\x82")])
    assert [problem.where for problem in found.not_looked] == ["var/lib/rpm/rpmdb.sqlite-wal"]
    assert not inventory_of("x", [Made("var/lib/rpm/rpmdb.sqlite-wal", b"")]).not_looked


def test_package_urls_and_owners(packages: list[Path], tmp_path: Path) -> None:
    _install(packages, tmp_path)
    data = (tmp_path / "rpmdb.sqlite").read_bytes()
    release = b'ID="rhel"\nVERSION_ID="9.4"\nPRETTY_NAME="Red Hat Enterprise Linux 9.4"\n'
    entries = [
        Made("etc/os-release", release),
        Made("usr/bin/harbour", b"#!/bin/sh\n", 0o755),
        Made("usr/bin/own", b"#!/bin/sh\n", 0o755),
        Made("var/lib/rpm/rpmdb.sqlite", data),
    ]
    found = inventory_of("x", entries)
    urls = {package.name: package.purl for package in found.packages}
    assert urls["harbour"] == "pkg:rpm/redhat/harbour@1.4~rc1-3.el9?arch=noarch&distro=rhel-9.4&epoch=2"
    assert {package.name: package.requires for package in found.packages} == {"harbour": (), "mole": ("harbour",)}
    assert {program.path: program.owner for program in found.executables} == {
        "usr/bin/harbour": "harbour",
        "usr/bin/own": "",
    }


def test_damage_is_told_and_the_rest_is_read() -> None:
    entries = [
        Made("var/lib/rpm/rpmdb.sqlite", b"SQLite format 3\0" + bytes(600)),
        Made("usr/lib/sysimage/rpm/Packages.db", b"RpmP" + bytes(5000)),
        Made("usr/share/rpm/Packages", b"x" * 600),
        Made("etc/alpine-release", b"3.20.1\n"),
    ]
    contents = collect(entries)
    found = inventory_of("x", entries)
    assert len(contents.items) == 4
    assert {problem.where for problem in found.not_looked} == {entry.path for entry in entries[:3]}
    assert found.os and found.os.version_id == "3.20.1"


@pytest.mark.parametrize(
    "statements",
    [
        "CREATE VIEW Packages AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) SELECT x AS blob FROM n",
        "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob TEXT); INSERT INTO Packages VALUES (1, 'text')",
        "CREATE TABLE Other (a)",
        "CREATE TABLE Packages (n, blob AS (zeroblob(900000000))); INSERT INTO Packages (n) VALUES (1)",
    ],
)
def test_hostile_databases_are_refused(statements: str) -> None:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.executescript(statements)
    connection.commit()
    with pytest.raises(Unreadable):
        sqlite(connection.serialize(), "p")
