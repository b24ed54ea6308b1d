"""What tests share: running the command line, and the folder of outside material."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import settings

#: Machines of CI are slow and shared: an example that takes long is no failure.
settings.register_profile("seawall", deadline=None)
settings.load_profile("seawall")

REPOSITORY = Path(__file__).resolve().parent.parent


class Run(Protocol):
    """Runs ``seawall`` in a process of its own."""

    def __call__(self, *args: str, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def run() -> Run:
    """Run ``seawall`` with arguments and return the finished process."""

    def call(*args: str, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "seawall", *args], input=stdin, capture_output=True, cwd=cwd, timeout=120
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    return call


@pytest.fixture
def scan_json(run: Run) -> Any:
    """Scan with JSON output and return (exit code, document)."""

    def call(*args: str, stdin: bytes = b"") -> tuple[int, dict[str, Any]]:
        done = run("scan", *args, "--format", "json", stdin=stdin)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    return call


@pytest.fixture(scope="session")
def conformance() -> Path:
    """The folder of labelled outside cases."""
    folder = Path(os.environ.get("SEAWALL_CONFORMANCE", REPOSITORY.parent / "shared" / "conformance"))
    if not folder.is_dir():
        pytest.skip(f"no conformance data at {folder}; set SEAWALL_CONFORMANCE")
    return folder
