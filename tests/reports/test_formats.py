"""Every format tells the same findings, shows what is waived, says what is missing, and holds hostile text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from seawall.engine import ReadOptions, ScanOptions, ScanResult, scan
from seawall.model.finding import Finding, Location, Severity
from seawall.reports import FORMATS, render, sarif
from seawall.reports.excerpt import printable
from seawall.reports.view import View
from tests.conftest import Run

HOSTILE = "a\u0007|`<b>\u202e,=1+1@octocat::error::x%0A\U0001f512\"'"
MANIFEST = f"""\
apiVersion: v1
kind: Pod
metadata:
  name: open
  namespace: shop
  annotations: {{seawall.dev/ignore.host-ipc: {json.dumps(HOSTILE, ensure_ascii=False)}}}
spec:
  hostPID: true
  hostIPC: true
  containers:
    - name: {json.dumps(HOSTILE, ensure_ascii=False)}
      image: "a:1"
      securityContext: {{x: "\U0001f512\U0001f512", privileged: true}}
---
apiVersion: v1
kind: Pod
metadata: {{name: broken, namespace: shop}}
spec: {{hostNetwork: "yes"}}
"""


class Told(NamedTuple):
    """The output of a format and the result behind it."""

    text: str
    result: ScanResult


@pytest.fixture
def tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Scan the hostile manifest in a folder of its own and give a format's output."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a b#ä.yaml").write_text(MANIFEST)
    (tmp_path / "bad.yaml").write_text("a: [")

    def call(name: str, limit: int = 0) -> Told:
        result = scan(ScanOptions(read=ReadOptions((".",))))
        assert not result.complete
        return Told(b"".join(render(name, result, View(limit=limit))).decode(), result)

    return call


def opened(result: ScanResult) -> list[Finding]:
    return result.open_findings()


def waived(result: ScanResult) -> list[Finding]:
    return [finding for finding in result.findings if finding.waiver]


def test_sarif(tell: Any) -> None:
    text, result = tell("sarif")
    (run,) = json.loads(text)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert len(run["results"]) == len(result.findings)
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])
    assert {len(rule["properties"]["tags"]) <= 20 for rule in rules} == {True}
    assert all(rule["help"]["text"] and rule["properties"]["security-severity"] for rule in rules)
    (privileged,) = [each for each in run["results"] if each["ruleId"] == "privileged-container"]
    place = privileged["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%20b%23%C3%A4.yaml"
    line = MANIFEST.splitlines()[place["region"]["startLine"] - 1]
    assert line[place["region"]["startColumn"] - 1 :].startswith("privileged: true")
    assert privileged["suppressions"] == []
    (suppressed,) = [each for each in run["results"] if each["suppressions"]]
    assert suppressed["ruleId"] == "host-ipc"
    assert suppressed["suppressions"][0]["kind"] == "inSource"
    assert HOSTILE in suppressed["suppressions"][0]["justification"]
    invocation = run["invocations"][0]
    assert invocation["executionSuccessful"] is False
    told = {each["descriptor"]["id"] for each in invocation["toolExecutionNotifications"]}
    assert told == {"input", "rule"}
    assert len({each["partialFingerprints"]["seawall/v1"] for each in run["results"]}) == len(run["results"])


def test_sarif_is_split_at_the_limits(tell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "RESULTS_A_RUN", 3)
    monkeypatch.setattr(sarif, "RUNS_A_FILE", 2)
    text, result = tell("sarif")
    runs = json.loads(text)["runs"]
    assert [len(run["results"]) for run in runs] == [3, 3]
    assert len({run["automationDetails"]["id"] for run in runs}) == 2
    assert f"{len(result.findings) - 6} findings of the least risk are left out" in text


def test_junit(tell: Any, tmp_path: Path) -> None:
    text, result = tell("junit")
    (tmp_path / "junit.xml").write_text(text)
    outcomes: Counter[str] = Counter()
    for suite in JUnitXml.fromfile(str(tmp_path / "junit.xml")):
        for case in suite:
            outcomes[type(case.result[0]).__name__ if case.result else "passed"] += 1
    ill = sum(status.state in ("error", "not-judged") for status in result.statuses)
    assert outcomes[Failure.__name__] == len(opened(result))
    assert outcomes[Skipped.__name__] == len(waived(result)) == 1
    assert outcomes[Error.__name__] == len(result.errors) + ill
    assert outcomes["passed"] > 0
    root = ElementTree.fromstring(text)  # noqa: S314 - written a moment ago
    assert int(root.get("tests", "0")) == sum(outcomes.values())
    assert int(root.get("failures", "0")) == len(opened(result))


def test_markdown(tell: Any) -> None:
    text, result = tell("markdown")
    rows = [line for line in text.splitlines() if re.match(r"\| (critical|high|medium|low|info) ", line)]
    assert len(rows) == len(opened(result))
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}
    assert "<b>" not in text
    assert "@octocat" not in text
    assert "The run is incomplete" in text
    assert "bad.yaml" in text
    assert "1 waived" in text
    short, _ = tell("markdown", limit=2)
    assert f"{len(opened(result)) - 2} more findings are not shown" in short


def test_csv(tell: Any) -> None:
    text, result = tell("csv")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == len(result.findings)
    assert {row["fingerprint"] for row in rows} == {finding.fingerprint for finding in result.findings}
    assert [row["waiver_reason"] for row in rows if row["status"] == "waived"] == [printable(HOSTILE)]


def test_csv_defuses_formulas(run: Run) -> None:
    manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: '=cmd()', namespace: shop}\nspec: {hostPID: true}\n"
    done = run("scan", "-", "--rule", "host-pid", "--format", "csv", stdin=manifest.encode())
    assert next(csv.DictReader(io.StringIO(done.stdout)))["name"] == "'=cmd()"


def test_github(tell: Any) -> None:
    text, result = tell("github")
    lines = text.splitlines()
    assert len(lines) == len(result.findings) + len(result.reasons())
    pattern = r"::(error|warning|notice) ((\w+=[^:,\r\n]*)(,\w+=[^:,\r\n]*)*)::\S[^\r\n]*"
    assert [line for line in lines if not re.fullmatch(pattern, line)] == []
    assert "file=a b#ä.yaml,line=13,col=34,title=Container runs privileged" in text
    (waived_line,) = [line for line in lines if "Waived: " in line]
    assert waived_line.startswith("::notice")
    assert "%250A" in waived_line


def test_gitlab(tell: Any) -> None:
    text, result = tell("gitlab")
    entries = json.loads(text)
    assert len(entries) == len(result.findings) + len(result.reasons())
    assert {entry["severity"] for entry in entries} <= {"info", "minor", "major", "critical", "blocker"}
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    assert all(entry["location"]["lines"]["begin"] >= 1 for entry in entries)
    assert not any(entry["location"]["path"].startswith(("/", "./")) for entry in entries)
    assert [entry["check_name"] for entry in entries if "(waived: " in entry["description"]] == ["host-ipc"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_waived_findings_and_incompleteness(tell: Any, name: str) -> None:
    text, _ = tell(name)
    assert "waived" in text or "suppressions" in text
    assert "bad.yaml" in text or name in ("terminal", "csv")  # told on standard error


@pytest.mark.parametrize("name", FORMATS)
def test_a_finding_without_a_place_can_be_told(tell: Any, name: str) -> None:
    _, result = tell("json")
    result.findings[0].locations = ()
    result.findings[1].locations = (Location("cluster: prod", 0, 0, "spec"), Location("b", 1, 1, "c"))
    assert b"".join(render(name, result, View(limit=0)))


def test_several_formats_of_one_run(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(MANIFEST)
    outputs = [f"--format={name}={tmp_path / name}.out" for name in FORMATS if name != "terminal"]
    done = run("scan", str(tmp_path / "p.yaml"), "--format", "terminal", *outputs)
    assert "critical[privileged-container]" in done.stdout
    assert all((tmp_path / f"{name}.out").stat().st_size > 100 for name in FORMATS if name != "terminal")


def test_security_severities_keep_the_order() -> None:
    scores = [float(sarif._SCORES[severity]) for severity in Severity]
    assert scores == sorted(scores, reverse=True)
