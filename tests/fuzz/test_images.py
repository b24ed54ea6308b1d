"""Bytes by strangers to every parser of images: an answer, or the declared error."""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.analysis.images import (
    LayerContents,
    Unreadable,
    assemble,
    collect,
    decode_contents,
    dotnet,
    encode_contents,
    inventory_of,
    read_config,
)
from seawall.analysis.images.elf import Elf, interpreter
from seawall.analysis.images.parsers import _NAMES, _SUFFIXES
from seawall.analysis.images.programs import capabilities, compiled
from seawall.model.images import EntryKind
from tests.analysis.images import test_java, test_layers, test_locks, test_os_packages, test_programs
from tests.analysis.images.entries import Made

Parse = Callable[[bytes, str], Any]


def _header(entries: list[tuple[int, int, int, bytes]]) -> bytes:
    index, data = b"", b""
    for tag, kind, count, value in entries:
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += value
    return struct.pack(">II", len(entries), len(data)) + index + data


HEADER = _header(
    [
        (1000, 6, 1, b"tool\0"),
        (1001, 6, 1, b"1.0\0"),
        (1002, 6, 1, b"1.el9\0"),
        (1003, 4, 1, b"\0\0\0\2"),
        (1044, 6, 1, b"tool-1.0-1.el9.src.rpm\0"),
        (1116, 4, 2, b"\0\0\0\0\0\0\0\1"),
        (1117, 8, 2, b"a\0b\0"),
        (1118, 8, 2, b"/usr/bin/\0/etc/\0"),
    ]
)


def _sqlite() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
    connection.execute("INSERT INTO Packages (blob) VALUES (?)", (HEADER,))
    connection.commit()
    return connection.serialize()


