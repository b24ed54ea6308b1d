"""Signatures of keys, in both of cosign's forms: what holds, and every way in which one does not."""

from __future__ import annotations

import json
import sys
from base64 import b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec.structs import replace

from seawall.analysis.trust.errors import BadPolicy
from tests.analysis.trust.judging import asking, judged, outcome
from tests.analysis.trust.made import (
    IN_TOTO,
    OTHER,
    SLSA,
    Key,
    Sigstore,
    attached,
    b64,
    bundle,
    dsse_body,
    key_bundle,
    legacy,
    p256,
    pae,
    public_pem,
    sign,
    simple,
    statement,
)

KEYED = asking({"keys": ["release.pub"]})
KEYS: dict[str, Key] = {
    "ecdsa-p256": p256(),
    "ecdsa-p384": ec.generate_private_key(ec.SECP384R1()),
    "ecdsa-p521": ec.generate_private_key(ec.SECP521R1()),
    "rsa-2048": rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
KEY = KEYS["ecdsa-p256"]


def by_key(*found: Any, key: Key = KEY) -> tuple[str, str]:
    return outcome(judged(KEYED, {"release.pub": public_pem(key)}, *found))


@pytest.mark.parametrize("kind", KEYS)
def test_each_kind_of_key_signs_in_both_forms(kind: str) -> None:
    key = KEYS[kind]
    assert by_key(attached(key_bundle(key, statement())), key=key) == ("trusted", "")
    assert by_key(legacy(key), key=key) == ("trusted", "")


@pytest.mark.parametrize(("kind", "hash_"), [("ecdsa-p384", hashes.SHA384()), ("ecdsa-p521", hashes.SHA512())])
def test_larger_curves_may_use_larger_hashes(kind: str, hash_: Any) -> None:
    assert by_key(attached(key_bundle(KEYS[kind], statement(), hash_)), key=KEYS[kind]) == ("trusted", "")


def test_rsa_with_pss() -> None:
    key = KEYS["rsa-2048"]
    payload = statement()
    made = key.sign(pae(IN_TOTO, payload), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    assert by_key(attached(bundle(payload, made, {})), key=key) == ("trusted", "")


def test_who_signed_is_told() -> None:
    verdict = judged(KEYED, {"release.pub": public_pem(KEY)}, attached(key_bundle(KEY, statement())))
    (proof,) = verdict.proofs
    assert (proof.signer, proof.form, proof.time) == ("release", "bundle", "")
    assert proof.identity.startswith("key sha256:")


def test_nothing_is_attached() -> None:
    assert by_key() == ("missing", "")


def test_another_key_made_it() -> None:
    assert by_key(attached(key_bundle(p256(), statement())))[0] == "untrusted"
    assert by_key(legacy(p256()))[0] == "untrusted"


def test_replayed_from_another_image() -> None:
    state, reason = by_key(attached(key_bundle(KEY, statement(OTHER))))
    assert (state, OTHER in reason) == ("invalid", True)
    state, reason = by_key(legacy(KEY, simple(OTHER)))
    assert (state, OTHER in reason) == ("invalid", True)


def test_changed_payload() -> None:
    """The digest in the payload is made that of the image, which the signature does not cover."""
    document = key_bundle(KEY, statement(OTHER))
    document["dsseEnvelope"]["payload"] = b64(statement())
    assert by_key(attached(document))[0] == "untrusted"
    assert by_key(replace(legacy(KEY, simple(OTHER)), data=simple()))[0] == "untrusted"


def test_changed_signature() -> None:
    document = key_bundle(KEY, statement())
    made = bytearray(b64decode(document["dsseEnvelope"]["signatures"][0]["sig"]))
    made[-1] ^= 1
    document["dsseEnvelope"]["signatures"][0]["sig"] = b64(bytes(made))
    assert by_key(attached(document))[0] == "untrusted"


def test_changed_type_of_payload() -> None:
    document = key_bundle(KEY, statement())
    document["dsseEnvelope"]["payloadType"] = "text/plain"
    assert by_key(attached(document))[0] == "invalid"


def test_attestations_are_no_signatures() -> None:
    """Whoever attests a failed scan of an image has not signed it."""
    assert by_key(attached(key_bundle(KEY, statement(predicate=SLSA)))) == ("missing", "")


def test_a_payload_of_another_kind_is_no_signature() -> None:
    assert by_key(legacy(KEY, simple(kind="something else")))[0] == "invalid"


def test_the_older_form_can_be_refused() -> None:
    policy = asking({"keys": ["release.pub"], "legacy": False})
    files = {"release.pub": public_pem(KEY)}
    state, reason = outcome(judged(policy, files, legacy(KEY)))
    assert (state, "older form" in reason) == ("invalid", True)
    assert outcome(judged(policy, files, attached(key_bundle(KEY, statement())))) == ("trusted", "")


def test_a_good_one_among_bad_ones_counts() -> None:
    bad = attached({"mediaType": "nonsense", "verificationMaterial": {}})
    good = attached(key_bundle(KEY, statement()))
    verdict = judged(KEYED, {"release.pub": public_pem(KEY)}, bad, attached(key_bundle(p256(), statement())), good)
    assert outcome(verdict) == ("trusted", "")
    assert {each.state for each in verdict.refusals} == {"invalid", "untrusted"}


def test_any_of_several_keys() -> None:
    policy = asking({"keys": ["old.pub", "new.pub"]})
    files = {"old.pub": public_pem(p256()), "new.pub": public_pem(KEY)}
    assert outcome(judged(policy, files, legacy(KEY))) == ("trusted", "")


def test_two_signers_and_how_many_suffice() -> None:
    other = p256()
    files = {"one.pub": public_pem(KEY), "two.pub": public_pem(other)}
    signers = [{"name": "one", "keys": ["one.pub"]}, {"name": "two", "keys": ["two.pub"]}]
    both = {"signers": signers, "requirements": [{"images": ["**"], "signedBy": ["one", "two"]}]}
    one_of = {"signers": signers, "requirements": [{"images": ["**"], "signedBy": ["one", "two"], "atLeast": 1}]}
    assert not judged(both, files, legacy(KEY)).trusted
    assert judged(both, files, legacy(KEY), legacy(other)).trusted
    assert judged(one_of, files, legacy(KEY)).trusted
    assert not judged(one_of, files).trusted


def test_an_entry_in_the_log_can_be_asked_for() -> None:
    sigstore = Sigstore()
    policy = asking({"keys": ["release.pub"], "transparency": True}, trustRoot="root.json")
    files: dict[str, bytes | str] = {"release.pub": public_pem(KEY), "root.json": sigstore.trust_root()}
    assert outcome(judged(policy, files, legacy(KEY)))[0] == "invalid"
    assert outcome(judged(policy, files, legacy(KEY, sigstore=sigstore))) == ("trusted", "")
    payload = statement()
    made = sign(KEY, pae(IN_TOTO, payload))
    entry = sigstore.rekor.entry(dsse_body(payload, made, public_pem(KEY)))
    assert outcome(judged(policy, files, attached(bundle(payload, made, {"tlogEntries": [entry]})))) == ("trusted", "")


@pytest.mark.parametrize(
    "reference",
    ["awskms:///alias/release", "gcpkms://projects/p", "azurekms://vault/key", "hashivault://key", "k8s://ns/key"],
)
def test_keys_in_services_are_named_as_not_supported(reference: str) -> None:
    with pytest.raises(BadPolicy, match=r"not supported.*cosign public-key"):
        judged(asking({"keys": [reference]}), {})


def test_keys_that_cannot_be_used() -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point
    private = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for text, told in ((public_pem(weak), "1024 bits"), (private, "private key"), ("x", "not PEM")):
        with pytest.raises(BadPolicy, match=told):
            judged(KEYED, {"release.pub": text})


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cryptography", "rfc3161_client"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)
            with pytest.raises(BadPolicy, match=r"seawall\[trust\]"):
                judged(KEYED, {"release.pub": public_pem(KEY)})


def test_a_key_may_stand_in_the_policy() -> None:
    assert outcome(judged(asking({"keys": [public_pem(KEY)]}), {}, legacy(KEY))) == ("trusted", "")


def test_an_older_rsa_file() -> None:
    key = KEYS["rsa-2048"]
    text = key.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
    assert outcome(judged(KEYED, {"release.pub": text}, legacy(key))) == ("trusted", "")


def test_several_signatures_in_an_envelope_are_refused() -> None:
    document = key_bundle(KEY, statement())
    document["dsseEnvelope"]["signatures"] *= 2
    assert by_key(attached(document))[0] == "invalid"


def test_a_deep_bundle_is_refused() -> None:
    deep = b'{"mediaType":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    found = replace(attached(key_bundle(KEY, statement())), data=deep)
    assert by_key(found)[0] == "invalid"


def test_a_statement_with_several_subjects() -> None:
    document = json.loads(statement(OTHER))
    document["subject"].append(json.loads(statement())["subject"][0])
    assert by_key(attached(key_bundle(KEY, json.dumps(document).encode()))) == ("trusted", "")
