"""Fetching what is attached to images: from a registry with the referrers API, without it, and from hostile ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.model.trust import Attached
from seawall.sources.registry.attached import MAX_ARTIFACTS, MAX_LAYERS, MAX_ONE, attached_to
from seawall.sources.registry.client import RegistryOptions
from seawall.sources.registry.reference import parse_image
from seawall.sources.web.errors import ApiError, Transient, WebError
from seawall.sources.web.patience import Patience
from tests.cli.trusting import INDEX, MANIFEST, artifact, attach, attach_legacy
from tests.registry import Answer, Serve, digest, push_blob, push_manifest, running_registry

IMAGE = "sha256:" + "a1" * 32
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
QUICK = RegistryOptions(patience=Patience(bytes=4 << 20, tries=2, pause=0.01, longest_pause=0.01))


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers = Serve()
    yield servers
    servers.close()


@pytest.fixture(autouse=True)
def no_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


def fetch(host: str, options: RegistryOptions = QUICK) -> list[Attached]:
    return attached_to(parse_image(f"{host}/shop/app:1"), IMAGE, options)


def answering(referrers: Any, blobs: dict[str, bytes], tags: dict[str, bytes] | None = None) -> Any:
    """A registry that has these referrers, blobs and manifests by digest, and manifests by tag."""

    def answer(path: str, headers: dict[str, str]) -> Answer:
        if "/referrers/" in path:
            return (200, {}, json.dumps({"manifests": referrers}).encode()) if referrers is not None else (404, {}, b"")
        last = path.rpartition("/")[2]
        found = blobs.get(last, (tags or {}).get(last))
        return (200, {}, found) if found is not None else (404, {}, b"{}")

    return answer


def one(kind: str, data: bytes, layer: str, **described: Any) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """An artifact of one layer: what the API lists, and the blobs."""
    body = artifact(kind, [{"mediaType": layer, "digest": digest(data), "size": len(data), **described}], None)
    listed = [{"mediaType": MANIFEST, "digest": digest(body), "size": len(body), "artifactType": kind}]
    return listed, {digest(body): body, digest(data): data}


def test_from_a_real_registry(tmp_path: Path) -> None:
    """Debian's has no referrers API: a tag stands in for it."""
    bundle = Attached("bundle", "", BUNDLE, b"{}")
    notation = Attached("notation", "", "application/jose+json", b"{ }")
    legacy = Attached("cosign", "", SIMPLE, b"payload", {"dev.cosignproject.cosign/signature": "x"})
    with running_registry(tmp_path) as host:
        body = artifact("text/plain", [], None)
        push_blob(host, "shop/app", b"{}")
        push_manifest(host, "shop/app", "1", body, MANIFEST)
        assert fetch(host) == []
        wheres = attach(host, "shop/app", IMAGE, bundle, notation)
        attach_legacy(host, "shop/app", IMAGE, legacy)
        found = fetch(host)
    assert [each.form for each in found] == ["bundle", "notation", "cosign"]
    assert [each.where for each in found[:2]] == wheres
    assert [each.data for each in found] == [b"{}", b"{ }", b"payload"]
    assert found[2].annotations == legacy.annotations


def test_types_that_the_list_does_not_tell(serve: Serve) -> None:
    """Older registries leave the type out of the list; the manifest has it, or its configuration does."""
    listed, blobs = one(BUNDLE, b"{}", BUNDLE)
    del listed[0]["artifactType"]
    assert [each.form for each in fetch(serve(answering(listed, blobs)))] == ["bundle"]
    old = json.loads(blobs[listed[0]["digest"]]) | {"artifactType": None}
    old["config"]["mediaType"] = "application/vnd.cncf.notary.signature"
    old["layers"][0]["mediaType"] = "application/cose"
    body = json.dumps(old).encode()
    host = serve(answering([{"digest": digest(body)}], {digest(body): body, digest(b"{}"): b"{}"}))
    assert [each.form for each in fetch(host)] == ["notation"]


def test_cosign_as_a_referrer(serve: Serve) -> None:
    listed, blobs = one("application/vnd.dev.cosign.artifact.sig.v1+json", b"payload", SIMPLE, annotations={"a": "b"})
    (found,) = fetch(serve(answering(listed, blobs)))
    assert (found.form, found.annotations) == ("cosign", {"a": "b"})


def test_other_artifacts_are_passed_over(serve: Serve) -> None:
    listed, blobs = one("application/spdx+json", b"{}", "application/spdx+json")
    assert fetch(serve(answering(listed, blobs))) == []


