"""Judging plain values by expressions, in a process of its own that is stopped where one runs away."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from seawall.analysis.policies.library.marked import shown
from seawall.analysis.policies.program import REFUSALS, compile_cel, environment

#: All conditions over one document get so many seconds.
SECONDS = 5.0
_MOST_TOLD = 200
_MOST_ANSWER = 1 << 20


class Conditions:
    """Expressions over variables, compiled once."""

    def __init__(self, expressions: Sequence[str], variables: tuple[str, ...]) -> None:
        """Compile them.

        Raises:
            PolicyError: one cannot be used.
        """
        self._variables = variables
        self._compiled = [compile_cel(each, variables) for each in expressions]

    def judge(self, values: Mapping[str, Any], seconds: float = SECONDS) -> list[str]:
        """What is wrong with each: empty where it holds; one that fails or is stopped does not hold."""
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            self._in_child(values, writing)
        os.close(writing)
        try:
            data = _read(reading, child, time.monotonic() + seconds)
        finally:
            os.close(reading)
            os.waitpid(child, 0)
        count = len(self._compiled)
        try:
            told = [msgspec.json.decode(line, type=str) for line in data.split(b"\n")[:-1]][:count]
        except msgspec.DecodeError:
            told = []
        return told + [f"it could not be judged within {seconds:g} s"] * (count - len(told))

    def _in_child(self, values: Mapping[str, Any], writing: int) -> None:
        """Never returns: whatever happens, nothing of the parent's is run or written twice."""
        code = 1
        try:
            for compiled in self._compiled:
                line = msgspec.json.encode(self._problem(compiled, values)) + b"\n"
                while line:
                    line = line[os.write(writing, line) :]
            code = 0
        finally:
            os._exit(code)

    def _problem(self, compiled: Any, values: Mapping[str, Any]) -> str:
        try:
            result = compiled.eval(environment(self._variables).Activation(dict(values)))
            kind = result.type().name()
            value = result.value() if kind == "ERROR" else shown(result.plain_value())
        except REFUSALS as error:
            return f"it fails: {' '.join(str(error).split())[:_MOST_TOLD]}"
        if value is True:
            return ""
        return (
            "it is false" if value is False else f"it gives {kind.partition('<')[0].lower()}: {str(value)[:_MOST_TOLD]}"
        )


def _read(reading: int, child: int, until: float) -> bytes:
    """All that is told; the process is stopped where it takes too long."""
    data = bytearray()
    while True:
        left = until - time.monotonic()
        ready = select.select([reading], [], [], max(left, 0.0))[0] if left > 0 else []
        part = os.read(reading, 1 << 16) if ready else b""
        data += part
        if not ready or len(data) > _MOST_ANSWER:
            os.kill(child, signal.SIGKILL)
        if not part:
            return bytes(data)
