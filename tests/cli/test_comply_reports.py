"""OSCAL as compliance-trestle reads it, and the PDF as a reader of PDFs does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seawall.analysis.nodes.examples import example_facts
from seawall.engine.facts import encode_facts
from tests.cli.test_comply import BAD, UNTIL
from tests.conftest import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bad.yaml").write_text(BAD.replace("- name: web", "- name: 'wëb \U0001f433 (x) \\\\'"))
    (tmp_path / "facts.json").write_bytes(encode_facts(example_facts("kubeadm", {})))
    return tmp_path


def written(run: Run, folder: Path, framework: str, *formats: str) -> None:
    if framework == "nist-800-190":
        args = ("attest", framework, "4.6", "--by", "Ada", "--until", UNTIL, "--text", "measured boot")
        assert run("comply", *args, cwd=folder).returncode == 0
    outputs = [part for each in formats for part in ("--format", each)]
    done = run("comply", framework, "--on", "bad.yaml", "--on", "facts.json", *outputs, cwd=folder)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("framework", ["nist-800-190", "cis-k8s-1.12", "pss-restricted"])
def test_oscal_is_what_trestle_takes(run: Run, folder: Path, framework: str) -> None:
    results = pytest.importorskip("trestle.oscal.assessment_results")
    written(run, folder, framework, "oscal=o.json", "json=j.json")
    found = results.AssessmentResults.oscal_read(folder / "o.json")
    document = json.loads((folder / "j.json").read_text())
    findings = found.results[0].findings
    assert len(findings) == len(document["controls"])
    uuids = [each.uuid for each in found.results[0].observations]
    assert len(set(uuids)) == len(uuids)
    for finding, control in zip(findings, document["controls"], strict=True):
        satisfied = control["status"] in ("pass", "attested")
        assert (str(finding.target.status.state.value) == "satisfied") is satisfied
        assert {each.observation_uuid for each in finding.related_observations or []} <= set(uuids)


def test_the_pdf_has_every_part_and_every_control(run: Run, folder: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    pytest.importorskip("fpdf")
    written(run, folder, "nist-800-190", "pdf=r.pdf", "json=j.json")
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(folder / "r.pdf").pages)
    document = json.loads((folder / "j.json").read_text())
    for part in (
        "Summary",
        "Scope",
        "Method",
        "Results",
        "Exceptions",
        "Annex: evidence",
        "measured boot",
        "facts.json",
    ):
        assert part in text
    for control in document["controls"]:
        assert f"{control['id']}  {control['title']}"[:40] in text
