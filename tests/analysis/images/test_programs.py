"""Programs: kinds, modes, file capabilities, and the packages that compilers leave word of."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from seawall.analysis.images import CollectOptions, Unreadable, collect, encode_contents, inventory_of
from seawall.analysis.images.elf import Elf
from seawall.analysis.images.golang import build_info
from seawall.analysis.images.programs import capabilities
from tests.analysis.images.entries import Made, folder, hard, link

SH = b"#!/bin/sh -e\necho\n"


def test_kinds_and_modes() -> None:
    entries = [
        Made("opt/run", SH, 0o755),
        Made("opt/data", b"x", 0o755),
        Made("opt/open", b"x", 0o666),
        Made("opt/suid", b"x", 0o4755, uid=0),
        Made("opt/sgid", SH, 0o2755),
        Made("opt/plain", SH, 0o644),
        folder("tmp", 0o1777),
        folder("srv/open", 0o777),
        link("opt/link", "run"),
        hard("opt/again", "opt/run"),
    ]
    found = {program.path: program for program in inventory_of("x", entries).executables}
    assert sorted(found) == ["opt/again", "opt/open", "opt/run", "opt/sgid", "opt/suid", "srv/open"]
    assert (found["opt/run"].kind, found["opt/run"].interpreter) == ("script", "/bin/sh -e")
    assert found["opt/run"].sha256 == hashlib.sha256(SH).hexdigest()
    assert found["srv/open"].kind == "directory"
    assert found["opt/suid"].mode == 0o4755
    assert found["opt/again"].kind == "script"


def test_hashes_only_where_asked() -> None:
    entries = [Made("usr/bin/a", SH, 0o755), Made("opt/a", SH, 0o755)]
    digests = {
        choice: [bool(item.sha256) for item in inventory_of("x", entries, CollectOptions(hashes=choice)).executables]
        for choice in ("unmanaged", "all", "none")
    }  # fmt: skip
    assert digests == {"unmanaged": [True, False], "all": [True, True], "none": [False, False]}
    (data,) = inventory_of("x", [Made("opt/data", b"x", 0o666)]).executables
    assert not data.sha256, "data that everybody may write is no program"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0), ("cap_net_raw+ep",)),
        (struct.pack("<III", 0x01000000, 1 << 10, 1 << 10), ("cap_net_bind_service+ip",)),
        (struct.pack("<IIIIII", 0x03000001, 1 << 21, 0, 1 << 7, 0, 1000),
         ("cap_sys_admin+ep[rootid=1000]", "cap_bpf+ep[rootid=1000]")),
        (struct.pack("<IIIII", 0x02000000, 0, 0, 1 << 31, 0), ("cap_63+p",)),
    ],
)  # fmt: skip
def test_file_capabilities(raw: bytes, expected: tuple[str, ...]) -> None:
    assert capabilities(raw) == expected
    (program,) = inventory_of("x", [Made("bin/ping", b"x", 0o644, capability=raw)]).executables
    assert program.capabilities == expected


@pytest.mark.parametrize(
    "raw", [b"", b"\1\0", struct.pack("<I", 0x02000001), struct.pack("<IIIII", 0x09000000, 1, 1, 1, 1)]
)
def test_capabilities_that_are_none(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        capabilities(raw)
    if raw:
        found = inventory_of("x", [Made("bin/ping", b"x", 0o644, capability=raw)])
        assert [problem.where for problem in found.not_looked] == ["bin/ping"]


def test_elf_interpreter() -> None:
    path = Path("/bin/ls")
    if not path.exists():
        pytest.skip("no /bin/ls")
    (program,) = inventory_of("x", [Made("bin/ls", path.read_bytes(), 0o755)]).executables
    assert program.kind == "elf"
    assert "ld-" in program.interpreter


def test_libraries_are_no_programs() -> None:
    path = next(Path("/usr/lib").glob("*/libc.so.6"), None)
    if path is None:
        pytest.skip("no libc.so.6")
    assert not inventory_of("x", [Made("usr/lib/libc.so.6", path.read_bytes(), 0o755)]).executables


def test_a_real_go_program() -> None:
    path = shutil.which("docker-registry") or shutil.which("registry")
    if not path:
        pytest.skip("docker-registry is not installed")
    real = Path(path).resolve()
    info = build_info(Elf(real.read_bytes()))
    assert info is not None and info.go.startswith("go1.")
    found = inventory_of("x", [Made("usr/bin/docker-registry", real.read_bytes(), 0o755)])
    assert ("stdlib", info.go[2:].split()[0]) in {(package.name, package.version) for package in found.packages}
    if shutil.which("go"):
        told = subprocess.run(["go", "version", "-m", str(real)], check=True, capture_output=True, text=True).stdout
        assert info.go in told


TEXT = (
    "path\texample.com/tool/cmd\nmod\texample.com/tool\tv1.4.0\th1:x=\n"
    "dep\tgithub.com/Masterminds/semver/v3\tv3.2.0\th1:y=\ndep\tgolang.org/x/net\tv0.1.0\n=>\tgolang.org/x/net\tv0.17.0\th1:z=\n"
    "dep\texample.com/local\tv0.0.0\n=>\t./local\t(devel)\nbuild\t-trimpath=true\n"
)
EXPECTED = {
    ("example.com/tool", "v1.4.0"),
    ("github.com/Masterminds/semver/v3", "v3.2.0"),
    ("golang.org/x/net", "v0.17.0"),
    ("example.com/local", ""),
    ("stdlib", "1.22.1"),
}


def elf(segment: bytes, address: int = 0x400000) -> bytes:
    """A 64-bit ELF file without sections and with one writable segment."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    place = 128
    program = struct.pack("<IIQQQQQQ", 1, 6, place, address, address, len(segment), len(segment), 4096)
    return (head + program).ljust(place, b"\0") + segment


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def go_inline(go: bytes = b"go1.22.1 X:boringcrypto", text: str = TEXT) -> bytes:
    framed = b"0" * 16 + text.encode() + b"1" * 16
    return elf(b"\xff Go buildinf:\x08\x02".ljust(32, b"\0") + varint(len(go)) + go + varint(len(framed)) + framed)


