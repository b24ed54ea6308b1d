"""An rpm header blob, as databases keep it.

Format: rpm.org, "RPM V4 package format", section on headers: two big-endian numbers (entries, bytes of data), entries
of 16 bytes (tag, type, offset, count), then the data.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from seawall.analysis.images.contents import OsPackage
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.text import decoded

_NAME, _VERSION, _RELEASE, _EPOCH, _VENDOR, _LICENCE, _ARCH = 1000, 1001, 1002, 1003, 1011, 1014, 1022
_OLD_FILE_NAMES, _FILE_MODES, _SOURCE, _DIR_INDEXES, _BASE_NAMES, _DIR_NAMES = 1027, 1030, 1044, 1116, 1117, 1118
_FILE_DIGESTS, _FILE_FLAGS, _VERIFY_FLAGS = 1035, 1037, 1045
#: Flags of files (rpm's lib/rpmfiles.h): configuration and what is made on the machine; and "verify the digest".
_CONFIG_OR_GHOST, _VERIFY_DIGEST = 1 | 64, 1
_PROVIDES, _REQUIRES, _MODULE = 1047, 1049, 5096
_INT16, _INT32, _STRING, _STRING_ARRAY, _I18N = 3, 4, 6, 8, 9
_MAX_ENTRIES = 65_536
_MAX_FILES = 1_000_000
_DIRECTORY = 0o040000


class _Header:
    """Entries by tag; each value is read when asked for."""

    def __init__(self, blob: bytes) -> None:
        if len(blob) < 8:
            raise Unreadable("has a header of less than 8 bytes")
        count, size = struct.unpack_from(">II", blob)
        start = 8 + 16 * count
        if count > _MAX_ENTRIES or start + size > len(blob):
            raise Unreadable("has a header that says it is longer than it is")
        self._data = blob[start : start + size]
        self._entries = {
            tag: (kind, offset, number)
            for tag, kind, offset, number in struct.iter_unpack(">IIII", blob[8:start])
            if offset <= size
        }

    def text(self, tag: int) -> str:
        """A string, or the first of several; empty where there is none."""
        kind, offset, _ = self._entries.get(tag, (0, 0, 0))
        if kind not in (_STRING, _STRING_ARRAY, _I18N):
            return ""
        end = self._data.find(b"\0", offset)
        return decoded(self._data[offset : end if end >= 0 else len(self._data)])

    def texts(self, tag: int) -> list[str]:
        """All strings of an array."""
        kind, offset, count = self._entries.get(tag, (0, 0, 0))
        if kind not in (_STRING, _STRING_ARRAY):
            return []
        if count > _MAX_FILES:
            raise Unreadable(f"has a header of more than {_MAX_FILES:,} files")
        return decoded(self._data[offset:]).split("\0", count)[:count]

    def numbers(self, tag: int) -> tuple[int, ...]:
        """All numbers of an array of 16 or 32 bits; those cut off are missing."""
        kind, offset, count = self._entries.get(tag, (0, 0, 0))
        width = {_INT16: 2, _INT32: 4}.get(kind, 0)
        if not width:
            return ()
        count = min(count, (len(self._data) - offset) // width)
        return struct.unpack_from(f">{count}{'H' if width == 2 else 'I'}", self._data, offset)


def package(blob: bytes) -> OsPackage | None:
    """The package of a header; None for what is no software (rpm keeps trusted keys as packages).

    Raises:
        Unreadable: it is no header.
    """
    header = _Header(blob)
    name, version = header.text(_NAME), header.text(_VERSION)
    if not name or not version:
        raise Unreadable("has a header without name or version")
    if name == "gpg-pubkey":
        return None
    epoch = header.numbers(_EPOCH)
    prefix = f"{epoch[0]}:" if epoch and epoch[0] else ""
    release = header.text(_RELEASE)
    full = f"{prefix}{version}-{release}" if release else f"{prefix}{version}"
    source_name, source_version = _source(header.text(_SOURCE))
    licence = header.text(_LICENCE)
    return OsPackage(
        type="rpm",
        name=name,
        version=full,
        arch=header.text(_ARCH),
        source_name=source_name or name,
        source_version=f"{prefix}{source_version}" if source_version else full,
        licences=(licence,) if licence else (),
        module=header.text(_MODULE),
        files="\n".join(_files(header)),
        key=name,
        vendor=header.text(_VENDOR),
        requires="\n".join(name for name in header.texts(_REQUIRES) if not name.startswith(("rpmlib(", "/"))),
        provides="\n".join(header.texts(_PROVIDES)),
    )


def _source(file_name: str) -> tuple[str, str]:
    """``bash-5.1.8-6.el9.src.rpm`` as name and ``version-release``."""
    if not file_name.endswith(".rpm"):
        return "", ""
    parts = file_name.removesuffix(".rpm").rpartition(".")[0].rsplit("-", 2)
    return (parts[0], f"{parts[1]}-{parts[2]}") if len(parts) == 3 else ("", "")


def file_digests(blob: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Package, path and digest of each file that its package wants verified; configuration is left out.

    Raises:
        Unreadable: it is no header.
    """
    header = _Header(blob)
    package = header.text(_NAME)
    paths = _paths(header)
    digests = header.texts(_FILE_DIGESTS)
    flags, verify = header.numbers(_FILE_FLAGS), header.numbers(_VERIFY_FLAGS)
    for index, (path, text) in enumerate(zip(paths, digests, strict=False)):
        if not text or (index < len(flags) and flags[index] & _CONFIG_OR_GHOST):
            continue
        if index < len(verify) and not verify[index] & _VERIFY_DIGEST:
            continue
        try:
            yield package, path, bytes.fromhex(text)
        except ValueError as error:
            raise Unreadable(f"has a header of {package} with a digest that is none") from error


def _files(header: _Header) -> list[str]:
    """Paths without a leading slash; directories are left out where modes tell them."""
    paths = _paths(header)
    modes = header.numbers(_FILE_MODES)
    if len(modes) == len(paths):
        paths = [path for path, mode in zip(paths, modes, strict=True) if mode & 0o170000 != _DIRECTORY]
    return [path for path in paths if path]


def _paths(header: _Header) -> list[str]:
    names = header.texts(_BASE_NAMES)
    if not names:
        return [name.lstrip("/") for name in header.texts(_OLD_FILE_NAMES)]
    folders = [name.lstrip("/") for name in header.texts(_DIR_NAMES)]
    indexes = header.numbers(_DIR_INDEXES)
    return [folders[index] + name if index < len(folders) else "" for index, name in zip(indexes, names, strict=False)]
