"""What can be run, or changed by anyone: kind, interpreter, capabilities, and packages compiled into it."""

from __future__ import annotations

import hashlib
import re
import struct

from seawall.analysis.images import golang, rust
from seawall.analysis.images.contents import Item, PackagesItem, ProgramItem, UnreadItem
from seawall.analysis.images.elf import MAGIC, Elf, interpreter
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.options import CollectOptions
from seawall.analysis.images.text import decoded
from seawall.model.images import Entry, EntryTooLarge, Executable, NotLooked

#: Executable by anyone at all, setuid or setgid, or writable by everyone.
INTERESTING = 0o6113
_SPECIAL = 0o6002
_HEAD = 1024
#: Enough for program headers and, nearly always, the interpreter's name.
_LIBRARY = re.compile(r"\.so(?:\.[0-9][0-9A-Za-z._-]*)?$")
#: What package managers fill; elsewhere a program was put by somebody's hand.
MANAGED = ("usr/bin/", "usr/sbin/", "usr/lib", "usr/libexec/", "usr/share/", "bin/", "sbin/", "lib", "etc/", "var/lib/")

_CAPABILITIES = (
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
    "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
    "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
    "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
    "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
    "checkpoint_restore",
)  # fmt: skip
_REVISION_WORDS = {1: 1, 2: 2, 3: 2}


def capabilities(raw: bytes) -> tuple[str, ...]:
    """The attribute ``security.capability`` as ``cap_net_raw+ep``; with ``[rootid=N]`` where it holds in one namespace.

    Source: Linux, ``include/uapi/linux/capability.h``, VFS_CAP_REVISION_1 to 3.

    Raises:
        Unreadable: it is none of these.
    """
    if len(raw) < 4:
        raise Unreadable("has file capabilities that are cut short")
    (magic,) = struct.unpack_from("<I", raw)
    revision = magic >> 24
    words = _REVISION_WORDS.get(revision)
    if words is None or len(raw) < 4 + 8 * words + (4 if revision == 3 else 0):
        raise Unreadable("has file capabilities of an unknown form")
    values = struct.unpack_from(f"<{2 * words}I", raw, 4)
    permitted = sum(value << (32 * index) for index, value in enumerate(values[0::2]))
    inheritable = sum(value << (32 * index) for index, value in enumerate(values[1::2]))
    root = struct.unpack_from("<I", raw, 20)[0] if revision == 3 else 0
    names = []
    for number in range(64):
        bit = 1 << number
        if (permitted | inheritable) & bit:
            flags = ("e" if magic & 1 else "") + ("i" if inheritable & bit else "") + ("p" if permitted & bit else "")
            name = _CAPABILITIES[number] if number < len(_CAPABILITIES) else str(number)
            names.append(f"cap_{name}+{flags}" + (f"[rootid={root}]" if root else ""))
    return tuple(names)


def is_library(path: str) -> bool:
    """Whether a name is that of a shared library, which may carry Rust or Go code though nobody runs it."""
    return ".so" in path and _LIBRARY.search(path) is not None


def directory(entry: Entry, path: str) -> ProgramItem:
    """A directory in which everybody may delete what others wrote."""
    return ProgramItem(Executable(path, "directory", entry.mode, entry.uid, entry.gid, 0))


def inspect(entry: Entry, path: str, options: CollectOptions) -> tuple[Item, ...]:
    """What to keep of a file that can be run, that everybody may change, or that is a library."""
    head = entry.head(_HEAD)
    items: list[Item] = []
    special = bool(entry.mode & _SPECIAL) or bool(entry.capability)
    library = is_library(path)
    content: bytes | None = None
    elf = head[:4] == MAGIC
    if elf:
        try:
            content = entry.read(options.binary)
            items += compiled(content, path)
        except EntryTooLarge:
            items.append(_unread(path, f"is a program larger than {options.binary >> 20} MiB"))
    kind = "elf" if elf else "script" if head[:2] == b"#!" else "other"
    if special or (entry.mode & 0o111 and (kind == "script" or (elf and not library))):
        items.append(ProgramItem(_executable(entry, path, kind, head, _digest(entry, path, content, options))))
        if entry.capability:
            items += _capability_problem(entry.capability, path)
    return tuple(items)


def compiled(content: bytes, path: str) -> list[Item]:
    """Packages that a compiler left word of."""
    try:
        elf = Elf(content)
        packages = (*golang.binary(elf, path), *rust.binary(elf, path))
    except Unreadable as error:
        return [_unread(path, str(error))]
    return [PackagesItem(packages)] if packages else []


def _unread(path: str, reason: str) -> UnreadItem:
    return UnreadItem(NotLooked(path, reason))


def _capability_problem(raw: bytes, path: str) -> list[Item]:
    try:
        capabilities(raw)
    except Unreadable as error:
        return [_unread(path, str(error))]
    return []


def _executable(entry: Entry, path: str, kind: str, head: bytes, digest: str) -> Executable:
    names: tuple[str, ...] = ()
    if entry.capability:
        try:
            names = capabilities(entry.capability)
        except Unreadable:
            names = ()
    run_by = ""
    if kind == "script":
        run_by = decoded(head[2:].split(b"\n", 1)[0][:256]).strip()
    elif kind == "elf":
        run_by = interpreter(head)
    return Executable(path, kind, entry.mode, entry.uid, entry.gid, entry.size, digest, run_by, names)


def _digest(entry: Entry, path: str, content: bytes | None, options: CollectOptions) -> str:
    if (
        not entry.mode & 0o111
        or options.hashes == "none"
        or (options.hashes == "unmanaged" and path.startswith(MANAGED))
    ):
        return ""
    if content is None:
        try:
            content = entry.read(options.binary)
        except EntryTooLarge:
            return ""
    return hashlib.sha256(content).hexdigest()
