"""Java archives: jar, war, ear and what is nested in them (``BOOT-INF/lib``, ``WEB-INF/lib``), shaded ones too.

What is in a jar is told, in this order, by every ``META-INF/maven/*/*/pom.properties`` in it (a shaded jar has many),
by its ``MANIFEST.MF``, and by its file name. Depth, count and bytes are bounded: a jar is a zip file by a stranger.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib

from seawall.analysis.images.contents import Item, PackagesItem, UnreadItem
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.text import decoded, printable
from seawall.model.images import NotLooked, Package
from seawall.model.purl import make_purl

_NESTED = (".jar", ".war", ".ear", ".sar", ".par", ".rar", ".jpi", ".hpi", ".kar")
_MAX_DEPTH = 4
_MAX_ENTRIES = 1_000_000
#: Of one archive's list of entries, which zipfile makes objects of before anybody can count them.
_MAX_LIST = 16 << 20
_MAX_NESTED = 128 << 20
_MAX_ARCHIVES = 5_000
_MAX_BYTES = 1 << 30
#: Manifests of signed archives name every file.
_MAX_TEXT = 8 << 20
_POM = re.compile(r"META-INF/maven/([^/]+)/([^/]+)/pom\.properties").fullmatch
_FILE = re.compile(r"(?P<name>[A-Za-z][\w.-]*?)-(?P<version>\d[\w.+-]*)").fullmatch
_COORDINATE = re.compile(r"[A-Za-z0-9_.-]{1,200}").fullmatch
_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OSError,
           struct.error, KeyError, IndexError, OverflowError, MemoryError)  # fmt: skip


def package(
    group: str, artifact: str, version: str, location: str, *, licences: tuple[str, ...] = (), declared: bool = False
) -> Package:
    """A Maven artifact, named ``group:artifact``; the group is missing where nothing tells it."""
    name = f"{group}:{artifact}" if group else artifact
    purl = make_purl("maven", group, artifact, version)
    return Package("maven", name, version, purl, licences=licences, locations=(location,), declared=declared)


def archive(data: bytes, path: str) -> tuple[Item, ...]:
    """Every package in an archive, to the depth of four.

    Raises:
        Unreadable: it is no zip file. What cannot be read further inside becomes an item of its own.
    """
    walk = _Walk()
    walk.open(data, path, 0)
    found = tuple(dict.fromkeys(walk.packages))
    return (*((PackagesItem(found),) if found else ()), *walk.problems)


class _Walk:
    """One file of the image: what is found at all depths, and what may still be unpacked of them together."""

    def __init__(self) -> None:
        self.packages: list[Package] = []
        self.problems: list[Item] = []
        self._bytes = _MAX_BYTES
        self._archives = _MAX_ARCHIVES
        self._entries = _MAX_ENTRIES

    def open(self, data: bytes, place: str, depth: int) -> None:
        self._archives -= 1
        if self._archives < 0:
            raise Unreadable(f"holds more than {_MAX_ARCHIVES:,} archives")
        if _list_size(data) > _MAX_LIST:
            raise Unreadable(f"has a list of entries larger than {_MAX_LIST >> 20} MiB")
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as opened:
                self._read(opened, place, depth)
        except _ERRORS as error:
            raise Unreadable(f"is no archive that can be read: {str(error)[:100]}") from error

    def _read(self, opened: zipfile.ZipFile, place: str, depth: int) -> None:
        infos = opened.infolist()
        self._entries -= len(infos)
        if self._entries < 0:
            raise Unreadable(f"holds more than {_MAX_ENTRIES:,} entries")
        own: list[Package] = []
        manifest = b""
        for info in infos:
            name = info.filename
            if name == "META-INF/MANIFEST.MF":
                manifest = self._told(opened, info, place)
            elif name.endswith("/pom.properties") and _POM(name):
                own += _maven(self._told(opened, info, place), place)
            elif name.lower().endswith(_NESTED) and info.file_size:
                self._nested(opened, info, f"{place}!/{printable(name)}", depth + 1)
        self.packages += own or _described(manifest, place)

    def _told(self, opened: zipfile.ZipFile, info: zipfile.ZipInfo, place: str) -> bytes:
        """A text about the archive; one that cannot be read keeps nobody from reading the rest."""
        try:
            return self._content(opened, info, _MAX_TEXT)
        except Unreadable as error:
            self.problems.append(UnreadItem(NotLooked(f"{place}!/{printable(info.filename)}", str(error))))
            return b""

    def _nested(self, opened: zipfile.ZipFile, info: zipfile.ZipInfo, place: str, depth: int) -> None:
        try:
            if depth >= _MAX_DEPTH:
                raise Unreadable(f"is nested deeper than {_MAX_DEPTH} archives")
            self.open(self._content(opened, info, _MAX_NESTED), place, depth)
        except Unreadable as error:
            self.problems.append(UnreadItem(NotLooked(place, str(error))))

    def _content(self, opened: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
        """An entry's bytes: at most what it says of itself, what is asked for, and what is left of the budget."""
        size = info.file_size
        if size > limit or size > self._bytes:
            raise Unreadable("unpacks to more than is looked into")
        if info.flag_bits & 1:
            raise Unreadable("is encrypted")
        try:
            with opened.open(info) as stream:
                data = stream.read(size + 1)
        except _ERRORS as error:
            raise Unreadable(f"cannot be unpacked: {str(error)[:100]}") from error
        if len(data) > size:
            raise Unreadable("unpacks to more than it says")
        self._bytes -= len(data)
        return data


