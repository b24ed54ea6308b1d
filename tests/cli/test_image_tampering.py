"""Images of a real registry whose signatures were tampered with, each in another way: none is trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from seawall.model.trust import Attached
from tests.analysis.trust.made import (
    BUNDLE_TYPE,
    OTHER,
    attached,
    b64,
    key_bundle,
    keyless_bundle,
    legacy,
    p256,
    simple,
    statement,
)
from tests.cli.test_registry import push
from tests.cli.trusting import (
    FILES,
    KEY,
    KEYED,
    KEYLESS,
    SIGSTORE,
    attach,
    attach_legacy,
    findings,
    image,
    pushed,
    rules,
    verify,
    write_policy,
)
from tests.conftest import Run
from tests.registry import Answer, Serve, push_manifest, running_registry
from tests.sources.images.build import BASE, INDEX, Built, build, index_of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("HOME", "DOCKER_CONFIG", "XDG_STATE_HOME", "SEAWALL_CACHE"):
        monkeypatch.setenv(each, str(tmp_path / "home"))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers = Serve()
    yield servers
    servers.close()


def test_not_signed(run: Run, host: str, tmp_path: Path) -> None:
    reference, _ = pushed(host, "bare")
    policy = write_policy(tmp_path, KEYED, FILES)
    assert verify(run, policy, reference)[0] == 1
    code, document, _ = findings(run, policy, reference)
    assert (code, rules(document)) == (1, {"image-not-signed"})


def test_wrong_key(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "wrong-key")
    attach(host, "shop/wrong-key", digest, attached(key_bundle(p256(), statement(digest))))
    code, document, _ = findings(run, write_policy(tmp_path, KEYED, FILES), reference)
    assert (code, rules(document)) == (1, {"signer-not-trusted"})


def test_replayed_onto_another_image(run: Run, host: str, tmp_path: Path) -> None:
    _, signed = pushed(host, "genuine")
    reference, digest = pushed(host, "replayed")
    attach(host, "shop/replayed", digest, attached(key_bundle(KEY, statement(signed))))
    attach_legacy(host, "shop/replayed", digest, legacy(KEY, simple(signed)))
    code, document, _ = findings(run, write_policy(tmp_path, KEYED, FILES), reference)
    assert (code, rules(document)) == (1, {"signature-invalid"})


def test_tag_moved_to_another_image(run: Run, host: str, tmp_path: Path) -> None:
    """Somebody pushes another image under a tag whose image was signed."""
    reference, digest = pushed(host, "moved")
    attach(host, "shop/moved", digest, attached(key_bundle(KEY, statement(digest))))
    policy = write_policy(tmp_path, KEYED, FILES)
    assert verify(run, policy, reference)[0] == 0
    push(host, "shop/moved", "1", image("evil"))
    code, document, _ = findings(run, policy, reference)
    assert (code, rules(document)) == (1, {"image-not-signed"})
    pinned = f"{reference.rpartition(':')[0]}@{digest}"
    assert verify(run, policy, pinned)[0] == 0


def test_stripped_of_the_identity_for_a_key(run: Run, host: str, tmp_path: Path) -> None:
    """Downgraded: where an identity is asked for, an older signature of a bare key does not do."""
    reference, digest = pushed(host, "downgraded")
    attach_legacy(host, "shop/downgraded", digest, legacy(p256(), simple(digest)))
    code, document, _ = findings(run, write_policy(tmp_path, KEYLESS, FILES), reference)
    assert (code, rules(document)) == (1, {"signer-not-trusted"})


def test_downgraded_to_the_older_form(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "older")
    attach_legacy(host, "shop/older", digest, legacy(KEY, simple(digest)))
    signers = [{**KEYED["signers"][0], "legacy": False}]
    code, document, _ = findings(run, write_policy(tmp_path, KEYED | {"signers": signers}, FILES), reference)
    assert (code, rules(document)) == (1, {"signature-invalid"})


def test_stripped_of_its_signature(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "stripped")
    attach(host, "shop/stripped", digest, attached(key_bundle(KEY, statement(digest))))
    policy = write_policy(tmp_path, KEYED, FILES)
    assert verify(run, policy, reference)[0] == 0
    attach(host, "shop/stripped", digest)
    code, document, _ = findings(run, policy, reference)
    assert (code, rules(document)) == (1, {"image-not-signed"})


def test_changed_payload_and_changed_signature(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "changed")
    document = keyless_bundle(SIGSTORE, statement(OTHER))
    document["dsseEnvelope"]["payload"] = b64(statement(digest))
    policy = write_policy(tmp_path, KEYLESS, FILES)
    attach(host, "shop/changed", digest, attached(document))
    code, found, _ = findings(run, policy, reference)
    assert (code, rules(found)) == (1, {"signature-invalid"})
    document = keyless_bundle(SIGSTORE, statement(digest))
    document["dsseEnvelope"]["signatures"][0]["sig"] = b64(b"\x30\x06\x02\x01\x01\x02\x01\x01")
    attach(host, "shop/changed", digest, attached(document))
    code, found, _ = findings(run, policy, reference)
    assert (code, rules(found)) == (1, {"signature-invalid"})


def test_swapped_certificate(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "swapped")
    document = keyless_bundle(SIGSTORE, statement(digest))
    mallory = SIGSTORE.certificate(p256())
    document["verificationMaterial"]["certificate"]["rawBytes"] = b64(mallory.public_bytes(Encoding.DER))
    attach(host, "shop/swapped", digest, attached(document))
    code, found, _ = findings(run, write_policy(tmp_path, KEYLESS, FILES), reference)
    assert (code, rules(found)) == (1, {"signature-invalid"})


def test_another_identity(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "mallory")
    key = p256()
    certificate = SIGSTORE.certificate(key, "https://github.com/mallory/x/.github/workflows/x.yml@refs/heads/main")
    found = keyless_bundle(SIGSTORE, statement(digest), key=key, certificate=certificate)
    attach(host, "shop/mallory", digest, attached(found))
    code, document, _ = findings(run, write_policy(tmp_path, KEYLESS, FILES), reference)
    assert (code, rules(document)) == (1, {"signer-not-trusted"})
    assert "mallory" in document["findings"][0]["message"]


def test_rubbish_beside_a_good_signature_blocks_nobody(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "rubbish")
    rubbish = [Attached("bundle", "", BUNDLE_TYPE, each) for each in (b"", b"{", b"\xff" * 100, b"[" * 100_000)]
    attach(host, "shop/rubbish", digest, *rubbish, attached(key_bundle(KEY, statement(digest))))
    code, document, stderr = verify(run, write_policy(tmp_path, KEYED, FILES), reference)
    assert (code, stderr) == (0, "")
    assert len(document["images"][0]["refusals"]) == 4


def test_the_index_is_what_is_signed(run: Run, host: str, tmp_path: Path) -> None:
    """Of an image for several platforms the index counts; a signature of one of its images is none of the others."""
    one, two = image("platform-one"), build([BASE], architecture="arm64")
    index = index_of((one, "linux/amd64"), (two, "linux/arm64"))
    for each in (one, two):
        push(host, "shop/platforms", each.digest, each)
    digest = push_manifest(host, "shop/platforms", "1", index, INDEX)
    policy = write_policy(tmp_path, KEYED, FILES)
    reference = f"{host}/shop/platforms:1"
    attach(host, "shop/platforms", one.digest, attached(key_bundle(KEY, statement(one.digest))))
    assert verify(run, policy, reference)[0] == 1
    assert verify(run, policy, f"{host}/shop/platforms@{one.digest}")[0] == 0
    attach(host, "shop/platforms", digest, attached(key_bundle(KEY, statement(digest))))
    assert verify(run, policy, reference)[0] == 0


def test_a_registry_that_does_not_tell_is_no_pass(run: Run, serve: Serve, tmp_path: Path) -> None:
    """Signatures that cannot be fetched: not judged, an error, exit 2 - neither signed nor unsigned."""
    built = image("silent")

    def answer(path: str, headers: dict[str, str]) -> Answer:
        if "/referrers/" in path or path.endswith((".sig", ".att")):
            return 403, {}, b"{}"
        if "/manifests/" in path:
            return 200, {"Content-Type": built.media_type}, built.manifest
        return 200, {}, built.blobs.get(path.rpartition("/")[2], b"")

    reference = f"{serve(answer)}/shop/silent:1"
    policy = write_policy(tmp_path, KEYED, FILES)
    code, document, stderr = verify(run, policy, reference)
    assert (code, document["images"]) == (2, [])
    assert "not judged" in stderr
    code, document, _ = findings(run, policy, reference)
    assert (code, rules(document)) == (2, set())
    assert {each["state"] for each in document["statuses"]} == {"not-judged"}


def referring(built: Built, found: list[tuple[Attached, str]], pages: int = 1) -> Any:
    """A registry with the referrers API, which tells a part on each page."""
    digests = [digest for _, digest in found]

    def answer(path: str, headers: dict[str, str]) -> Answer:
        if "/referrers/" in path:
            page = int(path.partition("page=")[2] or 0)
            kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
            listed = [
                {"mediaType": "m", "digest": each, "size": 1, "artifactType": kind} for each in digests[page::pages]
            ]
            more = {"Link": f'<{path.partition("?")[0]}?page={page + 1}>; rel="next"'} if page + 1 < pages else {}
            return 200, more, json.dumps({"manifests": listed}).encode()
        for each, digest in found:
            if path.endswith(digest):
                return 200, {}, each.data
        if path.endswith((".sig", ".att")):
            return 404, {}, b"{}"
        if "/manifests/" in path:
            return 200, {"Content-Type": built.media_type}, built.manifest
        return 200, {}, built.blobs.get(path.rpartition("/")[2], b"")

    return answer


def test_more_signatures_than_are_read_are_no_pass(run: Run, serve: Serve, tmp_path: Path) -> None:
    built = image("flooded")
    flood = [(attached({"mediaType": "x"}), f"sha256:{number:064x}") for number in range(150)]
    reference = f"{serve(referring(built, flood, pages=3))}/shop/flooded:1"
    code, document, stderr = verify(run, write_policy(tmp_path, KEYED, FILES), reference)
    assert (code, document["images"]) == (2, [])
    assert "150 signatures are attached" in stderr
