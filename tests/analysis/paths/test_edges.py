"""Every kind of step has an example in which it is there and one in which it is not, beside each other in a file.

A section begins with ``# yes FROM => TO`` or ``# no FROM => TO because ...`` (globs over places as they are written;
without them any step counts). ``at 1.34`` behind yes or no asks at that version, ``exploited IMAGE`` assumes a known
exploitation of that image alone instead of a breach of all that is exposed.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlparse

import pytest

from seawall.analysis.paths.kinds import STEP_KINDS
from seawall.engine.catalogue import load_all_rules
from seawall.engine.paths import graph_of
from seawall.model.attack import AttackGraph
from seawall.model.resource import Inventory, Resource
from seawall.model.version import NEWEST, parse_version
from seawall.sources.manifests import load_stdin

EDGES = Path(__file__).parent / "edges"
_HEAD = re.compile(
    r"# (?P<there>yes|no)(?: at (?P<at>\S+))?(?: exploited (?P<image>\S+))?(?: (?P<source>.+?) => (?P<target>.+?))?"
    r"(?: because .*)?$"
)


class Example(NamedTuple):
    """A section: whether the step is there, between which places, in what."""

    kind: str
    number: int
    there: bool
    source: str
    target: str
    at: str
    image: str
    text: str


def _examples() -> list[Example]:
    found: list[Example] = []
    for file in sorted(EDGES.glob("*.yaml")):
        for number, section in enumerate(re.split(r"(?m)^(?=# (?:yes|no)\b)", file.read_text())[1:]):
            head, _, text = section.partition("\n")
            match = _HEAD.match(head)
            assert match, f"{file}: {head}"
            ends = (match["source"] or "*", match["target"] or "*")
            found.append(
                Example(
                    file.stem, number, match["there"] == "yes", *ends, match["at"] or "", match["image"] or "", text
                )
            )
    return found


EXAMPLES = _examples()


def graph_of_text(text: str, at: str = "", image: str = "") -> AttackGraph:
    loaded = list(load_stdin(text.encode(), "test.yaml"))
    resources = [each for each in loaded if isinstance(each, Resource)]
    assert len(resources) == len(loaded), loaded
    exploited = {image: ("CVE-2021-44228",)} if image else None
    return graph_of(Inventory(resources), parse_version(at) if at else NEWEST, exploited)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.kind}-{each.number}")
def test_step_is_there_or_not(example: Example) -> None:
    graph = graph_of_text(example.text, example.at, example.image)
    steps = [
        (str(graph.places[step.source]), str(graph.places[step.target]))
        for step in graph.steps()
        if step.kind == example.kind
    ]
    found = [each for each in steps if fnmatchcase(each[0], example.source) and fnmatchcase(each[1], example.target)]
    assert bool(found) == example.there, f"{example.source} => {example.target} among {steps}"


def test_every_kind_has_both_examples() -> None:
    for there in (True, False):
        missing = set(STEP_KINDS) - {each.kind for each in EXAMPLES if each.there is there}
        assert not missing, f"no example in which it is {'' if there else 'not '}there: {sorted(missing)}"
    assert {each.kind for each in EXAMPLES} <= set(STEP_KINDS)


def test_every_kind_has_a_source_and_a_known_rule() -> None:
    rules = {rule.id for rule in load_all_rules()}
    for kind in STEP_KINDS.values():
        assert urlparse(kind.source).scheme == "https" and urlparse(kind.source).path, kind.id
        assert not kind.rule or kind.rule in rules, kind.id
        assert 0 < kind.likelihood <= 1 and kind.title and kind.needs.endswith("."), kind.id


def test_has_all_that_kubehound_has() -> None:
    theirs = (
        "CE_MODULE_LOAD CE_NSENTER CE_PRIV_MOUNT CE_SYS_PTRACE CE_UMH_CORE_PATTERN CE_VAR_LOG_SYMLINK CONTAINER_ATTACH "
        "ENDPOINT_EXPLOIT EXPLOIT_CONTAINERD_SOCK EXPLOIT_HOST_READ EXPLOIT_HOST_TRAVERSE EXPLOIT_HOST_WRITE "
        "IDENTITY_ASSUME IDENTITY_IMPERSONATE PERMISSION_DISCOVER POD_ATTACH POD_CREATE POD_EXEC POD_PATCH ROLE_BIND "
        "SHARE_PS_NAMESPACE TOKEN_BRUTEFORCE TOKEN_LIST TOKEN_STEAL VOLUME_ACCESS VOLUME_DISCOVER"
    )
    known = {peer for kind in STEP_KINDS.values() for peer in kind.peers.split()}
    assert set(theirs.split()) <= known
