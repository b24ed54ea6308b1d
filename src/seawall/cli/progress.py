"""A counter on standard error for runs that take longer than two seconds."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

_PATIENCE = 2.0


class Progress:
    """Shows a count once the run has taken two seconds, and wipes it at the end. Only for terminals."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._start = time.monotonic()
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def update(self, count: int) -> None:
        """Show the count so far."""
        elapsed = time.monotonic() - self._start
        if elapsed >= _PATIENCE:
            self._shown = True
            sys.stderr.write(f"\r{count} {self._what}, {elapsed:.0f} s")
            sys.stderr.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
