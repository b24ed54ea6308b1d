"""Signatures of identities: a certificate of Fulcio, Rekor's entry; and every way in which one does not hold."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from seawall.analysis.trust.errors import BadPolicy
from tests.analysis.trust.judging import asking, judged, outcome
from tests.analysis.trust.made import (
    IDENTITY,
    IN_TOTO,
    ISSUER,
    NOW,
    OTHER,
    Authority,
    Rekor,
    Sigstore,
    attached,
    b64,
    bundle,
    der,
    dsse_body,
    dsse_body_2,
    hashed_body,
    keyless_bundle,
    legacy,
    legacy_attestation,
    old_log,
    p256,
    pae,
    pem,
    sign,
    simple,
    spki,
    statement,
)
from tests.analysis.trust.stamping import Stamper

SIGSTORE = Sigstore()
WHO = {"identity": IDENTITY, "issuer": ISSUER}
LATER = NOW + timedelta(days=100)


def by_identity(
    *found: Any, who: dict[str, Any] = WHO, sigstore: Sigstore = SIGSTORE, root: bytes = b""
) -> tuple[str, str]:
    """As long after as anybody looks: the certificate has long expired."""
    policy = asking({"keyless": who}, trustRoot="root.json")
    return outcome(judged(policy, {"root.json": root or sigstore.trust_root()}, *found, now=LATER))


def good() -> dict[str, Any]:
    return keyless_bundle(SIGSTORE, statement())


def legacy_good(payload: bytes | None = None, **more: Any) -> Any:
    key = p256()
    return legacy(key, payload, sigstore=SIGSTORE, certificate=SIGSTORE.certificate(key), **more)


def test_both_forms_hold() -> None:
    assert by_identity(attached(good())) == ("trusted", "")
    assert by_identity(legacy_good()) == ("trusted", "")


def test_who_and_when_is_told() -> None:
    policy = asking({"keyless": WHO}, trustRoot="root.json")
    verdict = judged(policy, {"root.json": SIGSTORE.trust_root()}, attached(good()), now=LATER)
    (proof,) = verdict.proofs
    assert (proof.identity, proof.issuer, proof.time) == (IDENTITY, ISSUER, NOW.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert any("entry 1 of the log rekor.test" in line for line in proof.evidence)


@pytest.mark.parametrize("size", range(1, 9))
def test_proofs_in_trees_of_each_size(size: int) -> None:
    assert by_identity(attached(keyless_bundle(SIGSTORE, statement(), beside=size))) == ("trusted", "")


def test_patterns_are_for_the_whole_name() -> None:
    found = attached(good())
    assert by_identity(found, who={"identityPattern": r"https://github\.com/acme/.*", "issuer": ISSUER})[0] == "trusted"
    assert by_identity(found, who={"identityPattern": r"acme", "issuer": ISSUER})[0] == "untrusted"
    assert by_identity(found, who={"identity": IDENTITY, "issuerPattern": r"https://token\..*"})[0] == "trusted"


@pytest.mark.parametrize("who", [{"identity": "mallory"}, {"issuer": "https://elsewhere.test"}])
def test_another_identity_or_issuer(who: dict[str, str]) -> None:
    state, reason = by_identity(attached(good()), who=WHO | who)
    assert (state, IDENTITY in reason) == ("untrusted", True)


def test_claims_of_the_build() -> None:
    from cryptography.x509.oid import ObjectIdentifier

    key = p256()
    plain = SIGSTORE.certificate(key)
    issuer = next(each for each in plain.extensions if each.oid.dotted_string.endswith("57264.1.8"))
    ref = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.57264.1.14"), b"\x0c\x0frefs/heads/main")
    certificate = SIGSTORE.certificate(key, more=((issuer.value, False), (ref, False)))
    found = attached(keyless_bundle(SIGSTORE, statement(), key=key, certificate=certificate))
    assert by_identity(found, who=WHO | {"claims": {"source-repository-ref": "refs/heads/main"}})[0] == "trusted"
    assert by_identity(found, who=WHO | {"claims": {"source-repository-ref": "refs/heads/dev"}})[0] == "untrusted"
    assert by_identity(found, who=WHO | {"claims": {"build-trigger": "push"}})[0] == "untrusted"


def test_policies_without_who_or_by_whom_are_refused() -> None:
    for who in (
        {"identity": IDENTITY},
        {"issuer": ISSUER},
        WHO | {"claims": {"build-trigger": ""}},
        WHO | {"claims": {"x": "y"}},
        WHO | {"identityPattern": "("},
    ):
        with pytest.raises(BadPolicy):
            by_identity(who=who)
    with pytest.raises(BadPolicy, match="trust root"):
        judged(asking({"keyless": WHO}), {})


def test_a_bare_key_is_no_identity() -> None:
    assert by_identity(legacy(p256()))[0] == "untrusted"


def test_replayed_from_another_image() -> None:
    assert by_identity(attached(keyless_bundle(SIGSTORE, statement(OTHER))))[0] == "invalid"
    assert by_identity(legacy_good(simple(OTHER)))[0] == "invalid"


def test_changed_payload() -> None:
    document = keyless_bundle(SIGSTORE, statement(OTHER))
    document["dsseEnvelope"]["payload"] = b64(statement())
    assert by_identity(attached(document))[0] == "invalid"
    assert by_identity(replace(legacy_good(simple(OTHER)), data=simple()))[0] == "invalid"


def test_certificate_swapped_for_ones_own() -> None:
    """Mallory's certificate of the same authority, beside somebody's signature and entry."""
    document = good()
    mallory = SIGSTORE.certificate(p256(), "mallory@example.com")
    document["verificationMaterial"]["certificate"]["rawBytes"] = b64(der(mallory))
    assert by_identity(attached(document))[0] == "invalid"


def test_certificate_of_another_authority() -> None:
    """An authority of the same name, with everything else in place."""
    fake = Sigstore()
    fake.rekor, fake.certificates = SIGSTORE.rekor, SIGSTORE.certificates
    assert by_identity(attached(keyless_bundle(fake, statement())))[0] == "untrusted"


def test_certificate_in_no_log() -> None:
    key = p256()
    certificate = SIGSTORE.certificate(key, log=None)
    document = keyless_bundle(SIGSTORE, statement(), key=key, certificate=certificate)
    state, reason = by_identity(attached(document))
    assert (state, "certificate log" in reason) == ("invalid", True)


def test_certificate_in_a_log_that_nobody_trusts() -> None:
    other = Sigstore()
    key = p256()
    certificate = SIGSTORE.certificate(key, log=other.certificates)
    document = keyless_bundle(SIGSTORE, statement(), key=key, certificate=certificate)
    assert by_identity(attached(document))[0] == "invalid"


def test_signed_after_the_certificate_expired() -> None:
    document = keyless_bundle(SIGSTORE, statement(), when=NOW + timedelta(hours=1))
    state, reason = by_identity(attached(document))
    assert (state, "is valid from" in reason) == ("invalid", True)


def test_the_authority_was_retired_before() -> None:
    """An expired root: what it signed before goes on to hold, what it signs after does not."""

    def retire(document: dict[str, Any]) -> None:
        document["certificateAuthorities"][0]["validFor"]["end"] = "2021-01-01T00:00:00Z"

    state, reason = by_identity(attached(good()), root=SIGSTORE.trust_root(change=retire))
    assert (state, "not in use" in reason) == ("invalid", True)


def test_the_root_itself_had_expired() -> None:
    expired = Sigstore()
    expired.root = Authority("sigstore-root", ends=NOW - timedelta(days=1))
    expired.fulcio = Authority("sigstore-intermediate", above=expired.root)
    found = attached(keyless_bundle(expired, statement()))
    assert by_identity(found, sigstore=expired)[0] == "invalid"


def test_the_key_of_the_log_was_retired_before() -> None:
    def retire(document: dict[str, Any]) -> None:
        document["tlogs"][0]["publicKey"]["validFor"]["end"] = "2021-01-01T00:00:00Z"

    assert by_identity(attached(good()), root=SIGSTORE.trust_root(change=retire))[0] == "invalid"


def test_stripped_of_its_log_entry() -> None:
    document = good()
    document["verificationMaterial"]["tlogEntries"] = []
    state, reason = by_identity(attached(document))
    assert (state, "no log" in reason) == ("invalid", True)
    bare = legacy_good()
    told = {name: value for name, value in bare.annotations.items() if not name.endswith("/bundle")}
    assert by_identity(replace(bare, annotations=told))[0] == "invalid"


def test_stripped_of_its_proof() -> None:
    """A bundle of today needs the proof, however the log promised it; the oldest form had none yet."""
    document = keyless_bundle(SIGSTORE, statement(), proof=False)
    state, reason = by_identity(attached(document))
    assert (state, "no proof" in reason) == ("invalid", True)
    old = document | {"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1"}
    assert by_identity(attached(old)) == ("trusted", "")


def test_stripped_of_its_time() -> None:
    """The time beside an entry counts for nothing where the log did not sign it."""
    document = keyless_bundle(SIGSTORE, statement(), promise=False)
    state, reason = by_identity(attached(document))
    assert (state, "says when" in reason) == ("invalid", True)


def entry_of(document: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = document["verificationMaterial"]["tlogEntries"][0]
    return entry


def _time(entry: dict[str, Any]) -> None:
    entry["integratedTime"] = str(int(NOW.timestamp()) + 60)


def _index(entry: dict[str, Any]) -> None:
    entry["inclusionProof"]["logIndex"] = "0"


def _hash(entry: dict[str, Any]) -> None:
    entry["inclusionProof"]["hashes"][0] = b64(b"\0" * 32)


def _short(entry: dict[str, Any]) -> None:
    entry["inclusionProof"]["hashes"] = entry["inclusionProof"]["hashes"][:-1]


def _long(entry: dict[str, Any]) -> None:
    entry["inclusionProof"]["hashes"] += [b64(b"\0" * 32)] * 3


def _size(entry: dict[str, Any]) -> None:
    entry["inclusionProof"]["treeSize"] = "9"


def _outside(entry: dict[str, Any]) -> None:
    entry["inclusionProof"]["logIndex"] = "99"


def _checkpoint(entry: dict[str, Any]) -> None:
    text = entry["inclusionProof"]["checkpoint"]["envelope"]
    entry["inclusionProof"]["checkpoint"]["envelope"] = text.replace("rekor.test\n", "rekor.evil\n", 1)


def _no_checkpoint(entry: dict[str, Any]) -> None:
    del entry["inclusionProof"]["checkpoint"]


def _log(entry: dict[str, Any]) -> None:
    entry["logId"]["keyId"] = b64(b"\0" * 32)


def _number(entry: dict[str, Any]) -> None:
    entry["logIndex"] = "-1"


def _no_entry(entry: dict[str, Any]) -> None:
    entry["canonicalizedBody"] = b64(b"{}")


@pytest.mark.parametrize(
    "change",
    [_time, _index, _hash, _short, _long, _size, _outside, _checkpoint, _no_checkpoint, _log, _number, _no_entry],
)
def test_changed_log_entries(change: Callable[[dict[str, Any]], None]) -> None:
    document = good()
    change(entry_of(document))
    assert by_identity(attached(document))[0] == "invalid"


def logged(body: dict[str, Any], payload: bytes, made: bytes, certificate: x509.Certificate) -> Any:
    material = {"certificate": {"rawBytes": b64(der(certificate))}, "tlogEntries": [SIGSTORE.rekor.entry(body)]}
    return attached(bundle(payload, made, material))


def test_true_entries_of_something_else() -> None:
    """Entries that are in the log, and are not about this signature, this certificate or this payload."""
    key = p256()
    certificate, payload = SIGSTORE.certificate(key), statement()
    made, other = sign(key, pae(IN_TOTO, payload)), sign(key, pae(IN_TOTO, payload))
    mine = pem(certificate)
    theirs = pem(SIGSTORE.certificate(p256()))
    assert by_identity(logged(dsse_body(payload, made, mine), payload, made, certificate)) == ("trusted", "")
    for body, told in (
        (dsse_body(payload, other, mine), "another signature"),
        (dsse_body(payload, made, theirs), "another signer"),
        (dsse_body(statement(OTHER), made, mine), "another payload"),
        (hashed_body(payload, made, mine), "another payload"),
        (dsse_body(payload, made, mine) | {"apiVersion": "9"}, "not supported"),
        ({"apiVersion": "0.0.1", "kind": "dsse", "spec": {"signatures": 7}}, "malformed|not of one"),
    ):
        state, reason = by_identity(logged(body, payload, made, certificate))
        assert state == "invalid"
        assert any(part in reason for part in told.split("|")), reason


def test_other_kinds_of_entries() -> None:
    """Rekor's older kind for statements, and the kinds of its second version, whose time only a timestamp tells."""
    key = p256()
    certificate, payload = SIGSTORE.certificate(key), statement()
    made = sign(key, pae(IN_TOTO, payload))
    hashed = {"algorithm": "sha256", "value": sha256(payload).hexdigest()}
    signature = {"sig": b64(b64(made).encode()), "publicKey": b64(pem(certificate).encode())}
    content = {"envelope": {"payloadType": IN_TOTO, "signatures": [signature]}, "payloadHash": hashed}
    intoto = {"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": content}}
    assert by_identity(logged(intoto, payload, made, certificate)) == ("trusted", "")
    body = dsse_body_2(payload, made, certificate)
    state, reason = by_identity(logged(body, payload, made, certificate))
    assert (state, "says when" in reason) == ("invalid", True)


