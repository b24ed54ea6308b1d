"""Trivy's checks: every id of the catalogue has a rule, and at least 97% of the cases agree."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.conformance.peers import check_catalogue, check_peer, node_agrees, read_cases


def test_cases_agree(conformance: Path, tmp_path: Path) -> None:
    check_peer("trivy", read_cases(conformance / "rules" / "trivy.jsonl"), tmp_path)


def test_cases_about_nodes_agree(conformance: Path, tmp_path: Path) -> None:
    cases = read_cases(conformance / "rules" / "trivy.jsonl", of_nodes=True)
    assert len(cases) == 66
    check_peer("trivy_nodes", cases, tmp_path, node_agrees)


def test_every_id_has_a_rule(conformance: Path) -> None:
    with (conformance.parent / "reference" / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        check_catalogue(list(csv.DictReader(file)), "trivy")
