"""``seawall comply``: answers with evidence, attestations, formats, exit codes, and inputs that must be refused."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seawall.analysis.nodes.examples import example_facts
from seawall.engine.facts import encode_facts
from tests.analysis.malware import samples
from tests.conftest import REPOSITORY, Run

SCHEMA = json.loads((REPOSITORY / "src/seawall/reports/schemas/comply.v1.json").read_text(encoding="utf-8"))
GOOD = """apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {team: shop}}
spec:
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: web
    image: registry.example.com/web@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
"""
BAD = GOOD.replace("{allowPrivilegeEscalation: false,", "{privileged: true,")
UNTIL = "2099-12-31"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    return tmp_path


def judged(run: Run, folder: Path, framework: str, *args: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the document, which must keep to its schema."""
    done = run("comply", framework, *args, "--format", "json", cwd=folder)
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft202012Validator)
    return done.returncode, document


def control(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in document["controls"] if each["id"] == name)
    return found


def facts(folder: Path, name: str, **changes: Any) -> str:
    file = folder / name
    file.write_bytes(encode_facts(example_facts("kubeadm", changes)))
    return name


def test_a_pod_that_keeps_to_the_standard_passes_with_the_objects_that_were_looked_at(run: Run, folder: Path) -> None:
    code, document = judged(run, folder, "pss-restricted", "--on", "good.yaml")
    assert code == 0
    assert {each["status"] for each in document["controls"]} == {"pass"} and document["summary"]["score"] == 100
    assert control(document, "privileged")["evidence"] == [{"type": "objects", "kinds": {"Pod": 1}}]
    assert len(document["inputs"][0]["sha256"]) == 64


def test_a_failure_names_the_field_the_place_and_the_owner(run: Run, folder: Path) -> None:
    code, document = judged(run, folder, "pss-baseline", "--on", "bad.yaml")
    found = control(document, "privileged")
    evidence = found["evidence"][0]
    assert code == 1 and found["status"] == "fail"
    assert evidence["rule"] == "privileged-container" and evidence["line"] == 10 and evidence["owner"] == "shop"
    assert document["summary"]["owners"] == {"shop": {"controls": 1, "findings": 1}}
    assert run("comply", "pss-baseline", "--on", "bad.yaml", "--fail-on", "none", cwd=folder).returncode == 0


def test_engines_that_are_absent_are_never_passed_and_do_not_fail_a_run(run: Run, folder: Path) -> None:
    _, document = judged(run, folder, "nist-800-190", "--on", "good.yaml")
    found = control(document, "4.5.1")
    assert found["status"] == "not-checked" and "engine absent" in found["reason"]
    assert control(document, "4.1.4")["status"] != "pass"
    assert control(document, "4.6")["status"] == "manual"


def test_where_nothing_was_read_nothing_passes(run: Run, folder: Path) -> None:
    (folder / "empty.yaml").write_text("# nothing here\n")
    code, document = judged(run, folder, "nist-800-190", "--on", "empty.yaml")
    states = {each["state"] for found in document["controls"] for each in found["checks"]}
    assert code == 2
    assert states <= {"not-checked", "not-applicable"}
    _, document = judged(run, folder, "nist-800-190", "--on", "good.yaml")
    nodes = {each["id"]: each for each in control(document, "4.3.4")["checks"]}["control-plane-takes-pods"]
    assert (nodes["state"], nodes["reason"]) == ("not-checked", "the manifests have no Node")


def test_what_other_inputs_would_have_answered_makes_a_run_incomplete(run: Run, folder: Path) -> None:
    code, document = judged(run, folder, "cis-k8s-1.12", "--on", "good.yaml", "--fail-on", "none")
    assert code == 2
    assert "facts" in control(document, "1.2.1")["reason"] and control(document, "1.2.1")["status"] == "not-checked"
    roles = control(document, "5.1.1")
    assert roles["status"] == "not-checked" and "the manifests have no" in roles["reason"]
    allowed = ("--on", "good.yaml", "--fail-on", "none", "--allow-not-checked")
    assert judged(run, folder, "cis-k8s-1.12", *allowed)[0] == 0


