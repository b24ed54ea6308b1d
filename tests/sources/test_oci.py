"""Artifacts in registries: from Debian's docker-registry, and from servers of ours that mean harm."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.sources.oci import OciError, pull
from seawall.sources.registry.client import RegistryOptions
from seawall.sources.registry.reference import parse_artifact
from seawall.sources.web.errors import WebError
from seawall.sources.web.patience import Patience
from tests.conftest import Run
from tests.kube import CHARTS
from tests.registry import Answer, Serve, digest, push_blob, push_manifest, running_registry

POD = b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true}\n"
FLUX = "application/vnd.cncf.flux.content.v1.tar+gzip"
HELM = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def tgz(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def manifest_of(layers: list[tuple[str, bytes, str]]) -> bytes:
    described = [
        {
            "mediaType": kind,
            "digest": digest(data),
            "size": len(data),
            "annotations": {"org.opencontainers.image.title": title},
        }
        for kind, data, title in layers
    ]
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": described}).encode()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A docker-registry on loopback: its host and port."""
    with running_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


def push(host: str, name: str, tag: str, layers: list[tuple[str, bytes, str]]) -> str:
    for data in [b"{}", *(data for _, data, _ in layers)]:
        push_blob(host, name, data)
    return push_manifest(host, name, tag, manifest_of(layers), MANIFEST)


def test_manifests_as_flux_packs_them(run: Run, registry: str) -> None:
    pinned = push(registry, "flux/app", "v1", [(FLUX, tgz({"deploy/a.yaml": POD}), "")])
    for version in (":v1", f"@{pinned}", f":v1@{pinned}"):
        done = run("scan", f"oci://{registry}/flux/app{version}", "--rule", "host-pid")
        assert done.returncode == 1, done.stderr
        assert f"oci://{registry}/flux/app{version}/deploy/a.yaml:4:8" in done.stdout
        assert "4 | spec: {hostPID: true}" in done.stdout


def test_files_as_oras_pushes_them(run: Run, registry: str) -> None:
    push(registry, "oras/app", "latest", [("application/yaml", POD, "../a.yaml")])
    done = run("scan", f"oci://{registry}/oras/app", "--rule", "host-pid")
    assert done.returncode == 1, done.stderr
    assert f"oci://{registry}/oras/app/a.yaml:4:8" in done.stdout


def test_a_chart(run: Run, registry: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "c.tgz", "w:gz") as archive:
        archive.add(CHARTS / "shop", "shop")
    push(registry, "charts/shop", "1.2.0_build", [(HELM, (tmp_path / "c.tgz").read_bytes(), "")])
    done = run("scan", f"oci://{registry}/charts/shop:1.2.0+build", "--set", "hostNetwork=true")
    assert done.returncode == 1, done.stderr
    assert "shop/templates/deployment.yaml:20:7  spec.template.spec.hostNetwork" in done.stdout


def test_what_is_not_there_and_offline(run: Run, registry: str) -> None:
    done = run("scan", f"oci://{registry}/flux/nothing:v9")
    assert done.returncode == 2 and "has no flux/nothing of version v9" in done.stderr
    done = run("scan", f"oci://{registry}/flux/app:v1", "--offline")
    assert done.returncode == 2 and "--offline was given" in done.stderr


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers = Serve()
    yield servers
    servers.close()


HASTY = RegistryOptions(patience=Patience(bytes=4 << 20, tries=2, pause=0.01))
LAYER = tgz({"a.yaml": POD})
GOOD = manifest_of([(FLUX, LAYER, "")])


