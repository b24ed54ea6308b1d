"""Other people's programs, run as children with bounds: CPU, memory, wall-clock time, size of output, no network."""

from __future__ import annotations

import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

from msgspec import Struct

#: From linux/sched.h: a user namespace, and in it a network namespace without any interface.
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000


class Bounds(Struct, frozen=True):
    """What a child may use: seconds of CPU and of wall-clock time, bytes of address space and of output."""

    cpu: int = 20
    seconds: float = 30.0
    memory: int = 4 << 30
    output: int = 128 << 20


class ChildFailed(Exception):
    """A child that could not be started, exceeded a bound, or was killed; the message says which."""


class Finished(Struct, frozen=True):
    """What a child said before it ended."""

    code: int
    out: bytes
    err: bytes


def confine(bounds: Bounds, network: bool) -> Callable[[], None]:
    """What to call in a child before its program starts.

    Without ``network`` it gets an empty network namespace where the kernel lets us make one: a second wall, for
    what is run is told to stay off the network anyway.
    """
    limits = (
        (resource.RLIMIT_CPU, bounds.cpu),
        (resource.RLIMIT_AS, bounds.memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, bounds.output),
    )
    unshare = None if network else _unshare()

    def apply() -> None:
        for kind, value in limits:
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))
        if unshare is not None and unshare(_NEW_NET) != 0:
            unshare(_NEW_USER | _NEW_NET)

    return apply


def _unshare() -> Callable[[int], int] | None:
    import ctypes

    try:
        function: Callable[[int], int] = ctypes.CDLL(None).unshare
    except (OSError, AttributeError):
        return None
    return function


def environment(home: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A bare environment: no credentials, no proxies, no configuration of the person who runs the scan."""
    return {"PATH": os.devnull, "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", "GOMAXPROCS": "2", **(extra or {})}


def run(
    command: Sequence[str],
    bounds: Bounds,
    env: Mapping[str, str],
    *,
    cwd: str | None = None,
    network: bool = False,
    stdin: IO[bytes] | None = None,
) -> Finished:
    """Run a program to its end. ``stdin`` is a file that it reads.

    Raises:
        ChildFailed: as it says.
    """
    try:
        child = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            list(command),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=confine(bounds, network),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ChildFailed(f"{command[0]} cannot be started: {error}") from error
    try:
        out, err = _gather(child, bounds)
        code = child.wait(timeout=max(bounds.seconds, 1.0))
    except subprocess.TimeoutExpired as error:
        raise ChildFailed(f"ran longer than {bounds.seconds:.0f} s") from error
    finally:
        end(child)
    if code < 0:
        raise ChildFailed(death(code, bounds))
    return Finished(code, out, err)


def _gather(child: subprocess.Popen[bytes], bounds: Bounds) -> tuple[bytes, bytes]:
    assert child.stdout is not None and child.stderr is not None  # noqa: S101 - both are pipes
    parts: dict[int, list[bytes]] = {child.stdout.fileno(): [], child.stderr.fileno(): []}
    deadline = time.monotonic() + bounds.seconds
    size = 0
    with selectors.DefaultSelector() as selector:
        for descriptor in parts:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise ChildFailed(f"ran longer than {bounds.seconds:.0f} s")
            for key, _ in selector.select(left):
                data = os.read(key.fd, 1 << 16)
                if not data:
                    selector.unregister(key.fd)
                parts[key.fd].append(data)
                size += len(data)
                if size > bounds.output:
                    raise ChildFailed(f"wrote more than {bounds.output >> 20} MiB")
    out, err = (b"".join(found) for found in parts.values())
    return out, err


def death(code: int, bounds: Bounds) -> str:
    """Why a child died of a signal (its code is negative), as far as can be told."""
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name in ("SIGKILL", "SIGXCPU"):
        return f"used more than {bounds.cpu} s of CPU, or was killed"
    return f"died of {name} (its memory is bounded to {bounds.memory >> 20} MiB)"


def end(child: subprocess.Popen[bytes]) -> None:
    """Kill a child with all that it started, if it still runs, and close its pipes."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()