def _ndb() -> bytes:
    blob = struct.pack("<4sIII", b"BlbS", 1, 7, len(HEADER)) + HEADER
    blob += bytes(-(len(blob) + 12) % 16) + struct.pack("<II4s", zlib.adler32(HEADER), len(HEADER), b"BlbE")
    slots = struct.pack("<4sIIII12x4sIII", b"RpmP", 0, 7, 1, 2, b"Slot", 1, 256, len(blob) // 16)
    return slots + struct.pack("<4sIII", b"Slot", 0, 0, 0) * 253 + blob


def _berkeley() -> bytes:
    """A meta page, a page of one key and value, an overflow page."""
    meta = struct.pack("<8xIIIIB", 0, 0x061561, 9, 512, 0).ljust(512, b"\0")
    value = struct.pack("<BxxxII", 3, 2, len(HEADER))
    key = b"\x01" + struct.pack("<I", 1)
    places = (512 - len(key), 512 - len(key) - len(value))
    page = struct.pack("<8xIIIHHBB", 1, 0, 0, 2, places[1], 0, 13) + struct.pack("<HH", *places)
    page = page.ljust(places[1], b"\0") + value + key
    overflow = struct.pack("<8xIIIHHBB", 2, 0, 0, 1, len(HEADER), 0, 7) + HEADER
    return meta + page + overflow.ljust(512, b"\0")


SEEDS: dict[str, list[bytes]] = {
    "status": [test_os_packages.STATUS.encode()],
    "installed": [test_os_packages.APK.encode()],
    "os-release": [b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n'],
    "redhat-release": [b"CentOS Linux release 7.9.2009 (Core)"],
    "alpine-release": [b"3.20.1\n"],
    "debian_version": [b"12.4\n"],
    "rpmdb.sqlite": [_sqlite()],
    "Packages.db": [_ndb()],
    "Packages": [_berkeley()],
    "copyright": [b"Format: x\n\nLicense: MIT\n"],
    "METADATA": [b"Name: a\nVersion: 1\nLicense-Expression: MIT\n\nbody"],
    "RECORD": [b'a.py,sha256=x,1\n"b,c.py",,\n../../bin/x,,\n'],
    "installed-files.txt": [b"../a.py\nPKG-INFO\n"],
    "package.json": [b'{"name": "@s/a", "version": "1.0.0", "license": {"type": "MIT"}}'],
    "installed.json": [b'{"packages": [{"name": "a/b", "version": "v1"}]}'],
    "pom.properties": [b"groupId=g\nartifactId=a\nversion=1\n"],
    ".list": [b"/.\n/usr\n/usr/bin\n/usr/bin/a\n"],
    ".gemspec": [b'# stub: rake 13.0.6 ruby lib\n  s.licenses = ["MIT".freeze]\n', b's.name = "a"\ns.version = "1"\n'],
    "desc": [b"%NAME%\nzlib\n\n%VERSION%\n1\n"],
    "files": [b"%FILES%\nusr/\nusr/a\n"],
    ".spdx": [
        b'{"spdxVersion": "SPDX-2.3", "packages": [{"externalRefs": [{"referenceLocator": "pkg:bitnami/a@1"}]}]}'
    ],
    ".json": [
        b'{"name": "a", "version": "1", "channel": "https://x/y", "files": ["a"]}',
        b'{"libraries": {"A/1": {"type": "package"}}}',
    ],
    ".jar": [test_java.jar({"BOOT-INF/lib/a-1.jar": test_java.LOG4J, **test_java.pom("g", "a", "1")})],
}
for name, text, *_ in test_locks.CASES:
    SEEDS.setdefault(name.rpartition("/")[2], []).append(text.encode())
SEEDS[".txt"] = SEEDS["requirements.txt"]

PARSERS: dict[str, Parse] = {key: parser.parse for key, parser in {**_NAMES, **_SUFFIXES}.items()}
PARSERS["deps.json"] = dotnet.deps
SEEDS["deps.json"] = SEEDS[".json"]
ODD = [
    b"",
    b"\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"{",
    b'"',
    b"\n\n",
    b"[" * 3000,
    b"\xed\xa0\x80",
    b"NaN",
    b"1e999",
]


@st.composite
def changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A seed with a few places overwritten, cut out, doubled or cut off."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 4)):
            case 0:
                new = draw(st.one_of(st.binary(max_size=8), st.sampled_from(ODD)))
                data[at : at + len(new)] = new
            case 1:
                data[at:at] = draw(st.one_of(st.binary(max_size=8), st.sampled_from(ODD)))
            case 2:
                del data[at : at + draw(st.integers(1, 40))]
            case 3:
                data[at:at] = data[at : at + draw(st.integers(1, 200))]
            case _:
                del data[at:]
    return bytes(data)


def answer(parse: Parse, data: bytes, path: str = "a/b/c/d/x") -> None:
    try:
        parse(data, path)
    except Unreadable as error:
        assert str(error) and "\n" not in str(error)


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_parsers_answer(name: str) -> None:
    seeds = SEEDS.get(name) or [seed for group in SEEDS.values() for seed in group][:40]

    @settings(max_examples=120, suppress_health_check=list(HealthCheck))
    @given(st.one_of(changed(seeds), st.binary(max_size=300)))
    def check(data: bytes) -> None:
        answer(PARSERS[name], data)

    for seed in seeds:
        answer(PARSERS[name], seed)
    check()


def test_seeds_are_read() -> None:
    """What is changed above is otherwise right, or the changes would try nothing."""
    for name in ("rpmdb.sqlite", "Packages.db", "Packages"):
        ((item,),) = [PARSERS[name](SEEDS[name][0], "p")]
        (package,) = item.packages
        assert (package.name, package.version, package.files) == ("tool", "2:1.0-1.el9", "usr/bin/a\netc/b")


@settings(max_examples=400)
@given(changed([test_programs.go_inline(), test_programs.go_pointers()]))
def test_programs_answer(data: bytes) -> None:
    compiled(data, "a")
    interpreter(data)
    try:
        elf = Elf(data)
        elf.segments()
        elf.sections()
    except Unreadable:
        pass


@given(st.binary(max_size=40))
def test_capabilities_answer(data: bytes) -> None:
    answer(lambda data, _: capabilities(data), data)


@given(changed([json.dumps(test_layers.CONFIG).encode()]))
def test_configurations_answer(data: bytes) -> None:
    answer(lambda data, _: read_config(data), data)


@given(changed([encode_contents(collect([Made("etc/os-release", b"ID=a\nVERSION_ID=1\n"), Made("x", b"#!a", 0o755)]))]))
def test_cached_contents_answer(data: bytes) -> None:
    answer(lambda data, _: assemble("x", [], [collect([Made("a")]), decode_contents(data)]), data)


PATHS = st.sampled_from(["a", "a/b", "a/b/c", "a/b.so", "bin", "b/package.json", "", "c/node_modules/d/package.json"])
ENTRIES = st.lists(
    st.builds(
        Made,
        path=PATHS,
        kind=st.sampled_from(list(EntryKind)),
        mode=st.sampled_from([0o644, 0o755, 0o777, 0o4755]),
        content=st.sampled_from([b"", b"#!/bin/sh\n", b'{"name": "n", "version": "1"}']),
        target=PATHS,
    ),
    max_size=8,
)


def _visible(layers: list[list[Made]]) -> set[str]:
    """The overlay done the plain way: a set of paths, changed entry by entry."""
    files: dict[str, bool] = {}
    for layer in layers:
        for entry in layer:
            if entry.kind is EntryKind.WHITEOUT:
                files = {
                    path: on
                    for path, on in files.items()
                    if path != entry.path and not path.startswith(f"{entry.path}/")
                }
            elif entry.kind is EntryKind.OPAQUE:
                files = {path: on for path, on in files.items() if entry.path and not path.startswith(f"{entry.path}/")}
        for entry in layer:
            if entry.kind in (EntryKind.WHITEOUT, EntryKind.OPAQUE):
                continue
            if entry.kind is not EntryKind.DIRECTORY:
                files = {path: on for path, on in files.items() if not path.startswith(f"{entry.path}/")}
            files[entry.path] = (
                entry.kind is EntryKind.FILE and entry.content.startswith(b"#!") and bool(entry.mode & 0o111)
            )
    return {path for path, on in files.items() if on}


def _clean(layer: list[Made]) -> list[Made]:
    """No two entries of a layer in each other's way: what a tar archive may hold, but no builder writes."""
    kept: list[Made] = []
    for entry in layer:
        clash = any(
            entry.path == other.path
            or entry.path.startswith(f"{other.path}/")
            or other.path.startswith(f"{entry.path}/")
            for other in kept
        )
        if entry.path and entry.kind is not EntryKind.HARDLINK and (not clash or entry.kind is EntryKind.OPAQUE):
            kept.append(entry)
    return kept


@settings(max_examples=500)
@given(st.lists(ENTRIES, max_size=4))
def test_layers_are_laid_as_the_plain_way_does(layers: list[list[Made]]) -> None:
    cleaned = [_clean(layer) for layer in layers]
    found = assemble("x", [], [collect(layer) for layer in cleaned])
    scripts = {program.path for program in found.executables if program.kind == "script" and program.mode & 0o111}
    assert scripts == _visible(cleaned)


@given(ENTRIES)
def test_any_entries_give_an_inventory(entries: list[Made]) -> None:
    inventory_of("x", entries)
    contents = collect(entries)
    assert isinstance(decode_contents(encode_contents(contents)), LayerContents)


PIECES = [
    b"a.",
    b"\n ",
    b'"',
    b"(",
    b"[[package]]\n",
    b"License: ",
    b"  a (1)\n",
    b"a[b,",
    b"require (\na.",
    b"s.name = ",
    b"F:a\n",
]


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_long_repetitions_are_answered(name: str) -> None:
    """An expression that goes back over what it has seen would take hours for these."""
    for piece in PIECES:
        answer(PARSERS[name], piece * (400_000 // len(piece)), "usr/share/doc/x/copyright")
    answer(PARSERS[name], b"require (\n" + b"a." * 200_000)
