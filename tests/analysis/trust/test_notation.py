"""Signatures of Notation, JWS and COSE, by its trust policy; and every way in which one does not hold."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from seawall.analysis.trust.errors import BadPolicy, Invalid
from seawall.analysis.trust.notation.cbor import Tagged, read_cbor
from seawall.model.trust import Attached
from tests.analysis.trust.judging import REPOSITORY, asking, judged, outcome
from tests.analysis.trust.made import (
    NOW,
    OTHER,
    Authority,
    b64url,
    cose,
    jws,
    name,
    notation_policy,
    p256,
    pem,
    rfc3339,
    target,
)
from tests.analysis.trust.stamping import Stamper
from tests.analysis.trust.test_certificates import listing

ROOT = Authority()
KEY = p256()
WHO = name("signer", C="US", ST="WA", O="acme")
LEAF = ROOT.issue(KEY, subject=WHO)
CHAIN = [LEAF, ROOT.certificate]
SCHEME, TIME, AUTHENTIC, EXPIRY = (
    f"io.cncf.notary.{each}" for each in ("signingScheme", "signingTime", "authenticSigningTime", "expiry")
)
POLICY = notation_policy(["ca:acme"], ["x509.subject: C=US, ST=WA, O=acme"])
MAKERS: dict[str, Callable[..., Attached]] = {"jws": jws, "cose": cose}


def by_policy(
    *found: Attached, policy: bytes = POLICY, now: datetime = NOW, root: Authority = ROOT, **files: Any
) -> tuple[str, str]:
    more: dict[str, Any] = {"revoked": ["revoked.crl"]} if "revoked.crl" in files else {}
    signer = {"notation": {"policy": "trustpolicy.json", "trustStore": "store", **more}}
    held = {"trustpolicy.json": policy, "store/x509/ca/acme/root.pem": pem(root.certificate), **files}
    return outcome(judged(asking(signer), held, *found, now=now))


@pytest.mark.parametrize("form", MAKERS)
@pytest.mark.parametrize(
    "key",
    [
        p256(), ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 3072),
    ],
    ids=["es256", "es384", "es512", "ps256", "ps384"],
)  # fmt: skip
def test_each_algorithm_in_both_forms(form: str, key: Any) -> None:
    leaf = ROOT.issue(key, subject=WHO)
    assert by_policy(MAKERS[form](key, [leaf, ROOT.certificate])) == ("trusted", "")


@pytest.mark.parametrize("form", MAKERS)
def test_not_for_this(form: str) -> None:
    make = MAKERS[form]
    assert by_policy(make(KEY, CHAIN, target(OTHER)))[0] == "invalid"
    assert by_policy(make(p256(), CHAIN))[0] == "invalid"
    assert by_policy(make(KEY, []))[0] == "invalid"
    other = Authority()
    assert by_policy(make(KEY, [other.issue(KEY, subject=WHO), other.certificate]))[0] == "untrusted"
    stranger = ROOT.issue(KEY, subject=name("x", C="US", ST="WA", O="mallory"))
    assert by_policy(make(KEY, [stranger, ROOT.certificate]))[0] == "untrusted"


@pytest.mark.parametrize("form", MAKERS)
@pytest.mark.parametrize(
    "header",
    [
        {SCHEME: "notary.unknown"}, {SCHEME: None}, {TIME: None}, {TIME: "yesterday"},
        {AUTHENTIC: "2026-01-01T00:00:00Z"}, {"crit": [], 2: []}, {"crit": None, 2: None},
        {"crit": [SCHEME, EXPIRY], 2: [SCHEME, EXPIRY]},
        {"crit": [SCHEME, "io.cncf.notary.verificationPlugin"], 2: [SCHEME, "io.cncf.notary.verificationPlugin"],
         "io.cncf.notary.verificationPlugin": "some"},
        {"cty": "text/plain", 3: "text/plain"}, {"alg": "none", 1: 0}, {"alg": "HS256", 1: 5}, {"alg": "ES384", 1: -35},
        {"alg": "PS256", 1: -37},
    ],
)  # fmt: skip
def test_headers_that_are_refused(form: str, header: dict[Any, Any]) -> None:
    mine = {key: value for key, value in header.items() if isinstance(key, int) == (form == "cose") or key in _BOTH}
    assert by_policy(MAKERS[form](KEY, CHAIN, header=mine))[0] == "invalid"


_BOTH = frozenset((SCHEME, TIME, AUTHENTIC, "io.cncf.notary.verificationPlugin"))


def test_changed_after_it_was_signed() -> None:
    good = jws(KEY, CHAIN)
    for member, value in (("payload", b64url(target(OTHER))), ("protected", b64url(b"{}")), ("signature", "AAAA")):
        changed = json.loads(good.data) | {member: value}
        assert by_policy(replace(good, data=json.dumps(changed).encode()))[0] == "invalid"
    tagged = cbor2.loads(cose(KEY, CHAIN).data)
    for index, part in ((0, cbor2.dumps({})), (2, target(OTHER)), (3, b"\0" * 64)):
        parts = list(tagged.value)
        parts[index] = part
        data = cbor2.dumps(cbor2.CBORTag(18, parts))
        assert by_policy(replace(cose(KEY, CHAIN), data=data))[0] == "invalid"


def test_expired_signatures() -> None:
    past = {"crit": [SCHEME, EXPIRY], EXPIRY: rfc3339(NOW - timedelta(hours=1))}
    found = jws(KEY, CHAIN, header=past)
    assert "expired" in by_policy(found)[1]
    permissive = notation_policy(["ca:acme"], ["*"], "permissive")
    assert by_policy(found, policy=permissive) == ("trusted", "")
    unmarked = jws(KEY, CHAIN, header={EXPIRY: rfc3339(NOW + timedelta(hours=1))})
    assert by_policy(unmarked, policy=permissive)[0] == "invalid"
    moment = int((NOW + timedelta(hours=1)).timestamp())
    later = cose(KEY, CHAIN, header={2: [SCHEME, EXPIRY], EXPIRY: cbor2.CBORTag(1, moment)})
    assert by_policy(later) == ("trusted", "")


def test_expired_certificates_and_roots() -> None:
    later = NOW + timedelta(days=60)
    assert by_policy(jws(KEY, CHAIN), now=later)[0] == "invalid"
    assert (
        by_policy(jws(KEY, CHAIN), now=later, policy=notation_policy(["ca:acme"], ["*"], "permissive"))[0] == "trusted"
    )
    old = Authority(ends=NOW - timedelta(days=1))
    assert by_policy(jws(KEY, [old.issue(KEY, subject=WHO), old.certificate]), root=old)[0] == "invalid"


def test_audit_only_notes_who_it_was() -> None:
    """The level of Notation for trying out: integrity is enforced, the rest is told."""
    other = Authority()
    found = jws(KEY, [other.issue(KEY, subject=WHO), other.certificate])
    audit = notation_policy(["ca:acme"], ["*"], "audit")
    assert by_policy(found, policy=audit) == ("trusted", "")
    assert by_policy(jws(p256(), CHAIN), policy=audit)[0] == "invalid"
    assert by_policy(jws(KEY, CHAIN, target(OTHER)), policy=audit)[0] == "invalid"


def test_authorities_for_signing() -> None:
    """Their time is trusted, so their certificate may have expired since."""
    header = {
        "crit": [SCHEME, AUTHENTIC], SCHEME: "notary.x509.signingAuthority", AUTHENTIC: rfc3339(NOW), TIME: None,
    }  # fmt: skip
    found = jws(KEY, CHAIN, header=header)
    policy = notation_policy(["signingAuthority:acme"], ["*"])
    store: dict[str, Any] = {"store/x509/signingAuthority/acme/root.pem": pem(ROOT.certificate)}
    later = NOW + timedelta(days=60)
    assert by_policy(found, policy=policy, now=later, **store) == ("trusted", "")
    assert by_policy(found, now=later)[0] == "untrusted"
    unmarked = jws(KEY, CHAIN, header=header | {"crit": [SCHEME]})
    assert by_policy(unmarked, policy=policy, **store)[0] == "invalid"
    before = jws(KEY, CHAIN, header=header | {AUTHENTIC: rfc3339(NOW - timedelta(days=30))})
    assert by_policy(before, policy=policy, **store)[0] == "invalid"


def test_timestamps(tmp_path: Path) -> None:
    stamper = Stamper(tmp_path)
    leaf = ROOT.issue(KEY, subject=WHO, ends=datetime.now(UTC) + timedelta(hours=1))
    chain = [leaf, ROOT.certificate]
    bare = jws(KEY, chain)
    raw = json.loads(bare.data)
    made = raw["signature"]
    from base64 import b64encode, urlsafe_b64decode

    def stamped(token: bytes) -> Attached:
        raw["header"]["io.cncf.notary.timestampSignature"] = b64encode(token).decode()
        return replace(bare, data=json.dumps(raw).encode())

    signature = urlsafe_b64decode(made + "=" * (-len(made) % 4))
    store: dict[str, Any] = {"store/x509/tsa/stamps/root.pem": pem(stamper.root.certificate)}
    policy = notation_policy(["ca:acme", "tsa:stamps"], ["*"])
    later = NOW + timedelta(days=60)
    good = stamped(stamper.token(signature))
    assert by_policy(good, policy=policy, now=later, **store) == ("trusted", "")
    assert by_policy(good, now=later)[0] == "invalid"  # without a store, no timestamp counts
    assert by_policy(stamped(stamper.token(b"other")), policy=policy, now=later, **store)[0] == "invalid"
    assert by_policy(stamped(b"nonsense"), policy=policy, now=later, **store)[0] == "invalid"
    assert "no timestamp" in by_policy(bare, policy=policy, **store)[1]
    afterwards = notation_policy(["ca:acme", "tsa:stamps"], ["*"], verifyTimestamp="afterCertExpiry")
    assert by_policy(bare, policy=afterwards, **store) == ("trusted", "")
    assert by_policy(bare, policy=afterwards, now=later, **store)[0] == "invalid"


def _listed(*serials: int) -> dict[str, Any]:
    return {"revoked.crl": listing(ROOT, *serials)}


def test_revocation_that_cannot_be_looked_up() -> None:
    """A certificate that says whom to ask: nobody is asked, so strict refuses unless there is a list."""
    ask = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.test"))
    leaf = ROOT.issue(KEY, subject=WHO, more=((x509.AuthorityInformationAccess([ask]), False),))
    found = jws(KEY, [leaf, ROOT.certificate])
    state, reason = by_policy(found)
    assert (state, "revoked is not known" in reason) == ("invalid", True)
    assert by_policy(found, **_listed()) == ("trusted", "")
    assert "is revoked" in by_policy(found, **_listed(leaf.serial_number))[1]
    skipping = notation_policy(["ca:acme"], ["*"], override={"revocation": "skip"})
    assert by_policy(found, policy=skipping) == ("trusted", "")


def test_scopes() -> None:
    document = json.loads(POLICY)
    mine = document["trustPolicies"][0]
    strict = mine | {
        "name": "mine",
        "registryScopes": [REPOSITORY],
        "trustedIdentities": ["x509.subject: C=DE, ST=B, O=x"],
    }
    both = {"version": "1.0", "trustPolicies": [mine, strict]}
    assert by_policy(jws(KEY, CHAIN), policy=json.dumps(both).encode())[0] == "untrusted"
    elsewhere = {"version": "1.0", "trustPolicies": [mine | {"registryScopes": ["registry.example/other"]}]}
    assert "no statement" in by_policy(jws(KEY, CHAIN), policy=json.dumps(elsewhere).encode())[1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"registryScopes": []}, "registryScopes"),
        ({"registryScopes": ["registry.example/*"]}, "whole repository"),
        ({"trustStores": []}, "no trust store"),
        ({"trustStores": ["ca:../../x"]}, "form ca:name"),
        ({"trustStores": ["ca:empty"]}, "is empty"),
        ({"trustedIdentities": []}, "trustedIdentities"),
        ({"trustedIdentities": ["*", "x509.subject: C=US, ST=WA, O=a"]}, "beside"),
        ({"trustedIdentities": ["x509.subject: CN=a"]}, "must have C, ST and O"),
        ({"trustedIdentities": ["did:web:x"]}, "not supported"),
        ({"signatureVerification": {"level": "skip"}}, "skip verifies nothing"),
        ({"signatureVerification": {"level": "some"}}, "no level"),
        ({"signatureVerification": {"level": "strict", "override": {"integrity": "skip"}}}, "cannot be overridden"),
        ({"signatureVerification": {"level": "strict", "override": {"authenticity": "skip"}}}, "cannot be skipped"),
    ],
)
def test_trust_policies_that_are_refused(change: dict[str, Any], told: str) -> None:
    document = json.loads(POLICY)
    document["trustPolicies"][0] |= change
    with pytest.raises(BadPolicy, match=told):
        by_policy(policy=json.dumps(document).encode())


def test_other_versions_and_doubled_scopes_are_refused() -> None:
    document = json.loads(POLICY)
    changed: Any
    for changed in (document | {"version": "2.0"}, document | {"trustPolicies": document["trustPolicies"] * 2}, []):
        with pytest.raises(BadPolicy):
            by_policy(policy=json.dumps(changed).encode())


def test_unknown_forms_are_named() -> None:
    assert "not supported" in by_policy(replace(jws(KEY, CHAIN), media_type="application/x"))[1]


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.binary(max_size=99) | st.text(max_size=99),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text() | st.integers(0, 99), inner, max_size=9),
    max_leaves=20,
)


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


@given(_PLAIN)
def test_cbor_is_read_as_a_library_writes_it(value: Any) -> None:
    if _depth(value) > 8:
        return
    assert read_cbor(cbor2.dumps(value)) == value
    assert read_cbor(cbor2.dumps(cbor2.CBORTag(18, value))) == Tagged(18, value)


@given(st.binary(max_size=200))
def test_other_bytes_are_refused_as_invalid(data: bytes) -> None:
    with contextlib.suppress(Invalid):
        read_cbor(data)


@pytest.mark.parametrize(
    "data", [b"\x9f\xff", b"\xfb" + b"\0" * 8, b"\x81" * 50 + b"\0", b"\xa2\1\0\1\0", b"\x9a\xff\xff\xff\xff", b"\0\0"]
)
def test_cbor_that_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        read_cbor(data)
