"""Cases of peers' checks, run through a scan: a case fails when an open finding's rule has the check as an alias."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from seawall.engine import ReadOptions, ScanOptions, Selection, load_rules, scan
from seawall.engine.catalogue import load_all_rules
from seawall.engine.facts import read_facts
from seawall.engine.nodes import AuditOptions, audit
from seawall.model.finding import FindingStatus
from seawall.model.rule import alias_key
from seawall.model.version import NEWEST, parse_version

EXCEPTIONS = Path(__file__).parent / "exceptions.yaml"
#: The share of a peer's cases that must agree.
AGREEMENT = 0.97
#: The last version that knows PodSecurityPolicies.
_OF_POLICIES = parse_version("1.24")


class Case(NamedTuple):
    """A peer's check tried on objects; ``expected`` is pass, fail, or skip for one that is waived in place."""

    id: str
    rule: str
    expected: str
    objects: list[dict[str, Any]]


def read_cases(file: Path, of_nodes: bool = False) -> list[Case]:
    """The cases of a file about objects, or those that are facts about nodes."""
    cases = [Case(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    return [case for case in cases if any(each.get("kind") == "NodeInfo" for each in case.objects) == of_nodes]


@cache
def exceptions() -> dict[str, dict[str, str]]:
    """Reasons by peer and case."""
    found: dict[str, dict[str, str]] = yaml.safe_load(EXCEPTIONS.read_text(encoding="utf-8"))
    return found


def agrees(case: Case, folder: Path) -> bool:
    """Whether a scan with every rule says of a case what the peer says."""
    file = folder / "case.json"
    file.write_text("\n".join(json.dumps(each) for each in case.objects), encoding="utf-8")
    of_policies = any(each.get("kind") == "PodSecurityPolicy" for each in case.objects)
    version = _OF_POLICIES if of_policies else NEWEST
    result = scan(ScanOptions(ReadOptions((str(file),)), version=version, selection=Selection(profile="all")))
    named = {rule.id for rule in load_rules().find(case.rule)}
    fired = any(f.rule in named for f in result.findings if f.status is FindingStatus.OPEN)
    return fired == (case.expected == "fail")


def node_agrees(case: Case, folder: Path) -> bool:
    """Whether an audit of a case's facts about nodes says what the peer says, and a scan of them the same.

    A rule must have the peer's id.
    """
    file = folder / "case.json"
    file.write_text("\n".join(json.dumps(each) for each in case.objects), encoding="utf-8")
    documents, errors = read_facts(str(file))
    result = audit(documents, AuditOptions(), errors).scan
    named = {rule.id for rule in result.rules} & {rule.id for rule in load_all_rules().find(case.rule)}
    assert named and not errors, f"{case.rule} is no check of nodes"
    fired = any(finding.rule in named for finding in result.findings)
    scanned = scan(ScanOptions(ReadOptions((str(file),)), selection=Selection(profile="all")))
    assert any(finding.rule in named for finding in scanned.findings) == fired
    return fired == (case.expected == "fail")


def check_peer(peer: str, cases: list[Case], folder: Path, agrees: Callable[[Case, Path], bool] = agrees) -> None:
    """Fail unless every case agrees or is an exception, every exception is needed, and enough agree."""
    listed = exceptions()[peer]
    wrong = {case.id: case for case in cases if not agrees(case, folder)}
    surprises = [f"{case.id}: {case.rule} expected {case.expected}" for case in wrong.values() if case.id not in listed]
    assert not surprises, f"{len(surprises)} of {len(cases)} cases disagree:\n" + "\n".join(surprises)
    unneeded = sorted(set(listed).intersection(case.id for case in cases) - set(wrong))
    assert unneeded == [], "exceptions that are no longer needed: take them out"
    assert len(wrong) <= (1 - AGREEMENT) * len(cases)


def check_catalogue(catalogue: list[dict[str, str]], peer: str) -> None:
    """Fail unless every id of a peer in the catalogue is a rule's alias, or left out."""
    known = {alias_key(alias) for rule in load_all_rules() for alias in rule.aliases}
    ids = {name for row in catalogue for name in row[peer].split()}
    missing = {name for name in ids if alias_key(name) not in known}
    left_out = {name for name in exceptions()["left_out"] if name in ids}
    assert sorted(missing - left_out) == [], "ids that no rule answers to"
    assert sorted(left_out - missing) == [], "ids that are left out but have a rule: take them out"
