"""Modes, owners and kinds of the files that benchmarks name. Links are told with what they lead to."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from seawall.model.facts import FileFact
from seawall.sources.host.accounts import Names
from seawall.sources.host.problems import Problems
from seawall.sources.host.root import Absent, HostError, Root

#: Files that matter on any node.
SYSTEM = (
    *("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/passwd-", "/etc/shadow-", "/etc/sudoers"),
    *("/etc/ssh/sshd_config", "/etc/crontab", "/etc/cron.d", "/etc/kubernetes", "/etc/kubernetes/manifests"),
    *("/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf", "/etc/kubernetes/kubelet.conf"),
    *("/etc/kubernetes/bootstrap-kubelet.conf", "/etc/kubernetes/scheduler.conf"),
    *("/etc/kubernetes/controller-manager.conf", "/var/lib/kubelet", "/var/lib/kubelet/config.yaml"),
    *("/var/lib/kubelet/kubeadm-flags.env", "/var/lib/etcd", "/var/lib/etcd/member", "/var/lib/docker"),
    *("/var/lib/containerd", "/etc/containerd", "/etc/docker", "/etc/crio", "/run/containerd", "/boot/grub/grub.cfg"),
    *("/usr/bin/containerd", "/usr/bin/containerd-shim", "/usr/bin/containerd-shim-runc-v1"),
    *("/usr/bin/containerd-shim-runc-v2", "/usr/bin/runc", "/usr/bin/dockerd", "/usr/bin/docker", "/usr/sbin/runc"),
    *("/etc/audit/audit.rules", "/etc/audit/rules.d", "/root", "/root/.kube", "/root/.kube/config"),
)
#: Folders that are looked at with everything in them.
TREES = (
    "/etc/kubernetes/manifests",
    "/var/lib/kubelet/pki",
    "/etc/docker/certs.d",
    "/etc/cni/net.d",
)
_MAX_FILES = 20_000
_MAX_DEPTH = 8
_MAX_LINKS = 8


class Files:
    """Looks at files once each."""

    def __init__(self, root: Root, names: Names, problems: Problems) -> None:
        self._root, self._names, self._problems = root, names, problems
        self.found: dict[str, FileFact] = {}
        self.absent: set[str] = set()

    def look(self, path: str, shown: str = "") -> FileFact | None:
        """Look at a path and at what its links lead to; ``shown`` is the name to tell it under where that differs."""
        start = path
        for _ in range(_MAX_LINKS):
            fact = self._one(path, shown or path, start)
            if fact is None or fact.kind != "symlink":
                return fact
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), fact.target))
            shown = ""
        self._problems.add(f"files.{start}", f"{start} is a link of a link of a link")
        return None

    def _one(self, path: str, shown: str, start: str) -> FileFact | None:
        if shown in self.found:
            return self.found[shown]
        if shown in self.absent or not path.startswith("/"):
            return None
        if len(self.found) >= _MAX_FILES:
            self._problems.add("files", f"only the first {_MAX_FILES} files were looked at")
            return None
        try:
            entry = self._root.entry(path)
        except Absent:
            self.absent.add(shown)
            return None
        except HostError as error:
            self._problems.add(f"files.{start}", f"{path} {error}")
            return None
        users, groups = self._names
        owner, group = users.get(entry.uid, ""), groups.get(entry.gid, "")
        kind, mode, uid, gid, size, target = entry
        fact = FileFact(path, kind, mode, uid, gid, owner, group, size if kind == "file" else 0, target)
        self.found[shown] = fact
        if kind == "symlink" and not self._root.real and _climbs(path, target):
            self._problems.add(f"files.{start}", f"{path} is a link out of the root, to {target}; it was not followed")
            return None
        return fact

    def look_at_all(self, paths: Iterable[str]) -> None:
        """Look at each of some paths."""
        for path in paths:
            self.look(path)

    def look_within(self, folder: str, depth: int = 0) -> None:
        """Look at a folder and everything in it, at most eight levels down; links within are not entered."""
        fact = self.look(folder)
        if fact is None or fact.kind != "directory":
            return
        if depth > _MAX_DEPTH:
            self._problems.add(f"files.{folder}", f"{folder} is too deep in folders")
            return
        try:
            names = self._root.names(fact.path)
        except HostError as error:
            self._problems.add(f"files.{folder}", f"{folder} {error}")
            return
        for name in names:
            path = f"{fact.path.rstrip('/')}/{name}"
            each = self.look(path)
            if each is not None and each.kind == "directory" and each.path == path:
                self.look_within(path, depth + 1)


def _climbs(path: str, target: str) -> bool:
    """Whether a relative link has more steps up than there are folders above it."""
    if target.startswith("/"):
        return False
    depth = len([part for part in posixpath.dirname(path).split("/") if part])
    for part in target.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False


def named_files(flags: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The paths that flags name: all values that look like one."""
    return [
        part
        for values in flags.values()
        for value in values
        for part in value.split(",")
        if part.startswith("/") and len(part) < 4096 and part.isprintable()
    ]


def configured_files(document: object, depth: int = 0) -> list[str]:
    """The files that a configuration names in settings such as ``clientCAFile`` and ``key-file``."""
    if not isinstance(document, dict) or depth > 6:
        return []
    found = []
    for key, value in document.items():
        if isinstance(value, dict):
            found += configured_files(value, depth + 1)
        elif isinstance(value, str) and value.startswith("/") and value.isprintable() and len(value) < 4096:
            lowered = str(key).lower()
            if lowered.endswith(
                ("file", "kubeconfig", "path", "dir", "cert", "key", "ca", "root", "cacert", "address")
            ):
                found.append(value)
    return found
