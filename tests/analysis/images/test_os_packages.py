"""dpkg against this machine's own answer, apk and distroless by hand, and which distribution it is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from seawall.analysis.images import collect, inventory_of
from seawall.model.images import OsRelease
from tests.analysis.images.entries import Made, link, walk

STATUS = """Package: curl
Status: install ok installed
Priority: optional
Architecture: amd64
Version: 7.88.1-10+deb12u5
Description: command line tool
 for URLs
 .
 Package: not-a-package

Package: libc6
Status: install ok installed
Multi-Arch: same
Architecture: amd64
Source: glibc (2.36-9)
Version: 2.36-9+deb12u4

Package: needy
Status: install ok installed
Architecture: all
Version: 1.0
Pre-Depends: libc6 (>= 2.34)
Depends: nothing | curl-client, half:any (>= 1), vim
Provides: needy-also (= 1)

Package: wants
Status: install ok installed
Architecture: all
Version: 1.0
Depends: needy-also

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0

Package: half
Status: install reinstreq half-installed
Architecture: all
Version: 1:1.0-1
"""
DEBIAN = b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\nVERSION="12 (bookworm)"\n'


def test_as_dpkg_tells_it() -> None:
    if not shutil.which("dpkg-query") or not Path("/var/lib/dpkg/status").exists():
        pytest.skip("no machine of dpkg")
    form = "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n"
    told = subprocess.run(["dpkg-query", "-W", "-f", form], check=True, capture_output=True, text=True).stdout
    expected = {tuple(line.split("\t")[1:]) for line in told.splitlines() if line.startswith("installed")}
    found = inventory_of("/", (entry for entry in walk(Path("/"), "var/lib/dpkg") if "/info/" not in entry.path))
    packages = {(item.name, item.version, item.arch, item.source_name, item.source_version) for item in found.packages}
    assert packages == expected


def test_files_as_dpkg_tells_them() -> None:
    """What dpkg says it owns, of those that are files; names under links at the top as they really are."""
    if not shutil.which("dpkg-query") or not Path("/var/lib/dpkg/info").is_dir():
        pytest.skip("no machine of dpkg")
    links = [
        link(name, str(Path("/", name).readlink()))
        for name in ("bin", "sbin", "lib", "lib64")
        if Path("/", name).is_symlink()
    ]
    found = inventory_of("/", [*links, *walk(Path("/"), "var/lib/dpkg")])
    by_name = {package.name: set(package.files) for package in found.packages}
    for name in ("bash", "coreutils", "libc6", "dpkg"):
        told = subprocess.run(["dpkg-query", "-L", name], check=True, capture_output=True, text=True).stdout.split("\n")
        files = {
            str(Path(path).parent.resolve() / Path(path).name)[1:] for path in told if path and not Path(path).is_dir()
        }
        links_to_folders = {path[1:] for path in told if Path(path).is_symlink()}
        assert files <= by_name[name], name
        assert {path for path in by_name[name] - files - links_to_folders if not Path("/", path).is_dir()} == set()


def test_dpkg_status() -> None:
    entries = [
        Made("etc/os-release", DEBIAN),
        link("lib", "usr/lib"),
        Made("usr/lib/ld.so", b"\x7fELF", 0o4755),
        Made("var/lib/dpkg/info/libc6:amd64.list", b"/.\n/lib\n/lib/ld.so\n/usr/share/doc/libc6/copyright\n"),
        Made("var/lib/dpkg/status", STATUS.encode()),
    ]
    found = inventory_of("x", entries)
    by_name = {package.name: package for package in found.packages}
    assert sorted(by_name) == ["curl", "half", "libc6", "needy", "wants"]
    assert by_name["needy"].requires == ("half", "libc6")
    assert by_name["wants"].requires == ("needy",)
    libc = by_name["libc6"]
    assert (libc.source_name, libc.source_version) == ("glibc", "2.36-9")
    assert libc.files == ("usr/lib/ld.so", "usr/share/doc/libc6/copyright")
    assert libc.purl == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12"
    assert by_name["half"].purl == "pkg:deb/debian/half@1:1.0-1?arch=all&distro=debian-12"
    assert by_name["curl"].source_version == "7.88.1-10+deb12u5"
    assert [program.owner for program in found.executables] == ["libc6"]


@pytest.mark.parametrize("sums", [True, False])
def test_distroless(sums: bool) -> None:
    """Each package is a file of its own, of an encoded name in older images; newer ones list files beside it."""
    entries = [
        Made("etc/os-release", DEBIAN),
        Made("usr/bin/openssl", b"#!/bin/sh", 0o755),
        Made("var/lib/dpkg/status.d/b3BlbnNzbA", b"Package: openssl\nVersion: 3.0.11-1\nArchitecture: amd64\n"),
    ]
    if sums:
        entries.append(
            Made("var/lib/dpkg/status.d/b3BlbnNzbA.md5sums", b"d41d8cd98f00b204e9800998ecf8427e  usr/bin/openssl\n")
        )
    found = inventory_of("x", entries)
    (package,) = found.packages
    assert (package.name, package.version) == ("openssl", "3.0.11-1")
    assert package.files == (("usr/bin/openssl",) if sums else ())
    assert [program.owner for program in found.executables] == ["openssl" if sums else ""]
    assert not found.not_looked


APK = """C:Q1abc=
P:musl
V:1.2.5-r0
A:x86_64
S:1
L:MIT
o:musl
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1x=
R:libc.musl-x86_64.so.1

C:Q1def=
P:libssl3
V:3.3.1-r0
A:x86_64
L:Apache-2.0
D:so:libc.musl-x86_64.so.1 other>=1 !bad
o:openssl
F:
R:top
F:usr/lib
R:libssl.so.3

