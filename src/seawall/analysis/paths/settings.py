"""What a container's settings let it do, and which removal would end that: each fact with its ways to be true.

Sources: Kubernetes' API reference (SecurityContext); containerd's handling of capability lists (add, then drop, with
ALL first); user_namespaces(7) and capabilities(7).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from seawall.analysis.paths.building import Draft, pointer
from seawall.analysis.paths.units import Box, Unit
from seawall.model.attack import PatchOperation, Trace
from seawall.model.paths import Path

#: What container runtimes leave to a container. Source: containerd's and CRI-O's default set.
DEFAULT_CAPABILITIES = frozenset(
    (
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW",
        "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    )
)  # fmt: skip
_CAPABILITY_RULES = {
    "SYS_ADMIN": "sys-admin-capability",
    "SYS_PTRACE": "sys-ptrace-capability",
    "SYS_MODULE": "sys-module-capability",
    "DAC_READ_SEARCH": "dac-read-search-capability",
    "SYS_RAWIO": "sys-rawio-capability",
    "BPF": "bpf-capability",
}


class Way(Struct, frozen=True, gc=False):
    """One way in which something is so: all of ``removables`` make it, ``traces`` tell where they stand."""

    removables: tuple[int, ...] = ()
    traces: tuple[Trace, ...] = ()

    def __add__(self, other: Way) -> Way:
        return Way((*self.removables, *other.removables), tuple(dict.fromkeys((*self.traces, *other.traces))))


def both(first: list[Way], second: list[Way]) -> list[Way]:
    """The ways in which two things are so at once."""
    return [a + b for a in first for b in second]


class Settings:
    """Answers about one container."""

    def __init__(self, draft: Draft, box: Box) -> None:
        self.draft, self.box = draft, box
        self.unit: Unit = box.unit
        self.context = box.container.security_context
        self.pod = box.unit.spec

    def root(self) -> float:
        """How likely a process of it is root: 1 where nothing says otherwise, 0 where it cannot be.

        One that may raise its rights can come to be root by a program of the image with the set-user-id bit.
        """
        own, pod = self.context, self.pod.security_context
        user = own.run_as_user if own.run_as_user is not None else pod.run_as_user
        non_root = own.run_as_non_root if own.run_as_non_root is not None else pod.run_as_non_root
        if user == 0 or (user is None and not non_root):
            return 1.0
        return 0.0 if own.allow_privilege_escalation is False and not own.privileged else 0.3

    def way(self, path: Path, what: str, rule: str, value: Any = None, note: str = "") -> Way:
        """The way of one setting; its patch sets ``value``, or takes the field away for None."""
        operation = PatchOperation("remove", pointer(path)) if value is None else PatchOperation(
            "replace", pointer(path), value
        )  # fmt: skip
        number = self.draft.removable(self.unit.ref, path, what, rule, (operation,))
        return Way((number,), (Trace(self.unit.ref, path, note),))

    def privileged(self) -> list[Way]:
        """Whether it is privileged."""
        if not self.context.privileged:
            return []
        path = (*self.box.path, "securityContext", "privileged")
        return [self.way(path, f"privileged of container {self.box.container.name}", "privileged-container", False)]

    def capability(self, name: str) -> list[Way]:
        """Every way in which it has a capability, by name without ``CAP_``."""
        found = self.privileged()
        given = self.context.capabilities
        dropped = {_plain(each) for each in given.drop}
        if name in dropped:
            return found
        for index, each in enumerate(given.add):
            if _plain(each) == name or (_plain(each) == "ALL" and "ALL" not in dropped):
                path = (*self.box.path, "securityContext", "capabilities", "add", index)
                what = f"capability {_plain(each)} of container {self.box.container.name}"
                found.append(self.way(path, what, _CAPABILITY_RULES.get(name, "added-capabilities")))
        if name in DEFAULT_CAPABILITIES and "ALL" not in dropped:
            found.append(Way())
        return found

    def kernel(self, name: str) -> list[Way]:
        """Every way in which it has a capability over the node's kernel: in no user namespace, and in no sandbox."""
        return [] if self.unit.in_user_namespace or self.unit.sandboxed else self.capability(name)

    def host_pid(self) -> list[Way]:
        """Whether it sees the node's processes. A sandbox shows its own."""
        if not self.pod.host_pid or self.unit.sandboxed:
            return []
        return [self.way((*self.unit.base, "spec", "hostPID"), "hostPID", "host-pid", False)]

    def mounts(self) -> Iterator[tuple[int, Any, int, Any]]:
        """Its mounts with the volume of each: index and mount, index and volume."""
        volumes = {volume.name: (index, volume) for index, volume in enumerate(self.pod.volumes)}
        for number, mount in enumerate(self.box.container.volume_mounts):
            found = volumes.get(mount.name)
            if found is not None:
                yield number, mount, *found


def _plain(capability: str) -> str:
    return capability.upper().removeprefix("CAP_")
