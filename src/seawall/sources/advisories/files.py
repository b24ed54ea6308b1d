"""Files of advisories, whatever is in them: archives of OSV documents, and each source's own form."""

from __future__ import annotations

import gzip
import io
import os
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from lzma import LZMAError

from seawall.model.advisories import Entry, Known
from seawall.sources.advisories.alpine import parse_secdb
from seawall.sources.advisories.debian import parse_tracker
from seawall.sources.advisories.exploited import parse_epss, parse_kev
from seawall.sources.advisories.osv import parse_osv, parse_osv_yaml
from seawall.sources.advisories.problem import MAX_BYTES, AdvisoryProblem
from seawall.sources.advisories.redhat import parse_redhat_vex

Item = Entry | tuple[str, Known]

#: No single advisory is larger; the largest public ones have some megabytes.
_MAX_DOCUMENT = 64 << 20
_MAX_MEMBERS = 5_000_000
#: Refuse an archive of which more than this share of documents cannot be read: it is not what it seems.
_BROKEN_SHARE, _BROKEN_LEAST = 0.05, 20
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst")
_DOCUMENTS = (".json", ".yaml", ".yml")
UNREADABLE = "unreadable"

#: What the first bytes of a JSON document tell of its kind.
_SIGNS = (
    ("kev", re.compile(rb'"catalogVersion"|"cveID"')),
    ("alpine", re.compile(rb'"secfixes"|"distroversion"|"apkurl"')),
    ("redhat", re.compile(rb'"csaf_version"')),
    ("debian", re.compile(rb'\A\s*\{\s*"[^"]+"\s*:\s*\{\s*"(?:CVE|TEMP)-[^"]+"\s*:\s*\{')),
    ("osv", re.compile(rb'"id"|"affected"|"modified"|"schema_version"')),
)
_SNIFFED = 1 << 16


