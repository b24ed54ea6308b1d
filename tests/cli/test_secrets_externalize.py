"""``seawall secrets externalize``: what is written, what is told, and what the commands do that it tells."""

from __future__ import annotations

import base64
import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY, Run
from tests.engine.test_externalize import DEPLOYMENT, SECRET, STORE

BOTH = SECRET % "tr0ub4dor" + "---\n" + DEPLOYMENT % "abcDEF123456"
VALUES = ("tr0ub4dor", "abcDEF123456")
KUBECTL = REPOSITORY / ".tools" / "bin" / "kubectl"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with a Secret and a Deployment."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.yaml").write_text(BOTH)
    return folder


def assert_hidden(*texts: str) -> None:
    """No value stands in what was given out."""
    for text in texts:
        for value in VALUES:
            assert value not in text
            assert base64.b64encode(value.encode()).decode() not in text


def test_standard_output_has_the_files_and_standard_error_what_to_do(run: Run, app: Path) -> None:
    done = run("secrets", "externalize", str(app), "--store", "vault")
    assert done.returncode == 0, done.stderr
    kinds = [value["kind"] for value in yaml.safe_load_all(done.stdout)]
    assert kinds == ["ExternalSecret", "Deployment", "ExternalSecret"]
    assert "| vault kv put -mount=secret shop/cart-db -" in done.stderr
    assert "replace them" in done.stderr
    assert_hidden(done.stdout, done.stderr)
    assert (app / "app.yaml").read_text() == BOTH


