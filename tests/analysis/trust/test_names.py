"""Where images may be from, what they may be built on, how old they may be; and policies that would ask for nothing."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from msgspec import convert

from seawall.analysis.trust.errors import BadPolicy
from seawall.analysis.trust.form import TrustPolicy
from seawall.analysis.trust.names import matches
from seawall.engine.trustpolicy import name_problem, normal_name
from seawall.sources.registry.reference import parse_image
from tests.analysis.trust.judging import REPOSITORY, asking, judged
from tests.analysis.trust.made import NOW, p256, public_pem

LAYERS = tuple(f"sha256:{sha256(text.encode()).hexdigest()}" for text in ("base", "more", "own"))
BASE = f"sha256:{sha256(f'{LAYERS[0]} {LAYERS[1]}'.encode()).hexdigest()}"


@pytest.mark.parametrize(
    ("glob", "name", "fits"),
    [
        ("docker.io/library/*", "docker.io/library/nginx", True),
        ("docker.io/library/*", "docker.io/library/a/b", False),
        ("docker.io/*", "docker.io/library/nginx", False),
        ("docker.io/**", "docker.io/library/nginx", True),
        ("docker.io/library/nginx", "docker.io/library/nginx", True),
        ("docker.io/library/nginx", "docker.io/library/nginxx", False),
        ("docker.io/library/nginx", "evil.example/docker.io/library/nginx", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.example.com.evil.test", False),
        ("registry.example.com", "registryXexample.com", False),
        ("**", "anything/at/all", True),
        ("a.b/**/c", "a.b/x/y/c", True),
    ],
)
def test_globs(glob: str, name: str, fits: bool) -> None:
    assert matches((glob,), name) is fits


@pytest.mark.parametrize(
    ("image", "allowed"),
    [
        ("nginx", True), ("docker.io/nginx:1", True), ("index.docker.io/library/nginx", True), ("someone/nginx", False),
        ("DOCKER.IO/library/nginx", True), ("registry-1.docker.io/library/nginx", True),
        ("docker.io:443/library/a", True),
        ("ghcr.io/a/b@sha256:" + "0" * 64, True), ("GHCR.io/a/b", True), ("ghcr.io:8443/a/b", False),
        ("ghcr.io.evil.test/a/b", False), ("evil.test/ghcr.io/a", False), ("not an image", False), ("ghcr.io/", False),
    ],
)  # fmt: skip
def test_names_of_images(image: str, allowed: bool) -> None:
    form = convert({"registries": ["ghcr.io"], "repositories": ["docker.io/library/*"]}, TrustPolicy)
    assert (not name_problem(form, image)) is allowed


def test_no_other_spelling_escapes_a_requirement() -> None:
    """What is pulled from the same place has the same name."""
    for text in ("registry.example/shop/api", "REGISTRY.example/shop/api:1", "registry.example:443/shop/api"):
        assert normal_name(parse_image(text)) == REPOSITORY


def test_ages() -> None:
    def age(created: str) -> str:
        return judged({"maximumAgeDays": 30}, {}, created=created).age

    assert age((NOW - timedelta(days=29)).isoformat()) == ""
    assert age("2026-11-01T00:00:00.123456789Z"[:19] + "Z") in ("", age("2026-11-01T00:00:00.123456789Z"))
    assert "31 days ago" in age((NOW - timedelta(days=31, hours=1)).isoformat())
    for extreme in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1970-01-01T00:00:00Z"):
        assert age(extreme)
    assert "in the future" in age((NOW + timedelta(days=3)).isoformat())
    for unknown in ("", "yesterday", "0000-00-00T00:00:00Z"):
        assert "does not say" in age(unknown)


def test_bases() -> None:
    def base(policy: dict[str, Any], layers: tuple[str, ...] = LAYERS, name: str = "") -> str:
        return judged({"bases": policy}, {}, layers=layers, base_name=name).base

    assert base({"layers": [BASE]}) == ""
    assert base({"layers": [LAYERS[0]]}) == ""
    assert "none of the approved" in base({"layers": [LAYERS[1]]})
    assert "none of the approved" in base({"layers": [BASE]}, LAYERS[::-1])
    assert "debian:12" in base({"layers": [BASE]}, (), "debian:12")  # what a label says is no proof
    assert base({"named": ["docker.io/library/*"]}, (), "docker.io/library/debian:12") == ""
    assert base({"named": ["docker.io/library/*"]}, (), "") != ""
    for digest, approved in (("sha256:12", True), ("sha256:34", False), ("", False)):
        facts: dict[str, Any] = {"base_name": "debian:12", "base_digest": digest}
        assert (not judged({"bases": {"named": ["debian:12@sha256:12"]}}, {}, **facts).base) is approved


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({}, "asks for nothing"),
        ({"registries": ["docker.io/library"]}, "no registry"),
        ({"repositories": ["nginx"]}, "names no registry"),
        ({"repositories": ["docker.io/library/nginx:1"]}, "tag or digest"),
        ({"bases": {}}, "approves no base"),
        ({"bases": {"layers": ["sha256:12"]}}, "chain ID"),
    ],
)
def test_policies_that_would_ask_for_nothing(policy: dict[str, Any], told: str) -> None:
    with pytest.raises(BadPolicy, match=told):
        judged(policy, {})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"images": ["shop/api"]}, "names no registry"),
        ({"images": ["nginx"]}, "names no registry"),
        ({"images": ["Registry.example/shop"]}, "lower case"),
        ({"images": ["registry.example/shop@sha256:00"]}, "tag or digest"),
        ({"excluding": ["shop"]}, "names no registry"),
        ({"signedBy": ["release", "nobody"]}, "no signer 'nobody'"),
        ({"atLeast": 2}, "atLeast is 2"),
        ({"signedBy": []}, "asks for nothing"),
        ({"attestations": [{"predicate": "vuln", "signedBy": []}]}, "must have signed"),
    ],
)
def test_requirements_that_would_ask_for_nothing(change: dict[str, Any], told: str) -> None:
    policy = asking({"keys": ["k"]})
    policy["requirements"][0] |= change
    with pytest.raises(BadPolicy, match=told):
        judged(policy, {"k": public_pem(p256())})


def test_what_is_excluded_and_what_nothing_names() -> None:
    policy = asking({"keys": ["k"]})
    files = {"k": public_pem(p256())}
    assert judged(policy, files).required
    policy["requirements"][0]["excluding"] = ["registry.example/shop/*"]
    verdict = judged(policy, files)
    assert (verdict.required, verdict.trusted) == (False, True)


def test_every_requirement_that_names_an_image_is_asked() -> None:
    policy = asking({"keys": ["k"]})
    policy["signers"].append({"name": "other", "keys": ["k"]})
    policy["requirements"].append({"images": [REPOSITORY], "signedBy": ["other"]})
    assert {each.signer for each in judged(policy, {"k": public_pem(p256())}).signers} == {"release", "other"}


def test_attestations_are_not_asked_of_notation() -> None:
    wanted = {"predicate": "vuln", "signedBy": ["release"]}
    policy = asking({"notation": {"policy": "p", "trustStore": "s"}})
    policy["requirements"] = [{"images": ["**"], "attestations": [wanted]}]
    from tests.analysis.trust.made import Authority, notation_policy, pem

    files: dict[str, bytes | str] = {
        "p": notation_policy(["ca:a"], ["*"]),
        "s/x509/ca/a/r.pem": pem(Authority().certificate),
    }
    with pytest.raises(BadPolicy, match="signs no attestations"):
        judged(policy, files)


def test_signers_of_one_name_and_of_two_ways() -> None:
    policy = asking({"keys": ["k"]})
    policy["signers"] *= 2
    with pytest.raises(BadPolicy, match="twice"):
        judged(policy, {"k": public_pem(p256())})
    with pytest.raises(BadPolicy, match="exactly one"):
        judged(asking({"keys": ["k"], "certificates": {"roots": ["r"]}}), {})
