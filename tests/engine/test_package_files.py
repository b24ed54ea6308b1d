"""Files held against what their packages recorded: as dpkg and rpm themselves tell it, and for apk and Python."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.analysis.images.recorded import record_reader
from seawall.analysis.malware import HashList, MalwareLook
from seawall.engine.images import ImageOptions, look_into
from seawall.engine.malware_signs import Told, signs_of
from seawall.model.malware import Recorded
from tests.sources.images.build import build, entry, tar, write_layout

#: Small, with programs, links, hard links, conffiles, and diverted or moved files.
PACKAGES = ("coreutils", "bash", "dash", "base-files", "passwd", "perl-base", "login", "util-linux", "sed", "dpkg")


def search(reference: str) -> list[Told]:
    look = MalwareLook([], "test", HashList(), record_reader, str)
    looked = look_into(reference, ImageOptions(), [look])
    return list(signs_of(looked, looked.inventory, look).told)


def changed(told: Iterable[Told]) -> dict[str, str]:
    return {each.path: each.rule for each in told if each.rule.startswith("package-")}


@pytest.fixture(scope="module")
def dpkg_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with some packages of this machine, as dpkg has them."""
    if not shutil.which("dpkg") or not os.path.isfile("/var/lib/dpkg/status"):
        pytest.skip("dpkg is not here")
    root = tmp_path_factory.mktemp("root")
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    for link in ("bin", "sbin", "lib", "lib64"):
        if os.path.islink(f"/{link}"):
            os.symlink(os.readlink(f"/{link}"), root / link)
    paragraphs = []
    for name in PACKAGES:
        told = subprocess.run(["dpkg-query", "-s", name], capture_output=True, text=True)
        if told.returncode:
            continue
        paragraphs.append(told.stdout)
        for path in Path("/var/lib/dpkg/info").glob(f"{name}.*"):
            shutil.copy(path, info / path.name)
        for line in (info / f"{name}.list").read_text().splitlines():
            real = Path(os.path.realpath(os.path.dirname(line)), os.path.basename(line))
            place = root / str(real).lstrip("/")
            if os.path.lexists(real) and not real.is_dir() and not os.path.lexists(place):
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(real, place, follow_symlinks=False)
    (root / "var/lib/dpkg/status").write_text("\n".join(paragraphs) + "\n")
    for name in ("diversions", "statoverride"):
        if os.path.exists(f"/var/lib/dpkg/{name}"):
            shutil.copy(f"/var/lib/dpkg/{name}", root / "var/lib/dpkg" / name)
    return root


def verified(root: Path) -> set[str]:
    """What dpkg itself says is changed."""
    command = ["dpkg", f"--root={root}", "--verify", *PACKAGES]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    # Conffiles (c) are meant to be changed, and files that are missing are no tampering.
    names = [line.split()[-1].lstrip("/") for line in lines if line[2:3] == "5" and " c " not in line]
    return {
        str(
            Path(os.path.realpath(root / os.path.dirname(name)), os.path.basename(name)).relative_to(
                os.path.realpath(root)
            )
        )
        for name in names
    }


def test_clean_packages_have_no_changed_file(dpkg_root: Path) -> None:
    assert changed(search(f"rootfs:{dpkg_root}")) == dict.fromkeys(verified(dpkg_root), "package-file-modified") == {}


