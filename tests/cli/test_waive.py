"""Waivers of files: how far they reach, when they end, what may not be waived, and what becomes of them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seawall.engine import load_rules
from seawall.engine.config import ConfigError, load_project, parse_text
from seawall.engine.waiverfile import append_waivers, plain
from seawall.engine.waiverimport import import_waivers
from seawall.findings.waivers import WaiverEntry
from tests.conftest import REPOSITORY, Run

PODS = """\
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: kube-agents, labels: {app: agent}}
spec:
  hostPID: true
  containers:
    - {name: a, image: "registry.example.com/agent:1", securityContext: {privileged: true}}
    - {name: b, image: "registry.example.com/other:1", securityContext: {privileged: true}}
---
apiVersion: v1
kind: Pod
metadata: {name: shop, namespace: shop}
spec:
  hostPID: true # seawall: ignore[host-pid] in place
  containers: [{name: a, image: "registry.example.com/shop:1"}]
"""


class Place:
    """A folder with manifests, where seawall runs."""

    def __init__(self, run: Run, folder: Path) -> None:
        self.run, self.folder = run, folder
        (folder / "deploy").mkdir()
        self.write("deploy/pods.yaml", PODS)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def scan(self, *args: str) -> tuple[dict[str, str], str, dict[str, Any]]:
        done = self.run("scan", "deploy", "--format", "json", *args, cwd=self.folder)
        assert done.stdout, done.stderr
        document = json.loads(done.stdout)
        found = {}
        for each in document["findings"]:
            found[f"{each['rule']} {each['resource']['name']} {each['locations'][0]['path']}"] = each
        wanted = {key: value for key, value in found.items() if key.startswith(("host-pid", "privileged"))}
        return {key: value["status"] for key, value in wanted.items()}, done.stderr, wanted

    def audit(self, *args: str) -> tuple[int, dict[str, Any]]:
        done = self.run("waive", "audit", "deploy", "--format", "json", *args, cwd=self.folder)
        assert done.stdout, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        schema = json.loads((REPOSITORY / "docs/schema/waivers.v1.json").read_text())
        jsonschema.validate(document, schema)
        return done.returncode, document


@pytest.fixture
def place(run: Run, tmp_path: Path) -> Place:
    return Place(run, tmp_path)


PID = "host-pid agent spec.hostPID"
IN_PLACE = "host-pid shop spec.hostPID"
FIRST = "privileged-container agent spec.containers[0].securityContext.privileged"
SECOND = "privileged-container agent spec.containers[1].securityContext.privileged"


@pytest.mark.parametrize(
    ("waiver", "waived"),
    [
        ("rule: host-pid, reason: r", {PID}),
        ("rule: CKV_K8S_17, reason: r", {PID}),
        ("rule: AVD-KSV-0010, reason: r", {PID}),
        ("rule: [host-pid, privileged-container], reason: r", {PID, FIRST, SECOND}),
        ("rule: 'host-*', reason: r, select: {kind: Pod}", {PID}),
        ("rule: host-pid, reason: r, select: {kind: Deployment}", set()),
        ("rule: host-pid, reason: r, select: {namespace: 'kube-*'}", {PID}),
        ("rule: host-pid, reason: r, select: {namespace: [x, kube-agents]}", {PID}),
        ("rule: host-pid, reason: r, select: {namespace: 'kube'}", set()),
        ("rule: host-pid, reason: r, select: {name: 'a*'}", {PID}),
        ("rule: host-pid, reason: r, select: {labels: {app: ag*}}", {PID}),
        ("rule: host-pid, reason: r, select: {labels: {other: '*'}}", set()),
        ("rule: privileged-container, reason: r, select: {image: '*/agent:*'}", {FIRST}),
        ("rule: host-pid, reason: r, select: {image: '*/agent:*'}", {PID}),
        ("rule: host-pid, reason: r, select: {image: '*/none:*'}", set()),
        ("rule: host-pid, reason: r, select: {path: deploy/}", {PID}),
        ("rule: host-pid, reason: r, select: {path: '/deploy/*.yaml'}", {PID}),
        ("rule: host-pid, reason: r, select: {path: 'other/**'}", set()),
    ],
)
def test_waivers_reach_as_far_as_they_say(place: Place, waiver: str, waived: set[str]) -> None:
    place.write("seawall-waivers.yaml", f"waivers:\n  - {{{waiver}}}\n")
    found, _, _ = place.scan()
    assert {key for key, status in found.items() if status == "waived"} == waived | {IN_PLACE}
    assert set(found) == {PID, IN_PLACE, FIRST, SECOND}


def test_a_waiver_says_who_decided_it_and_where(place: Place) -> None:
    end = date.today() + timedelta(days=60)
    place.write("seawall.yaml", f"waivers:\n\n- rule: host-pid\n  reason: a\n  owner: team\n  expires: {end}\n")
    _, stderr, found = place.scan()
    expected = {"reason": "a", "source": "waiver at seawall.yaml:3", "owner": "team", "expires": str(end)}
    assert found[PID]["waiver"] == expected
    assert "expires" not in stderr


@pytest.mark.parametrize(
    ("days", "status", "said"),
    [
        (-1, "open", "expired on {end}: 1 finding count again"),
        (0, "waived", "expires today, on {end}; it waives 1 finding"),
        (14, "waived", "expires in 14 days, on {end}"),
        (15, "waived", ""),
    ],
)
def test_waivers_end_and_say_so_before(place: Place, days: int, status: str, said: str) -> None:
    end = date.today() + timedelta(days=days)
    place.write("seawall-waivers.yaml", f"waivers:\n- {{rule: host-pid, reason: r, expires: {end}}}\n")
    _, stderr, found = place.scan()
    assert found[PID]["status"] == status
    assert said.format(end=end) in stderr
    assert ("expire" in stderr) == bool(said)
    assert ("expired on" in found[PID]["message"]) == (status == "open")


@pytest.mark.parametrize(
    ("policy", "in_place", "by_file", "why"),
    [
        ("forbid: [host-pid]", "open", "open", "forbids to waive host-pid"),
        ("forbid: ['host-*']", "open", "open", "forbids to waive host-pid"),
        ("forbid: [CKV_K8S_17]", "open", "open", "forbids to waive host-pid"),
        ("forbidSeverities: [high]", "open", "open", "forbids to waive high findings"),
        ("forbidSeverities: [low]", "waived", "waived", ""),
        ("inPlace: false", "open", "waived", "forbids comments and annotations"),
        ("requireOwner: true", "waived", "open", ""),
        ("requireExpiry: true", "waived", "open", ""),
        ("maxDays: 10", "waived", "open", ""),
    ],
)
def test_a_policy_says_what_may_be_waived(place: Place, policy: str, in_place: str, by_file: str, why: str) -> None:
    place.write(
        "seawall.yaml", f"waiving: {{{policy}}}\nwaivers:\n- {{rule: host-pid, reason: r, select: {{name: agent}}}}\n"
    )
    found, _, whole = place.scan()
    assert (found[IN_PLACE], found[PID]) == (in_place, by_file)
    if in_place == "open":
        assert "not waived by comment at deploy/pods.yaml:14" in whole[IN_PLACE]["message"]
        assert f"seawall.yaml:1 {why}" in whole[IN_PLACE]["message"]


def test_annotations_and_baselines_are_bound_too(place: Place) -> None:
    pod = PODS.partition("---")[0].replace("labels:", "annotations: {seawall.dev/ignore.host-pid: x}, labels:")
    place.write("deploy/pods.yaml", pod)
    place.run("scan", "deploy", "--format", "json=before.json", cwd=place.folder)
    place.write("seawall.yaml", "waiving: {forbid: [host-pid]}\n")
    found, _, whole = place.scan("--baseline", "before.json")
    assert found[PID] == "open"
    assert found[FIRST] == "waived"
    assert "annotation seawall.dev/ignore.host-pid" in whole[PID]["message"]
    place.write("deploy/pods.yaml", PODS)
    place.write("seawall.yaml", "")
    place.run("scan", "deploy", "--format", "json=before.json", cwd=place.folder)
    place.write("seawall.yaml", "waiving: {forbid: [host-pid]}\n")
    found, _, whole = place.scan("--baseline", "before.json")
    assert found[PID] == "open"
    assert "not waived by the baseline" in whole[PID]["message"]


def test_one_bad_waiver_stops_neither_the_run_nor_the_others(place: Place) -> None:
    text = "waivers:\n- {rule: host-pid}\n- {rule: nope, reason: r}\n- {rule: privileged-container, reason: r}\n"
    place.write("seawall-waivers.yaml", text)
    found, stderr, _ = place.scan()
    assert found == {PID: "open", IN_PLACE: "waived", FIRST: "waived", SECOND: "waived"}
    assert "seawall-waivers.yaml:2 waives nothing: it is not understood: waivers[0]: `reason` is missing" in stderr
    assert "seawall-waivers.yaml:3 waives nothing: it names 'nope'" in stderr


def test_audit_tells_what_became_of_each(place: Place) -> None:
    old = date.today() - timedelta(days=1)
    place.write(
        "seawall.yaml",
        f"""\
