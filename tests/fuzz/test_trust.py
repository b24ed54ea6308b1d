"""Whatever is attached to an image: a verdict, never a crash, and never trust."""

from __future__ import annotations

import contextlib
import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from seawall.analysis.trust.errors import BadPolicy
from seawall.model.trust import Attached
from tests.analysis.trust.judging import asking, judged
from tests.analysis.trust.made import (
    IDENTITY,
    ISSUER,
    OTHER,
    Authority,
    Sigstore,
    attached,
    b64,
    cose,
    der,
    jws,
    keyless_bundle,
    legacy,
    name,
    notation_policy,
    p256,
    pem,
    public_pem,
    simple,
    statement,
    target,
)
from tests.conftest import REPOSITORY

SIGSTORE, ROOT, KEY = Sigstore(), Authority(), p256()
LEAF = ROOT.issue(KEY, subject=name("signer", C="US", ST="WA", O="acme"))
FILES: dict[str, bytes | str] = {
    "key.pub": public_pem(KEY),
    "root.json": SIGSTORE.trust_root(),
    "root.pem": pem(ROOT.certificate),
    "policy.json": notation_policy(["ca:acme"], ["*"], "permissive"),
    "store/x509/ca/acme/root.pem": pem(ROOT.certificate),
}
POLICIES = [
    asking({"keys": ["key.pub"]}),
    asking({"keyless": {"identity": IDENTITY, "issuer": ISSUER}}, trustRoot="root.json"),
    asking({"certificates": {"roots": ["root.pem"]}}),
    asking({"notation": {"policy": "policy.json", "trustStore": "store"}}),
]
CERTIFICATES = [LEAF, SIGSTORE.certificate(KEY), ROOT.certificate]
#: Sound, and of another image: changes of bytes may not make them good for this one.
SEEDS = [
    attached(keyless_bundle(SIGSTORE, statement(OTHER), key=KEY)),
    legacy(KEY, simple(OTHER), sigstore=SIGSTORE, certificate=SIGSTORE.certificate(KEY)),
    jws(KEY, [LEAF, ROOT.certificate], target(OTHER)),
    cose(KEY, [LEAF, ROOT.certificate], target(OTHER)),
]


def never_trusted(found: Attached) -> None:
    for policy in POLICIES:
        assert not judged(policy, FILES, found).trusted


@pytest.mark.parametrize("seed", SEEDS, ids=["bundle", "legacy", "jws", "cose"])
@given(data=st.data())
@settings(max_examples=150)
def test_changed_bytes(seed: Attached, data: st.DataObject) -> None:
    raw = bytearray(seed.data)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(raw)))
    never_trusted(replace(seed, data=bytes(raw[:cut] if data.draw(st.booleans()) else raw)))


@pytest.mark.parametrize("seed", SEEDS, ids=["bundle", "legacy", "jws", "cose"])
@given(st.binary(max_size=400))
@settings(max_examples=100)
def test_any_bytes(seed: Attached, data: bytes) -> None:
    never_trusted(replace(seed, data=data))


@given(st.dictionaries(st.sampled_from(sorted(SEEDS[1].annotations)), st.text(max_size=200)))
@settings(max_examples=150)
def test_changed_annotations(change: dict[str, str]) -> None:
    never_trusted(replace(SEEDS[1], annotations=SEEDS[1].annotations | change))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, inner in items for each in _paths(inner, (*path, key)))]


@pytest.mark.parametrize("seed", [SEEDS[0], SEEDS[2]], ids=["bundle", "jws"])
@given(data=st.data())
@settings(max_examples=200)
def test_changed_members(seed: Attached, data: st.DataObject) -> None:
    """Any member of a sound document becomes anything else."""
    document = json.loads(seed.data)
    path = data.draw(st.sampled_from(_paths(document)[1:]))
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = data.draw(_JSON)
    never_trusted(replace(seed, data=json.dumps(document).encode()))


@given(st.data())
@settings(max_examples=250)
def test_changed_certificates(data: st.DataObject) -> None:
    """The signer's own certificate, and one beside it that says it issued it."""
    document = json.loads(SEEDS[0].data)
    leaf = bytearray(der(data.draw(st.sampled_from(CERTIFICATES))))
    for _ in range(data.draw(st.integers(1, 6))):
        leaf[data.draw(st.integers(0, len(leaf) - 1))] = data.draw(st.integers(0, 255))
    chain = [b64(bytes(leaf)), b64(der(ROOT.certificate))]
    material = document["verificationMaterial"]
    material["x509CertificateChain"] = {"certificates": [{"rawBytes": each} for each in chain]}
    del material["certificate"]
    document["dsseEnvelope"]["payload"] = b64(statement())  # of this image: only the certificate is in the way
    never_trusted(replace(SEEDS[0], data=json.dumps(document).encode()))


@given(st.data())
@settings(max_examples=250)
def test_changed_timestamps(data: st.DataObject) -> None:
    document = json.loads((REPOSITORY / "tests/data/trust/stamped.json").read_text())
    holder = document["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]
    raw = bytearray(b64decode(holder["signedTimestamp"]))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    holder["signedTimestamp"] = b64(bytes(raw))
    root = (REPOSITORY / "tests/data/trust/trusted_root.json").read_bytes()
    who = {"identity": "release@acme.example", "issuer": "https://issuer.acme.example"}
    verdict = judged(asking({"keyless": who}, trustRoot="r"), {"r": root}, attached(document), digest=OTHER)
    assert not verdict.trusted


@given(st.sampled_from(sorted(FILES)), st.data())
@settings(max_examples=200)
def test_changed_files_of_a_policy(name: str, data: st.DataObject) -> None:
    """Keys, roots and policies that were damaged: they cannot be used, and that is told."""
    whole = FILES[name]
    raw = bytearray(whole if isinstance(whole, bytes) else whole.encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    for policy in POLICIES:
        with contextlib.suppress(BadPolicy):
            judged(policy, FILES | {name: bytes(raw)}, *SEEDS)


@given(st.binary(max_size=300), st.text(max_size=100))
@settings(max_examples=100)
def test_log_entries_and_trust_roots_of_any_kind(body: bytes, text: str) -> None:
    document = json.loads(SEEDS[0].data)
    entry = document["verificationMaterial"]["tlogEntries"][0]
    entry["canonicalizedBody"] = b64encode(body).decode()
    entry["inclusionProof"]["checkpoint"]["envelope"] = text
    never_trusted(replace(SEEDS[0], data=json.dumps(document).encode()))