def test_an_entry_of_another_log() -> None:
    other = Sigstore()
    other.root, other.fulcio, other.certificates = SIGSTORE.root, SIGSTORE.fulcio, SIGSTORE.certificates
    assert by_identity(attached(keyless_bundle(other, statement())))[0] == "invalid"


def test_a_log_that_signs_as_another() -> None:
    """An entry with the id of the trusted log, made with another key."""
    fake = Rekor()
    fake.id = SIGSTORE.rekor.id
    other = Sigstore()
    other.root, other.fulcio, other.certificates = SIGSTORE.root, SIGSTORE.fulcio, SIGSTORE.certificates
    other.rekor = fake
    assert by_identity(attached(keyless_bundle(other, statement())))[0] == "invalid"


def test_the_key_is_in_the_log_in_place_of_its_certificate() -> None:
    key = p256()
    certificate, payload = SIGSTORE.certificate(key), statement()
    made = sign(key, pae(IN_TOTO, payload))
    text = "-----BEGIN PUBLIC KEY-----\n" + b64(spki(key)) + "\n-----END PUBLIC KEY-----\n"
    state, _ = by_identity(logged(dsse_body(payload, made, text), payload, made, certificate))
    assert state == "invalid"


def test_trust_roots_that_cannot_be_used() -> None:
    def other(document: dict[str, Any]) -> None:
        document["mediaType"] = "application/json"

    for data in (b"{", b"[]", SIGSTORE.trust_root(change=other), json.dumps({"mediaType": 1}).encode()):
        with pytest.raises(BadPolicy, match=r"root\.json"):
            by_identity(root=data)


