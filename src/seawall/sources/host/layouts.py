"""Which distribution of Kubernetes a node has, told from data: signs, well-known places, embedded programs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from seawall.sources.host.problems import Problems
from seawall.sources.host.root import Absent, HostError, Root
from seawall.sources.host.units import FOLDERS

#: Places that hold whatever the layout is.
_COMMON = {
    "docker.unit": ("/etc/systemd/system/docker.service", "/usr/lib/systemd/system/docker.service",
                    "/lib/systemd/system/docker.service"),
    "docker.socket-unit": ("/etc/systemd/system/docker.socket", "/usr/lib/systemd/system/docker.socket",
                           "/lib/systemd/system/docker.socket"),
    "docker.socket": ("/var/run/docker.sock", "/run/docker.sock"),
    "docker.config": ("/etc/docker/daemon.json",),
    "docker.root": ("/var/lib/docker",),
    "docker.certs": ("/etc/docker/certs.d",),
    "docker.etc": ("/etc/docker",),
    "docker.default": ("/etc/default/docker",),
    "docker.sysconfig": ("/etc/sysconfig/docker",),
    "containerd.config": ("/etc/containerd/config.toml",),
    "containerd.socket": ("/run/containerd/containerd.sock",),
    "containerd.unit": ("/etc/systemd/system/containerd.service", "/usr/lib/systemd/system/containerd.service",
                        "/lib/systemd/system/containerd.service"),
    "crio.config": ("/etc/crio/crio.conf",),
    "crio.socket": ("/run/crio/crio.sock",),
    "crio.unit": ("/etc/systemd/system/crio.service", "/usr/lib/systemd/system/crio.service",
                  "/lib/systemd/system/crio.service"),
}  # fmt: skip


class Sign(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that gives a layout away: a running program, a unit, or a file (``holds``: with this in its text)."""

    process: str = ""
    unit: str = ""
    file: str = ""
    holds: str = ""
    word: str = ""


class Layout(Struct, frozen=True, forbid_unknown_fields=True):
    """A distribution, as ``layouts.yaml`` tells it."""

    signs: tuple[Sign, ...]
    paths: dict[str, tuple[str, ...]]
    server: Sign = Sign()
    config: str = ""
    datastore: str = ""
    arguments: str = ""
    manifests: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()
    extra: dict[str, str] = {}
    embeds: tuple[str, ...] = ()
    implied: dict[str, dict[str, str]] = {}


class Found(NamedTuple):
    """The layout of a node, what told so, and whether it is a server of the control plane."""

    name: str
    layout: Layout
    evidence: str
    server: bool


UNKNOWN = Layout((), {})


@cache
def layouts() -> Mapping[str, Layout]:
    """All layouts, in the order in which they are tried."""
    data = Path(__file__).with_name("layouts.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=dict[str, Layout])


class Signs:
    """Looks for signs on a host. ``running`` maps programs to the words of one of their command lines."""

    def __init__(self, root: Root, running: Mapping[str, Collection[str]], problems: Problems) -> None:
        self._root, self._running, self._problems = root, running, problems

    def evidence(self, sign: Sign) -> str:
        """What is there of a sign, in words; empty where nothing is."""
        if sign.process and sign.process in self._running:
            return f"{sign.process} runs"
        if sign.word and any(sign.word in self._running.get(name, ()) for name in ("k3s", "rke2")):
            return f"it runs as {sign.word}"
        if sign.unit:
            for folder in FOLDERS:
                if self._is_there(f"{folder}/{sign.unit}"):
                    return f"{folder}/{sign.unit} is there"
        if sign.file and self._is_there(sign.file) and (not sign.holds or self._holds(sign)):
            return f"{sign.file} is there"
        return ""

    def _is_there(self, path: str) -> bool:
        try:
            if path.endswith("/"):
                return bool(self._root.names(path))
            self._root.entry(path)
        except Absent:
            return False
        except HostError as error:
            self._problems.add(f"files.{path.rstrip('/')}", f"{path} {error}")
            return False
        return True

    def _holds(self, sign: Sign) -> bool:
        try:
            return sign.holds.encode() in self._root.read(sign.file)
        except HostError:
            return False


def detect(signs: Signs) -> Found:
    """The layout of a node; ``unknown`` where there is no sign of any."""
    for name, layout in layouts().items():
        for sign in layout.signs:
            evidence = signs.evidence(sign)
            if evidence:
                return Found(name, layout, evidence, bool(signs.evidence(layout.server)))
    return Found("unknown", UNKNOWN, "", False)


def places(root: Root, layout: Layout) -> dict[str, str]:
    """The well-known places of a node: of several the first that is there, else the first."""
    found = {}
    for name, candidates in {**_COMMON, **layout.paths}.items():
        found[name] = next((path for path in candidates if _exists(root, path)), candidates[0])
    return found


def _exists(root: Root, path: str) -> bool:
    try:
        root.entry(path)
    except HostError:
        return False
    return True
