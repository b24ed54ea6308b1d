"""Signatures with certificates of one's own authority, with and without timestamps."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from seawall.analysis.trust.errors import BadPolicy
from tests.analysis.trust.judging import asking, judged, outcome
from tests.analysis.trust.made import (
    IN_TOTO,
    NOW,
    OTHER,
    Authority,
    attached,
    b64,
    bundle,
    der,
    legacy,
    p256,
    pae,
    pem,
    sign,
    simple,
    statement,
)
from tests.analysis.trust.stamping import Stamper

ROOT = Authority()
MAIL = [x509.RFC822Name("release@acme.example")]


def signed(*chain: x509.Certificate, key: Any, digest: str = "", stamp: bytes = b"") -> Any:
    """A bundle with a chain, as `cosign sign --cert --cert-chain` makes it."""
    payload = statement(digest) if digest else statement()
    made = sign(key, pae(IN_TOTO, payload))
    material: dict[str, Any] = {
        "x509CertificateChain": {"certificates": [{"rawBytes": b64(der(one))} for one in chain]}
    }
    if stamp:
        material["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": b64(stamp)}]}
    kind = "application/vnd.dev.sigstore.bundle+json;version=0.2"
    return attached(bundle(payload, made, material, kind))


def trusting(*found: Any, root: Authority = ROOT, now: datetime = NOW, **more: Any) -> tuple[str, str]:
    files: dict[str, bytes | str] = {"root.pem": pem(root.certificate)}
    for file in ("revoked.crl", "stamps.pem", "between.pem"):
        if file in more:
            files[file] = more.pop(file)
    return outcome(judged(asking({"certificates": {"roots": ["root.pem"], **more}}), files, *found, now=now))


def test_a_chain_that_holds() -> None:
    key, between = p256(), Authority("between", above=ROOT)
    leaf = between.issue(key, names=MAIL)
    assert trusting(signed(leaf, between.certificate, key=key), identity="release@acme.example") == ("trusted", "")
    assert trusting(legacy(key, certificate=leaf, chain=pem(between.certificate))) == ("trusted", "")
    policy: dict[str, Any] = {"between.pem": pem(between.certificate), "intermediates": ["between.pem"]}
    assert trusting(signed(leaf, key=key), **policy) == ("trusted", "")


def test_somebody_else() -> None:
    key = p256()
    found = signed(ROOT.issue(key, names=MAIL), key=key)
    assert trusting(found, identity="mallory@acme.example")[0] == "untrusted"
    assert trusting(found, identityPattern=r".*@acme\.example") == ("trusted", "")
    other = Authority()
    assert trusting(signed(other.issue(key), other.certificate, key=key))[0] == "untrusted"
    assert trusting(signed(ROOT.issue(p256()), key=key))[0] == "invalid"
    assert trusting(legacy(key))[0] == "untrusted"


def test_replayed_from_another_image() -> None:
    key = p256()
    assert trusting(signed(ROOT.issue(key), key=key, digest=OTHER))[0] == "invalid"
    assert trusting(legacy(key, simple(OTHER), certificate=ROOT.issue(key)))[0] == "invalid"


def _expired_leaf(key: Any) -> list[x509.Certificate]:
    return [ROOT.issue(key, ends=NOW - timedelta(hours=1))]


def _future_leaf(key: Any) -> list[x509.Certificate]:
    return [ROOT.issue(key, begins=NOW + timedelta(hours=1))]


def _for_servers(key: Any) -> list[x509.Certificate]:
    return [ROOT.issue(key, purposes=(ExtendedKeyUsageOID.SERVER_AUTH,))]


def _for_nothing(key: Any) -> list[x509.Certificate]:
    return [ROOT.issue(key, purposes=())]


def _an_authority(key: Any) -> list[x509.Certificate]:
    return [ROOT.issue(key, ca=True)]


def _issued_by_a_leaf(key: Any) -> list[x509.Certificate]:
    """Mallory issues with a certificate that is no authority."""
    leaf = Authority("leaf", above=ROOT, ca=False)
    return [leaf.issue(key), leaf.certificate]


def _too_long(key: Any) -> list[x509.Certificate]:
    first = Authority("first", above=ROOT, path_length=0)
    second = Authority("second", above=first)
    return [second.issue(key), second.certificate, first.certificate]


def _expired_between(key: Any) -> list[x509.Certificate]:
    between = Authority("between", above=ROOT, ends=NOW - timedelta(hours=1))
    return [between.issue(key), between.certificate]


def _unknown_critical(key: Any) -> list[x509.Certificate]:
    extension = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    return [ROOT.issue(key, more=((extension, True),))]


def _for_other_names(key: Any) -> list[x509.Certificate]:
    constraints = x509.NameConstraints(
        permitted_subtrees=[x509.RFC822Name("elsewhere.example")], excluded_subtrees=None
    )
    between = Authority("between", above=ROOT, more=[constraints])
    return [between.issue(key, names=MAIL), between.certificate]


def _for_mail(key: Any) -> list[x509.Certificate]:
    between = Authority("between", above=ROOT, more=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])])
    return [between.issue(key), between.certificate]


@pytest.mark.parametrize(
    "make",
    [
        _expired_leaf, _future_leaf, _for_servers, _for_nothing, _an_authority, _issued_by_a_leaf, _too_long,
        _expired_between, _unknown_critical, _for_other_names, _for_mail,
    ],
)  # fmt: skip
def test_chains_that_do_not_hold(make: Callable[[Any], list[x509.Certificate]]) -> None:
    key = p256()
    assert trusting(signed(*make(key), key=key))[0] == "invalid"


def test_an_expired_root() -> None:
    key, old = p256(), Authority(ends=NOW - timedelta(days=1))
    state, reason = trusting(signed(old.issue(key), key=key), root=old)
    assert (state, "is valid from" in reason) == ("invalid", True)


def test_certificates_that_lead_in_circles() -> None:
    """Each seems to have issued each other: told at once, and not after trying every way."""
    key = p256()
    circle = [Authority("round", key=key).certificate for _ in range(15)]
    leaf = Authority("round", key=key).issue(p256())
    state, reason = trusting(signed(leaf, *circle, key=key))
    assert (state, "too many ways" in reason) == ("invalid", True)


def test_more_certificates_than_a_chain_has() -> None:
    key = p256()
    leaf = ROOT.issue(key)
    assert trusting(signed(*[leaf] * 17, key=key))[0] == "invalid"


def listing(authority: Authority, *serials: int, ends: datetime = NOW + timedelta(days=7)) -> bytes:
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.name).last_update(NOW - timedelta(days=9))
    for serial in serials:
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - timedelta(days=1)).build()
        builder = builder.add_revoked_certificate(one)
    return builder.next_update(ends).sign(authority.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_revoked_certificates() -> None:
    key = p256()
    leaf = ROOT.issue(key)
    found = signed(leaf, key=key)
    lists: dict[str, Any] = {"revoked": ["revoked.crl"]}
    assert trusting(found, **(lists | {"revoked.crl": listing(ROOT)})) == ("trusted", "")
    assert "is revoked" in trusting(found, **(lists | {"revoked.crl": listing(ROOT, leaf.serial_number)}))[1]
    assert "out of date" in trusting(found, **(lists | {"revoked.crl": listing(ROOT, ends=NOW - timedelta(days=1))}))[1]
    forged = listing(Authority(), leaf.serial_number)
    assert "not signed" in trusting(found, **(lists | {"revoked.crl": forged}))[1]


def test_a_timestamp_outlives_the_certificate(tmp_path: Path) -> None:
    stamper, key = Stamper(tmp_path), p256()
    moment = datetime.now(UTC)
    leaf = ROOT.issue(key, ends=moment + timedelta(hours=1))
    bare = signed(leaf, key=key)
    made = json.loads(bare.data)["dsseEnvelope"]["signatures"][0]["sig"]
    later = NOW + timedelta(days=300)
    document = json.loads(bare.data)
    assert trusting(bare, now=later)[0] == "invalid"

    def stamped(response: bytes) -> Any:
        data = {"rfc3161Timestamps": [{"signedTimestamp": b64(response)}]}
        document["verificationMaterial"]["timestampVerificationData"] = data
        return attached(document)

    from base64 import b64decode

    roots: dict[str, Any] = {"timestampRoots": ["stamps.pem"], "stamps.pem": pem(stamper.root.certificate)}
    good = stamped(stamper.response(b64decode(made)))
    assert trusting(good, now=later, **roots) == ("trusted", "")
    assert trusting(stamped(stamper.response(b"something else")), now=later, **roots)[0] == "invalid"
    assert trusting(stamped(b"nonsense"), now=later, **roots)[0] == "invalid"
    others = roots | {"stamps.pem": pem(Authority("stamps").certificate)}
    assert trusting(good, now=later, **others)[0] == "invalid"
    (tmp_path / "old").mkdir()
    expired = signed(ROOT.issue(key, ends=moment - timedelta(hours=1)), key=key)
    document = json.loads(expired.data)
    made = document["dsseEnvelope"]["signatures"][0]["sig"]
    assert trusting(stamped(stamper.response(b64decode(made))), now=later, **roots)[0] == "invalid"


def test_files_that_cannot_be_used() -> None:
    for text in ("", "nonsense", pem(ROOT.certificate).replace("CERTIFICATE", "PUBLIC KEY")):
        with pytest.raises(BadPolicy, match=r"root\.pem"):
            judged(asking({"certificates": {"roots": ["root.pem"]}}), {"root.pem": text})
    with pytest.raises(BadPolicy, match="CRL"):
        nonsense: dict[str, Any] = {"revoked": ["revoked.crl"], "revoked.crl": b"nonsense"}
        trusting(**nonsense)