def test_a_mirror_without_them_hides_nothing(serve: Serve) -> None:
    listed, blobs = one(BUNDLE, b"{}", BUNDLE)
    host = serve(answering(listed, blobs))
    empty, broken = serve(answering([], {})), serve(lambda path, headers: (403, {}, b""))
    for mirror in (empty, broken):
        options = RegistryOptions(mirrors=((host, f"http://{mirror}"),), patience=QUICK.patience)
        assert [each.form for each in fetch(host, options)] == ["bundle"]


@pytest.mark.parametrize("status", [401, 403, 500])
def test_refusals_are_errors(serve: Serve, status: int) -> None:
    """Whatever part it is that the registry does not tell: nobody may take that for nothing being there."""
    listed, blobs = one(BUNDLE, b"{}", BUNDLE)
    for part in ("/referrers/", listed[0]["digest"], digest(b"{}"), ".sig", ".att"):
        whole = answering(listed, blobs)

        def answer(path: str, headers: dict[str, str], part: str = part, whole: Any = whole) -> Answer:
            return (status, {}, b"{}") if part in path else whole(path, headers)

        with pytest.raises((ApiError, Transient)):
            fetch(serve(answer))


def test_what_is_listed_and_gone_is_an_error(serve: Serve) -> None:
    listed, blobs = one(BUNDLE, b"{}", BUNDLE)
    with pytest.raises(ApiError):
        fetch(serve(answering(listed, {})))
    del blobs[digest(b"{}")]
    with pytest.raises(ApiError):
        fetch(serve(answering(listed, blobs)))


def test_other_bytes_than_the_digest_says(serve: Serve) -> None:
    listed, blobs = one(BUNDLE, b"{}", BUNDLE)
    with pytest.raises(WebError, match="is not sha256:"):
        fetch(serve(answering(listed, blobs | {digest(b"{}"): b"[]"})))
    with pytest.raises(WebError, match="is not sha256:"):
        fetch(serve(answering(listed, blobs | {listed[0]["digest"]: b"{}"})))


def test_too_many_and_too_large(serve: Serve) -> None:
    many = [{"digest": f"sha256:{number:064x}", "artifactType": BUNDLE} for number in range(MAX_ARTIFACTS + 1)]
    with pytest.raises(WebError, match="are the most"):
        fetch(serve(answering(many, {})))
    layers = [{"mediaType": SIMPLE, "digest": digest(b"{}"), "size": 2}] * (MAX_LAYERS + 1)
    tag = f"{IMAGE.replace(':', '-')}.sig"
    with pytest.raises(WebError, match="layers"):
        fetch(serve(answering([], {digest(b"{}"): b"{}"}, {tag: artifact("", layers, None)})))
    large = b"x" * (MAX_ONE + 1)
    listed, blobs = one(BUNDLE, large, BUNDLE)
    with pytest.raises(WebError, match="MiB at once"):
        fetch(serve(answering(listed, blobs)))


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"layers": 7}', b'{"layers": [{"digest": 7}]}', b'{"layers":' + b"[" * 50_000 + b"]" * 50_000],
)
def test_malformed_manifests(serve: Serve, body: bytes) -> None:
    tag = f"{IMAGE.replace(':', '-')}.sig"
    with pytest.raises(WebError, match="malformed"):
        fetch(serve(answering([], {}, {tag: body})))


def test_digests_that_are_none(serve: Serve) -> None:
    tag = f"{IMAGE.replace(':', '-')}.sig"
    for value in ("md5:00", "../../x", ""):
        body = artifact("", [{"mediaType": SIMPLE, "digest": value, "size": 1}], None)
        with pytest.raises(WebError, match="neither sha256 nor sha512"):
            fetch(serve(answering([], {}, {tag: body})))


def test_lists_without_an_end_are_an_error(serve: Serve) -> None:
    def answer(path: str, headers: dict[str, str]) -> Answer:
        return 200, {"Link": f'<{path.partition("?")[0]}?n=1>; rel="next"'}, b'{"manifests": []}'

    with pytest.raises(WebError, match="more than 50 pages"):
        fetch(serve(answer))


def test_an_index_under_the_tag_of_signatures_has_no_layers(serve: Serve) -> None:
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
    assert fetch(serve(answering([], {}, {f"{IMAGE.replace(':', '-')}.sig": body}))) == []
