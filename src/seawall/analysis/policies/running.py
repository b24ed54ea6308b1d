"""Running policies over objects, in a process of its own that is stopped where an expression runs away.

The process is forked, so that it has policies and objects without a copy, and tells by a shared counter how far it is.
"""

from __future__ import annotations

import mmap
import os
import resource
import select
import signal
import struct
import time
from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import msgspec
from msgspec import Struct

from seawall.analysis.policies.subject import Subject

#: An object and a policy get so many seconds.
SECONDS = 1.0
#: So many bytes more than there are when it begins.
MEMORY = 1 << 30
_POSITION = struct.Struct("qqq")


What = Literal["broken", "failed", "ignored", "unknown"]


class Told(Struct, array_like=True):
    """What a policy says of an object: it is ``broken``, its evaluation ``failed`` (which counts as broken) or failed
    and is ``ignored``, or cannot be judged for want of a fact (``unknown``).

    ``part`` is the field of the policy, ``path`` that of the object, ``bindings`` count those of the policy;
    ``notes`` is what else is told, a line each; ``params`` is the
    namespace and name of the parameters.
    """

    what: What
    message: str
    part: str = ""
    path: tuple[str | int, ...] = ()
    bindings: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    params: tuple[str, str] | None = None


class Judged(Protocol):
    """A policy, ready to run."""

    def wants(self, subject: Subject) -> bool:
        """Whether it is about an object; cheap."""

    def judge(self, subject: Subject) -> Iterable[Told]:
        """What it says of the object; nothing where all is well."""


class Verdicts(Struct):
    """What came of one policy: what it says, with the objects by index, and why it was stopped."""

    told: list[tuple[int, Told]]
    stopped: str = ""

    @property
    def broken(self) -> list[tuple[int, str]]:
        """The objects that break it, by index, with what is told."""
        return [(item, told.message) for item, told in self.told if told.what in ("broken", "failed")]


class _Line(Struct, array_like=True):
    policy: int
    item: int
    told: Told


def judge(policies: Sequence[Judged], subjects: Sequence[Subject], seconds: float = SECONDS) -> list[Verdicts]:
    """Judge all objects by all policies. A policy that takes longer than ``seconds`` for one object is stopped."""
    verdicts = [Verdicts([]) for _ in policies]
    start = (0, 0)
    while policies and start[0] < len(subjects):
        start = _run(policies, subjects, verdicts, start, seconds)
    return verdicts


def _run(
    policies: Sequence[Judged],
    subjects: Sequence[Subject],
    verdicts: list[Verdicts],
    start: tuple[int, int],
    seconds: float,
) -> tuple[int, int]:
    """One process; returns where the next one begins (at the end: none)."""
    position = mmap.mmap(-1, _POSITION.size)
    _POSITION.pack_into(position, 0, 0, *start)
    alive = [index for index, each in enumerate(verdicts) if not each.stopped]
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _in_child(policies, subjects, alive, start, position, (reading, writing))
    os.close(writing)
    try:
        ended, data = _watch(child, reading, position, seconds)
    finally:
        os.close(reading)
        _, status = os.waitpid(child, 0)
    for line in data.split(b"\n")[:-1]:
        said = msgspec.json.decode(line, type=_Line)
        verdicts[said.policy].told.append((said.item, said.told))
    if ended and status == 0:
        return len(subjects), 0
    _, item, policy = _POSITION.unpack_from(position)
    why = f"took longer than {seconds:g} s" if not ended else "made the CEL engine fail"
    verdicts[policy].stopped = f"stopped: it {why} on {subjects[item].resource.ref}"
    return item, policy + 1


def _watch(child: int, reading: int, position: mmap.mmap, seconds: float) -> tuple[bool, bytes]:
    """Read until the process ends, or stop it where it makes no headway; whether it ended, and what it said."""
    data = bytearray()
    seen, since = -1, time.monotonic()
    while True:
        ready, _, _ = select.select([reading], [], [], 0.05)
        if ready:
            part = os.read(reading, 1 << 16)
            if not part:
                return True, bytes(data)
            data += part
        count = _POSITION.unpack_from(position)[0]
        if count != seen:
            seen, since = count, time.monotonic()
        elif time.monotonic() - since > seconds:
            os.kill(child, signal.SIGKILL)
            while part := os.read(reading, 1 << 16):
                data += part
            return False, bytes(data)


def _bound_memory() -> None:
    """Texts can double with each variable: what an expression may take has an end, where the system tells sizes."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            size = int(file.read().split()[0]) * resource.getpagesize() + MEMORY
    except OSError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size if most == resource.RLIM_INFINITY else min(size, most), most))


def _in_child(
    policies: Sequence[Judged],
    subjects: Sequence[Subject],
    alive: Sequence[int],
    start: tuple[int, int],
    position: mmap.mmap,
    pipe: tuple[int, int],
) -> None:
    """Never returns: whatever happens, nothing of the parent's is run or written twice."""
    code = 1
    try:
        _bound_memory()
        os.close(pipe[0])
        count = 0
        for item in range(start[0], len(subjects)):
            first = start[1] if item == start[0] else 0
            subject = subjects[item]
            for index in alive:
                if index < first or not policies[index].wants(subject):
                    continue
                count += 1
                _POSITION.pack_into(position, 0, count, item, index)
                for told in policies[index].judge(subject):
                    line = msgspec.json.encode(_Line(index, item, told)) + b"\n"
                    while line:
                        line = line[os.write(pipe[1], line) :]
            subject.drop()
        code = 0
    finally:
        os._exit(code)
