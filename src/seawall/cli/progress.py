"""A counter on standard error for runs that take longer than two seconds; a bar where it is known how much is left."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Protocol, Self

_PATIENCE = 2.0
_WIDTH = 24


class Stage(Protocol):
    """How far a run is: units done and in all, and what is done now."""

    @property
    def done(self) -> int: ...

    @property
    def total(self) -> int: ...

    @property
    def what(self) -> str: ...


class Progress:
    """Shows a count once the run has taken two seconds, and wipes it at the end. Only for terminals."""

    def __init__(self, what: str, patience: float = _PATIENCE, unit: str = "kinds") -> None:
        self._what = what
        self._unit = unit
        self._patience = patience
        self._start = time.monotonic()
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def rename(self, what: str) -> None:
        """Say what is counted from now on."""
        self._what = what

    def update(self, count: int, stage: Stage | None = None) -> None:
        """Show the count so far and, where it is known, how much of how much is done."""
        elapsed = time.monotonic() - self._start
        if elapsed < self._patience:
            return
        self._shown = True
        bar = ""
        if stage is not None and stage.done < stage.total:
            filled = stage.done * _WIDTH // stage.total
            bar = (
                f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {stage.done} of {stage.total} {self._unit} ({stage.what}), "
            )
        sys.stderr.write(f"\r\x1b[K{bar}{count} {self._what}, {elapsed:.0f} s")
        sys.stderr.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
