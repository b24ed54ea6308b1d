"""Manifests as text: what the API server would never see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.finding import Severity
from seawall.model.paths import format_path
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.resource import Resource
    from seawall.model.rule import Context


@rule(
    "duplicate-key",
    title="Key given more than once",
    severity=Severity.MEDIUM,
    scope=Scope.MANIFEST,
    on="document",
    why="Only the last of two equal keys counts. A setting that a reviewer read may be undone further down, by mistake "
    "or by an attacker who counts on it.",
    remediation="Keep one of the keys.",
    references=("https://yaml.org/spec/1.2.2/#3213-node-comparison",),
    manifests_only=True,
)
def duplicate_key(resource: Resource, ctx: Context) -> Hits:
    for path in resource.duplicates:
        yield Hit(f"{format_path(path)} is given more than once; the last one wins", path)