def _list_size(data: bytes) -> int:
    """The largest size of the list of entries that a record at the file's end gives (APPNOTE.TXT, 4.3.14 to 16)."""
    tail = data[-(65_536 + 22 + 20 + 56) :]
    sizes = [0]
    for mark, place, shape in ((b"PK\x05\x06", 12, "<I"), (b"PK\x06\x06", 40, "<Q")):
        start = tail.find(mark)
        while start >= 0:
            if start + place + 8 <= len(tail):
                (size,) = struct.unpack_from(shape, tail, start + place)
                sizes.append(0 if size == 0xFFFFFFFF else size)
            start = tail.find(mark, start + 1)
    return max(sizes)


def properties(data: bytes, path: str) -> tuple[Item, ...]:
    """A ``pom.properties`` of an archive that somebody unpacked."""
    return (PackagesItem(tuple(_maven(data, path))),)


def _maven(data: bytes, place: str) -> list[Package]:
    values: dict[str, str] = {}
    for line in decoded(data).splitlines():
        key, sign, value = line.partition("=")
        if sign and not key.startswith("#"):
            values.setdefault(key.strip(), value.strip())
    group, artifact, version = (values.get(key, "") for key in ("groupId", "artifactId", "version"))
    if not (_COORDINATE(group) and _COORDINATE(artifact) and version) or "${" in version:
        return []
    return [package(group, artifact, version, place)]


def _described(manifest: bytes, place: str) -> list[Package]:
    """The archive itself, out of its manifest and its file name; nothing where these tell no version."""
    values = _main_section(manifest)
    stem = place.rpartition("/")[2].rpartition(".")[0]
    named = _FILE(stem)
    bundle = values.get("Bundle-SymbolicName", "").partition(";")[0].strip()
    version = named["version"] if named else ""
    if not version or not version[0].isdigit():
        version = next(
            (
                values[key]
                for key in ("Implementation-Version", "Specification-Version", "Bundle-Version", "Plugin-Version")
                if values.get(key, "")[:1].isdigit()
            ),
            "",
        )
    artifact = named["name"] if named else values.get("Implementation-Title", "").strip() or stem
    if not version or not _COORDINATE(artifact):
        return []
    group = values.get("Implementation-Vendor-Id", "").strip()
    if not _COORDINATE(group) or "." not in group:
        group = _group_of(bundle, artifact)
    return [package(group, artifact, version.split()[0], place)]


def _group_of(bundle: str, artifact: str) -> str:
    """OSGi names are often the group and the artifact (``org.apache.commons.commons-io``), or the group alone."""
    if "." not in bundle or not _COORDINATE(bundle):
        return ""
    if bundle.endswith(f".{artifact}"):
        return bundle[: -len(artifact) - 1]
    return ""


def _main_section(manifest: bytes) -> dict[str, str]:
    """Attributes of the manifest's first section, continuation lines joined."""
    text = decoded(manifest).replace("\r\n", "\n").replace("\r", "\n").partition("\n\n")[0].replace("\n ", "")
    values: dict[str, str] = {}
    for line in text.split("\n"):
        key, sign, value = line.partition(":")
        if sign:
            values.setdefault(key, value.strip())
    return values