waiving: {{forbid: [host-ipc]}}
waivers:
  - {{rule: host-pid, reason: r, select: {{name: agent}}}}
  - {{rule: privileged-container, reason: r}}
  - {{rule: host-network, reason: r, select: {{name: x}}}}
  - {{rule: host-pid, reason: r, expires: {old}, select: {{name: other}}}}
  - {{rule: host-pid}}
  - {{rule: rbac-nodes-proxy, reason: r, select: {{name: x}}}}
""",
    )
    code, document = place.audit()
    states = [(row["source"].rpartition(":")[2], row["state"], row["findings"]) for row in document["waivers"]]
    assert states == [
        ("3", "matched", 1), ("4", "matched", 2), ("5", "unused", 0), ("6", "expired", 0), ("7", "invalid", 0),
        ("8", "unused", 0), ("14", "matched", 1),
    ]  # fmt: skip
    assert code == 1
    assert document["waivers"][0]["problems"] == []
    assert "too wide: it selects every object" in document["waivers"][1]["problems"][0]


def test_audit_is_content_with_good_waivers(place: Place) -> None:
    place.write("seawall-waivers.yaml", "waivers:\n- {rule: host-pid, reason: r, select: {name: agent}}\n")
    code, _ = place.audit()
    assert code == 0


def test_audit_tells_of_forbidden_and_of_rules_that_do_not_run(place: Place) -> None:
    text = "waiving: {forbid: [host-pid]}\nwaivers:\n- {rule: host-pid, reason: r, select: {name: agent}}\n"
    place.write("seawall.yaml", text + "- {rule: privileged-container, reason: r, select: {name: agent}}\n")
    _, document = place.audit("--skip-rule", "privileged-container")
    assert [row["state"] for row in document["waivers"][:2]] == ["forbidden", "unused"]
    assert "skipped by name" in document["waivers"][1]["problems"][0]


def test_add_keeps_comments_and_makes_the_file(place: Place) -> None:
    add = ("waive", "add", "host-pid", "--reason", 'say "why": now', "--name", "agent", "--days", "30", "--owner", "me")
    assert place.run(*add, cwd=place.folder).returncode == 0
    file = place.folder / "seawall-waivers.yaml"
    file.write_text("# ours\n" + file.read_text() + "    # the last word\n\n# the end\n")
    assert (
        place.run("waive", "add", "KSV017", "--reason", "r", "--label", "app=agent", cwd=place.folder).returncode == 0
    )
    text = file.read_text()
    assert text.startswith("# ours\nwaivers:\n  - rule: host-pid\n")
    assert text.index("# the last word") < text.index("KSV017") < text.index("# the end")
    found, _, _ = place.scan()
    assert set(found.values()) == {"waived"}


def test_add_refuses_what_makes_no_sense(place: Place) -> None:
    for args, said in (
        (("nope", "--reason", "r"), "no rule is called 'nope'"),
        (("host-pid", "--reason", " "), "--reason must say why"),
        (("host-pid", "--reason", "r", "--expires", "tomorrow"), "write a date as 2027-01-31"),
    ):
        done = place.run("waive", "add", *args, cwd=place.folder)
        assert (done.returncode, said in done.stderr, done.stderr.count("\n")) == (2, True, 1)
    place.write("seawall-waivers.yaml", "waivers: [{rule: host-pid, reason: r}]\n")
    done = place.run("waive", "add", "host-ipc", "--reason", "r", cwd=place.folder)
    assert done.returncode == 2
    assert (place.folder / "seawall-waivers.yaml").read_text() == "waivers: [{rule: host-pid, reason: r}]\n"


@pytest.mark.parametrize(
    "start", ["", "waivers:\n", "waivers: []\n", "profile: all # x", "waivers: [] # none\nprofile: all\n"]
)
def test_add_begins_a_list(tmp_path: Path, start: str) -> None:
    file = tmp_path / "seawall.yaml"
    file.write_text(start)
    append_waivers(str(file), [WaiverEntry("host-pid", "r")])
    assert yaml.safe_load(file.read_text())["waivers"] == [{"rule": "host-pid", "reason": "r"}]
    assert all(line in file.read_text() for line in ("# x", "# none") if line in start)


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), min_size=1, max_size=4), st.booleans())
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str]], old: bool) -> None:
    file = tmp_path_factory.mktemp("w") / "w.yaml"
    if old:
        file.write_text("waivers:\n- rule: a # b\n  reason: c\n# d\n")
    entries = [WaiverEntry("host-pid", reason, owner=owner) for reason, owner in texts]
    try:
        append_waivers(str(file), entries)
    except ConfigError:  # lone surrogates are no text
        assert any(not part.isprintable() for pair in texts for part in pair)
        return
    read = parse_text(file.read_bytes(), "w.yaml")
    assert read is not None
    assert read.value["waivers"][int(old) :] == [plain(entry) for entry in entries]


def imported(folder: Path, name: str, text: str) -> tuple[list[dict[str, Any]], list[str]]:
    file = folder / name
    file.write_text(text)
    result = import_waivers(load_rules(), str(file))
    return [plain(entry) for entry in result.entries], [line.replace(f"{folder}/", "") for line in result.lost]


def test_import_trivyignore(tmp_path: Path) -> None:
    text = "# the agent\nAVD-KSV-0010 exp:2027-01-31\n\nKSV-0017 # inline\nCVE-2024-1\nNOPE-1\nKSV-0012 pkg:x\n"
    entries, lost = imported(tmp_path, ".trivyignore", text)
    taken = {"rule": "KSV-0017", "reason": f"taken over from {tmp_path}/.trivyignore"}
    assert entries == [{"rule": "AVD-KSV-0010", "reason": "the agent", "expires": "2027-01-31"}, taken]
    assert lost == [
        ".trivyignore:5: CVE-2024-1 is a vulnerability of an image",
        ".trivyignore:6: NOPE-1 is no rule and no alias of one here",
        ".trivyignore:7: 'pkg:x' is not understood; KSV-0012 was left out",
    ]


def test_import_trivyignore_yaml(tmp_path: Path) -> None:
    text = """\
