"""The programs ``helm`` and ``kubectl`` that ``make tools`` unpacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

TOOLS = REPOSITORY / ".tools" / "bin"
CHARTS = REPOSITORY / "tests" / "data" / "charts"
OVERLAYS = REPOSITORY / "tests" / "data" / "overlays"


def program(name: str) -> str:
    """The path of a program; skips the test where it is not there."""
    path: Path = TOOLS / name
    if not path.is_file():
        pytest.skip(f"no {path}; run `make tools`")
    return str(path)
