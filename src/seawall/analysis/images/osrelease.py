"""Which distribution it is: os-release, and what stands in its place in old or small images.

os-release: freedesktop.org, "os-release(5)": shell-like assignments, quoted or not.
"""

from __future__ import annotations

import re

from seawall.analysis.images.contents import OsItem
from seawall.analysis.images.errors import Unreadable
from seawall.model.distro import DEBIAN_RELEASES, normal_id
from seawall.model.images import OsRelease

_ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
_ESCAPE = re.compile(r"\\([\"'$`\\])")
_RED_HAT = re.compile(r"(?P<name>.+?)(?: Linux)?(?: release)? (?P<version>\d[\d.]*)(?: \((?P<codename>[^)]*)\))?")
_DEBIAN_CODENAMES = {number: name for name, number in DEBIAN_RELEASES.items()}
_TEXT = 256


def os_release(data: bytes, path: str) -> tuple[OsItem, ...]:
    """The distribution out of ``os-release``; nothing where it names none."""
    values: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines()[:500]:
        found = _ASSIGNMENT.fullmatch(line.strip())
        if found:
            values[found[1]] = _unquoted(found[2])[:_TEXT]
    if not values.get("ID"):
        return ()
    id_ = normal_id(values["ID"])
    version = values.get("VERSION_ID", "")
    codename = values.get("VERSION_CODENAME") or values.get("UBUNTU_CODENAME", "")
    if id_ == "debian" and not codename:
        codename = _codename(values) or _DEBIAN_CODENAMES.get(version.partition(".")[0], "")
    release = OsRelease(
        id=id_,
        version_id=version,
        codename=codename,
        name=values.get("PRETTY_NAME") or values.get("NAME", ""),
        id_like=tuple(normal_id(name) for name in values.get("ID_LIKE", "").split()),
        cpe=values.get("CPE_NAME", ""),
    )
    return (OsItem(release, 0 if path.startswith("etc/") else 1),)


def _codename(values: dict[str, str]) -> str:
    """``VERSION="10 (buster)"``, or ``PRETTY_NAME="Debian GNU/Linux trixie/sid"``."""
    found = re.search(r"\((\w+)\)", values.get("VERSION", ""))
    if found:
        return found[1]
    found = re.search(r"(\w+)/sid", values.get("PRETTY_NAME", ""))
    return found[1] if found else ""


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return _ESCAPE.sub(r"\1", value)


def alpine_release(data: bytes, path: str) -> tuple[OsItem, ...]:
    """``/etc/alpine-release``: the version alone."""
    version = data[:_TEXT].decode("utf-8", "replace").strip()
    if not re.fullmatch(r"\d+\.\d+[\w.]*", version):
        raise Unreadable("holds no version of Alpine")
    return (OsItem(OsRelease("alpine", version, name=f"Alpine Linux {version}"), 2),)


def red_hat_release(data: bytes, path: str) -> tuple[OsItem, ...]:
    """``/etc/redhat-release`` and its kin: ``CentOS release 6.10 (Final)``."""
    text = data[:_TEXT].decode("utf-8", "replace").strip()
    found = _RED_HAT.match(text)
    if not found:
        raise Unreadable("holds no release of a distribution")
    name = normal_id(found["name"])
    if name.startswith("red hat"):
        name = "rhel"
    release = OsRelease(name, found["version"], name=text, codename=(found["codename"] or "").lower())
    return (OsItem(release, 3),)


def debian_version(data: bytes, path: str) -> tuple[OsItem, ...]:
    """``/etc/debian_version``: ``12.4``, or ``trixie/sid`` before a release.

    Ubuntu has it too, with Debian's words in it, but its os-release comes first.
    """
    text = data[:_TEXT].decode("utf-8", "replace").strip()
    if re.fullmatch(r"\d+(\.\d+)*", text):
        major = text.partition(".")[0]
        return (OsItem(OsRelease("debian", major, _DEBIAN_CODENAMES.get(major, ""), f"Debian {text}"), 4),)
    if re.fullmatch(r"[a-z]+/sid", text):
        return (OsItem(OsRelease("debian", "", text.partition("/")[0], f"Debian {text}"), 4),)
    raise Unreadable("holds no version of Debian")