def test_facts_and_manifests_are_judged_together(run: Run, folder: Path) -> None:
    facts(folder, "facts.json")
    code, document = judged(run, folder, "cis-k8s-1.12", "--on", "good.yaml", "--on", "facts.json")
    passed = control(document, "1.2.1")
    assert code == 2 and passed["status"] == "pass"
    evidence = passed["evidence"][0]
    assert evidence["type"] == "facts" and evidence["source"] == "facts.json" and evidence["collected"]
    flags = {"anonymous-auth": ["true"]}
    facts(folder, "open.json", components={"kube-apiserver": {"flags": flags}})
    _, worse = judged(run, folder, "cis-k8s-1.12", "--on", "facts.json", "--on", "open.json")
    assert control(worse, "1.2.1")["status"] == "fail"


def test_nodes_of_which_there_are_no_facts_keep_a_control_from_passing(run: Run, folder: Path) -> None:
    facts(folder, "facts.json")
    (folder / "node.yaml").write_text("apiVersion: v1\nkind: Node\nmetadata: {name: other}\n")
    _, document = judged(run, folder, "cis-k8s-1.12", "--on", "node.yaml", "--on", "facts.json")
    assert control(document, "1.2.1")["status"] == "not-checked"
    assert "no facts of the nodes other" in control(document, "1.2.1")["reason"]


def test_results_of_manifests_fail_controls_and_pass_none(run: Run, folder: Path) -> None:
    done = run("scan", "bad.yaml", "--profile", "all", "--format", "json=scan.json", cwd=folder)
    assert done.returncode == 1
    _, document = judged(run, folder, "pss-baseline", "--on", "scan.json")
    assert (
        control(document, "privileged")["status"] == "fail"
        and control(document, "host-path")["status"] == "not-checked"
    )
    assert document["inputs"][0]["kind"] == "results"


def test_what_a_scan_and_results_both_tell_counts_once(run: Run, folder: Path) -> None:
    run("scan", "bad.yaml", "--profile", "all", "--format", "json=scan.json", cwd=folder)
    _, alone = judged(run, folder, "pss-baseline", "--on", "bad.yaml")
    _, both = judged(run, folder, "pss-baseline", "--on", "bad.yaml", "--on", "scan.json", "--on", "scan.json")
    assert control(alone, "privileged")["evidence"] == control(both, "privileged")["evidence"]
    assert both["summary"]["owners"] == alone["summary"]["owners"]


def test_results_of_a_snapshot_of_manifests_pass_no_more_than_the_manifests(run: Run, folder: Path) -> None:
    run("snapshot", "good.yaml", "-o", "saved.snapshot", cwd=folder)
    run("scan", "saved.snapshot", "--profile", "all", "--format", "json=saved.json", cwd=folder)
    assert json.loads((folder / "saved.json").read_text())["inputs"][0] == {
        "path": "saved.snapshot", "kind": "snapshot", "of": "manifests"
    }  # fmt: skip
    _, document = judged(run, folder, "nist-800-190", "--on", "saved.json")
    assert "pass" not in {each["status"] for each in document["controls"]}


def kept_results(folder: Path, name: str, kind: str, complete: bool = True) -> str:
    """The results of a scan, changed to those of a cluster or of images."""
    kept = json.loads((folder / "scan.json").read_text())
    kept["inputs"][0]["kind"] = kind
    kept["summary"]["complete"] = complete
    for rule in ("vulnerable-package", "outdated-distribution"):
        kept["statuses"] = [each for each in kept["statuses"] if each["rule"] != rule]
        kept["statuses"].append({"rule": rule, "state": "ok", "reason": ""})
    (folder / name).write_text(json.dumps(kept, separators=(",", ":")))
    return name


def test_results_of_a_whole_cluster_and_of_images_answer_what_they_judged(run: Run, folder: Path) -> None:
    run("scan", "good.yaml", "--profile", "all", "--format", "json=scan.json", cwd=folder)
    cluster, image = kept_results(folder, "c.json", "cluster"), kept_results(folder, "i.json", "image")
    _, document = judged(run, folder, "nist-800-190", "--on", cluster)
    assert control(document, "4.4.3")["status"] == "pass" and control(document, "4.1.1")["status"] == "not-checked"
    _, document = judged(run, folder, "nist-800-190", "--on", image)
    assert control(document, "4.1.1")["status"] == "pass" and control(document, "4.4.3")["status"] == "not-checked"
    broken = kept_results(folder, "b.json", "image", complete=False)
    code, document = judged(run, folder, "nist-800-190", "--on", broken)
    assert code == 2 and control(document, "4.1.1")["status"] == "not-checked"