class FileReader:
    """Reads one file of advisories; ``left_out`` counts what was not taken, by reason, ``problems`` tells some."""

    def __init__(self, path: str, kind: str = "") -> None:
        self.path = path
        self.kind = kind
        self.left_out: Counter[str] = Counter()
        self.problems: list[str] = []
        self.taken = 0

    def items(self) -> Iterator[Item]:
        """What the file holds, one at a time.

        Raises:
            AdvisoryProblem: it cannot be read, or is no advisories.
        """
        name = self.path
        try:
            for item in self._items():
                self.taken += 1
                yield item
        except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, LZMAError, NotImplementedError) as error:
            raise AdvisoryProblem(f"{name} is damaged: {error}") from error
        except UnicodeDecodeError as error:
            raise AdvisoryProblem(f"{name} is no text: {error}") from error
        except OSError as error:
            raise AdvisoryProblem(f"{name} cannot be read: {error.strerror or error}") from error

    def _items(self) -> Iterator[Item]:
        name = os.path.basename(self.path).lower()
        if name.endswith(_ARCHIVES):
            yield from self._archive(name)
        elif name.endswith((".csv", ".csv.gz")):
            yield from self._table(name)
        else:
            with open(self.path, "rb") as file:
                yield from self._document(file.read(MAX_BYTES + 1), self.path)

    def _table(self, name: str) -> Iterator[Item]:
        with open(self.path, "rb") as packed:
            plain = gzip.GzipFile(fileobj=packed) if name.endswith(".gz") else packed
            yield from parse_epss(io.TextIOWrapper(plain, "utf-8"), self.path)

    def _archive(self, name: str) -> Iterator[Item]:
        members = self._zipped() if name.endswith(".zip") else self._tarred(name)
        seen = 0
        for member, data in members:
            if not member.lower().endswith(_DOCUMENTS):
                continue
            seen += 1
            if seen > _MAX_MEMBERS:
                raise AdvisoryProblem(f"{self.path} holds more than {_MAX_MEMBERS} documents")
            place = f"{self.path}!/{member}"
            try:
                yield from self._document(data, place)
            except AdvisoryProblem as problem:
                # One document that nobody can read does not take the others away; it is counted and told.
                self.left_out[UNREADABLE] += 1
                self.problems.append(str(problem))
                if self.left_out[UNREADABLE] > max(_BROKEN_LEAST, seen * _BROKEN_SHARE):
                    raise
        if not seen:
            raise AdvisoryProblem(f"{self.path} holds no advisories")

    def _zipped(self) -> Iterator[tuple[str, bytes]]:
        with zipfile.ZipFile(self.path) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                if info.file_size > _MAX_DOCUMENT:
                    raise AdvisoryProblem(f"{self.path}!/{info.filename} is larger than {_MAX_DOCUMENT >> 20} MiB")
                # Reads no more than the size that was said, and checks the sum at the end.
                with archive.open(info) as file:
                    yield info.filename, file.read(_MAX_DOCUMENT + 1)

    def _tarred(self, name: str) -> Iterator[tuple[str, bytes]]:
        with (
            open(self.path, "rb") as packed,
            closing(_unpacked(packed, name)) as plain,
            tarfile.open(fileobj=plain, mode="r|") as archive,
        ):
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # or it remembers every header
                if not member.isreg():
                    continue
                if member.size > _MAX_DOCUMENT:
                    raise AdvisoryProblem(f"{self.path}!/{member.name} is larger than {_MAX_DOCUMENT >> 20} MiB")
                file = archive.extractfile(member)
                if file is not None:
                    yield member.name, file.read()

    def _document(self, data: bytes, place: str) -> Iterator[Item]:
        if place.lower().endswith((".yaml", ".yml")):
            yield from self._one(parse_osv_yaml(data, place))
            return
        kind = self.kind or _kind_of(data)
        if kind == "osv":
            yield from self._one(parse_osv(data, place))
        elif kind == "redhat":
            yield from self._one(parse_redhat_vex(data, place))
        elif kind == "debian":
            yield from parse_tracker(data, place)
        elif kind == "alpine":
            yield from parse_secdb(data, place)
        elif kind == "kev":
            yield from parse_kev(data, place)
        else:
            raise AdvisoryProblem(f"{place} is no advisory in any form that is known here")

    def _one(self, entry: Entry | str) -> Iterator[Entry]:
        if isinstance(entry, str):
            self.left_out[entry] += 1
        else:
            yield entry


def _kind_of(data: bytes) -> str:
    head = data[:_SNIFFED]
    return next((kind for kind, sign in _SIGNS if sign.search(head)), "")


def _unpacked(packed: io.BufferedReader, name: str) -> io.IOBase | gzip.GzipFile:
    import bz2
    import lzma

    if name.endswith((".tar.gz", ".tgz")):
        return gzip.GzipFile(fileobj=packed)
    if name.endswith(".tar.xz"):
        return lzma.LZMAFile(packed)
    if name.endswith(".tar.bz2"):
        return bz2.BZ2File(packed)
    if name.endswith(".tar.zst"):
        return _zstd(packed)
    return packed


def _zstd(packed: io.BufferedReader) -> io.IOBase:
    from importlib import import_module

    for module in ("compression.zstd", "backports.zstd"):
        try:
            opened: io.IOBase = import_module(module).ZstdFile(packed)
        except ImportError:
            continue
        return opened
    raise AdvisoryProblem("zstd is needed to read .tar.zst: install backports.zstd, or pack it as .tar.gz")


def advisory_files(folder: str) -> list[str]:
    """The files of advisories in a folder and those below it, in order; hidden ones and unfinished ones left out."""
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        found += [
            os.path.join(root, name)
            for name in sorted(files)
            if not name.startswith(".") and name.lower().endswith((*_ARCHIVES, *_DOCUMENTS, ".csv", ".csv.gz"))
        ]
    return found
