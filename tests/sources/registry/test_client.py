"""The registry client: against Debian's docker-registry, with tokens and TLS too, and against servers of ours."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from seawall.engine.images import ImageOptions, read_image
from seawall.model.images import ImageInventory, Platform
from seawall.sources.images.errors import ImageError
from seawall.sources.images.places import PlaceOptions
from seawall.sources.registry.client import Registry, RegistryOptions
from seawall.sources.registry.reference import parse_image
from seawall.sources.registry.referring import referrers
from seawall.sources.web.errors import ApiError, WebError
from seawall.sources.web.patience import Patience
from tests.registry import Answer, Serve, digest, push_blob, push_manifest, running_registry
from tests.sources.images.build import INDEX, MANIFEST, Built, build, index_of
from tests.sources.images.test_places import is_whole

HASTY = Patience(bytes=4 << 20, tries=3, pause=0.01)
zstd = pytest.importorskip("backports.zstd")


def pull(reference: str, platform: Platform | None = None, **options: object) -> ImageInventory:
    registry = RegistryOptions(patience=HASTY, **options)  # type: ignore[arg-type]
    return read_image(reference, ImageOptions(PlaceOptions(platform, registry)))


def push(host: str, name: str, tag: str, image: Built, token: dict[str, str] | None = None) -> str:
    for data in image.blobs.values():
        push_blob(host, name, data, token)
    return push_manifest(host, name, tag, image.manifest, image.media_type, token)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers = Serve()
    yield servers
    servers.close()


@pytest.fixture(autouse=True)
def no_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.mark.parametrize("image", [build(), build(docker=True), build(pack=zstd.compress), build(pack=bytes)])
def test_images_of_every_form(registry: str, image: Built) -> None:
    pinned = push(registry, "team/app", "v1", image)
    for reference in (
        f"{registry}/team/app:v1",
        f"registry:{registry}/team/app@{pinned}",
        f"{registry}/team/app:v1@{pinned}",
    ):
        found = pull(reference)
        assert is_whole(found) and found.digest == pinned and found.platform == Platform("linux", "amd64")


def test_an_index(registry: str) -> None:
    images = [(build(), "linux/amd64"), (build(architecture="arm64"), "linux/arm64")]
    for image, _ in images:
        push(registry, "multi", "one", image)
    pinned = push_manifest(registry, "multi", "all", index_of(*images), INDEX)
    for image, platform in images:
        found = pull(f"{registry}/multi:all", Platform(*platform.split("/")))
        assert found.digest == image.digest and found.index_digest == pinned and not found.not_looked


def test_what_is_not_there(registry: str) -> None:
    with pytest.raises(ImageError, match=f"{registry} has no nothing of version v1"):
        pull(f"{registry}/nothing:v1")
    with pytest.raises(ImageError, match="--offline was given"):
        read_image("nginx", ImageOptions(PlaceOptions(offline=True)))
    with pytest.raises(ImageError, match=r"127.0.0.1:9 cannot be reached: .*Connection refused"):
        pull("127.0.0.1:9/a:1")


def test_a_platform_that_one_image_is_not_for(registry: str) -> None:
    push(registry, "team/app", "v2", build())
    with pytest.raises(ImageError, match="is for linux/amd64, not for linux/arm64"):
        pull(f"{registry}/team/app:v2", Platform("linux", "arm64"))


class TokenServer:
    """Gives tokens as docker-registry wants them, to user ``me`` with password ``pass word``; counts who asks."""

    def __init__(self, serve: Serve, folder: Path) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tokens")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self._key.public_key())
        builder = builder.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        certificate = builder.sign(self._key, hashes.SHA256())
        self._chain = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
        (folder / "roots.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.asked: list[str] = []
        self.host = serve.full(self._answer)
        self.config = (
            f"auth: {{token: {{realm: 'http://{self.host}/token', service: tests, issuer: us, "
            f"rootcertbundle: {folder}/roots.pem}}}}\n"
        )

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        query = parse_qs(body.decode() if method == "POST" else urlsplit(path).query)
        scope = query["scope"][0]
        self.asked.append(f"{method} {scope}")
        given = headers.get("authorization", "")
        allowed = given == "Basic " + base64.b64encode(b"me:pass word").decode() or query.get("refresh_token") == ["I"]
        if not allowed:
            return 401, {}, b"{}"
        field = "access_token" if method == "POST" else "token"
        return 200, {}, json.dumps({field: self.token(scope), "expires_in": 60}).encode()

    def token(self, scope: str) -> str:
        kind, name, actions = scope.split(":")
        claims = {
            "iss": "us", "aud": "tests", "sub": "me", "jti": "1", "iat": int(time.time()), "nbf": int(time.time()) - 9,
            "exp": int(time.time()) + 60, "access": [{"type": kind, "name": name, "actions": actions.split(",")}],
        }  # fmt: skip
        header = {"alg": "RS256", "typ": "JWT", "x5c": [self._chain]}
        signed = f"{_packed(json.dumps(header).encode())}.{_packed(json.dumps(claims).encode())}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_packed(signature)}"


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_a_real_registry_with_tokens(serve: Serve, tmp_path: Path) -> None:
    tokens = TokenServer(serve, tmp_path)
    with running_registry(tmp_path, tokens.config) as host:
        bearer = {"Authorization": f"Bearer {tokens.token('repository:team/app:pull,push')}"}
        push(host, "team/app", "v1", build(), bearer)
        with pytest.raises(ImageError, match=f"{host} refuses access .401.: log in with `docker login {host}`"):
            pull(f"{host}/team/app:v1")
        tokens.asked.clear()
        for auth in ({"auth": base64.b64encode(b"me:pass word").decode()}, {"identitytoken": "I"}):
            (tmp_path / "config.json").write_text(json.dumps({"auths": {host: auth}}))
            assert is_whole(pull(f"{host}/team/app:v1"))
        # One token for all of an image's parts, by the way that the login asks for.
        assert tokens.asked == ["GET repository:team/app:pull", "POST repository:team/app:pull"]
        with pytest.raises(ImageError, match="refuses access"):
            pull(f"{host}/team/app:v1", anonymous=True)


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    return trustme.CA()


def test_a_real_registry_with_tls(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaf = authority.issue_cert("127.0.0.1", "localhost")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = f", tls: {{certificate: {tmp_path}/cert.pem, key: {tmp_path}/key.pem}}"
    with running_registry(tmp_path, tls=tls) as host:
        with pytest.raises(ImageError, match=r"the certificate is not trusted.*SSL_CERT_FILE"):
            pull(f"{host}/a:1")
        with pytest.raises(ImageError, match="has no a of version 1"):
            pull(f"{host}/a:1", insecure=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with pytest.raises(ImageError, match="has no a of version 1"):
            pull(f"{host}/a:1")


def image_server(image: Built) -> dict[str, bytes]:
    """What is at which path of a registry that holds the image as a:1."""
    parts = {f"/v2/a/blobs/{key}": data for key, data in image.blobs.items()}
    return parts | {"/v2/a/manifests/1": image.manifest, f"/v2/a/manifests/{image.digest}": image.manifest}


IMAGE = build(pack=bytes)
PARTS = image_server(IMAGE)
BIG = next(path for path, data in PARTS.items() if len(data) == max(map(len, IMAGE.blobs.values())))


def test_a_busy_registry_is_asked_again(serve: Serve) -> None:
    asked: list[str] = []

    def answer(path: str, headers: dict[str, str]) -> Answer:
        asked.append(path)
        if asked.count(path) == 1:
            return 429, {"Retry-After": "0"}, b""
        return (503, {}, b"") if asked.count(path) == 2 else (200, {}, PARTS[path])

    assert is_whole(pull(f"{serve(answer)}/a:1"))


@pytest.mark.parametrize(
    ("status", "told"),
    [(429, "too many requests; log in, use a mirror, or wait"), (503, "answered with status 503"), (418, "status 418")],
)
def test_a_registry_that_stays_busy(serve: Serve, status: int, told: str) -> None:
    asked: list[str] = []

    def answer(path: str, headers: dict[str, str]) -> Answer:
        asked.append(path)
        return status, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, b""

    with pytest.raises(ImageError, match=told):
        pull(f"{serve(answer)}/a:1")
    assert len(asked) == (1 if status == 418 else HASTY.tries)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_blob_that_breaks_off_goes_on_where_it_did(serve: Serve, ranges: bool) -> None:
    asked: list[str] = []

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        data = PARTS[path]
        if path != BIG:
            return 200, {}, data
        asked.append(headers.get("range", ""))
        if len(asked) < 5:
            start = int(headers["range"][6:-1]) if ranges and "range" in headers else 0
            told = {"Content-Length": str(len(data) - start)}
            if start:
                told["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            # One byte more than last time, and then silence.
            return 206 if start else 200, told, data[start : (len(asked)) * 1000]
        return 200, {}, data

    assert is_whole(pull(f"{serve.full(answer)}/a:1"))
    assert asked == ["", "bytes=1000-", "bytes=2000-", "bytes=3000-", "bytes=4000-"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((206, {"Content-Range": "bytes 5-9/10"}, b"x"), "another part of the blob"),
        ((200, {"Content-Length": "99999"}, b"x"), "ended early"),
        ((404, {}, b""), "has no a of version sha256:"),
        ((200, {}, b"x" * 200_000), "more of sha256:"),
    ],
)
def test_blobs_that_are_not_what_they_should_be(serve: Serve, answer: Answer, told: str) -> None:
    started: list[str] = []

    def respond(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path != BIG:
            return 200, {}, PARTS[path]
        started.append(path)
        if len(started) == 1 and answer[0] == 206:
            return 200, {"Content-Length": "20000"}, b"y" * 100
        return answer

    with pytest.raises(ImageError, match=told):
        pull(f"{serve.full(respond)}/a:1")


def test_other_bytes_than_the_digest_says_are_not_used(serve: Serve) -> None:
    def answer(path: str, headers: dict[str, str]) -> Answer:
        data = PARTS[path]
        return 200, {}, data[:-512] + b"\1" * 512 if path == BIG else data

    image = pull(f"{serve(answer)}/a:1")
    assert "that are not of this digest" in image.not_looked[0].reason and not image.packages and image.os is None


def test_mirrors_are_asked_first_and_may_fail(serve: Serve) -> None:
    seen: list[str] = []

    def mirror(path: str, headers: dict[str, str]) -> Answer:
        seen.append(path)
        return (200, {}, PARTS[path.partition("?")[0]]) if working else (404, {}, b"")

    working = True
    host = serve(mirror)
    mirrors = (("origin.example:1", f"http://{host}"),)
    assert is_whole(pull("origin.example:1/a:1", mirrors=mirrors))
    assert seen[0] == "/v2/a/manifests/1?ns=origin.example%3A1"
    working = False
    origin = serve(lambda path, headers: (200, {}, PARTS[path]))
    assert is_whole(pull(f"{origin}/a:1", mirrors=((origin, f"http://{host}"), ("*", "http://127.0.0.1:9"))))


def test_a_mirror_does_not_get_the_login_of_the_registry(serve: Serve, tmp_path: Path) -> None:
    given: list[str] = []

    def answer(path: str, headers: dict[str, str]) -> Answer:
        given.append(headers.get("authorization", ""))
        wanted = "Basic bWlycm9yOnB3"
        if given[-1] != wanted:
            return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""
        return 200, {}, PARTS[path.partition("?")[0]]

    host = serve(answer)
    origin = {"auth": base64.b64encode(b"me:secret").decode()}
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"127.0.0.1:9": origin}}))
    mirrors = (("127.0.0.1:9", f"http://{host}"),)
    with pytest.raises(ImageError, match="cannot be reached"):
        pull("127.0.0.1:9/a:1", mirrors=mirrors)
    assert given == [""]
    own = {"auth": base64.b64encode(b"mirror:pw").decode()}
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"127.0.0.1:9": origin, host: own}}))
    assert is_whole(pull("127.0.0.1:9/a:1", mirrors=mirrors))


def test_a_login_is_sent_to_the_registry_alone(serve: Serve, tmp_path: Path) -> None:
    leaked: list[str] = []

    def store(path: str, headers: dict[str, str]) -> Answer:
        leaked.append(headers.get("authorization", ""))
        return 200, {}, PARTS[path]

    other = serve(store)

    def answer(path: str, headers: dict[str, str]) -> Answer:
        if headers.get("authorization") != "Basic bWU6cHc=":
            return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""
        return (307, {"Location": f"http://{other}{path}"}, b"") if "blobs" in path else (200, {}, PARTS[path])

    host = serve(answer)
    (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": "bWU6cHc="}}}))
    assert is_whole(pull(f"{host}/a:1"))
    assert leaked and not any(leaked)
    (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": "bWU6cHg="}}}))
    with pytest.raises(ImageError, match=r"refuses access .401."):
        pull(f"{host}/a:1")


def test_insecure_speaks_tls_first_and_plain_http_where_there_is_none(serve: Serve) -> None:
    host = serve(lambda path, headers: (200, {}, PARTS[path])).replace("127.0.0.1", "localhost")
    registry = Registry(parse_image(f"{host}/a:1"), RegistryOptions(insecure=True, patience=HASTY))
    registry._root = f"https://{host}"  # as for a host that is not loopback
    assert registry.manifest("1").digest == IMAGE.digest and registry.root == f"http://{host}"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>", "is no JSON"),
        (b'{"schemaVersion": 1, "fsLayers": []}', "first manifest schema"),
        (b'{"schemaVersion": 2}', "neither that of an image nor an index"),
        (b'{"schemaVersion": 2, "manifests": []}', "an index without images"),
        (b'{"schemaVersion": 2, "manifests": [{"digest": "x"}]}', "neither sha256 nor sha512"),
        (b'{"schemaVersion": 2, "config": null, "layers": [3]}', "malformed manifest"),
        (
            b'{"schemaVersion": 2, "layers": [], "config": {"digest": "sha256:' + b"0" * 64
            + b'", "mediaType": "application/vnd.cncf.helm.config.v1+json"}}',
            "an artifact of the type 'application/vnd.cncf.helm.config.v1",
        ),
        (b"[" * 100_000, "malformed|no JSON"),
        (b" " * (5 << 20), "more than 4 MiB"),
    ],
)  # fmt: skip
def test_manifests_that_are_none(serve: Serve, body: bytes, told: str) -> None:
    host = serve(lambda path, headers: (200, {}, body))
    with pytest.raises(ImageError, match=told):
        pull(f"{host}/a:1")


def _referring(subject: str) -> bytes:
    item = {"mediaType": MANIFEST, "digest": digest(b"sbom"), "size": 4, "artifactType": "application/spdx+json"}
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [item]}).encode()


def test_referrers_by_the_api_and_by_the_tag_that_stands_in(serve: Serve) -> None:
    subject = digest(b"image")

    def modern(path: str, headers: dict[str, str]) -> Answer:
        if path == f"/v2/a/referrers/{subject}":
            return 200, {"Link": f'</v2/a/referrers/{subject}?page=2>; rel="next"'}, _referring(subject)
        return (200, {}, _referring(subject)) if path.endswith("?page=2") else (404, {}, b"")

    def old(path: str, headers: dict[str, str]) -> Answer:
        found = path == f"/v2/a/manifests/{subject.replace(':', '-')}"
        return (200, {}, _referring(subject)) if found else (404, {}, b"")

    for answer, count in [(modern, 2), (old, 1), (lambda path, headers: (404, {}, b""), 0)]:
        registry = Registry(parse_image(f"{serve(answer)}/a:1"), RegistryOptions(patience=HASTY))
        assert [item.artifact_type for item in referrers(registry, subject)] == ["application/spdx+json"] * count
    registry = Registry(parse_image(f"{serve(lambda p, h: (200, {}, b'['))}/a:1"), RegistryOptions(patience=HASTY))
    with pytest.raises(WebError, match="list of referrers is malformed"):
        referrers(registry, subject)
    registry = Registry(parse_image(f"{serve(lambda p, h: (403, {}, b''))}/a:1"), RegistryOptions(patience=HASTY))
    with pytest.raises(ApiError, match="refuses access"):
        referrers(registry, subject)


def test_nobody_hangs_up_on_us_for_ever(serve: Serve) -> None:
    host = serve.full(lambda method, path, headers, body: None)
    with pytest.raises(ImageError, match="hung up"):
        pull(f"{host}/a:1")


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (307, {"Location": "http://["}),
        (307, {"Location": "https://[::1/x"}),
        (307, {"Location": "https://example.com:99999/"}),
        (401, {"WWW-Authenticate": 'Bearer realm="https://[",service="x"'}),
        (401, {"WWW-Authenticate": 'Bearer realm="https://example.com:x/",service="x"'}),
    ],
)
def test_addresses_that_make_no_sense_are_refused(serve: Serve, status: int, headers: dict[str, str]) -> None:
    host = serve(lambda path, asked: (status, headers, b""))
    with pytest.raises(ImageError, match=r"makes no sense|leads to"):
        pull(f"{host}/a:1")


def test_a_next_page_that_makes_no_sense_is_refused(serve: Serve) -> None:
    host = serve(lambda path, asked: (200, {"Link": '<http://[>; rel="next"'}, b'{"repositories": []}'))
    registry = Registry(parse_image(f"{host}/a:1"), RegistryOptions(patience=HASTY))
    reply = registry.get("/v2/_catalog")
    with pytest.raises(WebError, match="makes no sense"):
        registry.next_page(reply)
