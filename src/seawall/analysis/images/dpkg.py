"""dpkg: ``var/lib/dpkg/status``, distroless' ``status.d``, and the lists of files in ``info``.

Format: deb-control(5) paragraphs; ``Status: want flag status``. A package counts as installed where dpkg has unpacked
its files: half-installed ones too, since their programs can be run; ``config-files`` and ``not-installed`` do not.
"""

from __future__ import annotations

import re

from seawall.analysis.images.contents import DatabaseItem, FileListItem, LicenceItem, OsPackage
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.text import decoded

_MAX_PACKAGES = 100_000
_PRESENT = frozenset(
    {"installed", "unpacked", "half-configured", "half-installed", "triggers-awaited", "triggers-pending"}
)
_FIELDS = re.compile(
    r"^(Package|Status|Version|Architecture|Source|Multi-Arch|Depends|Pre-Depends|Provides):[ \t]*([^\n]*)",
    re.MULTILINE | re.IGNORECASE,
)
_SOURCE = re.compile(r"(\S+)(?:\s+\(([^)]+)\))?")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9+.:_-]{0,254}").fullmatch


def status(data: bytes, path: str) -> tuple[DatabaseItem, ...]:
    """The installed packages of a status file, or of one file of ``status.d``.

    Raises:
        Unreadable: it is no such file, or holds more than 100,000 packages.
    """
    text = data.decode("utf-8", "replace")
    packages = []
    single = "/status.d/" in f"/{path}"
    paragraphs = text.split("\n\n") if "\n\n" in text else [text]
    for paragraph in paragraphs:
        package = _package(paragraph, single)
        if package is not None:
            packages.append(package)
            if len(packages) > _MAX_PACKAGES:
                raise Unreadable(f"holds more than {_MAX_PACKAGES:,} packages")
    if not packages and text.strip() and not _FIELDS.search(text):
        raise Unreadable("is no status file of dpkg")
    return (DatabaseItem(tuple(packages)),)


def _package(paragraph: str, single: bool) -> OsPackage | None:
    fields: dict[str, str] = {}
    for found in _FIELDS.finditer(paragraph):
        fields.setdefault(found[1].lower(), found[2].strip())
    name, version = fields.get("package", ""), fields.get("version", "")
    if not _NAME(name) or not version:
        return None
    words = fields.get("status", "").split()
    if words and words[-1].lower() not in _PRESENT:
        return None
    if not words and not single:
        return None
    arch = fields.get("architecture", "")
    source = _SOURCE.match(fields.get("source", ""))
    # dpkg names the lists of packages that may be installed for several architectures by both.
    key = f"{name}:{arch}" if fields.get("multi-arch", "").lower() == "same" else name
    return OsPackage(
        type="deb",
        name=name,
        version=version,
        arch=arch,
        source_name=source[1] if source else name,
        source_version=(source[2] if source and source[2] else version).strip(),
        key=key,
        requires=_names(f"{fields.get('pre-depends', '')},{fields.get('depends', '')}"),
        provides=_names(fields.get("provides", "")),
    )


def _names(value: str) -> str:
    """``libc6 (>= 2.34), awk | mawk, python3:any`` without versions and architectures."""
    groups = []
    for group in value.split(","):
        names = [name.partition("(")[0].partition(":")[0].strip() for name in group.split("|")]
        groups.append("|".join(filter(None, names)))
    return "\n".join(filter(None, groups))


def _key(path: str) -> str:
    name = path.rpartition("/")[2]
    for suffix in (".list", ".md5sums"):
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return name


def file_list(data: bytes, path: str) -> tuple[FileListItem, ...]:
    """``info/NAME.list``: absolute paths, directories among them; those that hold others are left out."""
    text = decoded(data)
    paths = text.split("\n")
    parents = {name.rpartition("/")[0] for name in paths}
    return (
        FileListItem(
            _key(path),
            "\n".join(name[1:] for name in paths if name[:1] == "/" and name not in parents and name != "/."),
        ),
    )


def md5sums(data: bytes, path: str) -> tuple[FileListItem, ...]:
    """``NAME.md5sums``: a digest, two spaces, a relative path."""
    text = decoded(data)
    return (FileListItem(_key(path), "\n".join(line[34:] for line in text.split("\n") if line[32:34] == "  ")),)


_LICENSE = re.compile(r"^License:[ \t]*(\S[^\n]*)$", re.MULTILINE)
_COMMON = re.compile(r"/usr/share/common-licenses/([0-9A-Za-z_.+-]*[0-9A-Za-z+])")


def copyright_licences(data: bytes, path: str) -> tuple[LicenceItem, ...]:
    """``usr/share/doc/NAME/copyright``: short names of licences (DEP-5), or of the common ones that it points to."""
    text = data[: 1 << 20].decode("utf-8", "replace")
    found = {match[1].strip() for match in _LICENSE.finditer(text)} if "Format:" in text[:2000] else set()
    if not found:
        found = {match[1] for match in _COMMON.finditer(text)}
    names = tuple(sorted(name for name in found if len(name) < 100)[:50])
    return (LicenceItem(path.split("/")[-2], names),) if names else ()
