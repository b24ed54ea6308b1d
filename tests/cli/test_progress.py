"""The bar of a long reading of a cluster; nothing for a short one."""

from __future__ import annotations

import pytest

from seawall.cli.progress import Progress
from seawall.sources.cluster.source import Stage


def test_a_bar_where_it_is_known_how_much_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("objects judged", patience=0) as progress:
        progress.update(120, Stage(12, 48, "deployments"))
        progress.update(500)
    told = capsys.readouterr().err
    assert "[######..................] 12 of 48 kinds (deployments), 120 objects judged" in told
    assert "500 objects judged" in told
    assert told.endswith("\r\x1b[K"), "it is wiped at the end"


def test_a_short_run_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("objects judged") as progress:
        progress.update(120, Stage(12, 48, "deployments"))
    assert capsys.readouterr().err == ""