def go_pointers() -> bytes:
    """As before Go 1.18: pointers to string headers, which point to text."""
    address = 0x400000
    framed = b"0" * 16 + TEXT.encode() + b"1" * 16
    go = b"go1.22.1"
    blob = b"\xff Go buildinf:\x08\x00" + struct.pack("<QQ", address + 32, address + 48)
    headers = struct.pack("<QQQQ", address + 64, len(go), address + 64 + len(go), len(framed))
    return elf(blob + headers + go + framed, address)


@pytest.mark.parametrize("data", [go_inline(), go_pointers()], ids=["inline", "pointers"])
def test_go_build_information(data: bytes) -> None:
    found = inventory_of("x", [Made("app/tool", data, 0o755)])
    assert {(package.name, package.version) for package in found.packages} == EXPECTED
    by_name = {package.name: package for package in found.packages}
    semver = by_name["github.com/Masterminds/semver/v3"]
    assert semver.purl == "pkg:golang/github.com/Masterminds/semver/v3@v3.2.0"
    assert semver.locations == ("app/tool",)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("-s -w -X main.version=1.4.2 -X main.commit=abc", "v1.4.2"),
        ("-X 'example.com/tool/internal/build.Version=v2.0.0-rc.1'", "v2.0.0-rc.1"),
        (
            "-X k8s.io/component-base/version.gitVersion=v1.29.3 -X k8s.io/client-go/pkg/version.gitVersion=v9.9.9",
            "v1.29.3",
        ),
        ("-X example.com/other.version=1.0.0", ""),
        ("-X main.goVersion=1.22.1", ""),
        ("-X main.version=unknown", ""),
    ],
)
def test_a_version_that_the_linker_was_told(flags: str, expected: str) -> None:
    text = f"path\texample.com/tool\nmod\texample.com/tool\t(devel)\t\nbuild\t-ldflags={flags}\n"
    found = inventory_of("x", [Made("tool", go_inline(text=text), 0o755)])
    assert [package.version for package in found.packages if package.name == "example.com/tool"] == [expected]


def test_damaged_go_build_information_is_told() -> None:
    whole = go_inline()
    data = whole[: whole.index(b"buildinf:") + 40]
    assert [problem.where for problem in inventory_of("x", [Made("app/tool", data, 0o755)]).not_looked] == ["app/tool"]


def test_rust_audit_data(tmp_path: Path) -> None:
    if not shutil.which("objcopy") or not Path("/bin/true").exists():
        pytest.skip("objcopy is not installed")
    crates = [
        {"name": "ring", "version": "0.17.5", "source": "crates.io"},
        {"name": "cc", "version": "1.0.83", "source": "crates.io", "kind": "build"},
        {"name": "app", "version": "0.1.0", "source": "local", "root": True, "dependencies": [0]},
    ]
    (tmp_path / "audit").write_bytes(zlib.compress(json.dumps({"packages": crates}).encode()))
    command = ["objcopy", "--add-section", f".dep-v0={tmp_path}/audit", "/bin/true", str(tmp_path / "app")]
    subprocess.run(command, check=True)
    data = (tmp_path / "app").read_bytes()
    found = inventory_of("x", [Made("opt/app", data, 0o755), Made("opt/lib.so", data)])
    assert {(package.name, package.version, package.locations[0]) for package in found.packages} == {
        (name, version, place)
        for name, version in (("ring", "0.17.5"), ("app", "0.1.0"))
        for place in ("opt/app", "opt/lib.so")
    }  # fmt: skip
    bomb = {"packages": [{"name": "a", "version": "1"}], "x": "0" * (32 << 20)}
    (tmp_path / "audit").write_bytes(zlib.compress(json.dumps(bomb).encode()))
    subprocess.run(command, check=True)
    (problem,) = inventory_of("x", [Made("app", (tmp_path / "app").read_bytes(), 0o755)]).not_looked
    assert "too large" in problem.reason


def test_hard_links_to_what_was_not_kept_are_told() -> None:
    entries = [Made("sysroot/objects/ab.file", b"x"), hard("usr/share/rpm/rpmdb.sqlite", "sysroot/objects/ab.file")]
    (problem,) = inventory_of("x", entries).not_looked
    assert problem.where == "usr/share/rpm/rpmdb.sqlite"


def test_undecodable_names_become_printable() -> None:
    contents = collect([Made("opt/\udcff", SH, 0o755), Made("a\0opt", SH, 0o755), Made("\ud800", SH, 0o755)])
    assert list(contents.items) == ["opt/\\xff", "a\\x00opt", "\\ud800"]
    assert encode_contents(contents)
