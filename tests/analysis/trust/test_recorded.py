"""What others made: bundles of sigstore's JavaScript client (see ``make.js`` beside them), and its trust root."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.analysis.trust.judging import asking, judged, outcome
from tests.analysis.trust.made import NOW, b64
from tests.analysis.trust.made import attached as attach
from tests.conftest import REPOSITORY

DATA = REPOSITORY / "tests/data/trust"
WHO = {"identity": "release@acme.example", "issuer": "https://issuer.acme.example"}


def recorded(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return document


def verified(
    document: dict[str, Any], who: dict[str, str] = WHO, root: dict[str, Any] | None = None
) -> tuple[str, str]:
    policy = asking({"keyless": who}, trustRoot="root.json")
    files = {"root.json": json.dumps(root or recorded("trusted_root"))}
    return outcome(judged(policy, files, attach(document), now=NOW + timedelta(days=4000)))


@pytest.mark.parametrize("name", ["logged", "stamped"])
def test_they_hold(name: str) -> None:
    assert verified(recorded(name)) == ("trusted", "")
    assert verified(recorded(name), WHO | {"identity": "mallory@acme.example"})[0] == "untrusted"


def test_the_timestamp_is_told() -> None:
    policy = asking({"keyless": WHO}, trustRoot="root.json")
    verdict = judged(policy, {"root.json": json.dumps(recorded("trusted_root"))}, attach(recorded("stamped")))
    assert any(line.startswith("timestamp of 2026-") for line in verdict.proofs[0].evidence)


def test_a_timestamp_is_enough_where_the_log_tells_no_time() -> None:
    """As with Rekor's second version: the entry has a proof, and only an authority says when."""
    for name, state in (("stamped", "trusted"), ("logged", "invalid")):
        document = recorded(name)
        del document["verificationMaterial"]["tlogEntries"][0]["inclusionPromise"]
        assert verified(document)[0] == state


def _no_authority(root: dict[str, Any]) -> None:
    root["timestampAuthorities"] = []


def _retired(root: dict[str, Any]) -> None:
    root["timestampAuthorities"][0]["validFor"]["end"] = "2021-01-01T00:00:00Z"


def _another(root: dict[str, Any]) -> None:
    root["timestampAuthorities"][0]["certChain"] = root["certificateAuthorities"][0]["certChain"]


@pytest.mark.parametrize("change", [_no_authority, _retired, _another])
def test_timestamps_of_nobody_that_is_trusted(change: Callable[[dict[str, Any]], None]) -> None:
    root = recorded("trusted_root")
    change(root)
    assert verified(recorded("stamped"), root=root)[0] == "invalid"


def test_timestamps_of_something_else() -> None:
    document = recorded("logged")
    other = recorded("stamped")["verificationMaterial"]["timestampVerificationData"]
    document["verificationMaterial"]["timestampVerificationData"] = other
    state, reason = verified(document)
    assert (state, reason) == ("invalid", "the timestamp is of something else")
    other["rfc3161Timestamps"][0]["signedTimestamp"] = b64(b"nonsense")
    assert verified(document)[0] == "invalid"
