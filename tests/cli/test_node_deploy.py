"""What runs the collection in a cluster: clean in our own scan but for what it must have, each with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

FILES = sorted((REPOSITORY / "deploy" / "node").glob("*.yaml"))
#: What a pod that reads a host's files cannot do without.
NEEDED = {
    *("sensitive-host-path", "host-path-volume", "run-as-non-root", "run-as-root-user", "added-capabilities"),
    *("dac-read-search-capability", "add-only-net-bind-service", "namespace-privileged-level", "tolerates-everything"),
    "control-plane-scheduling",
}


def test_both_are_there() -> None:
    assert [path.name for path in FILES] == ["daemonset.yaml", "job.yaml"]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_our_own_scan_finds_nothing_that_is_not_needed(scan_json: Any, file: Path) -> None:
    code, document = scan_json(str(file))
    assert code == 0
    assert [each["rule"] for each in document["findings"] if each["status"] == "open"] == []
    waived = {each["rule"]: each["waiver"]["reason"] for each in document["findings"]}
    assert set(waived) <= NEEDED and all(waived.values())