def searched(folder: Path, run: Run, day: str = "") -> str:
    """The results of a search for malware in a clean folder; ``day`` is that of its sets."""
    (folder / "clean").mkdir(exist_ok=True)
    (folder / "clean" / "a.txt").write_text("nothing")
    done = run("malware", "clean", "--format", "json=malware.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    if day:
        kept = json.loads((folder / "malware.json").read_text())
        kept["sets"][0]["date"] = day
        (folder / "malware.json").write_text(json.dumps(kept, separators=(",", ":")))
    return "malware.json"


def test_a_search_for_malware_answers_as_long_as_its_sets_are_new(run: Run, folder: Path) -> None:
    pytest.importorskip("yara_x")
    today = datetime.now(UTC).date()
    _, document = judged(run, folder, "nist-800-190", "--on", "good.yaml")
    found = control(document, "4.1.3")
    assert found["status"] == "not-checked" and "seawall image --malware" in found["checks"][0]["reason"]
    for days, status in ((0, "partial"), (90, "partial"), (91, "not-checked")):
        name = searched(folder, run, str(today - timedelta(days)))
        _, document = judged(run, folder, "nist-800-190", "--on", name)
        found = control(document, "4.1.3")
        assert found["status"] == status, found
        (used,) = [each for each in found["evidence"] if each["type"] == "set"]
        assert used["name"] == "seawall" and used["days"] == days and len(used["sha256"]) == 64
    assert "91 days old, more than 90" in found["reason"]
    page = run("comply", "nist-800-190", "--on", name, "--format", "html", cwd=folder).stdout
    assert "rules of seawall" in page and "91 days old" in page


def test_malware_that_was_found_fails_the_control_and_no_mere_oddity(run: Run, folder: Path) -> None:
    pytest.importorskip("yara_x")
    name = searched(folder, run)
    (folder / "clean" / "tmp").mkdir()
    odd = folder / "clean" / "tmp" / "run"
    odd.write_bytes(samples.elf("x"))
    odd.chmod(0o755)
    assert run("malware", "clean", "--format", f"json={name}", cwd=folder).returncode == 0
    _, document = judged(run, folder, "nist-800-190", "--on", name)
    assert control(document, "4.1.3")["status"] == "partial"
    (folder / "clean" / "pool.conf").write_bytes(samples.whole("server=gulf.monero^^ocean.stream:10128"))
    assert run("malware", "clean", "--format", f"json={name}", cwd=folder).returncode == 1
    _, document = judged(run, folder, "nist-800-190", "--on", name)
    found = control(document, "4.1.3")
    assert found["status"] == "fail" and found["evidence"][0]["rule"] == "image-crypto-miner"


def test_files_of_the_control_plane_are_judged_where_they_are_given(run: Run, folder: Path) -> None:
    (folder / "house.yaml").write_text(
        "schema: seawall.framework/v1\nid: house\ntitle: House\ncontrols:\n- {id: H1, title: T, why: W, "
        "automation: automatic, topics: [control-plane], rules: [audit-policy-secret-bodies]}\n"
    )
    (folder / "policy.yaml").write_text(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nmetadata: {name: p}\nrules: [{level: Metadata}]\n"
    )
    args = ("--framework-file", "house.yaml", "--on", "good.yaml")
    assert control(judged(run, folder, "house", *args)[1], "H1")["status"] == "not-checked"
    assert control(judged(run, folder, "house", *args, "--on", "policy.yaml")[1], "H1")["status"] == "pass"


def test_an_input_that_cannot_be_read_lets_nothing_pass(run: Run, folder: Path) -> None:
    (folder / "broken.yaml").write_text("apiVersion: v1\nkind: [\n")
    code, document = judged(run, folder, "pss-baseline", "--on", "good.yaml", "--on", "broken.yaml")
    assert code == 2 and not document["summary"]["complete"] and document["errors"]
    assert document["summary"]["statuses"]["pass"] == 0
    kept = ("--on", "good.yaml", "--on", "broken.yaml", "--keep-going", "--allow-not-checked")
    assert judged(run, folder, "pss-baseline", *kept)[0] == 0


def test_a_snapshot_is_judged_as_the_objects_in_it(run: Run, folder: Path) -> None:
    done = run("snapshot", "bad.yaml", "-o", "estate.snapshot", cwd=folder)
    assert done.returncode == 0, done.stderr
    code, document = judged(run, folder, "pss-baseline", "--on", "estate.snapshot")
    assert code == 1 and control(document, "privileged")["status"] == "fail"
    assert document["inputs"][0]["kind"] == "snapshot" and document["inputs"][0]["sha256"]


def test_waived_findings_are_waived_and_never_a_pass(run: Run, folder: Path) -> None:
    note = "annotations: {seawall.dev/ignore.privileged-container: approved by the board}, "
    (folder / "waived.yaml").write_text(BAD.replace("metadata: {", f"metadata: {{{note}"))
    code, document = judged(run, folder, "pss-baseline", "--on", "waived.yaml")
    found = control(document, "privileged")
    assert code == 0 and found["status"] == "waived" and document["summary"]["score"] < 100
    assert found["evidence"][0]["waiver"] == "approved by the board"


def attested(run: Run, folder: Path, *args: str, until: str = UNTIL) -> Any:
    return run("comply", "attest", "nist-800-190", "4.6", "--by", "Ada", "--until", until, *args, cwd=folder)


def test_an_attestation_answers_and_is_evidence(run: Run, folder: Path) -> None:
    (folder / "boot.txt").write_text("PCR values")
    done = attested(run, folder, "--text", "measured: # by 'TPM' 2.0\n- x", "--file", "boot.txt")
    assert done.returncode == 0, done.stderr
    _, document = judged(run, folder, "nist-800-190", "--on", "good.yaml")
    found = control(document, "4.6")
    assert found["status"] == "attested" and "Ada" in found["reason"]
    evidence = found["evidence"][0]
    assert evidence["text"] == "measured: # by 'TPM' 2.0\n- x" and len(evidence["files"]["boot.txt"]) == 64
    attested(run, folder, "--text", "again")
    _, document = judged(run, folder, "nist-800-190", "--on", "good.yaml")
    assert control(document, "4.6")["evidence"][0]["text"] == "again"


def test_what_was_edited_after_it_was_attested_is_refused_with_its_place(run: Run, folder: Path) -> None:
    (folder / "boot.txt").write_text("PCR values")
    attested(run, folder, "--text", "measured", "--file", "boot.txt")
    (folder / "boot.txt").write_text("other values")
    done = run("comply", "nist-800-190", "--on", "good.yaml", cwd=folder)
    assert done.returncode == 2 and "boot.txt was changed" in done.stderr
    assert "seawall-attestations.yaml:4:" in done.stderr and "Traceback" not in done.stderr
    (folder / "boot.txt").write_text("PCR values")
    file = folder / "seawall-attestations.yaml"
    file.write_text(file.read_text().replace('"measured"', '"perhaps"'))
    done = run("comply", "nist-800-190", "--on", "good.yaml", cwd=folder)
    assert done.returncode == 2 and "edited after it was attested" in done.stderr


def test_an_attestation_that_ended_does_not_count(run: Run, folder: Path) -> None:
    from datetime import date

    from seawall.engine.attestations import attest, read_attestations

    file = str(folder / "seawall-attestations.yaml")
    attest(file, ("nist-800-190", "4.6"), ("then", ()), "Ada", (date(2020, 1, 1), date(2020, 6, 1)))
    assert read_attestations(file, date(2020, 6, 1)).get("nist-800-190", "4.6") is not None
    _, document = judged(run, folder, "nist-800-190", "--on", "good.yaml")
    assert control(document, "4.6")["status"] == "manual"
    assert any("ended on 2020-06-01" in note for note in document["notes"])


def test_attestations_that_prove_nothing_are_refused(run: Run, folder: Path) -> None:
    for args, until, told in (
        ((), UNTIL, "--text or --file"),
        (("--text", "x"), "2001-01-01", "is not to come"),
        (("--text", "x"), "soon", "is no day"),
        (("--file", "absent.txt"), UNTIL, "absent.txt cannot be read"),
    ):
        done = attested(run, folder, *args, until=until)
        assert done.returncode == 2 and told in done.stderr
    assert not (folder / "seawall-attestations.yaml").exists()


def test_the_trend_tells_what_was_mended_and_what_broke(run: Run, folder: Path) -> None:
    run("comply", "pss-baseline", "--on", "bad.yaml", "--format", "json=before.json", cwd=folder)
    _, document = judged(run, folder, "pss-baseline", "--on", "good.yaml", "--previous", "before.json")
    trend = document["summary"]["trend"]
    assert trend["mended"] == ["privileged"] and trend["broken"] == [] and trend["change"] > 0
    done = run("comply", "nsa-cisa", "--on", "good.yaml", "--previous", "before.json", cwd=folder)
    assert done.returncode == 2 and "is of pss-baseline" in done.stderr
    done = run("comply", "nsa-cisa", "--on", "good.yaml", "--previous", "good.yaml", cwd=folder)
    assert done.returncode == 2 and "holds no seawall.comply/v1" in done.stderr


def test_facts_of_another_schema_and_reports_are_no_input(run: Run, folder: Path) -> None:
    (folder / "facts.json").write_text('{"schema":"seawall.facts/v2","host":{"name":"a"}}')
    done = run("comply", "cis-k8s-1.12", "--on", "facts.json", cwd=folder)
    assert done.returncode == 2 and "facts.json" in done.stderr and "seawall.facts/v2" in done.stderr
    (folder / "reach.json").write_text('{"schema":"seawall.reach/v1"}')
    done = run("comply", "cis-k8s-1.12", "--on", "reach.json", cwd=folder)
    assert done.returncode == 2 and "answers no control" in done.stderr


def test_junit_skips_what_was_not_checked(run: Run, folder: Path) -> None:
    done = run("comply", "nist-800-190", "--on", "bad.yaml", "--format", "junit", cwd=folder)
    suite = ElementTree.fromstring(done.stdout)[0]  # noqa: S314 - our own
    assert suite.get("tests") == "24"
    case = next(each for each in suite if (each.get("name") or "").startswith("4.1.3"))
    assert case.find("skipped") is not None
    failed = next(each for each in suite if (each.get("name") or "").startswith("4.4.3"))
    assert failed.find("failure") is not None


def test_the_page_escapes_names_and_runs_no_script(run: Run, folder: Path) -> None:
    (folder / "evil.yaml").write_text(BAD.replace("- name: web", "- name: '<script>alert(1)</script>'"))
    page = run("comply", "pss-baseline", "--on", "evil.yaml", "--format", "html", cwd=folder).stdout
    assert "<script" not in page and "&lt;script&gt;" in page and "default-src 'none'" in page


def test_a_line_a_control_for_spreadsheets(run: Run, folder: Path) -> None:
    lines = run("comply", "pss-baseline", "--on", "bad.yaml", "--format", "csv", cwd=folder).stdout.splitlines()
    assert len(lines) == 13 and lines[0].startswith("framework,control,")


def test_frameworks_and_controls_are_told(run: Run, folder: Path) -> None:
    assert "nist-800-190" in run("comply", "list").stdout
    shown = run("comply", "show", "nist-800-190", "4.3.3").stdout
    assert "namespace-without-default-deny" in shown and "reaches all others" in shown
    assert "volume-types" in run("comply", "gap", "pss-baseline", "pss-restricted").stdout
    for args in (["show", "unheard-of"], ["show"], ["gap", "pss-baseline"], ["pss-baseline"]):
        done = run("comply", *args)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_an_own_framework_is_judged(run: Run, folder: Path) -> None:
    (folder / "house.yaml").write_text(
        "schema: seawall.framework/v1\nid: house\ntitle: House\ncontrols:\n- {id: H1, title: T, why: W, "
        "automation: automatic, topics: [workload], rules: [privileged-container]}\n"
    )
    code, document = judged(run, folder, "house", "--framework-file", "house.yaml", "--on", "bad.yaml")
    assert code == 1 and control(document, "H1")["status"] == "fail"
