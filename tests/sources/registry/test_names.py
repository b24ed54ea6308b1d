"""Names of images, challenges, and logins that other programs stored."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.sources.registry.challenge import read_challenges
from seawall.sources.registry.login import NO_LOGIN, Login, stored_login
from seawall.sources.registry.reference import parse_image
from seawall.sources.web.errors import WebError


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.25", "docker.io/library/nginx:1.25"),
        ("grafana/grafana", "docker.io/grafana/grafana:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/a/b:c", "docker.io/a/b:c"),
        ("localhost/a", "localhost/a:latest"),
        ("localhost:5000/a:1", "localhost:5000/a:1"),
        ("quay.example/a/b__c/d-e:V1_.x", "quay.example/a/b__c/d-e:V1_.x"),
        ("[::1]:5000/a", "[::1]:5000/a:latest"),
        ("UPPER/a", "UPPER/a:latest"),
        (f"a@sha256:{'0' * 64}", f"docker.io/library/a@sha256:{'0' * 64}"),
        (f"r.example/a:t@sha256:{'0' * 64}", f"r.example/a:t@sha256:{'0' * 64}"),
    ],
)
def test_short_names_mean_what_they_mean_to_docker(text: str, full: str) -> None:
    reference = parse_image(text)
    assert str(reference) == full and parse_image(full) == reference
    assert reference.server == ("registry-1.docker.io" if full.startswith("docker.io/") else reference.host)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "A",
        "a/B",
        "a:",
        "a@sha256:0",
        "a@md5:x",
        "a//b",
        "r.example/",
        "https://r.example/a",
        "u@r.io/a",
        "a:é",
    ],
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(WebError, match="is no image's name"):
        parse_image(text)


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_an_error(text: str) -> None:
    try:
        assert str(parse_image(str(parse_image(text)))) == str(parse_image(text))
    except WebError:
        return


def test_challenges() -> None:
    header = 'Basic realm="a, b", Bearer realm="https://t/x",service=reg,scope="repository:a:pull,push",error="x\\"y"'
    assert read_challenges(header) == [
        ("basic", {"realm": "a, b"}),
        ("bearer", {"realm": "https://t/x", "service": "reg", "scope": "repository:a:pull,push", "error": 'x"y'}),
    ]
    assert read_challenges("Negotiate, Basic realm=x") == [("negotiate", {}), ("basic", {"realm": "x"})]
    assert read_challenges("") == [] and read_challenges('realm="x"') == []


@given(st.text(max_size=200))
def test_any_challenge_ends(header: str) -> None:
    read_challenges(header)


def _auth(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("config", "image", "login"),
    [
        ({"auths": {"r.example": {"auth": _auth("a", "b:c")}}}, "r.example/x", Login("a", "b:c")),
        ({"auths": {"https://r.example/v2/": {"username": "a", "password": "b"}}}, "r.example/x", Login("a", "b")),
        ({"auths": {"https://index.docker.io/v1/": {"auth": _auth("a", "b")}}}, "nginx", Login("a", "b")),
        ({"auths": {"r.example/team": {"auth": _auth("t", "p")}, "r.example": {"auth": _auth("a", "b")}}},
         "r.example/team/x", Login("t", "p")),
        ({"auths": {"r.example": {"identitytoken": "T", "auth": _auth("a", "")}}}, "r.example/x",
         Login("a", "", "T")),
        ({"auths": {"r.example": {"registrytoken": "R"}}}, "r.example/x", Login(registry_token="R")),
        ({"auths": {"other.example": {"auth": _auth("a", "b")}}}, "r.example/x", NO_LOGIN),
        ({"auths": {"r.example": {"auth": "%%%"}}}, "r.example/x", NO_LOGIN),
        ({"auths": {"r.example": {}}}, "r.example/x", NO_LOGIN),
    ],
)  # fmt: skip
def test_docker_configuration(config: object, image: str, login: Login, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    environ = {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)}
    assert stored_login(parse_image(image), environ) == login


def _helper(folder: Path, name: str, script: str) -> None:
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_credential_helpers(tmp_path: Path) -> None:
    environ = {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    _helper(tmp_path, "one", 'read -r host; echo "{\\"Username\\": \\"u\\", \\"Secret\\": \\"for $host\\"}"')
    _helper(tmp_path, "token", 'echo "{\\"Username\\": \\"<token>\\", \\"Secret\\": \\"I\\"}"')
    _helper(tmp_path, "none", 'echo "credentials not found in native keychain"; exit 1')
    _helper(tmp_path, "odd", "echo hello")
    config = {
        "credsStore": "none",
        "credHelpers": {
            "r.example": "one",
            "t.example": "token",
            "o.example": "odd",
            "m.example": "missing",
            "e.example": "../x",
        },
        "auths": {"a.example": {"auth": _auth("a", "b")}},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert stored_login(parse_image("r.example/x"), environ) == Login("u", "for r.example")
    assert stored_login(parse_image("t.example/x"), environ) == Login(identity_token="I")
    assert stored_login(parse_image("a.example/x"), environ) == Login("a", "b")
    assert stored_login(parse_image("z.example/x"), environ) == NO_LOGIN
    for host, told in [
        ("o", "does not answer as"),
        ("m", "docker-credential-missing, which is not on PATH"),
        ("e", "no program"),
    ]:
        with pytest.raises(WebError, match=told):
            stored_login(parse_image(f"{host}.example/x"), environ)
