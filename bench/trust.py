"""Verifications a second of CPU: keys, identities and Notation, each against the stated bound; and hostile input."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from tests.analysis.trust.judging import REPOSITORY, Files, asking, conditions
from tests.analysis.trust.made import (
    IDENTITY,
    IMAGE,
    ISSUER,
    NOW,
    Authority,
    Sigstore,
    attached,
    cose,
    key_bundle,
    keyless_bundle,
    name,
    notation_policy,
    p256,
    pem,
    public_pem,
    statement,
)

from seawall.analysis.trust import TrustPolicy, judge_trust, prepare
from seawall.model.trust import Attached, ImageFacts

_ROUNDS = 300
#: Images a second of CPU; a keyless one verifies six signatures.
_KEYS, _IDENTITIES, _NOTATION = 4000, 600, 1200
#: Seconds for an image with as many hostile signatures as are read.
_HOSTILE = 2.0


def main() -> None:
    """Measure and print."""
    key, sigstore = p256(), Sigstore()
    root = Authority()
    leaf = root.issue(key, subject=name("signer", C="US", ST="WA", O="acme"))
    keyless = {"identity": IDENTITY, "issuer": ISSUER}
    notation = {"policy": "policy.json", "trustStore": "store"}
    files: dict[str, bytes | str] = {
        "key.pub": public_pem(key),
        "root.json": sigstore.trust_root(),
        "policy.json": notation_policy(["ca:acme"], ["*"]),
        "store/x509/ca/acme/root.pem": pem(root.certificate),
    }
    by_key = asking({"keys": ["key.pub"]})
    by_identity = asking({"keyless": keyless}, trustRoot="root.json")
    _measure("key", by_key, files, attached(key_bundle(key, statement())), _KEYS)
    _measure("identity", by_identity, files, attached(keyless_bundle(sigstore, statement())), _IDENTITIES)
    _measure("notation", asking({"notation": notation}), files, cose(key, [leaf]), _NOTATION)
    _hostile(by_identity, files, sigstore)


def _measure(what: str, policy: dict[str, Any], files: dict[str, bytes | str], found: Attached, bound: int) -> None:
    held = Files(files)
    ready = prepare(msgspec.convert(policy, TrustPolicy), held.read, held.folder, conditions)
    image = ImageFacts(REPOSITORY, IMAGE, attached=(found,))
    best = 0.0
    for _ in range(5):
        start = time.process_time()
        for _ in range(_ROUNDS):
            if not judge_trust(ready, image, NOW).trusted:
                raise SystemExit(f"a good signature by {what} is refused")
        best = max(best, _ROUNDS / (time.process_time() - start))
    verdict = "ok" if best >= bound else "UNDER"
    print(f"images verified by {what:<9} {best:8,.0f}/s of {bound:,}/s ({best / bound:.2f})  {verdict}")


def _hostile(policy: dict[str, Any], files: dict[str, bytes | str], sigstore: Sigstore) -> None:
    """A hundred bundles, each with as many certificates and entries as are read, none of which counts."""
    held = Files(files)
    ready = prepare(msgspec.convert(policy, TrustPolicy), held.read, held.folder, conditions)
    document = keyless_bundle(sigstore, statement(), key=p256(), certificate=sigstore.certificate(p256()))
    material = document["verificationMaterial"]
    material["tlogEntries"] *= 16
    material["x509CertificateChain"] = {"certificates": [material.pop("certificate")] * 16}
    found = tuple(attached(document, f"sha256:{number:064x}") for number in range(100))
    start = time.process_time()
    if judge_trust(ready, ImageFacts(REPOSITORY, IMAGE, attached=found), NOW).trusted:
        raise SystemExit("hostile signatures are trusted")
    spent = time.process_time() - start
    verdict = "ok" if spent <= _HOSTILE else "OVER"
    print(f"100 hostile bundles          {spent:7.3f} s of {_HOSTILE} s ({spent / _HOSTILE:.2f})  {verdict}")


if __name__ == "__main__":
    main()
