"""``seawall image --trust`` and ``image verify``: images of a real registry, with what is attached to them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.images.made import database as advisories
from tests.analysis.images.made import osv
from tests.analysis.trust.made import (
    IDENTITY,
    NOW,
    SLSA,
    Authority,
    attached,
    cose,
    jws,
    key_bundle,
    keyless_bundle,
    legacy,
    legacy_attestation,
    name,
    notation_policy,
    p256,
    pem,
    public_pem,
    simple,
    statement,
    target,
)
from tests.cli.test_registry import push
from tests.cli.trusting import (
    FILES,
    KEY,
    KEYED,
    KEYLESS,
    MANIFEST,
    SIGSTORE,
    artifact,
    attach,
    attach_legacy,
    findings,
    pushed,
    rules,
    verify,
    write_policy,
)
from tests.conftest import Run
from tests.registry import push_blob, push_manifest, running_registry
from tests.sources.images.build import BASE, build


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("HOME", "DOCKER_CONFIG", "XDG_STATE_HOME", "SEAWALL_CACHE"):
        monkeypatch.setenv(each, str(tmp_path / "home"))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


def test_signed_by_a_key_in_a_bundle(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "bundled")
    (where,) = attach(host, "shop/bundled", digest, attached(key_bundle(KEY, statement(digest))))
    code, document, stderr = verify(run, write_policy(tmp_path, KEYED, FILES), reference)
    assert (code, stderr) == (0, "")
    (found,) = document["images"]
    assert (found["trusted"], found["digest"]) == (True, digest)
    (proof,) = found["proofs"]
    assert (proof["signer"], proof["form"], proof["where"]) == ("release", "bundle", where)
    assert document["summary"] == {"complete": True, "images": 1, "trusted": 1}


def test_signed_by_a_key_under_a_tag(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "tagged")
    attach_legacy(host, "shop/tagged", digest, legacy(KEY, simple(digest)))
    assert verify(run, write_policy(tmp_path, KEYED, FILES), reference)[0] == 0


def test_signed_by_an_identity(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "keyless")
    attach(host, "shop/keyless", digest, attached(keyless_bundle(SIGSTORE, statement(digest))))
    code, document, _ = verify(run, write_policy(tmp_path, KEYLESS, FILES), reference)
    assert code == 0
    assert document["images"][0]["proofs"][0]["identity"] == IDENTITY


def test_terminal_tells_who_signed(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "told")
    attach(host, "shop/told", digest, attached(keyless_bundle(SIGSTORE, statement(digest))))
    done = run("image", "verify", reference, f"--trust={write_policy(tmp_path, KEYLESS, FILES)}")
    assert done.returncode == 0
    assert f"{reference}: trusted" in done.stdout
    assert IDENTITY in done.stdout
    assert "entry 1 of the log rekor.test" in done.stdout


def test_certificates_of_ones_own(run: Run, host: str, tmp_path: Path) -> None:
    root = Authority()
    between = Authority("issuing", above=root)
    key = p256()
    leaf = between.issue(key, subject=name("release", O="Acme"))
    reference, digest = pushed(host, "corporate")
    found = legacy(key, simple(digest), certificate=leaf, chain=pem(between.certificate, root.certificate))
    attach_legacy(host, "shop/corporate", digest, found)
    signer = {"name": "release", "certificates": {"roots": ["root.pem"], "identity": "CN=release,O=Acme"}}
    policy = KEYED | {"signers": [signer]}
    assert verify(run, write_policy(tmp_path, policy, {"root.pem": pem(root.certificate)}), reference)[0] == 0
    gone = Authority(key=root.key, ends=NOW - timedelta(days=1))
    code, document, _ = findings(run, write_policy(tmp_path, policy, {"root.pem": pem(gone.certificate)}), reference)
    assert (code, rules(document)) == (1, {"signature-invalid"})
    assert "is valid from" in document["findings"][0]["message"]


@pytest.mark.parametrize("form", ["jws", "cose"])
def test_notation(run: Run, host: str, tmp_path: Path, form: str) -> None:
    root = Authority()
    key = p256()
    leaf = root.issue(key, subject=name("signer", C="US", ST="WA", O="acme"))
    reference, digest = pushed(host, f"notary-{form}")
    make = jws if form == "jws" else cose
    attach(host, f"shop/notary-{form}", digest, make(key, [leaf, root.certificate], target(digest)))
    files: dict[str, bytes | str] = {
        "trustpolicy.json": notation_policy(["ca:acme"], ["x509.subject: C=US, ST=WA, O=acme"]),
        "store/x509/ca/acme/root.pem": pem(root.certificate),
    }
    signer = {"name": "release", "notation": {"policy": "trustpolicy.json", "trustStore": "store"}}
    code, document, _ = verify(run, write_policy(tmp_path, KEYED | {"signers": [signer]}, files), reference)
    assert code == 0
    assert document["images"][0]["proofs"][0]["identity"] == "CN=signer,O=acme,ST=WA,C=US"
    moved, other = pushed(host, f"notary-replayed-{form}")
    attach(host, f"shop/notary-replayed-{form}", other, make(key, [leaf, root.certificate], target(digest)))
    code, document, _ = findings(run, write_policy(tmp_path, KEYED | {"signers": [signer]}, files), moved)
    assert (code, rules(document)) == (1, {"signature-invalid"})


def attesting(*conditions: str, predicate: str = SLSA) -> dict[str, Any]:
    wanted = {
        "predicate": predicate,
        "signedBy": ["release"],
        "conditions": [{"expression": each} for each in conditions],
    }
    return {"signers": KEYED["signers"], "requirements": [{"images": ["**"], "attestations": [wanted]}]}


BUILDER = {"runDetails": {"builder": {"id": "https://builder.acme.test"}}}


def test_attestations(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "attested")
    payload = statement(digest, SLSA, BUILDER)
    attach(host, "shop/attested", digest, attached(key_bundle(KEY, payload)))
    good = "predicate.runDetails.builder.id.startsWith('https://builder.acme.test')"
    bad = "predicate.runDetails.builder.id == 'https://elsewhere.test'"
    code, document, _ = verify(run, write_policy(tmp_path, attesting(good), FILES), reference)
    assert (code, document["images"][0]["attestations"][0]["state"]) == (0, "kept")
    code, document, _ = findings(run, write_policy(tmp_path, attesting(good, bad), FILES), reference)
    assert (code, rules(document)) == (1, {"attestation-condition-failed"})
    code, document, _ = findings(run, write_policy(tmp_path, attesting(predicate="vuln"), FILES), reference)
    assert (code, rules(document)) == (1, {"attestation-missing"})


def test_attestations_in_the_older_form(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "attested-tag")
    payload = statement(digest, SLSA, BUILDER)
    attach_legacy(host, "shop/attested-tag", digest, legacy_attestation(KEY, payload), suffix="att")
    assert verify(run, write_policy(tmp_path, attesting(), FILES), reference)[0] == 0
    other = public_pem(p256())
    code, document, _ = findings(run, write_policy(tmp_path, attesting(), {"release.pub": other}), reference)
    assert (code, rules(document)) == (1, {"attestation-not-trusted"})


def test_registries_age_and_bases(run: Run, host: str, tmp_path: Path) -> None:
    reference, _ = pushed(host, "aged", created=(NOW - timedelta(days=100)).isoformat())
    push(host, "base/own", "1", build([BASE]))
    strict = {
        "registries": ["registry.example"],
        "maximumAgeDays": 90,
        "bases": {"layers": ["sha256:" + "0" * 64]},
    }
    code, document, stderr = findings(run, write_policy(tmp_path, strict), reference)
    assert (code, rules(document)) == (1, {"untrusted-registry", "image-too-old", "unapproved-base-image"})
    assert "no requirement of the trust policy names" in stderr
    fine = {"repositories": [f"{host}/shop/*"], "maximumAgeDays": 101, "bases": {"images": [f"{host}/base/own:1"]}}
    code, document, _ = findings(run, write_policy(tmp_path, fine), reference)
    assert (code, rules(document)) == (0, set())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"signers": [{"name": "release", "keys": ["awskms:///alias/x"]}]}, "not supported"),
        ({"signers": [{"name": "release", "keys": ["missing.pub"]}]}, "cannot be read"),
        ({"signers": [{"name": "release"}]}, "exactly one of"),
        ({"signers": []}, "no signer 'release'"),
        ({"requirements": [{"images": ["**"]}]}, "asks for nothing"),
        ({"maximumAge": 3}, "no such key"),
    ],
)
def test_policies_that_cannot_be_used(run: Run, tmp_path: Path, change: dict[str, Any], told: str) -> None:
    policy = write_policy(tmp_path, KEYED | change, FILES)
    done = run("image", "verify", "registry.invalid/shop:1", f"--trust={policy}")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert f"{policy}:1" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_condition_that_is_no_cel(run: Run, tmp_path: Path) -> None:
    policy = write_policy(tmp_path, attesting("predicate.("), FILES)
    done = run("image", "verify", "registry.invalid/shop:1", f"--trust={policy}")
    assert done.returncode == 2
    assert "a condition on" in done.stderr


def test_artifacts_that_are_no_images(run: Run, host: str, tmp_path: Path) -> None:
    """Charts and models are signed by their digests as images are."""
    push_blob(host, "shop/model", b"{}")
    body = artifact("application/vnd.acme.model", [], None)
    digest = push_manifest(host, "shop/model", "1", body, MANIFEST)
    policy = write_policy(tmp_path, KEYED, FILES)
    assert verify(run, policy, f"{host}/shop/model:1")[0] == 1
    attach(host, "shop/model", digest, attached(key_bundle(KEY, statement(digest))))
    code, document, _ = verify(run, policy, f"{host}/shop/model:1")
    assert (code, document["images"][0]["digest"]) == (0, digest)
    code, found, _ = findings(run, write_policy(tmp_path, KEYED | {"maximumAgeDays": 9}, FILES), f"{host}/shop/model:1")
    assert rules(found) == {"image-too-old"}


def test_without_a_policy(run: Run, tmp_path: Path) -> None:
    done = run("image", "verify", "registry.invalid/shop:1", cwd=tmp_path)
    assert (done.returncode, "there is no trust policy" in done.stderr) == (2, True)


def test_offline_and_other_places_are_not_judged(run: Run, tmp_path: Path) -> None:
    policy = write_policy(tmp_path, KEYED, FILES)
    done = run("image", "verify", "registry.invalid/shop:1", f"--trust={policy}", "--offline")
    assert (done.returncode, "--offline" in done.stderr) == (2, True)
    done = run("image", "verify", "oci-dir:somewhere", f"--trust={policy}")
    assert (done.returncode, "signatures are in registries" in done.stderr) == (2, True)


def test_with_vulnerabilities(run: Run, host: str, tmp_path: Path) -> None:
    reference, _ = pushed(host, "both")
    advisories(tmp_path / "db", [osv("CVE-2024-1", "Debian:12", "bash", [{"introduced": "0"}])]).close()
    policy = write_policy(tmp_path, KEYED, FILES)
    done = run("image", reference, f"--db={tmp_path / 'db'}", f"--trust={policy}", "--no-cache", "--format", "json")
    assert {"image-not-signed", "vulnerable-package"} <= rules(json.loads(done.stdout))


def test_what_notation_does_not_enforce_is_told(run: Run, host: str, tmp_path: Path) -> None:
    key, other = p256(), Authority()
    leaf = other.issue(key, subject=name("signer", C="US", ST="WA", O="acme"))
    reference, digest = pushed(host, "audited")
    attach(host, "shop/audited", digest, jws(key, [leaf, other.certificate], target(digest)))
    files: dict[str, bytes | str] = {
        "trustpolicy.json": notation_policy(["ca:acme"], ["*"], "audit"),
        "store/x509/ca/acme/root.pem": pem(Authority().certificate),
    }
    signer = {"name": "release", "notation": {"policy": "trustpolicy.json", "trustStore": "store"}}
    code, _, stderr = findings(run, write_policy(tmp_path, KEYED | {"signers": [signer]}, files), reference)
    assert code == 0
    assert "not enforced: authenticity" in stderr


def test_an_answer_for_frameworks(run: Run, host: str, tmp_path: Path) -> None:
    reference, _ = pushed(host, "complied")
    policy = write_policy(tmp_path, KEYED, FILES)
    assert run("image", reference, f"--trust={policy}", "--format", f"json={tmp_path / 'r.json'}").returncode == 1
    done = run("comply", "nist-800-190", "--on", str(tmp_path / "r.json"), "--format", "json")
    controls = {each["id"]: each for each in json.loads(done.stdout)["controls"]}
    checks = {each["id"]: each["state"] for each in controls["4.1.5"]["checks"]}
    assert (checks["image-not-signed"], checks["signature-invalid"]) == ("fail", "pass")


def test_waivers_reach_what_the_policy_finds(run: Run, host: str, tmp_path: Path) -> None:
    reference, _ = pushed(host, "waived")
    policy = write_policy(tmp_path, KEYED, FILES)
    waivers = tmp_path / "seawall-waivers.yaml"

    def judged(select: str, *args: str) -> tuple[int, dict[str, Any], str]:
        waivers.write_text(
            f"waivers: [{{rule: image-not-signed, select: {select}, reason: soon, owner: shop, expires: 2999-01-31}}]"
        )
        done = run("image", reference, f"--trust={policy}", "--format", "json", *args, cwd=tmp_path)
        return done.returncode, json.loads(done.stdout), done.stderr

    code, document, _ = judged(f"{{image: '{host}/shop/waived*'}}")
    (found,) = document["findings"]
    assert (code, found["status"], found["waiver"]["reason"], found["waiver"]["owner"]) == (0, "waived", "soon", "shop")
    code, document, _ = judged("{kind: Image, name: '*/other*'}")
    assert (code, document["findings"][0]["status"], document["findings"][0]["waiver"]) == (1, "open", None)
    advisories(tmp_path / "db", [osv("CVE-2024-1", "Debian:12", "none", [{"introduced": "0"}])]).close()
    code, document, _ = judged("{kind: Image}", f"--db={tmp_path / 'db'}", "--no-cache")
    assert [each["status"] for each in document["findings"] if each["rule"] == "image-not-signed"] == ["waived"]
    (tmp_path / "seawall.yaml").write_text("waiving: {forbid: [image-not-signed]}\n")
    code, document, _ = judged("{kind: Image}")
    assert (code, document["findings"][0]["status"]) == (1, "open")
    assert "not waived by" in document["findings"][0]["message"]