def test_a_token_is_fetched_with_the_stored_login(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    login = base64.b64encode(b"me:secret").decode()

    def answer(path: str, headers: dict[str, str]) -> Answer:
        given = headers.get("authorization", "")
        if path.startswith("/token"):
            seen.append(f"{path} {given}")
            return 200, {}, b'{"token": "T0"}'
        if given != "Bearer T0":
            challenge = f'Bearer realm="http://{host}/token",service="s",scope="repository:a/b:pull"'
            return 401, {"WWW-Authenticate": challenge}, b""
        return 200, {}, GOOD if "manifests" in path else LAYER

    host = serve(answer)
    (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": login}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert pull(f"oci://{host}/a/b:1")[0].data == LAYER
    assert seen == [f"/token?service=s&scope=repository%3Aa%2Fb%3Apull Basic {login}"]


def test_a_blob_is_redirected_and_the_token_stays_here(serve: Serve) -> None:
    leaked: list[str] = []

    def store(path: str, headers: dict[str, str]) -> Answer:
        leaked.append(headers.get("authorization", ""))
        return 200, {}, LAYER

    other = serve(store)

    def answer(path: str, headers: dict[str, str]) -> Answer:
        if path.startswith("/token"):
            return 200, {}, b'{"access_token": "T1"}'
        if "authorization" not in headers:
            return 401, {"WWW-Authenticate": f'Bearer realm="http://{host}/token"'}, b""
        return (200, {}, GOOD) if "manifests" in path else (307, {"Location": f"http://{other}/blob"}, b"")

    host = serve(answer)
    assert pull(f"oci://{host}/a/b:1")[0].data == LAYER
    assert leaked == [""]


@pytest.mark.parametrize(
    ("manifest", "blob", "message"),
    [
        ((200, {}, GOOD), (200, {}, LAYER + b"x"), "is not sha256:"),
        ((200, {}, b"<html>"), (200, {}, LAYER), "is no JSON"),
        ((200, {}, b"[" * 100000), (200, {}, LAYER), "is no JSON"),
        ((200, {}, b"[]"), (200, {}, LAYER), "is no JSON object"),
        ((200, {}, b'{"manifests": []}'), (200, {}, LAYER), "is no artifact"),
        ((200, {}, b'{"layers": [3]}'), (200, {}, LAYER), "malformed"),
        ((200, {}, b'{"layers": [{"digest": "md5:x"}]}'), (200, {}, LAYER), "which is not sha256"),
        ((500, {}, b""), (200, {}, LAYER), "status 500"),
        ((401, {"WWW-Authenticate": 'Bearer realm="http://example.com/t"'}, b""), (200, {}, LAYER), "without TLS"),
        ((401, {}, b""), (200, {}, LAYER), "refuses access"),
        ((200, {}, GOOD), (307, {"Location": "http://example.com/x"}, b""), "not HTTPS"),
        ((200, {}, GOOD), (307, {"Location": "/again"}, b""), "in a circle"),
        ((200, {}, b" " * (5 << 20)), (200, {}, LAYER), "more than 4 MiB"),
    ],
)
def test_registries_that_mean_harm(serve: Serve, manifest: Answer, blob: Answer, message: str) -> None:
    host = serve(lambda path, headers: manifest if "manifests" in path else blob)
    with pytest.raises(OciError, match=message):
        pull(f"oci://{host}/a/b:1", HASTY)


def test_a_digest_that_was_asked_for_is_kept_to(serve: Serve) -> None:
    host = serve(lambda path, headers: (200, {}, GOOD))
    with pytest.raises(OciError, match="is not sha256:0000"):
        pull(f"oci://{host}/a/b@sha256:{'0' * 64}")


def test_nobody_answers() -> None:
    with pytest.raises(OciError, match="cannot be reached"):
        pull("oci://127.0.0.1:9/a/b:1", HASTY)


@pytest.mark.parametrize(
    "text", ["oci://", "oci://host", "oci://host/UPPER:1", "oci://user@host/a:1", "oci://h/a:b:c", "oci://h/a@sha1:00"]
)
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(WebError, match="is no reference"):
        parse_artifact(text)


def test_references() -> None:
    assert parse_artifact("oci://ghcr.example/a/b").version == "latest"
    assert parse_artifact("oci://h:5000/a:1.0+x").version == "1.0_x"
    assert parse_artifact("oci://[::1]:5000/a:1").host == "[::1]:5000"
