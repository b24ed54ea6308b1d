"""pacman: a directory for each package in ``var/lib/pacman/local``, with ``desc`` and ``files``.

Format: ``%NAME%`` on a line, its values on the lines after, an empty line.
"""

from __future__ import annotations

import re

from seawall.analysis.images.contents import DatabaseItem, FileListItem, OsPackage
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.text import decoded


def _sections(data: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in decoded(data).split("\n"):
        if line[:1] == "%" and line[-1:] == "%" and len(line) > 2:
            current = found.setdefault(line[1:-1], [])
        elif line:
            current.append(line)
    return found


def description(data: bytes, path: str) -> tuple[DatabaseItem, ...]:
    """``desc``.

    Raises:
        Unreadable: it names no package or version.
    """
    values = _sections(data)
    name, version = values.get("NAME", [""])[:1], values.get("VERSION", [""])[:1]
    if not name or not name[0] or not version or not version[0]:
        raise Unreadable("is no description of a package of pacman")
    package = OsPackage(
        type="alpm",
        name=name[0],
        version=version[0],
        arch="".join(values.get("ARCH", [])[:1]),
        source_name="".join(values.get("BASE", [])[:1]) or name[0],
        source_version=version[0],
        licences=tuple(values.get("LICENSE", [])[:50]),
        requires=_names(values.get("DEPENDS", [])),
        provides=_names(values.get("PROVIDES", [])),
        key=path.split("/")[-2] if "/" in path else "",
    )
    return (DatabaseItem((package,)),)


def _names(values: list[str]) -> str:
    return "\n".join(re.split("[<>=]", value, maxsplit=1)[0] for value in values)


def file_list(data: bytes, path: str) -> tuple[FileListItem, ...]:
    """``files``: relative paths; directories end with a slash."""
    names = [name for name in _sections(data).get("FILES", []) if not name.endswith("/")]
    return (FileListItem(path.split("/")[-2] if "/" in path else "", "\n".join(names)),)
