"""Programs as they were found, before their configuration is read, and what a collection works with."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import NamedTuple

from seawall.sources.host.flags import Flags
from seawall.sources.host.problems import Problems
from seawall.sources.host.processes import Proc, Process
from seawall.sources.host.root import Root
from seawall.sources.host.staticpods import StaticPod
from seawall.sources.host.units import Unit


class Site(NamedTuple):
    """What a collection works with."""

    root: Root
    proc: Proc
    problems: Problems


class Draft(NamedTuple):
    """A program before its configuration is read. ``mounts`` maps its own folders to the host's."""

    name: str
    seen_in: str
    flags: Flags
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    process: Process | None = None
    pod: StaticPod | None = None
    unit: Unit | None = None
    mounts: Mapping[str, str] = {}
    implied: tuple[str, ...] = ()

    def flag(self, name: str) -> str:
        """The last value of a flag; empty where it is not given."""
        given = self.flags.get(name)
        return given[-1] if given else ""

    def on_host(self, path: str) -> str:
        """Where a file that the program knows by this path is on the host."""
        for folder in sorted(self.mounts, key=len, reverse=True):
            if path == folder or path.startswith(folder.rstrip("/") + "/"):
                return posixpath.normpath(self.mounts[folder] + path[len(folder.rstrip("/")) :])
        return path
