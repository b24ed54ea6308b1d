"""Audits of nodes: findings, statuses, controls, and other tools' results beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seawall.analysis.nodes import UnknownBenchmark, catalogue
from seawall.analysis.nodes.examples import example_facts
from seawall.engine.catalogue import load_all_rules, load_rules
from seawall.engine.controls import ControlState
from seawall.engine.nodecompare import BenchError, Relation, compare, decode_bench, read_bench
from seawall.engine.nodeplan import plan
from seawall.engine.nodes import AuditOptions, FactsDocument, NodeAudit, audit
from seawall.engine.results import decode_results
from seawall.engine.selection import Selection, UnknownRule
from seawall.model.finding import RuleState, Severity
from seawall.model.programs import PROGRAMS, Flag, Program
from seawall.model.rule import Context
from seawall.model.version import NEWEST
from seawall.reports import nodeplan as plan_report
from seawall.reports import nodes as report

SCHEMAS = Path(report.__file__).parent / "schemas"
ANONYMOUS: dict[str, Any] = {"components": {"kube-apiserver": {"flags": {"anonymous-auth": ["true"]}}}}


def document(source: str = "facts.json", **changes: Any) -> FactsDocument:
    """The hardened node with changes."""
    return FactsDocument(source, example_facts("kubeadm", changes))


def audited(*documents: FactsDocument, **options: Any) -> NodeAudit:
    """An audit of nodes."""
    return audit(documents, AuditOptions(**options))


def validated(parts: Any, schema: str) -> dict[str, Any]:
    """A document that its published schema takes."""
    text = b"".join(parts)
    found: dict[str, Any] = json.loads(text)
    jsonschema.validate(found, json.loads((SCHEMAS / schema).read_text(encoding="utf-8")))
    return found


def test_a_hardened_node_has_no_findings() -> None:
    result = audited(document())
    assert result.scan.findings == []
    assert result.scan.complete
    assert result.scan.exit_code(Severity.LOW, keep_going=False) == 0
    states = {control.state for control in result.nodes[0].controls}
    assert states == {ControlState.PASS, ControlState.MANUAL, ControlState.NOT_JUDGED}
    assert {c.reason for c in result.nodes[0].controls if c.state is ControlState.NOT_JUDGED} == {
        "needs the results of a scan"
    }


def test_a_failed_check_is_a_finding_like_any_other() -> None:
    result = audited(document(**ANONYMOUS))
    (finding,) = result.scan.findings
    assert finding.rule == "apiserver-anonymous-auth"
    assert str(finding.resource) == "Node cp-1"
    assert finding.message == "--anonymous-auth is true, wanted false"
    assert finding.locations[0].path == "components.kube-apiserver.flags.anonymous-auth"
    assert result.scan.exit_code(Severity.MEDIUM, keep_going=False) == 1
    assert finding.fingerprint == audited(document("elsewhere.json", **ANONYMOUS)).scan.findings[0].fingerprint
    (control,) = [each for each in result.nodes[0].controls if each.state is ControlState.FAIL]
    assert (control.id, control.rules) == ("1.2.1", ("apiserver-anonymous-auth",))


def test_what_could_not_be_judged_makes_the_audit_incomplete() -> None:
    problem = {"fact": "components.kubelet.config", "reason": "permission denied"}
    result = audited(document(components={"kubelet": {"config": None}}, problems=[problem]))
    assert not result.scan.complete
    assert result.scan.exit_code(Severity.HIGH, keep_going=True) == 2
    states = {status.rule: status for status in result.scan.statuses}
    assert states["kubelet-anonymous-auth"].state is RuleState.NOT_JUDGED
    assert "permission denied" in states["kubelet-anonymous-auth"].reason
    assert "permission denied" in " ".join(result.scan.reasons())


def test_what_is_not_on_the_node_is_skipped_and_not_passed() -> None:
    worker = dict.fromkeys(("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"))
    result = audited(document(components=worker))
    assert result.scan.complete
    controls = {control.id: control for control in result.nodes[0].controls}
    assert controls["1.2.1"].state is ControlState.NOT_APPLICABLE
    assert "kube-apiserver does not run on this node" in controls["1.2.1"].reason
    states = {status.rule: status.state for status in result.scan.statuses}
    assert states["apiserver-anonymous-auth"] is RuleState.SKIPPED


def test_several_nodes_keep_their_findings_apart() -> None:
    second = document("b.json", host={"name": "cp-2"}, **ANONYMOUS)
    twin = document("c.json", host={"name": "cp-2"}, **ANONYMOUS)
    result = audited(document(), second, twin)
    assert [node.name for node in result.nodes] == ["cp-1", "cp-2", "cp-2"]
    assert len({finding.fingerprint for finding in result.scan.findings}) == 2


def test_no_node_is_nothing_to_judge() -> None:
    assert audited().scan.exit_code(Severity.HIGH, keep_going=True) == 2


def test_a_newer_server_is_told_the_nearest_benchmark() -> None:
    result = audited(document(kubernetes_version="v1.36.1"))
    assert [selected.benchmark for selected in result.nodes[0].selection] == ["cis-k8s-1.12"]
    assert "newer than what the nearest benchmark is for" in result.scan.notes[0]
    assert "newer than" in "".join(report.table(result))


def test_benchmarks_and_rules_by_name() -> None:
    result = audited(document(**ANONYMOUS), benchmarks=("cis-k8s-1.10", "cis-k8s-1.12"))
    assert {each.benchmark for each in result.nodes[0].controls} == {"cis-k8s-1.10", "cis-k8s-1.12"}
    only = audited(document(**ANONYMOUS), selection=Selection(only=("KCV-0079",), profile="all"))
    assert only.scan.findings == []
    assert [s.rule for s in only.scan.statuses if s.state is RuleState.OK] == ["kubelet-anonymous-auth"]
    with pytest.raises(UnknownBenchmark):
        audited(document(), benchmarks=("cis-k8s-9",))
    with pytest.raises(UnknownRule):
        audited(document(), selection=Selection(only=("no-such-rule",)))


def test_a_check_that_breaks_is_an_error_and_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(check: object, node: object) -> None:
        raise RuntimeError("oh")

    monkeypatch.setattr("seawall.engine.nodes.judge", broken)
    result = audited(document())
    # Checks of benchmarks that are not for this node (Docker's) were not run at all.
    own = {rule for rule, check in catalogue().checks.items() if check.base != "docker"}
    assert {s.state for s in result.scan.statuses if s.rule in own} == {RuleState.ERROR}
    assert {s.state for s in result.scan.statuses} <= {RuleState.ERROR, RuleState.SKIPPED}
    assert {c.state for c in result.nodes[0].controls if not c.steps} == {ControlState.NOT_JUDGED}


def scanned(rule: str | None, judged: list[str], complete: bool = True) -> Any:
    """Results of a scan with one finding."""
    finding: dict[str, Any] = {
        "rule": rule,
        "severity": "high",
        "resource": {"apiVersion": "v1", "kind": "Pod", "name": "a", "namespace": "b", "cluster": "c"},
        "locations": [],
        "message": "m",
        "fingerprint": "f",
        "status": "open",
    }
    text = {
        "schema": "seawall.findings/v1",
        "summary": {"complete": complete},
        "findings": [finding] if rule else [],
        "rules": {},
        "statuses": [{"rule": each, "state": "ok"} for each in judged],
    }
    return decode_results(json.dumps(text).encode(), "scan.json")


@pytest.mark.parametrize(
    ("rule", "judged", "complete", "state"),
    [
        ("privileged-container", ["privileged-container"], True, ControlState.FAIL),
        (None, ["privileged-container"], True, ControlState.PASS),
        (None, ["host-pid"], True, ControlState.NOT_JUDGED),
        (None, ["privileged-container"], False, ControlState.NOT_JUDGED),
    ],
)
def test_a_scan_of_the_cluster_answers_policies(
    rule: str | None, judged: list[str], complete: bool, state: ControlState
) -> None:
    result = audited(document(), scanned=scanned(rule, judged, complete))
    (control,) = [each for each in result.nodes[0].controls if each.id == "5.2.2"]
    assert control.state is state
    assert control.rules == ("privileged-container",)


def test_reports_hold_to_their_schemas() -> None:
    documents = [document(**ANONYMOUS)]
    result = audited(*documents)
    found = validated(report.document(result), "node-audit.v1.json")
    assert found["summary"]["controls"]["fail"] == 1
    text = "".join(report.table(result))
    assert "FAIL        1.2.1   API server takes anonymous requests" in text
    assert "133 controls:" in text
    form = "".join(report.form(result))
    assert "## cis-k8s-1.11 3.1.1" in form
    assert "| to record | what | answer |" in form
    plans = plan(documents, result)
    assert validated(plan_report.plan_document(plans), "node-plan.v1.json")["nodes"][0]["fixes"]
    told = "".join(plan_report.plan_text(plans))
    assert "- --anonymous-auth=false" in told
    assert "with it the check passes" in told
    assert "cis-k8s-1.11 1.2.1" in told


def test_terminal_output_has_no_control_characters() -> None:
    name = "a\x1b[31mb"
    result = audited(document(host={"name": name}, layout="x\x07"))
    assert "\x1b" not in "".join(report.table(result)) and "\x07" not in "".join(report.table(result))


KUBE_BENCH: dict[str, Any] = {
    "Controls": [
        {
            "id": "1",
            "version": "cis-1.11",
            "tests": [
                {
                    "section": "1.2",
                    "results": [
                        {"test_number": "1.2.1", "status": "FAIL", "actual_value": "true", "reason": ""},
                        {"test_number": "1.2.2", "status": "FAIL", "expected_result": "not set"},
                        {"test_number": "1.2.3", "status": "WARN"},
                        {"test_number": "3.1.1", "status": "WARN"},
                        {"test_number": "5.1.1", "status": "PASS"},
                        {"test_number": "9.9.9", "status": "PASS"},
                    ],
                }
            ],
        }
    ],
    "Totals": {"total_pass": 1},
}


def test_kube_bench_beside_ours() -> None:
    node = audited(document(**ANONYMOUS)).nodes[0]
    found = compare(node, decode_bench(json.dumps(KUBE_BENCH).encode(), "k.json"))
    relations = {control.id: control.relation for control in found.controls}
    assert (found.tool, found.benchmark, found.note) == ("kube-bench", "cis-k8s-1.11", "")
    assert {name: relations[name] for name in ("1.2.1", "1.2.2", "1.2.3", "1.2.4", "3.1.1", "5.1.1", "9.9.9")} == {
        "1.2.1": Relation.AGREE,
        "1.2.2": Relation.DIFFER,
        "1.2.3": Relation.ONLY_OURS,
        "1.2.4": Relation.NOT_THEIRS,
        "3.1.1": Relation.OPEN,
        "5.1.1": Relation.ONLY_THEIRS,
        "9.9.9": Relation.NOT_OURS,
    }
    assert validated(plan_report.compare_document([found]), "node-compare.v1.json")["summary"]["differ"] == 1
    text = "".join(plan_report.compare_text([found]))
    assert "kube-bench: FAIL (wanted not set)" in text
    assert "Seawall: pass (--token-auth-file is not set)" in text


def test_other_shapes_and_benchmarks_of_kube_bench() -> None:
    group = {**KUBE_BENCH["Controls"][0], "version": "eks-1.5.0"}
    node = audited(document()).nodes[0]
    for shape in (group, [group]):
        found = compare(node, decode_bench(json.dumps(shape).encode(), "k.json"))
        assert found.benchmark == "cis-k8s-1.11"
        assert "a benchmark that is not known here" in found.note


def test_docker_bench_of_a_node_without_docker() -> None:
    text = {"dockerbenchsecurity": "1.6.0", "tests": [{"id": "2", "results": [{"id": "2.1", "result": "WARN"}]}]}
    found = compare(audited(document()).nodes[0], decode_bench(json.dumps(text).encode(), "d.json"))
    assert found.tool == "docker-bench-security"
    assert found.benchmark == ""
    assert [control.relation for control in found.controls] == [Relation.NOT_OURS]


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"Controls":[{"tests":[{"results":[{}]}]}]}', b"[" * 100_000])
def test_what_is_no_result_is_refused(text: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(text)
    with pytest.raises(BenchError, match="holds no results of kube-bench"):
        read_bench(str(file))


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(BenchError, match="cannot be read"):
        read_bench("/nowhere/x.json")


def test_all_rules_are_one_registry_with_unique_ids() -> None:
    manifest_rules = {rule.id for rule in load_rules()}
    all_rules = {rule.id for rule in load_all_rules()}
    own = {name for name, check in catalogue().checks.items() if check.words is not None}
    assert all_rules == manifest_rules | own
    assert not manifest_rules & own
    assert [rule.id for rule in load_all_rules().find("AVD-KCV-0048")] == ["apiserver-manifest-mode"]


#: Where a check over facts and the rule over manifests part, with the reason.
PARTED = {
    "apiserver-always-allow": "of a manifest without the flag apiserver-authorization-unset tells",
    "apiserver-weak-ciphers": "a manifest without the flag is left to Go's defaults; the benchmark wants it said",
    "apiserver-encryption-at-rest": "k3s encrypts by a setting of its own",
    "apiserver-etcd-shared-ca": "a manifest of the API server tells its own flags, a node also etcd's",
}


def _program(facts: Any, name: str) -> Program | None:
    component = facts.components.get(name)
    if component is None or component.config is not None or component.environment or component.configz is not None:
        return None
    given = {flag: values for flag, values in component.flags.items() if flag != "config"}
    flags = {flag: [Flag(value, ()) for value in values] for flag, values in given.items()}
    return Program(name, flags, ())


@pytest.mark.parametrize("name", sorted(name for name, c in catalogue().checks.items() if c.words is None))
def test_checks_agree_with_the_rules_over_manifests(name: str) -> None:
    check, rule = catalogue().checks[name], load_rules().get(name)
    assert rule is not None
    agreed = True
    for wanted, changes in ((False, ({}, *check.examples.good)), (True, check.examples.bad)):
        for change in changes:
            facts = example_facts(check.base, change)
            if "documents" in change:
                continue
            programs = [_program(facts, target) for target in rule.on if target in PROGRAMS]
            for program in programs:
                if program is not None:
                    agreed &= bool(list(rule.check(program, Context(NEWEST, None)))) is wanted
    assert agreed is (name not in PARTED), "the two say different things of the same flags"
