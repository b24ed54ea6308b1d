"""Processes from /proc: what runs, as whom, with which command line. Processes that vanish meanwhile are left out."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from seawall.sources.host.problems import Problems
from seawall.sources.host.root import Absent, HostError, Root, text

#: Longer command lines are not judged: flags behind the cut would be missed.
MAX_COMMAND_LINE = 256 * 1024
_ENOUGH_TO_TELL = 4096
_MAX_PROCESSES = 100_000
_MAX_SOCKETS = 200_000
_POD = re.compile(r"pod([0-9a-f]{8}[-_](?:[0-9a-f]{4}[-_]){3}[0-9a-f]{12}|[0-9a-f]{32})")


class Process(Struct, frozen=True):
    """A process. ``pod`` is the uid of the pod that it runs in; ``cut`` tells that ``argv`` is not whole."""

    pid: int
    uid: int
    argv: tuple[str, ...]
    exe: str
    comm: str
    pod: str
    cut: bool


class Proc:
    """The /proc of a host: the one below its root, or the folder that is named.

    Without one there is nothing in it: the processes of this machine are never taken for those of another root.

    Raises:
        HostError: the folder that is named cannot be opened.
    """

    def __init__(self, root: Root, folder: str | None = None) -> None:
        self._fd = -1
        try:
            self._fd = root.open("/proc") if folder is None else os.open(folder, os.O_PATH | os.O_DIRECTORY)
        except HostError:
            return
        except OSError as error:
            raise HostError(f"{folder} cannot be opened: {error.strerror}") from error
        if not self.pids():
            self.close()

    @property
    def is_there(self) -> bool:
        """Whether any process can be seen in it."""
        return self._fd >= 0

    def close(self) -> None:
        """Let go of it."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def pids(self) -> list[int]:
        """The processes, in order, at most a hundred thousand."""
        if self._fd < 0:
            return []
        with _listing(self._fd) as entries:
            found = sorted(int(entry.name) for entry in entries if entry.name.isdecimal() and len(entry.name) < 8)
        return found[:_MAX_PROCESSES]

    def read(self, name: str, limit: int = 1 << 20) -> bytes:
        """A file of /proc, at most ``limit`` bytes of it.

        Raises:
            HostError: it is not there, or may not be read.
        """
        if self._fd < 0:
            raise Absent("is not there")
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, dir_fd=self._fd)
        except OSError as error:
            raise (Absent if error.errno in (2, 3, 20) else HostError)((error.strerror or "").lower()) from error
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise HostError("is not a file")
            parts, size = [], 0
            while size < limit and (part := os.read(handle, min(limit - size, 65536))):
                parts.append(part)
                size += len(part)
            return b"".join(parts)
        except OSError as error:
            raise HostError((error.strerror or "").lower()) from error
        finally:
            os.close(handle)

    def text(self, name: str) -> str:
        """A file of /proc as text; empty where it cannot be had."""
        try:
            return self.read(name).decode("utf-8", "replace")
        except HostError:
            return ""

    def link(self, name: str) -> str:
        """What a link of /proc says; empty where it cannot be had."""
        try:
            return text(os.readlink(name, dir_fd=self._fd))
        except OSError:
            return ""

    def inode(self, name: str) -> int:
        """The number of a file of /proc; 0 where it cannot be had."""
        try:
            return os.stat(name, dir_fd=self._fd).st_ino
        except OSError:
            return 0

    def sockets(self, pid: int) -> Iterator[int]:
        """The inodes of the sockets that a process holds.

        Raises:
            HostError: they may not be seen.
        """
        try:
            folder = os.open(f"{pid}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._fd)
        except OSError as error:
            raise (Absent if error.errno in (2, 3) else HostError)((error.strerror or "").lower()) from error
        try:
            for name in os.listdir(folder)[:_MAX_SOCKETS]:
                try:
                    target = os.readlink(name, dir_fd=folder)
                except PermissionError as error:
                    raise HostError("may not be seen") from error
                except OSError:
                    continue
                if target.startswith("socket:["):
                    yield int(target[8:-1])
        finally:
            os.close(folder)


@contextmanager
def _listing(handle: int) -> Iterator[Iterator[os.DirEntry[str]]]:
    """Scan the folder that an O_PATH descriptor names."""
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=handle)
    try:
        with os.scandir(folder) as entries:
            yield entries
    finally:
        os.close(folder)


def processes(proc: Proc, programs: frozenset[str], problems: Problems) -> list[Process]:
    """All processes, those of ``programs`` with their whole command lines."""
    found = []
    for pid in proc.pids():
        try:
            process = _process(proc, pid, programs)
        except Absent:
            continue
        except HostError as error:
            problems.add(f"processes.{pid}", f"process {pid}: {error}")
            continue
        if process is not None:
            found.append(process)
    return found


def _process(proc: Proc, pid: int, programs: frozenset[str]) -> Process | None:
    head = proc.read(f"{pid}/cmdline", _ENOUGH_TO_TELL)
    if not head:
        return None  # a kernel thread, or a process that is ending
    argv = _words(head)
    exe = proc.link(f"{pid}/exe").removesuffix(" (deleted)")
    is_program = program_of(argv, exe, programs) is not None
    cut = False
    if is_program and len(head) == _ENOUGH_TO_TELL:
        whole = proc.read(f"{pid}/cmdline", MAX_COMMAND_LINE + 1)
        cut = len(whole) > MAX_COMMAND_LINE
        argv = _words(whole[:MAX_COMMAND_LINE])
    uid, pod = -1, ""
    if is_program:
        match = re.search(r"^Uid:\s+\d+\s+(\d+)", proc.text(f"{pid}/status"), re.MULTILINE)
        uid = int(match[1]) if match else -1
        pod_match = _POD.search(proc.text(f"{pid}/cgroup"))
        pod = pod_match[1].replace("_", "-") if pod_match else ""
    return Process(pid, uid, argv, exe, proc.text(f"{pid}/comm").strip(), pod, cut)


def _words(data: bytes) -> tuple[str, ...]:
    """The words of a command line. A program that renames itself leaves one word, cut at its spaces here."""
    words = data.rstrip(b"\0").decode("utf-8", "replace").split("\0")
    if len(words) == 1 and " " in words[0] and not words[0].startswith(("{", "[")):
        words = words[0].split()
    return tuple(words)


def program_of(argv: Sequence[str], exe: str, programs: frozenset[str]) -> str | None:
    """Which of the programs a process is: by its command line's first word, its file, or what hyperkube is told."""
    first = os.path.basename(argv[0]) if argv else ""
    if first in programs:
        return first
    if first == "hyperkube" and len(argv) > 1:
        name = argv[1] if argv[1] in programs else f"kube-{argv[1]}"
        return name if name in programs else None
    name = os.path.basename(exe)
    return name if name in programs and first.endswith(name) else None
