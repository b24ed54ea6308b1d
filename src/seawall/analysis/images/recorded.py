"""What package databases recorded of the content of files, so that a changed one is told.

Sources: deb-md5sums(5); apk's database (``R:`` with ``Z:Q1`` and base64 of SHA-1, or ``Q2`` of SHA-256); rpm's header
tags FILEDIGESTS, FILEFLAGS and FILEVERIFYFLAGS; Python's "Recording installed projects" (``RECORD``).

Left out, because they are made to be changed: configuration (conffiles of dpkg, %config of rpm, ``etc`` of apk), what
rpm does not verify the digest of, files that are made on the machine (%ghost), and Python's under conda, which writes
paths into files as it installs them.
"""

from __future__ import annotations

import base64
import binascii
import csv
from collections.abc import Callable, Iterable, Iterator

from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.rpm import blobs_of
from seawall.analysis.images.rpm.header import file_digests
from seawall.analysis.images.text import decoded
from seawall.model.malware import DIVERSION, REWRITTEN, Algorithm, Recorded, RecordReader

_INFO = "var/lib/dpkg/info/"
_DISTROLESS = "var/lib/dpkg/status.d/"
_RPM = ("var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/")
_APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_RPM_NAMES = ("rpmdb.sqlite", "Packages.db", "Packages")
_MAX_FILES = 2_000_000
_ALGORITHMS: dict[str, tuple[Algorithm, int]] = {"md5": ("md5", 16), "sha1": ("sha1", 20), "sha256": ("sha256", 32)}


def record_reader(path: str) -> RecordReader | None:
    """What reads the records of one file of a package database; None for nearly every file."""
    if path.endswith(".md5sums") and path.startswith((_INFO, _DISTROLESS)):
        return _reader(_dpkg)
    # Debian mends what it packs, and leaves RECORD as it was: dpkg records those files.
    if path.endswith(".dist-info/RECORD") and not path.startswith("usr/lib/python3/dist-packages/"):
        return _reader(_python)
    if path.endswith(".dist-info/INSTALLER"):
        return _reader(_installer)
    if path == "var/lib/dpkg/diversions":
        return _reader(_diversions)
    if path in _APK:
        return _reader(_apk)
    if path.startswith(_RPM) and path.rpartition("/")[2] in _RPM_NAMES:
        return _reader(_rpm)
    return None


def _reader(read: Callable[[bytes, str], Iterator[Recorded]]) -> RecordReader:
    def records(data: bytes, path: str) -> Iterable[Recorded]:
        found = []
        try:
            for record in read(data, path):
                if "\0" in record.path or "\n" in record.path or "\n" in record.package:
                    raise ValueError("records a file whose name is none")
                found.append(record)
                if len(found) > _MAX_FILES:
                    raise ValueError(f"records more than {_MAX_FILES:,} files")
        except Unreadable as error:
            raise ValueError(str(error)) from error
        return found

    return records


def _dpkg(data: bytes, path: str) -> Iterator[Recorded]:
    """``NAME.md5sums``: a digest, two spaces, a relative path."""
    package = path.rpartition("/")[2].removesuffix(".md5sums")
    for number, line in enumerate(decoded(data).split("\n"), 1):
        if not line.strip():
            continue
        digest, gap, name = line[:32], line[32:34], line[34:]
        if gap.strip() or len(gap) != 2 or not name:
            raise ValueError(f"line {number} is none of a list of MD5 digests")
        yield Recorded(name.lstrip("/").removeprefix("./"), "md5", _hex(digest, 16, number), package, "dpkg")


def _diversions(data: bytes, path: str) -> Iterator[Recorded]:
    """dpkg-divert's list: from, to, and the package that diverts (``:`` for the machine's owner), a line each."""
    lines = decoded(data).splitlines()
    for start in range(0, len(lines) - 2, 3):
        source, target, package = (line.lstrip("/") for line in lines[start : start + 3])
        yield Recorded(source, "md5", target.encode(), package, DIVERSION)


def _installer(data: bytes, path: str) -> Iterator[Recorded]:
    """``INSTALLER``: conda writes its prefix into files after their digests were recorded."""
    if data.strip() == b"conda":
        yield Recorded(path, "md5", b"", _distribution(path), REWRITTEN)


def _distribution(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[2].removesuffix(".dist-info")


def _hex(text: str, length: int, number: int) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError as error:
        raise ValueError(f"line {number} holds no digest") from error
    if len(value) != length:
        raise ValueError(f"line {number} holds no digest of {length} bytes")
    return value


def _apk(data: bytes, path: str) -> Iterator[Recorded]:
    """``F:`` a folder, ``R:`` a file in it, ``Z:`` its digest."""
    package = folder = name = ""
    for number, line in enumerate(decoded(data).split("\n"), 1):
        letter, value = line[:1], line[2:]
        if line[1:2] != ":":
            package = package if line else ""
        elif letter == "P":
            package = value
        elif letter == "F":
            folder, name = (f"{value}/" if value else ""), ""
        elif letter == "R":
            name = f"{folder}{value}"
        elif letter == "Z" and name:
            algorithm: tuple[Algorithm, int] | None = {"Q1": ("sha1", 20), "Q2": ("sha256", 32)}.get(value[:2])  # type: ignore[assignment]
            if algorithm is not None and not name.startswith("etc/"):
                digest = _base64(value[2:], number)
                if len(digest) != algorithm[1]:
                    raise ValueError(f"line {number} holds no digest of {algorithm[1]} bytes")
                yield Recorded(name, algorithm[0], digest, package, "apk")


def _base64(text: str, number: int) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_" if "-" in text or "_" in text else None)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"line {number} holds no base64") from error


def _rpm(data: bytes, path: str) -> Iterator[Recorded]:
    for blob in blobs_of(path.rpartition("/")[2], data):
        for package, name, digest in file_digests(blob):
            algorithm = {16: "md5", 20: "sha1", 32: "sha256", 64: "sha512"}.get(len(digest))
            if algorithm is not None:
                yield Recorded(name, algorithm, digest, package, "rpm")  # type: ignore[arg-type]


def _python(data: bytes, path: str) -> Iterator[Recorded]:
    """``RECORD``: path, ``sha256=`` and base64 without padding, size."""
    folder = path.rpartition("/")[0]
    base = folder.rpartition("/")[0]
    package = _distribution(path)
    try:
        for number, row in enumerate(csv.reader(decoded(data).splitlines()), 1):
            if len(row) < 2 or not row[1]:
                continue
            algorithm, _, text = row[1].partition("=")
            known = _ALGORITHMS.get(algorithm)
            file = _joined(base, row[0])
            if known is None or not file or row[0].endswith(".pyc"):
                continue
            # Flit wrote hexadecimal for years.
            is_hex = len(text) == 2 * known[1]
            digest = _hex(text, known[1], number) if is_hex else _base64(text, number)
            if len(digest) != known[1]:
                raise ValueError(f"line {number} holds no digest of {known[1]} bytes")
            yield Recorded(file, known[0], digest, package, "pip")
    except csv.Error as error:
        raise ValueError(f"is no list of files: {error}") from error


def _joined(base: str, name: str) -> str:
    """A path under a base; empty where it leads out of the root."""
    if name.startswith("/"):
        return name.lstrip("/")
    if "../" not in name:
        return f"{base}/{name}" if base else name
    parts = base.split("/") if base else []
    for part in name.split("/"):
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
