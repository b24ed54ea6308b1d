"""The settings of the SSH server that hold for everybody, as ``sshd -T`` would tell those that are written.

Source: sshd_config(5): the first value of a keyword counts, included files stand where they are named, and what
follows ``Match`` holds for some connections alone, up to the end of the file (``Match all`` ends it).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from fnmatch import fnmatchcase

from seawall.sources.host.problems import Problems
from seawall.sources.host.root import Absent, HostError, Root

PATH = "/etc/ssh/sshd_config"
#: Keywords that may be given several times.
_REPEATED = frozenset(
    (
        *("acceptenv", "allowgroups", "allowusers", "denygroups", "denyusers", "hostcertificate", "hostkey"),
        *("listenaddress", "port", "setenv", "subsystem", "match"),
    )
)
_MAX_FILES = 64
_MAX_DEPTH = 16
_MAX_LINES = 20_000


def read_sshd(root: Root, problems: Problems) -> dict[str, tuple[str, ...]] | None:
    """Settings by keyword in small letters; ``match`` lists the conditions under which others hold. None: no server."""
    found: dict[str, list[str]] = {}
    reader = _Reader(root)
    try:
        for keyword, value in reader.lines(PATH, 0):
            if keyword in _REPEATED:
                found.setdefault(keyword, []).append(value)
            else:
                found.setdefault(keyword, [value])
    except Absent:
        return None
    except HostError as error:
        problems.add("sshd", f"{reader.path} {error}")
        return None
    return {keyword: tuple(values) for keyword, values in found.items()}


class _Reader:
    def __init__(self, root: Root) -> None:
        self._root = root
        self._files = 0
        self.path = PATH

    def lines(self, path: str, depth: int, within_match: bool = False) -> Iterator[tuple[str, str]]:
        """The global (keyword, value) lines of a file and of those that it includes."""
        self._files += 1
        self.path = path
        if self._files > _MAX_FILES or depth > _MAX_DEPTH:
            raise HostError("includes too many files")
        content = self._root.read(path).decode("utf-8", "replace")
        matched = within_match
        for line in content.splitlines()[:_MAX_LINES]:
            keyword, value = _split(line)
            if keyword == "match":
                matched = within_match or value.lower() != "all"
                if value.lower() != "all":
                    yield keyword, value
            elif keyword == "include":
                for each in self._included(value):
                    yield from self.lines(each, depth + 1, matched)
            elif keyword and not matched:
                yield keyword, value

    def _included(self, value: str) -> Iterator[str]:
        for word in value.split():
            place = posixpath.normpath(posixpath.join(posixpath.dirname(PATH), word.strip('"')))
            folder, pattern = posixpath.split(place)
            try:
                names = self._root.names(folder)
            except Absent:
                continue
            yield from (f"{folder}/{name}" for name in names if fnmatchcase(name, pattern))


def _split(line: str) -> tuple[str, str]:
    """The keyword of a line in small letters, and its value; both empty for a comment."""
    body = line.strip()
    if not body or body.startswith("#"):
        return "", ""
    keyword, _, value = body.replace("\t", " ").partition(" ")
    if "=" in keyword:
        keyword, _, rest = keyword.partition("=")
        value = f"{rest} {value}"
    value = value.strip().removeprefix("=").strip()
    value = value.split(" #", 1)[0].rstrip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    return keyword.lower(), value
