"""Build files of tests."""

from __future__ import annotations

from seawall.engine.catalogue import load_rules
from seawall.engine.judge import Judge
from seawall.model.finding import RuleState
from seawall.model.kube.buildfile import BuildContext, BuildFile
from seawall.model.resource import Resource
from seawall.model.version import NEWEST
from seawall.sources.dockerfile.load import load_build_file
from seawall.sources.manifests import InputFile

RULES = [rule for rule in load_rules(("buildfiles",)) if rule.on == ("Dockerfile",)]


def read(text: str | bytes, context: BuildContext | None = None) -> Resource:
    """The resource of a build file that can be read in full."""
    data = text.encode() if isinstance(text, str) else text
    (found,) = load_build_file(InputFile("Dockerfile", "", named=True), data, context or BuildContext())
    assert isinstance(found, Resource), found
    return found


def view(text: str | bytes) -> BuildFile:
    """The build file as rules see it."""
    found = read(text).view
    assert isinstance(found, BuildFile)
    return found


def found_in(resource: Resource, *rules: str) -> list[tuple[str, int, int]]:
    """What rules find, those of the default profile if none is named: rule, line and column."""
    judge = Judge([rule for rule in RULES if rule.id in rules or (not rules and rule.default)], NEWEST)
    hits = judge.judge(resource)
    failed = [status for status in judge.statuses(RULES, lambda _: "") if status.state is RuleState.ERROR]
    assert failed == []
    places = resource.origin.locate([hit.path for hit in hits])
    return [(hit.rule.id, place.line, place.column) for hit, place in zip(hits, places, strict=True)]


def found(text: str | bytes, *rules: str) -> list[tuple[str, int, int]]:
    """What rules find in a text: rule, line and column."""
    return found_in(read(text), *rules)
