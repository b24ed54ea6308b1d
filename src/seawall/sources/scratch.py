"""Scratch folders for what has to lie on disk to be rendered; removed before the process ends."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

_folders: list[Path] = []


def scratch_folder() -> Path:
    """A new empty folder that only this user can read. :func:`clean` removes it."""
    if not _folders:
        atexit.register(clean)
    folder = Path(tempfile.mkdtemp(prefix="seawall-"))
    _folders.append(folder)
    return folder


def clean() -> None:
    """Remove every scratch folder of this process."""
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)
