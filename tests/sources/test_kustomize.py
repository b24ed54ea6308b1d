"""Overlays: what is built, where it is said to come from, what is judged once, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.kube import OVERLAYS, program

Scan = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def scan(scan_json: Scan) -> Scan:
    kubectl = program("kubectl")
    return lambda *args: scan_json(*args, "--kustomize", kubectl)


@pytest.fixture
def overlays(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OVERLAYS, tmp_path / "repo"))


def places(document: dict[str, Any], root: Path) -> dict[tuple[str, str, str], str]:
    """Rule, namespace and object -> file:line:column of each finding."""
    out = {}
    for finding in document["findings"]:
        place = finding["locations"][0]
        file = Path(place["file"]).relative_to(root)
        resource = finding["resource"]
        key = (finding["rule"], resource["namespace"], resource["name"])
        out[key] = f"{file}:{place['line']}:{place['column']}"
    return out


def test_where_findings_come_from(scan: Scan, overlays: Path) -> None:
    code, document = scan(str(overlays))
    assert code == 1 and document["summary"]["complete"]
    found = places(document, overlays)
    expected = {
        ("privileged-container", "dev", "web"): "overlays/dev/privileged.yaml:11:13",
        ("host-network", "dev", "web"): "overlays/dev/kustomization.yaml:16:13",
        ("host-pid", "dev", "web"): "components/debug/kustomization.yaml:7:9",
        ("host-ipc", "dev", "web"): "base/web.yaml:20:7",
        ("host-ipc", "prod", "live-web-v2"): "base/web.yaml:20:7",
        ("image-latest-tag", "prod", "live-web-v2"): "overlays/prod/kustomization.yaml:8:5",
        ("image-latest-tag", "dev", "web"): "base/web.yaml:25:11",
        ("secret-in-manifest", "dev", "login"): "base/kustomization.yaml:11:9",
        ("secret-in-manifest", "prod", "live-login-v2"): "base/kustomization.yaml:11:9",
        ("host-pid", "tools", "loose"): "extra/loose.yaml:7:3",
        ("host-pid", "tools", "not-listed"): "overlays/prod/not-listed.yaml:7:3",
    }
    assert {key: found[key] for key in expected} == expected
    rendered = [e for f in document["findings"] for e in f["evidence"] if e["type"] == "rendered"]
    assert rendered and not any(evidence.get("likely") for evidence in rendered)
    assert {evidence["unit"] for evidence in rendered} == {str(overlays / f"overlays/{n}") for n in ("dev", "prod")}


def test_bases_are_judged_in_their_overlays_only(scan: Scan, overlays: Path) -> None:
    _, document = scan(str(overlays))
    assert document["summary"]["skipped"]["a Kustomize base (judged in the overlays that use it)"] == 2
    namespaces = {f["resource"]["namespace"] for f in document["findings"] if f["rule"] == "host-ipc"}
    assert namespaces == {"dev", "prod"}
    _, alone = scan(str(overlays / "base"))
    assert places(alone, overlays)["host-ipc", None, "web"] == "base/web.yaml:20:7"  # type: ignore[index]


def test_a_named_overlay_reaches_its_base(scan: Scan, overlays: Path) -> None:
    _, document = scan(str(overlays / "overlays" / "prod"))
    assert places(document, overlays)["host-ipc", "prod", "live-web-v2"] == "base/web.yaml:20:7"


def test_overlays_of_one_object_are_set_apart_and_stable(scan: Scan, overlays: Path) -> None:
    for name in ("dev", "prod"):
        (overlays / "overlays" / name / "kustomization.yaml").write_text("resources: [../../base]\n")
    prints = [
        [f["fingerprint"] for f in scan(str(overlays))[1]["findings"] if f["rule"] == "host-ipc"] for _ in range(2)
    ]
    assert len(set(prints[0])) == 2 and sorted(prints[0]) == sorted(prints[1])


def test_a_setting_that_changes_keeps_the_findings_of_its_secret(scan: Scan, overlays: Path) -> None:
    def prints() -> set[str]:
        _, document = scan(str(overlays / "overlays" / "dev"))
        return {f["fingerprint"] for f in document["findings"] if f["rule"] == "secret-in-manifest"}

    before = prints()
    file = overlays / "base" / "kustomization.yaml"
    file.write_text(file.read_text().replace("user=shop", "user=shop2"))
    assert before and prints() == before


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("resources:\n- https://github.com/a/b?ref=v1\n", "2:3", "is remote; give --allow-remote"),
        ("resources:\n- github.com/a/b//c?ref=v1\n", "2:3", "is remote"),
        ("resources: [gone.yaml]\n", "1:13", "does not exist"),
        ("resources: [../deeper]\n", "", "has none of"),
        ("nonsense: true\n", "", "cannot be built"),
        ("resources: [\n", "2:1", "did not find"),
        ("- a\n", "", "must be one mapping"),
        ("helmCharts: [{name: x, repo: 'https://example.com'}]\n", "", "enable-helm"),
    ],
)
def test_overlays_that_cannot_be_built(scan: Scan, tmp_path: Path, text: str, where: str, message: str) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "deeper").mkdir()
    (tmp_path / "app" / "kustomization.yaml").write_text(text)
    code, document = scan(str(tmp_path / "app"))
    assert code == 2
    (error,) = document["errors"]
    assert message in error["message"] and error["where"] == where, error
    assert str(tmp_path) in error["source"]


def test_a_remote_base_of_a_base_is_refused(scan: Scan, overlays: Path) -> None:
    (overlays / "base" / "kustomization.yaml").write_text("resources: [web.yaml, 'https://example.com/x.yaml']\n")
    code, document = scan(str(overlays / "overlays" / "dev"))
    assert code == 2 and "is remote" in document["errors"][0]["message"]
    assert document["errors"][0]["source"].endswith("base/kustomization.yaml")


def test_a_component_that_nothing_uses_is_not_judged(run: Run, overlays: Path) -> None:
    done = run("scan", str(overlays / "components"), "--kustomize", program("kubectl"))
    assert done.returncode == 2
    assert "no overlay of the scan uses it" in done.stderr


def test_without_kustomize_an_overlay_is_not_judged(run: Run, overlays: Path) -> None:
    done = run("scan", str(overlays), "--kustomize", "/nonexistent/kustomize")
    assert done.returncode == 2
    assert done.stderr.count("not judged: needs rendering (Kustomize overlay: --kustomize") == 2
    assert "host-pid" in done.stdout  # what needs no building is judged all the same


def test_an_old_kustomize_is_refused(run: Run, overlays: Path, tmp_path: Path) -> None:
    old = tmp_path / "kustomize"
    old.write_text("#!/bin/sh\necho '{Version:kustomize/v4.5.7 GitCommit:x}'\n")
    old.chmod(0o755)
    done = run("scan", str(overlays), "--kustomize", str(old))
    assert done.returncode == 2
    assert "needs Kustomize 5 or newer" in done.stderr and "has version 4" in done.stderr


def test_a_program_that_hangs_or_floods_is_stopped(tmp_path: Path) -> None:
    from seawall.sources.child import Bounds
    from seawall.sources.kustomize import Kustomize, KustomizeError, read_kustomization

    (tmp_path / "kustomization.yaml").write_text("resources: []\n")
    fake = tmp_path / "kustomize"
    for action, message in (("exec /bin/sleep 60", "ran longer than 2 s"), ("exec /usr/bin/yes", "wrote more than")):
        fake.write_text(f'#!/bin/sh\nif [ "$1" = version ]; then echo v5.0.0; else {action}; fi\n')
        fake.chmod(0o755)
        kustomize = Kustomize(str(fake), Bounds(seconds=2.0, output=1 << 20), allow_remote=False)
        with pytest.raises(KustomizeError, match=message):
            kustomize.build(read_kustomization(str(tmp_path), str(tmp_path)))


def test_flux_objects_in_files_of_that_name_are_manifests(scan: Scan, tmp_path: Path) -> None:
    text = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux}\n"
    (tmp_path / "kustomization.yaml").write_text(text + "spec: {path: ./apps, interval: 1h, prune: true}\n")
    code, document = scan(str(tmp_path))
    assert code == 0 and document["summary"]["resources"] == 1


def test_generated_secrets_are_never_shown(run: Run, overlays: Path) -> None:
    for name in ("terminal", "json", "html", "sarif", "markdown"):
        done = run("scan", str(overlays), "--kustomize", program("kubectl"), "--limit", "0", "--format", name)
        assert "secret-in-manifest" in done.stdout
        assert "correct-horse" not in done.stdout and "Y29ycmVjdC1ob3JzZ" not in done.stdout