def test_what_is_written_is_clean_when_it_is_scanned(run: Run, scan_json: Any, app: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("secrets", "externalize", str(app), "--store", "vault", "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in out.rglob("*") if path.is_file()] == ["app.yaml"]
    assert_hidden((out / "app.yaml").read_text(), done.stdout, done.stderr)
    _, before = scan_json(str(app))
    _, after = scan_json(str(out))
    rules = {finding["rule"] for finding in before["findings"]}
    gone = rules - {finding["rule"] for finding in after["findings"]}
    assert {"secret-in-manifest", "literal-secret-in-env"} <= gone
    assert {finding["rule"] for finding in after["findings"]} - rules == {"secret-in-env"}


@pytest.mark.parametrize("provider", ["vault", "aws", "gcp", "azure"])
def test_the_commands_put_the_values_into_the_store(
    run: Run, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    if shutil.which("yq") is None:
        pytest.skip("yq is not installed")
    secret = "data:\n  store.jks: yMnKy8w=\n  key.pem: LS0KYQo=\nstringData:"
    (app / "app.yaml").write_text(BOTH.replace("stringData:", f'{secret}\n  cert: "x\\n\\n"', 1))
    done = run("secrets", "externalize", str(app), "--store", "vault", "--provider", provider)
    assert done.returncode == 0, done.stderr
    commands = [line.strip() for line in done.stderr.splitlines() if line.startswith("  yq")]
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("vault", "aws", "gcloud", "az"):
        script = '#!/bin/sh\nn=$(ls "$OUT" | wc -l)\nprintf "%s\\n" "$*" > "$OUT/$n.args"\ncat > "$OUT/$n.value"\n'
        (tools / name).write_text(script)
        (tools / name).chmod((tools / name).stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("KEYVAULT", "shop")
    monkeypatch.setenv("OUT", str(tmp_path / "sent"))
    (tmp_path / "sent").mkdir()
    for command in dict.fromkeys(commands):
        subprocess.run(["/bin/bash", "-euo", "pipefail", "-c", command], check=True, timeout=60)
    sent = [(tmp_path / "sent" / f"{path.stem}.value").read_bytes() for path in (tmp_path / "sent").glob("*.args")]
    if provider in ("vault", "aws"):
        made = [json.loads(each) for each in sent]
        assert {"API_TOKEN": "abcDEF123456"} in made
        assert {"password": "tr0ub4dor", "store.jks": "yMnKy8w=", "key.pem": "--\na\n", "cert": "x\n\n"} in made
    else:
        keystore = b"yMnKy8w=\n" if provider == "azure" else b"\xc8\xc9\xca\xcb\xcc"
        assert sorted(sent) == sorted([b"abcDEF123456", b"tr0ub4dor", keystore, b"--\na\n", b"x\n\n"])


@pytest.mark.parametrize("kind", ["ExternalSecret", "SecretProviderClass"])
def test_the_patch_is_a_component_that_kustomize_takes(run: Run, app: Path, tmp_path: Path, kind: str) -> None:
    if not KUBECTL.exists():
        pytest.skip("kubectl is not there; run make tools")
    (app / "app.yaml").write_text(f"{BOTH}      volumes: [{{name: db, secret: {{secretName: cart-db}}}}]\n")
    out = tmp_path / "component"
    options = ("--kind", kind, "--parameter", "roleName=shop", "--store", "vault", "--format", "patch")
    done = run("secrets", "externalize", str(app), *options, "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["external-secrets.yaml", "kustomization.yaml"]
    assert_hidden(*(path.read_text() for path in out.iterdir()))
    root = {"resources": ["app/app.yaml"], "components": ["component"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(root))
    built = subprocess.run([KUBECTL, "kustomize", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert built.returncode == 0, built.stderr
    assert_hidden(built.stdout)
    plain = run("secrets", "externalize", str(app), *options[:-2])
    assert by_name(built.stdout) == by_name(plain.stdout)


def by_name(text: str) -> dict[tuple[str, str], Any]:
    """The objects of a text by kind and name."""
    return {(value["kind"], value["metadata"]["name"]): value for value in yaml.safe_load_all(text)}


def test_standard_input_is_taken(run: Run) -> None:
    done = run("secrets", "externalize", "-", "--store", "ClusterSecretStore/main", stdin=BOTH.encode())
    assert done.returncode == 0, done.stderr
    first = next(yaml.safe_load_all(done.stdout))
    assert first["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "main"}
    assert_hidden(done.stdout, done.stderr)


def test_what_stays_fails_the_run(run: Run, app: Path) -> None:
    done = run("secrets", "externalize", str(app), "--kind", "SecretProviderClass", "--parameter", "roleName=shop")
    assert done.returncode == 1
    assert "stays: " in done.stderr
    assert_hidden(done.stdout, done.stderr)


def test_a_file_that_cannot_be_read_is_told_without_its_text(run: Run, app: Path) -> None:
    (app / "b.yaml").write_text("kind: Secret\nstringData: {password: tr0ub4dor\n")
    done = run("secrets", "externalize", str(app), "--store", "vault")
    assert done.returncode == 2
    assert "b.yaml" in done.stderr
    assert_hidden(done.stdout, done.stderr)


def test_something_new_and_as_bad_holds_all_back(run: Run, app: Path, tmp_path: Path) -> None:
    policy = tmp_path / "seawall.yaml"
    policy.write_text(
        "profiles:\n  own:\n    extends: default\n    severity: {secret-in-env: critical}\nprofile: own\n"
    )
    done = run("secrets", "externalize", str(app), "--store", "vault", "--config", str(policy))
    assert done.returncode == 2
    assert "a new finding of secret-in-env (critical) would appear" in done.stderr
    assert "nothing was written" in done.stderr
    assert not done.stdout


def test_a_clean_folder_needs_no_store(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(STORE % ("SecretStore", "main", ", namespace: shop", "vault"))
    done = run("secrets", "externalize", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing stands in clear" in done.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "name one with --store"),
        (("--kind", "SecretProviderClass"), "needs --parameter roleName=..."),
        (("--store", "vault", "--parameter", "roleName"), "must be KEY=VALUE"),
    ],
)
def test_wrong_use_is_told(run: Run, app: Path, options: tuple[str, ...], told: str) -> None:
    done = run("secrets", "externalize", str(app), *options)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