def test_what_was_changed_is_what_dpkg_says(dpkg_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(dpkg_root, root, symlinks=True)
    (root / "usr/bin/cat").write_bytes(b"\x7fELF changed")
    (root / "usr/bin/bash").write_bytes(b"")
    doc = next((root / "usr/share/doc/coreutils").glob("README*"))
    doc.write_bytes(b"changed")
    (root / "usr/bin/sed").unlink()
    (root / "usr/bin/tac").unlink()
    (root / "usr/bin/tac").symlink_to("cat")
    (root / "usr/bin/nl").rename(root / "usr/bin/nl.real")
    (root / "usr/bin/nl").symlink_to("nl.real")
    (root / "etc/bash.bashrc").write_text("# mine\n")
    found = changed(search(f"rootfs:{root}"))
    assert set(found) == verified(root)
    assert found == {
        "usr/bin/cat": "package-file-modified",
        "usr/bin/bash": "package-file-modified",
        "usr/bin/tac": "package-file-modified",
        str(doc.relative_to(root)): "package-data-modified",
    }


def md5(path: str, data: bytes) -> bytes:
    return f"{hashlib.md5(data).hexdigest()}  {path}\n".encode()  # noqa: S324 - as dpkg records


def layered(folder: Path, *layers: bytes) -> list[Told]:
    return search(f"oci-dir:{write_layout(folder / 'image', (build(layers), 'v1'))}")


INFO = "var/lib/dpkg/info/"


def test_a_package_that_takes_a_file_over_keeps_its_list_right(tmp_path: Path) -> None:
    """dpkg takes the file off the list of the package that had it, and leaves its digests as they were."""
    taken = tar(
        entry("usr/bin/x", b"new", 0o755),
        entry(f"{INFO}old.list", b"/.\n/usr\n/usr/bin\n/usr/bin/y\n"),
        entry(f"{INFO}old.md5sums", md5("usr/bin/x", b"old")),
        entry(f"{INFO}new.list", b"/.\n/usr\n/usr/bin\n/usr/bin/x\n"),
    )
    assert changed(layered(tmp_path, taken)) == {}


def test_diverted_files_are_held_against_the_package_that_has_them(tmp_path: Path) -> None:
    diverted = tar(
        entry("usr/bin/sh", b"theirs", 0o755),
        entry("usr/bin/sh.distrib", b"ours", 0o755),
        entry(f"{INFO}ours.md5sums", md5("usr/bin/sh", b"ours")),
        entry(f"{INFO}theirs.md5sums", md5("usr/bin/sh", b"theirs")),
        entry("var/lib/dpkg/diversions", b"/usr/bin/sh\n/usr/bin/sh.distrib\ntheirs\n"),
    )
    assert changed(layered(tmp_path, diverted)) == {}
    alone = tar(
        entry("usr/bin/id", b"local", 0o755),
        entry("usr/bin/id.real", b"bad", 0o755),
        entry(f"{INFO}ours.md5sums", md5("usr/bin/id", b"ours")),
        entry("var/lib/dpkg/diversions", b"/usr/bin/id\n/usr/bin/id.real\n:\n"),
    )
    assert changed(layered(tmp_path / "b", alone)) == {"usr/bin/id.real": "package-file-modified"}


def test_layers_that_change_delete_and_upgrade(tmp_path: Path) -> None:
    lower = tar(
        entry("usr/bin/a", b"a", 0o755),
        entry("usr/bin/b", b"b", 0o755),
        entry("usr/bin/c", b"c", 0o755),
        entry("usr/bin/d", b"d", 0o755),
        entry(f"{INFO}p.md5sums", b"".join(md5(f"usr/bin/{n}", n.encode()) for n in "abcd")),
        entry(f"{INFO}q.md5sums", md5("usr/bin/q", b"old")),
        entry("usr/bin/q", b"old", 0o755),
    )
    upper = tar(
        entry("usr/bin/a", b"changed", 0o755),
        entry("usr/bin/.wh.b"),
        entry("usr/bin/d", type=b"2", linkname="a"),
        entry(f"{INFO}q.md5sums", md5("usr/bin/q", b"new")),
        entry("usr/bin/q", b"new", 0o755),
    )
    told, linked = layered(tmp_path, lower, upper)
    assert told.path == "usr/bin/a" and told.where == "; as layer 2 of 2 has it (step 1)"
    assert linked.path == "usr/bin/d" and linked.says.startswith("is a link to a where")


def test_many_files_of_one_package_are_one_finding(tmp_path: Path) -> None:
    names = [f"usr/lib/npm/{number}.js" for number in range(40)]
    lower = tar(
        *(entry(name, b"a") for name in names), entry(f"{INFO}npm.md5sums", b"".join(md5(n, b"a") for n in names))
    )
    (told,) = layered(tmp_path, lower, tar(*(entry(name, b"b") for name in names)))
    assert told.says == "and 39 more files of npm differ from what dpkg recorded of them"


def apk_line(data: bytes) -> bytes:
    return b"Z:Q1" + base64.b64encode(hashlib.sha1(data).digest())  # noqa: S324 - as apk records


def test_apk(tmp_path: Path) -> None:
    database = b"\n".join(
        [
            b"P:busybox",
            b"V:1",
            b"F:bin",
            b"R:busybox",
            b"a:0:0:755",
            apk_line(b"bb"),
            b"R:other",
            apk_line(b"other"),
            b"F:etc",
            b"R:securetty",
            apk_line(b"tty"),
            b"",
            b"P:musl",
            b"V:2",
            b"F:lib",
            b"R:ld.so",
            apk_line(b"ld"),
            b"",
        ]
    )
    image = tar(
        entry("bin/busybox", b"bb", 0o755),
        entry("bin/other", b"changed", 0o755),
        entry("etc/securetty", b"mine"),
        entry("lib/ld.so", b"ld"),
        entry("lib/apk/db/installed", database),
    )
    (told,) = layered(tmp_path, image)
    assert (told.path, told.rule) == ("bin/other", "package-file-modified")
    assert told.says == "differs from what apk recorded of it for busybox"


def python_record(rows: dict[str, bytes]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    for path, data in rows.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        writer.writerow([path, f"sha256={digest}", len(data)])
    writer.writerow(["a-1.dist-info/RECORD", "", ""])
    return out.getvalue().encode()


def test_python(tmp_path: Path) -> None:
    site = "usr/local/lib/python3.12/site-packages"
    record = python_record({"a/__init__.py": b"1", "a/x, y.py": b"2", "../../../bin/a": b"3", "a/gone.py": b"4"})
    image = tar(
        entry(f"{site}/a/__init__.py", b"changed"),
        entry(f"{site}/a/x, y.py", b"2"),
        entry("usr/local/bin/a", b"bad", 0o755),
        entry(f"{site}/a-1.dist-info/RECORD", record),
        entry(f"{site}/a-1.dist-info/INSTALLER", b"pip\n"),
    )
    assert changed(layered(tmp_path, image)) == {
        f"{site}/a/__init__.py": "package-data-modified",
        "usr/local/bin/a": "package-file-modified",
    }


def test_flit_recorded_in_hexadecimal(tmp_path: Path) -> None:
    site = "usr/local/lib/python3.12/site-packages"
    rows = (f"{name},sha256={hashlib.sha256(b'1').hexdigest()},1\n" for name in ("a.py", "b.py"))
    image = tar(
        entry(f"{site}/a.py", b"1"),
        entry(f"{site}/b.py", b"changed"),
        entry(f"{site}/a-1.dist-info/RECORD", "".join(rows).encode()),
    )
    assert changed(layered(tmp_path, image)) == {f"{site}/b.py": "package-data-modified"}


def test_what_conda_installs_is_written_into(tmp_path: Path) -> None:
    site = "opt/conda/lib/python3.12/site-packages"
    image = tar(
        entry(f"{site}/a.py", b"changed"),
        entry(f"{site}/a-1.dist-info/RECORD", python_record({"a.py": b"1"})),
        entry(f"{site}/a-1.dist-info/INSTALLER", b"conda\n"),
    )
    assert changed(layered(tmp_path, image)) == {}


def test_the_python_packages_of_these_tests_are_as_pip_installed_them() -> None:
    site = Path(sysconfig.get_path("purelib"))
    names = ("msgspec", "pytest", "yaml", "hypothesis", "_pytest")
    folders = [path for path in site.iterdir() if path.name.lower().startswith(names) or path.name.startswith("PyYAML")]
    if not any(path.name.endswith(".dist-info") for path in folders):
        pytest.skip("these packages were not installed by pip")
    reader = record_reader("x.dist-info/RECORD")
    assert reader is not None
    compared = 0
    for folder in folders:
        record = folder / "RECORD"
        for each in reader(record.read_bytes(), f"{folder.name}/RECORD") if record.is_file() else ():
            file = site / each.path
            if file.is_file():
                compared += 1
                assert hashlib.sha256(file.read_bytes()).digest() == each.digest, each.path
    assert compared > 100


@pytest.mark.parametrize("backend", ["sqlite"])
def test_rpm_as_rpm_tells_it(tmp_path: Path, backend: str) -> None:
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    spec = tmp_path / "a.spec"
    files = {
        "usr/bin/one": "",
        "usr/share/two": "",
        "etc/three.conf": "%config(noreplace) ",
        "var/four": "%verify(not md5) ",
        "var/five": "%ghost ",
    }
    made = "\n".join(f"mkdir -p %{{buildroot}}/{Path(f).parent}; echo {f} > %{{buildroot}}/{f}" for f in files)
    listed = "\n".join(f"{flags}/{file}" for file, flags in files.items())
    spec.write_text(
        "Name: harbour\nVersion: 1\nRelease: 1\nSummary: a\nLicense: MIT\nBuildArch: noarch\n%description\nx\n"
        f"%install\n{made}\n%files\n{listed}\n"
    )
    define = ["--define", f"_topdir {tmp_path}/top", "--buildroot", f"{tmp_path}/build"]
    subprocess.run(["rpmbuild", "-bb", "--quiet", *define, str(spec)], check=True, capture_output=True)
    package = next((tmp_path / "top").rglob("*.rpm"))
    database = ["--dbpath", str(tmp_path / "db"), "--define", f"_db_backend {backend}"]
    subprocess.run(["rpm", "--initdb", *database], check=True, capture_output=True)
    command = ["rpm", "-i", "--justdb", "--nodeps", "--ignorearch", *database, str(package)]
    subprocess.run(command, check=True, capture_output=True)
    data = (tmp_path / "db/rpmdb.sqlite").read_bytes()
    reader = record_reader("var/lib/rpm/rpmdb.sqlite")
    assert reader is not None
    assert {each.path: each.digest for each in reader(data, "var/lib/rpm/rpmdb.sqlite")} == {
        path: hashlib.sha256(f"{path}\n".encode()).digest() for path in ("usr/bin/one", "usr/share/two")
    }
    image = tar(
        entry("usr/bin/one", b"usr/bin/one\n", 0o755),
        entry("usr/share/two", b"changed"),
        entry("etc/three.conf", b"mine"),
        entry("var/four", b"mine"),
        entry("var/lib/rpm/rpmdb.sqlite", data),
    )
    assert changed(layered(tmp_path, image)) == {"usr/share/two": "package-data-modified"}


@pytest.mark.parametrize(
    ("path", "data", "says"),
    [
        (f"{INFO}a.md5sums", b"d41d8cd98f00b204e9800998ecf8427e  usr/a\nnonsense\n", "line 2 is none of a list"),
        (f"{INFO}a.md5sums", b"d41d8cd98f00b204e9800998ecf8427  usr/a\n", "line 1 is none of a list"),
        ("lib/apk/db/installed", b"P:a\nF:bin\nR:x\nZ:Q1!!!!\n", "line 4 holds no"),
        ("lib/apk/db/installed", b"P:a\nF:bin\nR:x\nZ:Q1AAAA\n", "line 4 holds no digest of 20 bytes"),
        ("a-1.dist-info/RECORD", b"a.py,sha256=AAAA,1\n", "line 1 holds no digest of 32 bytes"),
        ("a-1.dist-info/RECORD", b"a.py,sha256=\xff,1\n", "line 1 holds no"),
        ("var/lib/rpm/rpmdb.sqlite", b"nonsense", "is no SQLite"),
    ],
)
def test_records_that_are_none_are_told_with_their_line(path: str, data: bytes, says: str) -> None:
    reader = record_reader(path)
    assert reader is not None
    with pytest.raises(ValueError, match=says):
        list(reader(data, path))


@given(
    st.binary(max_size=300),
    st.sampled_from(
        [
            f"{INFO}a.md5sums",
            "lib/apk/db/installed",
            "x.dist-info/RECORD",
            "var/lib/rpm/Packages.db",
            "var/lib/rpm/Packages",
        ]
    ),
)
def test_any_bytes_are_records_or_told(data: bytes, path: str) -> None:
    reader = record_reader(path)
    assert reader is not None
    try:
        found = list(reader(data, path))
    except ValueError:
        return
    assert all(isinstance(each, Recorded) for each in found)


def test_a_link_in_place_of_a_programs_file(tmp_path: Path) -> None:
    lower = tar(entry("usr/bin/a", b"a", 0o755), entry("usr/bin/b", b"b", 0o755), entry("usr/bin/c", b"c", 0o755),
                entry(f"{INFO}p.md5sums", b"".join(md5(f"usr/bin/{n}", n.encode()) for n in "abc")))  # fmt: skip
    upper = tar(
        entry("usr/bin/a", type=b"2", linkname="/tmp/.x"),
        entry("usr/bin/b", type=b"2", linkname="../lib/b"),
        entry("usr/lib/b", b"b", 0o755),
        entry("usr/bin/c", type=b"2", linkname="/etc/alternatives/c"),
    )
    (told,) = layered(tmp_path, lower, upper)
    assert (told.path, told.rule) == ("usr/bin/a", "package-file-modified")
    assert told.says == "is a link to /tmp/.x where dpkg recorded a file of p" and told.where.startswith(
        "; as layer 2 of 2"
    )
