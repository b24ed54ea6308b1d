"""`seawall kubeconfig audit` on files as they lie on a machine."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.conftest import Run

CONTEXTS = """\
contexts:
- name: prod
  context: {cluster: prod, user: jane}
- name: gone
  context: {cluster: nowhere, user: nobody}
current-context: prod
"""
KUBECONFIG = f"""\
apiVersion: v1
kind: Config
clusters:
- name: prod
  cluster: {{server: "https://api.example.com:6443", certificate-authority: ca.crt}}
users:
- name: jane
  user: {{client-certificate: jane.crt, client-key: jane.key}}
{CONTEXTS}"""


def certificate(days: int = 365, group: str = "dev", start: datetime | None = None) -> bytes:
    """A certificate in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group), x509.NameAttribute(NameOID.COMMON_NAME, "jane")]
    begins = start or datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(x509.Name(names)).issuer_name(x509.Name(names))
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(begins).not_valid_after(begins + timedelta(days=days))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A kubeconfig with its files, all of them well kept."""
    folder = tmp_path / "kube"
    folder.mkdir(mode=0o700)
    contents = {
        "config": KUBECONFIG.encode(),
        "jane.crt": certificate(),
        "jane.key": b"a key",
        "ca.crt": b"an authority",
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)
    return folder


def audit(run: Run, *args: str | Path) -> tuple[int, dict[str, Any]]:
    """The exit code and the document; other users' files are left out, they are those of whoever runs the tests."""
    done = run("kubeconfig", "audit", *map(str, args), "--no-others", "--format", "json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def told(document: dict[str, Any]) -> dict[str, str]:
    return {finding["rule"]: finding["message"] for finding in document["findings"]}


def test_a_well_kept_kubeconfig_has_only_what_is_lost(run: Run, folder: Path) -> None:
    code, document = audit(run, folder / "config")
    assert code == 0
    assert document["summary"]["complete"]
    assert set(told(document)) == {"kubeconfig-lost-reference"}
    lost = document["findings"]
    assert {finding["message"] for finding in lost} == {
        "the context 'gone' is for the cluster 'nowhere', which no file has",
        "the context 'gone' is for the user 'nobody', which no file has",
    }


def test_modes_of_the_file_its_folder_and_its_key(run: Run, folder: Path) -> None:
    (folder / "config").chmod(0o644)
    (folder / "jane.key").chmod(0o640)
    folder.chmod(0o777)
    code, document = audit(run, folder / "config")
    found = told(document)
    assert code == 1
    assert found["kubeconfig-file-mode"] == "its mode is 0644: everyone on the machine may read it"
    assert found["kubeconfig-key-file-mode"].endswith("jane.key has the mode 0640: its group may read it")
    assert found["kubeconfig-folder-writable"] == "the mode of its folder is 0777"
    key = next(each for each in document["findings"] if each["rule"] == "kubeconfig-key-file-mode")
    assert key["locations"][0]["path"] == "users[0].user.client-key"


def test_a_certificate_in_a_file_of_its_own(run: Run, folder: Path) -> None:
    (folder / "jane.crt").write_bytes(certificate(3650, "system:masters", datetime(2015, 1, 1, tzinfo=UTC)))
    _, document = audit(run, folder / "config")
    found = told(document)
    assert found["kubeconfig-masters-certificate"] == "the certificate of 'jane' is for 'jane' in system:masters"
    assert found["kubeconfig-long-certificate"] == "the certificate of 'jane' holds for 3650 days"
    assert found["kubeconfig-stale-credential"].startswith("the certificate of 'jane' ended on 2024-12")


def test_a_missing_file(run: Run, folder: Path) -> None:
    (folder / "jane.key").unlink()
    _, document = audit(run, folder / "config")
    assert any(each["message"].endswith("jane.key (client-key) is not there") for each in document["findings"])


def test_a_program_that_others_may_replace(run: Run, folder: Path) -> None:
    tools = folder / "tools"
    tools.mkdir()
    tools.chmod(0o777)
    (tools / "login").write_text("#!/bin/sh\n")
    (tools / "login").chmod(0o755)
    user = f"- name: joe\n  user:\n    exec: {{command: {tools}/login, args: []}}\n"
    (folder / "config").write_text(KUBECONFIG.replace("contexts:", f"{user}contexts:"))
    assert told(audit(run, folder / "config")[1])["kubeconfig-plugin-writable"] == (
        f"everyone may write to the folder of {tools}/login"
    )


def test_several_files_are_taken_together(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = folder / "other"
    other.write_text(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: nowhere\n  cluster: {server: 'https://b.example.com'}\n"
        "users:\n- name: nobody\n  user: {exec: {command: kubelogin}}\n"
        "- name: jane\n  user: {exec: {command: kubelogin}}\n"
    )
    other.chmod(0o600)
    monkeypatch.setenv("KUBECONFIG", f"{folder}/config{os.pathsep}{other}{os.pathsep}{folder}/absent")
    code, document = audit(run)
    assert code == 0
    assert told(document) == {"kubeconfig-shadowed-name": f"the user 'jane' is that of {folder}/config"}


def test_no_secret_is_told(run: Run, folder: Path) -> None:
    claims = base64.urlsafe_b64encode(b'{"iss":"kubernetes/serviceaccount","sub":"system:serviceaccount:ci:bot"}')
    token = f"eyJhbGciOiJSUzI1NiJ9.{claims.decode().rstrip('=')}.c2lnbmF0dXJl"
    text = KUBECONFIG.replace("{client-certificate: jane.crt, client-key: jane.key}", f"{{token: {token}}}")
    text = text.replace("ca.crt}", "ca.crt, proxy-url: 'http://u:hunter22@proxy.example.com'}")
    (folder / "config").write_text(text)
    for form in ("json", "terminal", "sarif", "html", "markdown"):
        done = run("kubeconfig", "audit", str(folder / "config"), "--no-others", "--format", form)
        assert done.returncode == 1
        assert token not in done.stdout
        assert "hunter22" not in done.stdout + done.stderr
    assert told(audit(run, folder / "config")[1])["kubeconfig-endless-token"] == (
        "the token of 'jane' for the service account ci/bot has no end"
    )


@pytest.mark.parametrize("text", ["a: [", "apiVersion: v1\nkind: Pod\n", "just text", ""])
def test_what_is_no_kubeconfig_is_told(run: Run, folder: Path, text: str) -> None:
    (folder / "config").write_text(text)
    code, document = audit(run, folder / "config")
    assert code == 2
    assert not document["summary"]["complete"]
    assert [error["source"] for error in document["errors"]] == [str(folder / "config")]


def test_a_file_that_is_absent_is_told(run: Run, tmp_path: Path) -> None:
    done = run("kubeconfig", "audit", str(tmp_path / "none"), "--no-others")
    assert done.returncode == 2
    assert "cannot be read: No such file or directory" in done.stderr
