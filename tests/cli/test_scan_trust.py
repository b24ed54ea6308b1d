"""``seawall scan --trust``: names of images without network, and the images of workloads as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.images.made import database as advisories
from tests.analysis.images.made import osv
from tests.analysis.trust.made import (
    attached,
    key_bundle,
    statement,
)
from tests.cli.trusting import (
    FILES,
    KEY,
    KEYED,
    attach,
    pushed,
    rules,
    write_policy,
)
from tests.conftest import Run
from tests.registry import free_host, running_registry


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("HOME", "DOCKER_CONFIG", "XDG_STATE_HOME", "SEAWALL_CACHE"):
        monkeypatch.setenv(each, str(tmp_path / "home"))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


def workload(reference: str) -> bytes:
    container = {"name": "app", "image": reference}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    meta = {"name": "web", "namespace": "shop"}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}).encode()


def scanned(run: Run, stdin: bytes, *args: str, cwd: Path | None = None) -> tuple[int, dict[str, Any], str]:
    done = run("scan", "-", "--format", "json", "--rule", "untrusted-registry", *args, stdin=stdin, cwd=cwd)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def test_a_plain_scan_judges_names(run: Run, tmp_path: Path) -> None:
    (tmp_path / "seawall.yaml").write_text("trust: {registries: [ghcr.io], repositories: ['docker.io/library/*']}\n")
    for reference, code in (("nginx:1", 0), ("ghcr.io/a/b:1", 0), ("evil.example/a:1", 1), ("someone/nginx", 1)):
        done, document, _ = scanned(run, workload(reference), cwd=tmp_path)
        assert done == code, reference
        for found in document["findings"]:
            assert found["resource"]["name"] == "web"
            assert found["locations"][0]["path"] == "spec.template.spec.containers[0].image"
    assert run("config", "check", cwd=tmp_path).returncode == 0
    (tmp_path / "other").mkdir()
    policy = write_policy(tmp_path / "other", {"registries": ["registry.example"]})
    assert scanned(run, workload("nginx:1"), f"--trust={policy}", cwd=tmp_path)[0] == 1


def test_images_that_are_mounted_have_names_as_well(run: Run, tmp_path: Path) -> None:
    pod = json.loads(workload("registry.example/app:1"))
    volume = {"name": "models", "image": {"reference": "evil.example/models:1"}}
    pod["spec"]["template"]["spec"]["volumes"] = [{"name": "plain", "emptyDir": {}}, volume]
    policy = write_policy(tmp_path, {"registries": ["registry.example"]})
    code, document, _ = scanned(run, json.dumps(pod).encode(), f"--trust={policy}")
    (found,) = document["findings"]
    assert (code, found["resource"]["name"]) == (1, "web")
    assert found["locations"][0]["path"] == "spec.template.spec.volumes[1].image.reference"
    policy = write_policy(tmp_path, KEYED, FILES)
    code, document, _ = scanned(run, json.dumps(pod).encode(), "--verify-images", "--offline", f"--trust={policy}")
    assert {"evil.example/models:1", "registry.example/app:1"} == {
        each["source"].removeprefix("registry:") for each in document["errors"]
    }


def test_names_that_stand_for_nothing_are_told_on_a_scan(run: Run, tmp_path: Path) -> None:
    policy = write_policy(tmp_path, {"repositories": ["nginx"]})
    done = run("scan", "-", f"--trust={policy}", stdin=workload("nginx:1"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "trust: repositories[0]: 'nginx' names no registry" in done.stderr


def test_the_policy_beside_the_configuration_is_used(run: Run, tmp_path: Path) -> None:
    write_policy(tmp_path, {"registries": ["registry.example"]})
    assert scanned(run, workload("nginx:1"), cwd=tmp_path)[0] == 1
    (tmp_path / "seawall.yaml").write_text("trust: {registries: [docker.io]}\n")
    done = run("scan", "-", stdin=workload("nginx:1"), cwd=tmp_path)
    assert (done.returncode, "keep one" in done.stderr) == (2, True)


def test_config_check_looks_into_trust_policies(run: Run, tmp_path: Path) -> None:
    write_policy(tmp_path, KEYED, FILES)
    assert run("config", "check", cwd=tmp_path).returncode == 0
    write_policy(tmp_path, KEYED | {"signers": [{"name": "release", "keys": ["gone.pub"]}]})
    done = run("config", "check", cwd=tmp_path)
    assert done.returncode == 2
    assert "gone.pub cannot be read" in done.stdout
    (tmp_path / "seawall.yaml").write_text("trust:\n  signers:\n  - name: a\n    keyss: [x]\n")
    done = run("config", "check", "seawall.yaml", cwd=tmp_path)
    assert "seawall.yaml:4:5: trust.signers[0].keyss: there is no such key; did you mean `keys`?" in done.stdout


def test_workloads_are_told_with_their_images(run: Run, host: str, tmp_path: Path) -> None:
    reference, _ = pushed(host, "run-unsigned")
    signed, digest = pushed(host, "run-signed")
    attach(host, "shop/run-signed", digest, attached(key_bundle(KEY, statement(digest))))
    database = tmp_path / "db"
    advisories(database, [osv("CVE-2024-1", "Debian:12", "other", [{"introduced": "0"}])]).close()
    policy = write_policy(tmp_path, KEYED | {"registries": [host]}, FILES)
    args = ("--images", f"--db={database}", f"--trust={policy}", "--no-cache")
    code, document, stderr = scanned(run, workload(reference) + b"\n---\n" + workload(signed), *args)
    assert (code, stderr) == (1, "")
    (found,) = document["findings"]
    assert found["rule"] == "image-not-signed"
    assert found["resource"]["name"].startswith(f"{host}/shop/run-unsigned@sha256:")
    assert [each["resource"]["name"] for each in found["evidence"] if each["type"] == "resource"] == ["web"]
    alone = scanned(run, workload(reference), "--verify-images", f"--trust={policy}")
    assert (alone[0], rules(alone[1])) == (1, {"image-not-signed"})
    states = {each["rule"]: each["state"] for each in document["statuses"]}
    assert (states["image-not-signed"], states["signature-invalid"]) == ("ok", "ok")


def test_waivers_reach_the_images_of_workloads(run: Run, host: str, tmp_path: Path) -> None:
    reference, _ = pushed(host, "run-waived")
    policy = write_policy(tmp_path, KEYED | {"registries": [host]}, FILES)
    (tmp_path / "seawall-waivers.yaml").write_text(
        "waivers: [{rule: image-not-signed, select: {kind: Image, name: '*/run-waived@*'}, reason: r, owner: o, "
        "expires: 2999-01-31}]"
    )
    args = ("--verify-images", f"--trust={policy}")
    code, document, _ = scanned(run, workload(reference), *args, cwd=tmp_path)
    (found,) = document["findings"]
    assert (code, found["rule"], found["status"], found["waiver"]["reason"]) == (0, "image-not-signed", "waived", "r")


def test_workloads_whose_images_cannot_be_verified(run: Run, tmp_path: Path) -> None:
    """No policy, and no registry: never a pass."""
    done = run("scan", "-", "--verify-images", stdin=workload("nginx:1"), cwd=tmp_path)
    assert (done.returncode, "there is no trust policy" in done.stderr) == (2, True)
    policy = write_policy(tmp_path, KEYED, FILES)
    absent = f"{free_host()}/shop/app:1"
    code, document, stderr = scanned(run, workload(absent), "--verify-images", f"--trust={policy}", "--offline")
    assert (code, "not judged" in stderr) == (2, True)
    states = {each["rule"]: each["state"] for each in document["statuses"]}
    assert states["image-not-signed"] == "not-judged"
