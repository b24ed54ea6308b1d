"""apk: ``lib/apk/db/installed``, version 2 of the text form.

Format: one letter, a colon and a value a line, a blank line after each package (wiki.alpinelinux.org, "Apk spec").
``F:`` opens a directory of which ``R:`` lines name the files.
"""

from __future__ import annotations

import re

from seawall.analysis.images.contents import DatabaseItem, OsPackage
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.text import decoded

_MAX_PACKAGES = 100_000


def installed(data: bytes, path: str) -> tuple[DatabaseItem, ...]:
    """The packages with their files.

    Raises:
        Unreadable: it is no such database, or too large.
    """
    text = decoded(data)
    packages = []
    for paragraph in text.split("\n\n"):
        package = _package(paragraph)
        if package is not None:
            packages.append(package)
            if len(packages) > _MAX_PACKAGES:
                raise Unreadable(f"holds more than {_MAX_PACKAGES:,} packages")
    if not packages and text.strip():
        raise Unreadable("is no database of apk in its text form")
    return (DatabaseItem(tuple(packages)),)


def _package(paragraph: str) -> OsPackage | None:
    fields: dict[str, str] = {}
    files: list[str] = []
    folder = ""
    for line in paragraph.split("\n"):
        if line[1:2] != ":":
            continue
        letter, value = line[0], line[2:]
        if letter == "R":
            files.append(folder + value)
        elif letter == "F":
            folder = f"{value}/" if value else ""
        elif letter not in "MaZ":
            fields.setdefault(letter, value.strip())
    name, version = fields.get("P", ""), fields.get("V", "")
    if not name or not version:
        return None
    licence = fields.get("L", "")
    return OsPackage(
        type="apk",
        name=name,
        version=version,
        arch=fields.get("A", ""),
        source_name=fields.get("o") or name,
        source_version=version,
        licences=(licence,) if licence else (),
        files="\n".join(files),
        key=name,
        requires=_names(fields.get("D", "")),
        provides=_names(fields.get("p", "")),
    )


_OPERATOR = re.compile(r"[<>=~]")


def _names(value: str) -> str:
    """``so:libc.musl-x86_64.so.1 musl>=1.2 !other`` without versions and conflicts."""
    return "\n".join(_OPERATOR.split(name, maxsplit=1)[0] for name in value.split() if name[0] != "!")
