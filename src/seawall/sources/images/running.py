"""The root file system of a running container, through ``/proc/PID/root``."""

from __future__ import annotations

import os
import re

from seawall.sources.images.errors import ImageError

_ID = re.compile(r"[0-9a-f]{8,64}\Z")
_IN_CGROUP = re.compile(r"[0-9a-f]{64}")
_MAX_CGROUP = 64 << 10


def root_of(name: str, proc: str = "/proc") -> str:
    """The root folder of a container, by a process of it or by the container's id (or its start, from 8 digits on),
    also as Kubernetes writes it: ``containerd://ID``.

    Raises:
        ImageError: no process of it is seen from here.
    """
    pid = name if name.isdigit() and len(name) < 8 else _process(name.partition("://")[2] or name, proc)
    root = os.path.join(proc, pid, "root")
    if not os.path.isdir(root):
        raise ImageError(f"there is no process {pid} whose root can be seen; run as root, in the host's PID namespace")
    return root


def _process(container: str, proc: str) -> str:
    if not _ID.match(container):
        raise ImageError(f"{container[:80]!r} is neither a process nor a container's id")
    found: dict[str, int] = {}
    for entry in os.listdir(proc):
        if entry.isdigit():
            for each in _containers(os.path.join(proc, entry, "cgroup")):
                if each.startswith(container):
                    found[each] = min(found.get(each, int(entry)), int(entry))
    if not found:
        raise ImageError(f"no process of a container {container} is seen; run as root, in the host's PID namespace")
    if len(found) > 1:
        raise ImageError(f"{container} is the start of {len(found)} containers' ids; write more of it")
    return str(next(iter(found.values())))


def _containers(path: str) -> set[str]:
    """The ids in a process's cgroup paths: ``cri-containerd-ID.scope``, ``crio-ID.scope``, ``/docker/ID``."""
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            text = stream.read(_MAX_CGROUP)
    except OSError:
        return set()
    return {match[0] for line in text.splitlines() for match in _IN_CGROUP.finditer(line.rpartition("/")[2])}
