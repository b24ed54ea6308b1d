"""Scratch folders: gone at the end, also where a signal ends the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys
from seawall.sources.scratch import scratch_folder
if sys.argv[2] == "own":
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(7))
folder = scratch_folder()
(folder / "values.yaml").write_text("password: x")
assert [each.name for each in folder.parent.iterdir()] == [folder.name]
if sys.argv[1] != "0":
    os.kill(os.getpid(), int(sys.argv[1]))
"""


def ended(number: int, handler: str, folder: Path) -> int:
    command = [sys.executable, "-c", PROGRAM, str(number), handler]
    return subprocess.run(command, env={**os.environ, "TMPDIR": str(folder)}, timeout=60, check=False).returncode


@pytest.mark.parametrize("number", [0, signal.SIGTERM, signal.SIGHUP])
def test_scratch_is_gone_at_the_end(number: int, tmp_path: Path) -> None:
    assert ended(number, "none", tmp_path) == -number
    assert list(tmp_path.iterdir()) == []


def test_handlers_of_others_stay(tmp_path: Path) -> None:
    assert ended(signal.SIGTERM, "own", tmp_path) == 7
