"""Manifests, platforms and configurations: any document is one or an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model.images import Platform
from seawall.sources.images.config import read_config
from seawall.sources.images.errors import ImageError
from seawall.sources.images.manifest import choose, parse_platform, read_document
from tests.registry import digest
from tests.sources.images.build import CONFIG, MANIFEST

_KEYS = st.sampled_from(
    ["schemaVersion", "mediaType", "config", "layers", "manifests", "digest", "size", "platform", "annotations", "os",
     "architecture", "variant", "rootfs", "diff_ids", "history"]
)  # fmt: skip
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(digest(b"x")) | st.just("linux"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=20,
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=8) | _VALUES | st.binary(max_size=40))
def test_any_document_is_read_or_refused(value: object) -> None:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    for read in (read_document, read_config, lambda data: choose(data, digest(data), None, lambda item: data)):
        try:
            read(body)
        except ImageError as error:
            assert str(error)


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("arm64", Platform("linux", "arm64")),
        ("x86_64", Platform("linux", "amd64")),
        ("linux/arm/v7", Platform("linux", "arm", "v7")),
        ("Windows/amd64", Platform("windows", "amd64")),
    ],
)
def test_platforms(text: str, platform: Platform) -> None:
    assert parse_platform(text) == platform


@pytest.mark.parametrize("text", ["", "/", "linux/", "a/b/c/d"])
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(ImageError, match="is no platform"):
        parse_platform(text)


def _index(*platforms: str | None, **more: Any) -> bytes:
    items = []
    for platform in platforms:
        item: dict[str, Any] = {"mediaType": MANIFEST, "digest": digest(str(platform).encode()), "size": 1}
        if platform is not None:
            item["platform"] = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
        items.append(item | more)
    return json.dumps({"schemaVersion": 2, "manifests": items}).encode()


def _chosen(index: bytes, wanted: str | None) -> str:
    leaf = {"schemaVersion": 2, "config": {"digest": digest(b"c"), "mediaType": CONFIG}, "layers": []}
    found = choose(index, "", parse_platform(wanted) if wanted else None, lambda item: json.dumps(leaf).encode())
    return found.digest


@pytest.mark.parametrize(
    ("there", "wanted", "taken"),
    [
        (["linux/amd64", "linux/arm64"], "linux/arm64", "linux/arm64"),
        (["linux/arm64/v8"], "linux/arm64", "linux/arm64/v8"),
        (["linux/arm64"], "linux/arm64/v8", "linux/arm64"),
        (["linux/arm/v6", "linux/arm/v5"], "linux/arm/v7", "linux/arm/v6"),
        (["linux/arm/v6", "linux/arm/v7"], "linux/arm", "linux/arm/v7"),
        (["linux/amd64/v3", "linux/amd64"], "linux/amd64", "linux/amd64"),
        (["linux/amd64/v2", "linux/amd64"], "linux/amd64/v3", "linux/amd64/v2"),
        (["unknown/unknown", "linux/s390x"], None, "linux/s390x"),
        ([None], "linux/amd64", None),
        (["windows/amd64", "linux/amd64"], "linux/amd64", "linux/amd64"),
    ],
)
def test_which_of_several(there: list[str | None], wanted: str | None, taken: str | None) -> None:
    assert _chosen(_index(*there), wanted) == digest(str(taken).encode())


def test_none_of_several() -> None:
    with pytest.raises(ImageError, match="is not there for linux/arm/v6; --platform can be one of linux/arm/v7"):
        _chosen(_index("linux/arm/v7", "linux/arm/v8"), "linux/arm/v6")
    attestation = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    with pytest.raises(ImageError, match="an index without images"):
        _chosen(_index("linux/amd64", **attestation), None)
    body = _index("linux/amd64")
    with pytest.raises(ImageError, match="index of indexes of indexes"):
        choose(body, "", Platform("linux", "amd64"), lambda item: body)