"""


def test_apk() -> None:
    entries = [
        Made("lib/apk/db/installed", APK.encode()),
        Made("etc/os-release", b'ID=alpine\nVERSION_ID=3.20.1\nNAME="Alpine Linux"\n'),
    ]
    found = inventory_of("x", entries)
    musl, ssl = sorted(found.packages, key=lambda package: package.name, reverse=True)
    assert musl.files == ("lib/ld-musl-x86_64.so.1", "lib/libc.musl-x86_64.so.1")
    assert ssl.files == ("top", "usr/lib/libssl.so.3")
    assert (ssl.source_name, ssl.source_version, ssl.licences) == ("openssl", "3.3.1-r0", ("Apache-2.0",))
    assert ssl.requires == ("musl",)
    assert ssl.purl == "pkg:apk/alpine/libssl3@3.3.1-r0?arch=x86_64&distro=alpine-3.20.1"


def test_debian_licences() -> None:
    entries = [
        Made("var/lib/dpkg/status", STATUS.encode()),
        Made(
            "usr/share/doc/curl/copyright",
            b"Format: https://www.debian.org/x\n\nFiles: *\nLicense: curl\n\nLicense: ISC\n x\n",
        ),
        Made("usr/share/doc/libc6/copyright", b"On Debian see /usr/share/common-licenses/LGPL-2.1.\n"),
    ]
    licences = {package.name: package.licences for package in inventory_of("x", entries).packages}
    assert licences["curl"] == ("ISC", "curl")
    assert licences["libc6"] == ("LGPL-2.1",)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("usr/lib/os-release", "ID='ubuntu'\nVERSION_ID=\"24.04\"\nVERSION_CODENAME=noble\nID_LIKE=debian\nNAME=\"U\"",
         OsRelease("ubuntu", "24.04", "noble", "U", ("debian",))),
        ("etc/os-release", 'ID="ol"\nVERSION_ID="9.4"\nCPE_NAME="cpe:/o:oracle:linux:9:4"\nNAME="Oracle \\"Linux\\""',
         OsRelease("ol", "9.4", "", 'Oracle "Linux"', (), "cpe:/o:oracle:linux:9:4")),
        ("etc/os-release", 'ID=debian\nPRETTY_NAME="Debian GNU/Linux trixie/sid"',
         OsRelease("debian", "", "trixie", "Debian GNU/Linux trixie/sid")),
        ("etc/alpine-release", "3.19.1\n", OsRelease("alpine", "3.19.1", "", "Alpine Linux 3.19.1")),
        ("etc/redhat-release", "CentOS release 6.10 (Final)\n",
         OsRelease("centos", "6.10", "final", "CentOS release 6.10 (Final)")),
        ("etc/redhat-release", "Red Hat Enterprise Linux Server release 7.9 (Maipo)",
         OsRelease("rhel", "7.9", "maipo", "Red Hat Enterprise Linux Server release 7.9 (Maipo)")),
        ("etc/debian_version", "10.13\n", OsRelease("debian", "10", "buster", "Debian 10.13")),
        ("etc/debian_version", "trixie/sid\n", OsRelease("debian", "", "trixie", "Debian trixie/sid")),
    ],
)  # fmt: skip
def test_which_distribution(path: str, text: str, expected: OsRelease) -> None:
    assert inventory_of("x", [Made(path, text.encode())]).os == expected


def test_os_release_comes_before_what_stands_in_for_it() -> None:
    entries = [
        Made("etc/debian_version", b"12.0"),
        Made("usr/lib/os-release", b"ID=ubuntu\nVERSION_ID=22.04"),
        link("etc/os-release", "../usr/lib/os-release"),
    ]
    found = inventory_of("x", entries).os
    assert found and found.id == "ubuntu"


@pytest.mark.parametrize(
    "path", ["var/lib/dpkg/status", "lib/apk/db/installed", "etc/redhat-release", "etc/alpine-release"]
)
def test_nonsense_is_told(path: str) -> None:
    found = inventory_of("x", [Made(path, b"\x00\xff nonsense " * 10)])
    assert [problem.where for problem in found.not_looked] == [path]


def test_what_is_too_large_is_told() -> None:
    from seawall.analysis.images import CollectOptions

    contents = collect([Made("lib/apk/db/installed", APK.encode() * 100)], CollectOptions(listing=1000))
    assert "is larger than" in str(contents.items["lib/apk/db/installed"])


def test_pacman() -> None:
    place = "var/lib/pacman/local/zlib-1:1.3.1-2"
    entries = [
        Made("etc/os-release", b"ID=arch\n"),
        Made(
            f"{place}/desc",
            b"%NAME%\nzlib\n\n%VERSION%\n1:1.3.1-2\n\n%BASE%\nzlib\n\n%ARCH%\nx86_64\n\n%LICENSE%\nZlib\n",
        ),
        Made(f"{place}/files", b"%FILES%\nusr/\nusr/bin/\nusr/bin/zpipe\n\n%BACKUP%\netc/x\tmd5\n"),
        Made(f"{place}/mtree", b"\x1f\x8b"),
        Made("usr/bin/zpipe", b"#!/bin/sh", 0o755),
    ]
    found = inventory_of("x", entries)
    (package,) = found.packages
    assert package.purl == "pkg:alpm/arch/zlib@1:1.3.1-2?arch=x86_64&distro=arch"
    assert (package.files, package.licences) == (("usr/bin/zpipe",), ("Zlib",))
    assert [program.owner for program in found.executables] == ["zlib"]
    assert not found.not_looked
