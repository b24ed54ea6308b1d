"""``seawall registry audit``: against Debian's docker-registry, open and closed, and against servers of ours."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import trustme

from tests.conftest import REPOSITORY, Run
from tests.registry import Answer, Serve, digest, push_blob, push_manifest, running_registry
from tests.sources.images.build import INDEX, Built, build, index_of
from tests.sources.registry.test_client import TokenServer

SCHEMA = REPOSITORY / "src/seawall/reports/schemas/findings.v1.json"
RECENT = {"created": datetime.now(UTC).isoformat()}


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers = Serve()
    yield servers
    servers.close()


@pytest.fixture(autouse=True)
def no_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def push(host: str, name: str, tag: str, image: Built, token: dict[str, str] | None = None) -> str:
    for data in image.blobs.values():
        push_blob(host, name, data, token)
    return push_manifest(host, name, tag, image.manifest, image.media_type, token)


def audit(run: Run, *args: str) -> tuple[int, dict[str, Any], str]:
    done = run("registry", "audit", *args, "--format", "json")
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    return done.returncode, document, done.stderr


def found(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Rules with the last part of the resource that they fired on."""
    return {(f["rule"], f["resource"]["name"].rpartition("/")[2]) for f in document["findings"]}


def test_an_open_registry(run: Run, tmp_path: Path) -> None:
    with running_registry(tmp_path) as host:
        old, new = build(), build(config=RECENT)
        push(host, "shop/api", "v1.0.1", old)
        push(host, "shop/api", "latest", old)
        signed = push(host, "shop/web", "v2.0.1", new)
        push(host, "shop/web", signed.replace(":", "-") + ".sig", build([]))
        push(host, "shop/web", f"sha256-{'0' * 64}.sig", build([]))
        push(host, "shop/web", "v2.0.2", build(architecture="arm64", config=RECENT))
        push_manifest(host, "shop/web", "v2.0.3", index_of((new, "linux/amd64")), INDEX)
        code, document, _ = audit(run, f"http://{host}")
        assert code == 1 and document["summary"]["complete"]
        assert found(document) == {
            ("registry-plain-http", host),
            ("registry-anonymous-catalog", host),
            ("registry-anonymous-push", "api"),
            ("registry-anonymous-pull", "api"),
            ("registry-anonymous-push", "web"),
            ("registry-anonymous-pull", "web"),
            ("registry-moving-tag", "api"),
            ("registry-stale-image", "api"),
            ("registry-unsigned-image", "api"),
            ("registry-unsigned-image", "web"),
            ("registry-untagged-images", "web"),
        }
        told = {f["message"] for f in document["findings"]}
        assert "no signature refers to the image of the tag v2.0.2" in told
        assert not any("v2.0.1" in message for message in told)
        # The uploads that were begun are no more (a folder of hashes is what this registry itself leaves behind).
        assert not [path for path in (tmp_path / "data").rglob("_uploads/*/*") if path.name != "hashstates"]
        fingerprints = [f["fingerprint"] for f in document["findings"]]
        assert len(set(fingerprints)) == len(fingerprints)
        assert [f["fingerprint"] for f in audit(run, host)[1]["findings"]] == fingerprints
        code, document, errors = audit(run, f"{host}/shop/api", "--no-push", "--tags", "1", "--stale-days", "99999")
        assert code == 1 and {rule for rule, _ in found(document)} == {
            "registry-plain-http", "registry-anonymous-catalog", "registry-anonymous-pull", "registry-unsigned-image",
        }  # fmt: skip
        assert "1 of 2 tags were not looked at" in errors
        done = run("registry", "audit", host, "--repository", "shop/api")
        assert "registry-anonymous-push" in done.stdout and "shop/web" not in done.stdout


def test_a_closed_registry(run: Run, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=80))
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tokens = TokenServer(serve, tmp_path)
    with running_registry(tmp_path, tokens.config) as host:
        bearer = {"Authorization": f"Bearer {tokens.token('repository:shop/api:pull,push')}"}
        pinned = push(host, "shop/api", "v1.0.1", build(config=RECENT), bearer)
        push(host, "shop/api", pinned.replace(":", "-") + ".sig", build([]), bearer)
    with running_registry(
        tmp_path, tokens.config, f", tls: {{certificate: {tmp_path}/cert.pem, key: {tmp_path}/key.pem}}"
    ) as host:
        code, document, errors = audit(run, f"https://{host}/shop/api")
        assert code == 2 and found(document) == {("registry-certificate", host)}
        assert "the certificate is not trusted" in errors
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        code, document, errors = audit(run, f"https://{host}/shop/api")
        assert code == 2 and not document["findings"] and "log in with `docker login" in errors
        (tmp_path / "config.json").write_text(
            json.dumps({"auths": {host: {"auth": base64.b64encode(b"me:pass word").decode()}}})
        )
        code, document, errors = audit(run, f"https://{host}/shop/api")
        assert code == 0 and document["summary"]["complete"] and not document["findings"], errors
        assert "does not tell of images without a tag" in errors


def test_a_certificate_that_runs_out(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=7, hours=1))
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with running_registry(
        tmp_path, tls=f", tls: {{certificate: {tmp_path}/cert.pem, key: {tmp_path}/key.pem}}"
    ) as host:
        _, document, _ = audit(run, host)
        (finding,) = (f for f in document["findings"] if f["rule"] == "registry-certificate-expires")
        assert finding["message"].startswith("the certificate is valid for 7 days more, until 20")


def test_a_registry_that_tells_of_untagged_images(run: Run, serve: Serve) -> None:
    image = build(config=RECENT)
    parts = {f"/v2/a/blobs/{key}": data for key, data in image.blobs.items()} | {"/v2/a/manifests/v1": image.manifest}
    listed = {"tags": ["v1"], "manifest": {image.digest: {"tag": ["v1"]}, digest(b"x"): {"tag": []}, digest(b"y"): {}}}

    def answer(path: str, headers: dict[str, str]) -> Answer:
        path = path.partition("?")[0]
        if path in ("/v2/", "/v2/_catalog"):
            return 200, {}, b'{"repositories": ["a"]}'
        if path == "/v2/a/tags/list":
            return 200, {}, json.dumps(listed).encode()
        return (200, {}, parts[path]) if path in parts else (404, {}, b"")

    code, document, _ = audit(run, serve(answer))
    assert code == 1
    assert [f["message"] for f in document["findings"] if f["rule"] == "registry-untagged-images"] == [
        "2 images have no tag"
    ]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["127.0.0.1:9"], "cannot be reached|refused"),
        (["ftp://127.0.0.1"], "is no registry's address"),
        (["https://"], "is no image's name"),
        (["127.0.0.1", "--offline"], "--offline opens no socket"),
        (["127.0.0.1", "--tags", "0"], "must be 1 or more"),
    ],
)
def test_what_makes_no_sense(run: Run, args: list[str], told: str) -> None:
    done = run("registry", "audit", *args)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert any(part in done.stderr for part in told.split("|")), done.stderr


def test_a_registry_that_answers_nonsense(run: Run, serve: Serve) -> None:
    for body in (b"[", b'{"repositories": 3}', b"{}"):
        host = serve(lambda path, headers, body=body: (200, {}, body))  # type: ignore[misc]
        done = run("registry", "audit", host)
        assert done.returncode in (1, 2) and "Traceback" not in done.stderr
