"""Listening ports of the host's network namespace, with the processes that hold them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator

from seawall.model.facts import Listener
from seawall.sources.host.problems import Problems
from seawall.sources.host.processes import Proc, Process
from seawall.sources.host.root import Absent, HostError

#: Tables, and the state in them that means listening (for UDP: not connected).
_TABLES = (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07"))
_ROW = re.compile(
    r"\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) \S+:\S+ ([0-9A-F]{2}) \S+ \S+ \S+\s+\d+\s+\d+ (\d+)"
)
_MAX_LISTENERS = 20_000


def listeners(proc: Proc, running: Iterable[Process], problems: Problems) -> tuple[Listener, ...]:
    """What listens; the process is empty where it may not be seen."""
    rows: list[tuple[str, str, int, int]] = []
    for table, state in _TABLES:
        try:
            rows += parse_sockets(table, state, proc.read(f"1/net/{table}", 16 << 20).decode("ascii", "replace"))
        except Absent:
            continue
        except HostError as error:
            problems.add("listeners", f"/proc/1/net/{table}: {error}")
    owners = _owners(proc, running, {inode for *_, inode in rows}, problems)
    found = set()
    for table, address, port, inode in rows[:_MAX_LISTENERS]:
        process = owners.get(inode)
        found.add(
            Listener(
                table.removesuffix("6"),
                address,
                port,
                process.comm if process else "",
                process.pid if process else 0,
            )
        )
    return tuple(sorted(found, key=lambda each: (each.protocol, each.port, each.address, each.pid)))


def parse_sockets(table: str, state: str, content: str) -> Iterator[tuple[str, str, int, int]]:
    """(table, address, port, inode) of the rows of /proc/net/tcp and its like that are in a state."""
    for line in content.splitlines()[1:]:
        match = _ROW.match(line)
        if match is not None and match[3] == state:
            yield table, _address(match[1]), int(match[2], 16), int(match[4])


def _address(digits: str) -> str:
    """An address as the kernel prints it: 32-bit words in the machine's order, which is little-endian here."""
    words = [bytes.fromhex(digits[start : start + 8])[::-1] for start in range(0, len(digits), 8)]
    return str(ipaddress.ip_address(b"".join(words)))


def _owners(proc: Proc, running: Iterable[Process], inodes: set[int], problems: Problems) -> dict[int, Process]:
    found: dict[int, Process] = {}
    refused = 0
    for process in running:
        try:
            for inode in proc.sockets(process.pid):
                if inode in inodes:
                    found.setdefault(inode, process)
        except Absent:
            continue
        except HostError:
            refused += 1
    if refused:
        reason = f"the sockets of {refused} processes may not be seen: that takes root with SYS_PTRACE"
        problems.add("listeners.process", reason)
    return found
