"""Measuring whole processes: CPU time and peak memory, as the kernel accounts for them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SEAWALL = Path(sys.executable).with_name("seawall")


def measure(command: Sequence[str], runs: int) -> tuple[float, float]:
    """Median CPU seconds, and the largest peak of memory in MB, of a command over some runs."""
    seconds, peak = [], 0.0
    for _ in range(runs):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds.append(usage.ru_utime + usage.ru_stime)
        peak = max(peak, usage.ru_maxrss / 1024)
    return statistics.median(seconds), peak


def against_bound(name: str, arguments: Sequence[str], runs: int, seconds: float, megabytes: float) -> None:
    """Print CPU and memory of ``seawall`` with these arguments against a stated bound."""
    cpu, peak = measure([str(SEAWALL), *arguments], runs)
    verdict = "ok" if cpu <= seconds and peak <= megabytes else "OVER"
    print(
        f"{name:<28} {cpu:7.3f} s of {seconds} s ({cpu / seconds:4.2f})   "
        f"{peak:5.0f} MB of {megabytes:.0f} MB  {verdict}"
    )