misconfigurations:
  - {id: AVD-KSV-0010, paths: [deploy/a.yaml], statement: why, expired_at: 2027-01-31}
  - {id: KSV-0017, purls: [x]}
  - {paths: [x]}
vulnerabilities:
  - id: CVE-2024-1
"""
    entries, lost = imported(tmp_path, ".trivyignore.yaml", text)
    (only,) = entries
    assert only == {
        "rule": "AVD-KSV-0010", "reason": "why", "select": {"path": ["/deploy/a.yaml"]}, "expires": "2027-01-31",
    }  # fmt: skip
    assert [line.partition(": ")[0] for line in lost] == [f".trivyignore.yaml:{line}" for line in (3, 4, 6)]


def test_import_checkov(tmp_path: Path) -> None:
    finding = {"resource": "Pod.kube-agents.agent", "check_ids": ["CKV_K8S_16", "CKV_K8S_99999"]}
    image = {"resource": "aws_s3_bucket.b", "check_ids": ["CKV_AWS_1"]}
    document = {"failed_checks": [{"file": "/deploy/pods.yaml", "findings": [finding, image]}]}
    entries, lost = imported(tmp_path, ".checkov.baseline", json.dumps(document))
    (only,) = entries
    assert only["rule"] == ["CKV_K8S_16"]
    assert only["select"] == {"kind": "Pod", "namespace": "kube-agents", "name": "agent", "path": "/deploy/pods.yaml"}
    assert len(lost) == 2
    entries, lost = imported(tmp_path, ".checkov.yaml", "skip-check: [CKV_K8S_16, 'CKV_*']\nskip-path: [x]\n")
    assert [entry["rule"] for entry in entries] == ["CKV_K8S_16"]
    assert len(lost) == 2


def test_import_kubescape(tmp_path: Path) -> None:
    designators = [
        {"designatorType": "Attributes", "attributes": {"kind": "Pod", "namespace": "kube-.*", "app": "agent"}},
        {"designatorType": "Attributes", "attributes": {"cluster": "c"}},
        {"designatorType": "Attributes", "attributes": {"name": "a(b|c)"}},
    ]
    exception = {
        "name": "agents", "policyType": "postureExceptionPolicy", "actions": ["alertOnly"], "resources": designators,
        "posturePolicies": [{"controlID": "C-0057"}, {"frameworkName": "NSA"}],
    }  # fmt: skip
    entries, lost = imported(tmp_path, "exceptions.json", json.dumps([exception, 3]))
    (only,) = entries
    assert only["rule"] == ["C-0057"]
    assert only["select"] == {"kind": "Pod", "namespace": "kube-*", "labels": {"app": "agent"}}
    assert len(lost) == 4


def test_import_writes_what_waives_and_says_what_is_lost(place: Place) -> None:
    place.write(".trivyignore", "KSV-0010\nCVE-2024-1\n")
    done = place.run("waive", "import", ".trivyignore", "--dry-run", cwd=place.folder)
    assert done.stdout.startswith("waivers:\n  - rule: KSV-0010\n")
    assert not (place.folder / "seawall-waivers.yaml").exists()
    done = place.run("waive", "import", ".trivyignore", cwd=place.folder)
    assert done.returncode == 1
    assert "not carried over: .trivyignore:2: CVE-2024-1" in done.stderr
    assert place.scan()[0][PID] == "waived"
    done = place.run("waive", "import", "none.json", cwd=place.folder)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("name", [".trivyignore.yaml", ".checkov.baseline", ".checkov.yaml", "e.json"])
@pytest.mark.parametrize(
    "text", ["[", "3", "[3]", "{}", '{"a": 1}', '{"failed_checks": [3, {"findings": [4]}]}', "\x00"]
)
def test_import_of_anything_is_told_in_one_line(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    try:
        assert import_waivers(load_rules(), str(tmp_path / name)).entries == []
    except ConfigError as error:
        assert "\n" not in str(error)


def test_waivers_of_another_folder_have_its_paths(place: Place) -> None:
    (place.folder / "ci").mkdir()
    place.write("ci/seawall.yaml", "waivers: [{rule: host-pid, reason: r, select: {path: /deploy/}}]\n")
    assert load_project(str(place.folder / "ci/seawall.yaml")).waivers[0].folder.endswith("/ci")
    assert place.scan("--config", "ci/seawall.yaml")[0][PID] == "waived"
