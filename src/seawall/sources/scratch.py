"""Scratch folders for what has to lie on disk to be rendered; removed before the process ends."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
import threading
from pathlib import Path
from types import FrameType

_folders: list[Path] = []


def scratch_folder() -> Path:
    """A new empty folder that only this user can read. :func:`clean` removes it."""
    if not _folders:
        atexit.register(clean)
        _clean_when_ended()
    folder = Path(tempfile.mkdtemp(prefix="seawall-"))
    _folders.append(folder)
    return folder


def _clean_when_ended() -> None:
    """Have a signal that ends the process (a cancelled job, a closed terminal) remove the folders before.

    What was rendered can hold secrets. Programs with handlers of their own keep them, and call :func:`clean`.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    clean()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def clean() -> None:
    """Remove every scratch folder of this process."""
    while _folders:
        folder = _folders.pop()
        for _ in range(3):
            # A child that is about to end may still have written to it.
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