def stamped_bundle(stamper: Stamper, sigstore: Sigstore, entries: int = 1, **more: Any) -> dict[str, Any]:
    """What cosign makes with Rekor's second version and a timestamp authority."""
    key = p256()
    certificate, payload = sigstore.certificate(key, **more), statement()
    made = sign(key, pae(IN_TOTO, payload))
    entry = sigstore.rekor.entry(dsse_body_2(payload, made, certificate), promise=False)
    entry["integratedTime"] = "0"
    material = {
        "certificate": {"rawBytes": b64(der(certificate))},
        "tlogEntries": [entry] * entries,
        "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": b64(stamper.response(made))}]},
    }
    return bundle(payload, made, material)


def stamping_root(stamper: Stamper, sigstore: Sigstore) -> bytes:
    def add(document: dict[str, Any]) -> None:
        chain = [{"rawBytes": b64(der(each))} for each in (stamper.certificate, stamper.root.certificate)]
        period = {"start": "2020-01-01T00:00:00Z"}
        document["timestampAuthorities"] = [
            {
                "subject": {"commonName": "", "organization": ""},
                "uri": "",
                "certChain": {"certificates": chain},
                "validFor": period,
            }
        ]

    return sigstore.trust_root(change=add)


def test_the_second_version_of_rekor(tmp_path: Path) -> None:
    stamper, sigstore = Stamper(tmp_path), Sigstore()
    sigstore.rekor = Rekor(Ed25519PrivateKey.generate())
    root = stamping_root(stamper, sigstore)
    good = stamped_bundle(stamper, sigstore)
    assert by_identity(attached(good), root=root) == ("trusted", "")
    assert by_identity(attached(good), sigstore=sigstore)[0] == "invalid"  # nobody knows the timestamp's authority
    expired: dict[str, Any] = {"begins": NOW - timedelta(hours=2), "ends": NOW - timedelta(hours=1)}
    assert by_identity(attached(stamped_bundle(stamper, sigstore, **expired)), root=root)[0] == "invalid"


