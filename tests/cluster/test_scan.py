"""Scans of a live cluster from the command line: versions, permissions, owners, what is told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.conftest import Kubeconfig
from tests.conftest import REPOSITORY, Run
from tests.replay import Fault, Replay

Scan = Any


@pytest.fixture
def scan(run: Run, server: Replay, kubeconfig: Kubeconfig) -> Scan:
    """Scan the cluster with JSON output; returns (exit code, document, standard error)."""
    path = kubeconfig(server.url)

    def call(*args: str) -> tuple[int, dict[str, Any], str]:
        done = run("scan", "cluster", "--kubeconfig", path, "--format", "json", *args)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout), done.stderr

    return call


def statuses(document: dict[str, Any], *states: str) -> dict[str, str]:
    return {s["rule"]: s["reason"] for s in document["statuses"] if s["state"] in states}


def test_a_scan_is_complete_and_of_the_servers_version(scan: Scan) -> None:
    code, document, stderr = scan()
    assert (code, stderr) == (1, "")
    assert document["summary"]["complete"] is True
    assert document["summary"]["kubernetesVersion"] == "1.36"
    assert document["inputs"] == [{"path": "cluster", "kind": "cluster"}]
    assert {f["resource"]["cluster"] for f in document["findings"]} == {"prod"}
    assert {f["rule"] for f in document["findings"]} >= {"privileged-container", "runtime-socket-mounted"}


def test_the_version_can_be_chosen(scan: Scan) -> None:
    _, document, _ = scan("--kubernetes-version", "1.24")
    assert document["summary"]["kubernetesVersion"] == "1.24"


def test_rules_about_manifests_do_not_run(scan: Scan) -> None:
    _, document, _ = scan()
    left_out = statuses(document, "skipped")
    assert "about manifests" in left_out["secret-in-manifest"]
    assert "about manifests" in left_out["duplicate-key"]


def test_without_a_right_the_rules_that_need_it_are_not_judged(scan: Scan, server: Replay) -> None:
    server.allowed = lambda verb, group, resource: resource != "networkpolicies"
    code, document, stderr = scan()
    assert code == 2
    assert document["summary"]["complete"] is False
    not_judged = set(statuses(document, "not-judged"))
    assert "pod-without-network-policy" in not_judged
    assert not {"host-pid", "service-node-port", "rbac-secrets-read"} & not_judged
    assert not [f for f in document["findings"] if f["rule"] == "pod-without-network-policy"]
    assert document["errors"][0]["where"] == "networkpolicies.networking.k8s.io"
    assert "rbac-manifest" in document["errors"][0]["message"]
    assert "not judged everywhere: networkpolicies.networking.k8s.io could not be read" in stderr
    code, document, _ = scan("--keep-going")
    assert code == 1, "the findings decide"
    assert document["summary"]["complete"] is False


def test_a_workload_kind_that_may_not_be_read_concerns_every_pod_rule(scan: Scan, server: Replay) -> None:
    server.allowed = lambda verb, group, resource: resource != "daemonsets"
    code, document, stderr = scan()
    assert code == 2
    assert "privileged-container" in statuses(document, "not-judged")
    assert len(stderr.splitlines()) < 10, "rules that are not judged for the same reason are told together"


def test_secrets_that_may_not_be_read_leave_the_scan_complete(scan: Scan, server: Replay) -> None:
    server.allowed = lambda verb, group, resource: resource != "secrets"
    code, document, stderr = scan()
    assert code == 1
    assert document["summary"]["complete"] is True
    assert "may not be read" in statuses(document, "skipped")["service-account-token-secret"]
    assert "note: secrets may not be read" in stderr


def test_custom_kinds_that_may_not_be_read_are_counted(scan: Scan, server: Replay) -> None:
    server.allowed = lambda verb, group, resource: group != "monitoring.coreos.com" or resource == "servicemonitors"
    code, document, _ = scan()
    assert code == 1
    assert document["summary"]["skipped"] == {"kinds that no rule reads and that may not be listed": 9}


def test_one_namespace_is_complete(scan: Scan) -> None:
    code, document, _ = scan("--namespace", "monitoring")
    assert code in (0, 1)
    assert document["summary"]["complete"] is True
    assert "only the namespace monitoring" in statuses(document, "skipped")["storage-class-unencrypted"]
    ran = {finding["rule"] for finding in document["findings"]}
    assert ran <= set(document["rules"])


def test_a_cluster_that_does_not_answer_is_one_line(run: Run, kubeconfig: Kubeconfig) -> None:
    done = run("scan", "cluster", "--kubeconfig", kubeconfig("http://127.0.0.1:1"))
    assert done.returncode == 2
    assert "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_refused_credentials_are_told(scan: Scan, server: Replay) -> None:
    server.authorized = lambda who: False
    code, _, stderr = scan()
    assert code == 2
    assert "log in again" in stderr


@pytest.mark.parametrize("existing", [False, True])
def test_a_folder_of_that_name_is_another_thing(run: Run, tmp_path: Path, existing: bool) -> None:
    if existing:
        (tmp_path / "cluster").mkdir()
        done = run("scan", "cluster", cwd=tmp_path)
        assert "write ./cluster for the folder" in done.stderr
    done = run("scan", "./cluster", cwd=tmp_path)
    assert ("nothing to judge" if existing else "No such file") in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["cluster", "--offline"], "--offline opens no socket"),
        ([".", "--context", "prod"], "add the path `cluster`"),
        (["cluster", "--in-cluster", "--context", "prod"], "--in-cluster reads no kubeconfig"),
        (["cluster", "--in-cluster"], "only inside a pod"),
        (["cluster", "--kubeconfig", "no/such/file"], "does not exist"),
        (["cluster", "--as-group", "admins"], "--as-group needs --as"),
    ],
)
def test_wrong_usage(
    run: Run, server: Replay, kubeconfig: Kubeconfig, args: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", kubeconfig(server.url))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    done = run("scan", *args)
    assert done.returncode == 2
    assert message in done.stderr


def test_owned_pods_add_only_what_differs_from_their_owners(scan: Scan, server: Replay) -> None:
    """Pods of the recording are bound and have token volumes, tolerations and a node: none of that is a finding."""
    pods = [json.loads(item) for item in server.recording.items["/api/v1/pods"]]
    owned = {pod["metadata"]["name"] for pod in pods if pod["metadata"].get("ownerReferences")}
    assert len(owned) > 40
    assert any("kube-api-access" in json.dumps(pod["spec"]["volumes"]) for pod in pods)
    _, document, _ = scan("--profile", "all")
    named = {f["resource"]["name"] for f in document["findings"] if f["resource"]["kind"] in ("Pod", "ReplicaSet")}
    assert named & owned == set()


def test_an_injected_container_is_told_of_the_pod(scan: Scan, server: Replay) -> None:
    pods = [json.loads(item) for item in server.recording.items["/api/v1/pods"]]
    pod = next(p for p in pods if p["metadata"].get("ownerReferences"))
    pod["spec"]["containers"].append({"name": "injected", "image": "evil:1", "securityContext": {"privileged": True}})
    pod["spec"]["ephemeralContainers"] = [
        {"name": "debug", "image": "busybox", "securityContext": {"privileged": True}}
    ]
    server.recording.put("/api/v1/pods", "PodList", "v1", pods)
    _, document, _ = scan()
    found = [f for f in document["findings"] if f["resource"]["name"] == pod["metadata"]["name"]]
    privileged = [f["locations"][0]["path"] for f in found if f["rule"] == "privileged-container"]
    assert sorted(privileged) == [
        f"spec.containers[{len(pod['spec']['containers']) - 1}].securityContext.privileged",
        "spec.ephemeralContainers[0].securityContext.privileged",
    ]


def test_the_rights_that_are_printed_are_enough(run: Run, scan: Scan, server: Replay) -> None:
    import yaml

    done = run("rbac-manifest", "--with-secrets")
    account, role, binding = yaml.safe_load_all(done.stdout)
    assert (account["kind"], role["kind"], binding["kind"]) == ("ServiceAccount", "ClusterRole", "ClusterRoleBinding")
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "seawall", "namespace": "seawall"}]

    def allowed(verb: str, group: str, resource: str) -> bool:
        for rule in role["rules"]:
            if verb not in rule["verbs"]:
                continue
            if resource in rule.get("resources", ()) and group in rule["apiGroups"]:
                return True
            urls = rule.get("nonResourceURLs", ())
            if resource in urls or any(url.endswith("*") and resource.startswith(url[:-1]) for url in urls):
                return True
        return False

    server.allowed = allowed
    code, document, stderr = scan()
    assert (code, stderr) == (1, "")
    assert document["summary"]["complete"] is True
    server.allowed = lambda verb, group, resource: resource != "secrets" and allowed(verb, group, resource)
    assert scan()[1]["summary"]["complete"] is True


def test_the_rights_are_least(run: Run) -> None:
    plain, whole = run("rbac-manifest").stdout, run("rbac-manifest", "--with-secrets").stdout
    assert "- secrets\n" not in plain
    assert "- secrets\n" in whole
    for word in ("*'", "create", "update", "delete", "watch", "proxy", "- get\n  - list"):
        assert word not in plain.replace("/*", "")
    # Its own scan finds nothing to say against it.
    assert run("scan", "-", stdin=plain.encode()).returncode == 0


def test_the_job_of_the_guide_is_one_that_seawall_lets_pass(run: Run) -> None:
    guide = (REPOSITORY / "docs" / "guide" / "cluster.md").read_text()
    manifest = guide.split("```yaml\n")[1].split("```")[0]
    done = run("scan", "-", "--fail-on", "high", stdin=manifest.encode())
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["Not A Name", "-x", "a" * 64, "x\ny"])
def test_names_that_would_break_the_manifest_are_refused(run: Run, name: str) -> None:
    done = run("rbac-manifest", f"--name={name}")
    assert done.returncode == 2
    assert "no name that Kubernetes takes" in done.stderr


def test_pods_whose_owner_was_not_read_are_judged_themselves(scan: Scan, server: Replay) -> None:
    before = {f["fingerprint"] for f in scan()[1]["findings"]}
    server.faults["/apis/batch/v1/jobs"] = [Fault("status", 403)]
    code, document, _ = scan()
    assert code == 2
    more = [f["resource"]["kind"] for f in document["findings"] if f["fingerprint"] not in before]
    assert set(more) == {"Pod"}


@pytest.mark.skipif(
    not (os.environ.get("SEAWALL_E2E_CLUSTER") and os.environ.get("KUBECONFIG")),
    reason="SEAWALL_E2E_CLUSTER=1 and KUBECONFIG name a real cluster",
)
def test_a_real_cluster(run: Run, tmp_path: Path) -> None:
    done = run("scan", "cluster", "--format", "json", "--fail-on", "none")
    document = json.loads(done.stdout)
    assert document["summary"]["resources"] > 0
    assert done.returncode in (0, 2), done.stderr
    saved = run("snapshot", "-o", str(tmp_path / "real.snapshot"))
    assert saved.returncode == done.returncode, saved.stderr
    again = json.loads(run("scan", str(tmp_path / "real.snapshot"), "--format", "json").stdout)
    assert again["summary"]["kubernetesVersion"] == document["summary"]["kubernetesVersion"]
