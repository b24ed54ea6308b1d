"""Judging images by policies in tests: files from a mapping, conditions without a process of their own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from seawall.analysis.policies.conditions import Conditions
from seawall.analysis.trust import Condition, TrustPolicy, judge_trust, prepare
from seawall.analysis.trust.errors import BadPolicy
from seawall.model.trust import Attached, ImageFacts, TrustVerdict
from tests.analysis.trust.made import IMAGE, NOW

REPOSITORY = "registry.example/shop/api"
VARIABLES = ("predicate", "statement", "image", "now")


class Files:
    """Files that a policy names."""

    def __init__(self, files: Mapping[str, bytes | str]) -> None:
        self._files = {name: data.encode() if isinstance(data, str) else data for name, data in files.items()}

    def read(self, name: str) -> bytes:
        if name not in self._files:
            raise BadPolicy(f"{name} cannot be read")
        return self._files[name]

    def folder(self, name: str) -> list[tuple[str, bytes]]:
        start = f"{name}/"
        return [(file[len(start) :], data) for file, data in self._files.items() if file.startswith(start)]


def conditions(some: tuple[Condition, ...], values: Mapping[str, Any]) -> list[str]:
    return Conditions([each.expression for each in some], VARIABLES).judge(values)


def judged(
    policy: dict[str, Any],
    files: Mapping[str, bytes | str],
    *found: Attached,
    digest: str = IMAGE,
    now: datetime = NOW,
    **facts: Any,
) -> TrustVerdict:
    """What a policy says of an image with these things attached."""
    held = Files(files)
    ready = prepare(msgspec.convert(policy, TrustPolicy), held.read, held.folder, conditions)
    return judge_trust(ready, ImageFacts(REPOSITORY, digest, attached=found, **facts), now)


def asking(signer: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A policy that wants one signer of everything."""
    return {
        "signers": [{"name": "release", **signer}],
        "requirements": [{"images": ["**"], "signedBy": ["release"]}],
        **more,
    }


def outcome(verdict: TrustVerdict) -> tuple[str, str]:
    """The state of the one signer that is asked for, and why."""
    (signer,) = verdict.signers
    assert verdict.trusted == (signer.state == "trusted")
    return signer.state, signer.reason
