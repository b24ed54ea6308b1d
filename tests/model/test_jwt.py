"""What JSON Web Tokens say of themselves."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model.jwt import Claims, moment, read_claims


def token(claims: Any) -> str:
    """A token with these claims, and no signature that anyone could use."""
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{body}.c2lnbmF0dXJl"


def test_a_token_of_a_service_account_out_of_a_secret() -> None:
    legacy = {
        "iss": "kubernetes/serviceaccount",
        "kubernetes.io/serviceaccount/namespace": "ci",
        "kubernetes.io/serviceaccount/service-account.name": "bot",
    }
    found = read_claims(token(legacy))
    assert found is not None
    assert (found.service_account, found.expires) == ("ci/bot", 0)


def test_a_bound_token() -> None:
    found = read_claims(token({"sub": "system:serviceaccount:ci:bot", "iat": 1000, "exp": 4600}))
    assert found is not None
    assert found.service_account == "ci/bot"
    assert moment(found.expires) == datetime(1970, 1, 1, 1, 16, 40, tzinfo=UTC)


def test_a_persons_token_is_of_no_service_account() -> None:
    found = read_claims(token({"sub": "jane", "exp": 1}))
    assert found is not None
    assert found.service_account == ""


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "a..c", "....", token([1]), token({"exp": "soon"}), token("x")])
def test_what_is_no_token(text: str) -> None:
    assert read_claims(text) is None


@pytest.mark.parametrize("seconds", [0, -1, 1e300, float("inf"), float("nan")])
def test_times_that_no_calendar_has(seconds: float) -> None:
    assert moment(seconds) is None


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda data: f"a.{data.hex()}.c")))
def test_no_text_breaks_it(text: str) -> None:
    assert read_claims(text) is None or isinstance(read_claims(text), Claims)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_no_claim_breaks_it(value: Any) -> None:
    for name in ("exp", "iat", "sub", "iss"):
        found = read_claims(token({name: value}))
        if found is not None:
            assert moment(found.expires) is None or found.expires > 0
            assert isinstance(found.service_account, str)