def test_services_without_logs(tmp_path: Path) -> None:
    """GitHub's own for private repositories: a certificate and a timestamp, and neither log."""
    stamper, sigstore = Stamper(tmp_path), Sigstore()
    found = attached(stamped_bundle(stamper, sigstore, entries=0, log=None))
    root = stamping_root(stamper, sigstore)
    assert by_identity(found, root=root)[0] == "invalid"
    assert by_identity(found, who=WHO | {"log": False}, root=root)[0] == "invalid"
    assert by_identity(found, who=WHO | {"log": False, "certificateLog": False}, root=root) == ("trusted", "")
    document = json.loads(found.data)
    del document["verificationMaterial"]["timestampVerificationData"]
    without = WHO | {"log": False, "certificateLog": False}
    assert "says when" in by_identity(attached(document), who=without, root=root)[1]


def test_the_older_form_with_a_timestamp(tmp_path: Path) -> None:
    stamper, sigstore = Stamper(tmp_path), Sigstore()
    key = p256()
    bare = legacy(key, sigstore=sigstore, certificate=sigstore.certificate(key))
    made = b64decode(bare.annotations["dev.cosignproject.cosign/signature"])
    for message, state in ((made, "trusted"), (b"something else", "invalid")):
        told = json.dumps({"SignedRFC3161Timestamp": b64(stamper.response(message))})
        found = replace(bare, annotations=bare.annotations | {"dev.sigstore.cosign/rfc3161timestamp": told})
        assert by_identity(found, root=stamping_root(stamper, sigstore))[0] == state


def test_attestations_in_the_older_form() -> None:
    """As `cosign attest` of before put them under a tag, with a certificate and the log's promise."""
    key = p256()
    certificate, payload = SIGSTORE.certificate(key), statement()
    bare = legacy_attestation(key, payload)
    made = b64decode(json.loads(bare.data)["signatures"][0]["sig"])
    told = {"dev.sigstore.cosign/certificate": pem(certificate), "dev.sigstore.cosign/chain": ""}
    for body, state in (
        (dsse_body(payload, made, pem(certificate)), "trusted"),
        (dsse_body(statement(OTHER), made, pem(certificate)), "invalid"),
    ):
        annotations = bare.annotations | told | {"dev.sigstore.cosign/bundle": old_log(SIGSTORE, body)}
        assert by_identity(replace(bare, annotations=annotations))[0] == state
    assert by_identity(replace(bare, annotations=bare.annotations | told))[0] == "invalid"
