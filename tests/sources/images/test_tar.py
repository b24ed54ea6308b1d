"""The tar walker: against Python's tarfile and GNU tar on whole archives, and on archives that mean harm."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model.images import EntryKind, EntryTooLarge
from seawall.sources.images.limits import Limits
from seawall.sources.images.tar import Tar, normal_path
from tests.sources.images.build import entry, pieces, problems, tar, walked

_KINDS = {
    tarfile.REGTYPE: EntryKind.FILE,
    tarfile.LNKTYPE: EntryKind.HARDLINK,
    tarfile.SYMTYPE: EntryKind.SYMLINK,
    tarfile.DIRTYPE: EntryKind.DIRECTORY,
    tarfile.FIFOTYPE: EntryKind.FIFO,
    tarfile.CHRTYPE: EntryKind.DEVICE,
}
_NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=60).filter(
    lambda name: name not in (".", "..") and not name.startswith(".wh.")
)
_PATH = st.lists(_NAME, min_size=1, max_size=6).map("/".join)


@st.composite
def _entries(draw: st.DrawFn) -> list[tuple[tarfile.TarInfo, bytes]]:
    made = []
    for path in draw(st.lists(_PATH, max_size=8)):
        kind = draw(st.sampled_from(list(_KINDS)))
        data = draw(st.binary(max_size=2000)) if kind == tarfile.REGTYPE else b""
        target = draw(_PATH) if kind in (tarfile.LNKTYPE, tarfile.SYMTYPE) else ""
        ids = st.sampled_from([0, 7, 1000, 2097151, 2097152, 1 << 31])
        mode = draw(st.integers(0, 0o7777))
        made.append(entry(path, data, mode, type=kind, linkname=target, uid=draw(ids), gid=draw(ids)))
    return made


@given(_entries(), st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]), st.sampled_from([512, 700, 1 << 17]))
def test_any_archive_is_read_as_tarfile_reads_it(
    entries: list[tuple[tarfile.TarInfo, bytes]], form: int, piece: int
) -> None:
    data = tar(*entries, form=form)
    found, walk = walked(data, piece=piece)
    assert not walk.problems and walk.trusted
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = archive.getmembers()
        assert [(e.path, e.kind, e.mode, e.uid) for e in found] == [
            (m.name, _KINDS[m.type], m.mode, m.uid) for m in expected
        ]
        for mine, theirs in zip(found, expected, strict=True):
            assert mine.target == theirs.linkname
            if theirs.isreg():
                file = archive.extractfile(theirs)
                assert file is not None and mine.data == file.read()


@given(_entries(), st.data())
def test_damage_is_told_and_never_a_traceback(
    entries: list[tuple[tarfile.TarInfo, bytes]], data: st.DataObject
) -> None:
    whole = bytearray(tar(entry("first", b"x"), *entries))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    walked(bytes(whole[:cut]))


@given(st.binary(max_size=3000))
def test_any_bytes_end(data: bytes) -> None:
    walked(data)


@pytest.mark.parametrize("form", ["gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix"])
def test_sparse_files_as_gnu_tar_writes_them(tmp_path: Path, form: str) -> None:
    if shutil.which("tar") is None:
        pytest.skip("no GNU tar")
    (tmp_path / "before").write_bytes(b"b" * 700)
    with (tmp_path / "holes").open("wb") as file:
        for number in range(60):
            file.seek(number * 65536)
            file.write(f"piece {number}".encode())
        file.truncate(5_000_000)
    (tmp_path / "zz").write_bytes(b"after")
    name, *options = form.split()
    command = ["tar", "-C", str(tmp_path), "-c", "-S", f"--format={name}", *options, "before", "holes", "zz"]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    assert len(data) < 2_000_000
    entries = {}
    for each in Tar(pieces(data), lambda name, problem: pytest.fail(f"{name} {problem}")):
        assert each.head(3) == each.read(5_000_000)[:3]
        entries[each.path] = each.read(5_000_000)
    assert entries == {name: (tmp_path / name).read_bytes() for name in ("before", "holes", "zz")}


def test_content_can_be_had_in_part_and_again() -> None:
    data = tar(entry("a", bytes(range(256)) * 40), entry("b", b"second"))
    for each in Tar(pieces(data, 600), lambda name, problem: None):
        if each.path == "a":
            assert each.head(10) == bytes(range(10)) and each.head(2000)[-1] == 1999 % 256
            with pytest.raises(EntryTooLarge, match="a has 10240 bytes"):
                each.read(10239)
            assert each.read(10240) == bytes(range(256)) * 40 and each.head(4) == b"\0\1\2\3"
        else:
            assert each.head(100) == b"second"


def test_capabilities_come_from_pax_headers() -> None:
    raw = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
    info, data = entry("bin/ping", b"x", 0o755, pax_headers={"SCHILY.xattr.security.capability": raw.decode("latin-1")})
    plain = tar((info, data))
    encoded = raw.decode("latin-1").encode()  # tarfile writes pax values as UTF-8, which is not what Docker writes
    length = len(encoded) - len(raw)
    record = f"{len(' SCHILY.xattr.security.capability=') + 20 + 1 + 2} SCHILY.xattr.security.capability=".encode()
    at = plain.index(b"SCHILY") - 3
    fixed = plain[:at] + record + raw + b"\n" + bytes(length) + plain[at + len(record) + len(encoded) + 1 :]
    header = bytearray(fixed[:512])
    header[124:136] = b"%011o\0" % (len(record) + len(raw) + 1)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    found = list(Tar(pieces(bytes(header) + fixed[512:]), lambda name, problem: None))
    assert [each.capability for each in found] == [raw]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (entry("../../etc/shadow", b"x"), "entry ../../etc/shadow: has a name that leads out of the image"),
        (entry("a/../../b", b"x"), "leads out"),
        (entry("link", type=tarfile.LNKTYPE, linkname="../../etc/shadow"), "entry link: is a hard link to '../../etc"),
        (entry("odd", b"", type=b"Z"), "entry odd: is of the unknown type b'Z'"),
        (entry("/", b"x"), "has no name"),
        (entry("etc/.wh...", b""), "takes away something without a name"),
    ],
)
def test_an_entry_that_means_harm_is_told_and_the_rest_is_read(made: tuple[tarfile.TarInfo, bytes], told: str) -> None:
    found, walk = walked(tar(entry("before", b"1"), made, entry("after", b"2")))
    assert [each.path for each in found] == ["before", "after"]
    assert told in problems(walk) and walk.trusted


def test_harmless_oddities_are_no_problem() -> None:
    made = [
        entry("./", type=tarfile.DIRTYPE),
        entry("/etc/passwd", b"x"),
        entry("./usr//bin/./x/", type=tarfile.DIRTYPE),
        entry("up", type=tarfile.SYMTYPE, linkname="../../../proc/self"),
        entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        entry("b", type=tarfile.LNKTYPE, linkname="./etc/passwd"),
    ]
    found, walk = walked(tar(*made))
    assert not walk.problems
    assert [(e.path, e.kind, e.target) for e in found] == [
        ("etc/passwd", EntryKind.FILE, ""),
        ("usr/bin/x", EntryKind.DIRECTORY, ""),
        ("up", EntryKind.SYMLINK, "../../../proc/self"),
        ("null", EntryKind.DEVICE, ""),
        ("b", EntryKind.HARDLINK, "etc/passwd"),
    ]


def _header(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _pax(records: bytes, kind: bytes = b"x") -> bytes:
    return _header(b"x", b"%011o\0" % len(records), kind) + records.ljust(512, b"\0")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (_header(b"big", b"77777777777\0"), "entry big: is cut short"),
        (_header(b"neg", b"\xff" * 12), "has an entry of -1 bytes"),
        (_header(b"huge", b"\x80" + b"\xff" * 11), "has an entry of"),
        (_header(b"word", b"0x12\0"), "has the number"),
        (_header(b"l", b"00010000000\0", b"L"), "has an extended header of 2097152 bytes"),
        (_header(b"x", b"00000000012\0", b"x") + b"99 path=a\n".ljust(512, b"\0"), "malformed extended header"),
        (
            _header(b"x", b"00000000013\0", b"x") + b"11 size=1x\n".ljust(512, b"\0") + _header(b"a", b"0\0"),
            "number b'1x'",
        ),
        (
            _header(b"x", b"00000000013\0", b"x") + b"11 path=\0a\n".ljust(512, b"\0") + _header(b"a", b"0\0"),
            "NUL in it",
        ),
        (_header(b"x", b"00000000012\0", b"x") + b"10 path=a\n".ljust(512, b"\0"), "is cut short"),
        (bytes(512) + _header(b"a", b"0\0"), "goes on after a block of zeros"),
        (b"\0" * 100 + b"garbage" * 100, "is no tar archive here"),
        (_header(b"a", b"00000000005\0")[:300], "is cut short"),
    ],
)
def test_what_is_no_archive_says_where(data: bytes, told: str) -> None:
    _, walk = walked(tar(entry("good", b"x"))[:1024] + data)
    assert told in problems(walk)


def test_a_pax_size_is_the_one_that_counts() -> None:
    inner = tar(entry("hidden", b"secret"))
    size = b"%d" % len(inner)
    record = b"%d size=%s\n" % (len(size) + 9, size)
    found, _ = walked(_pax(record) + _header(b"outer", b"00000000000\0") + inner + tar(entry("after", b"1")))
    assert [(each.path, each.size) for each in found] == [("outer", len(inner)), ("after", 1)]


def test_global_headers_rename_nothing() -> None:
    found, walk = walked(_pax(b"13 path=evil\n", b"g") + tar(entry("real", b"1")))
    assert [each.path for each in found] == ["real"] and not walk.problems


def test_content_that_breaks_off_is_told_by_the_walk_and_not_by_the_entry() -> None:
    data = tar(entry("first", b"1"), entry("half", b"x" * 5000))
    found, walk = walked(data[:4000])
    assert [(each.path, len(each.data)) for each in found] == [("first", 1), ("half", 4000 - 1536)]
    assert problems(walk).endswith("entry half: is cut short")


def test_too_many_entries() -> None:
    data = tar(*(entry(f"f{number}") for number in range(20)))
    found, walk = walked(data, limits=Limits(entries=10))
    assert len(found) == 10 and "holds more than 10 entries" in problems(walk)


def test_sparse_maps_that_lie() -> None:
    for records, told in [
        (b"GNU.sparse.size=100|GNU.sparse.map=0,50,20,30", "overlap or lie outside"),
        (b"GNU.sparse.size=10|GNU.sparse.map=0,512", "outside"),
        (b"GNU.sparse.size=1000|GNU.sparse.map=0,1", "contradict"),
        (b"GNU.sparse.size=1000|GNU.sparse.map=0", "malformed sparse map"),
        (b"GNU.sparse.major=1|GNU.sparse.minor=0|GNU.sparse.realsize=9", "in a sparse map"),
        (b"GNU.sparse.numbytes=3", "do not pair"),
    ]:
        lines = b""
        for record in records.split(b"|"):
            length = len(record) + 4
            lines += b"%d %s\n" % (length if length > 9 else length - 1, record)
        _, walk = walked(_pax(lines) + _header(b"a", b"00000001000\0") + b"content\n".ljust(512, b"x"))
        assert told in problems(walk), records


@given(st.text(st.sampled_from("a./"), max_size=12))
def test_paths_are_normalised_as_a_root_would_resolve_them(name: str) -> None:
    path = normal_path(name)
    depth, up = 0, False
    for part in name.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        up = up or depth < 0
    assert (path is None) == up
    if path is not None:
        assert not path.startswith("/") and not {"", ".", ".."} & set(path.split("/")) - ({""} if not path else set())
