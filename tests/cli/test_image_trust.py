"""``seawall image --trust`` and ``image verify``: images of a real registry, with what is attached to them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from seawall.model.trust import Attached
from tests.analysis.images.made import database as advisories
from tests.analysis.images.made import osv
from tests.analysis.trust.made import (
    BUNDLE_TYPE,
    IDENTITY,
    ISSUER,
    NOW,
    OTHER,
    SLSA,
    Authority,
    Sigstore,
    attached,
    b64,
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
from tests.cli.trusting import attach, attach_legacy, findings, rules, verify, write_policy
from tests.conftest import Run
from tests.registry import Answer, Serve, free_host, push_manifest, running_registry
from tests.sources.images.build import BASE, INDEX, Built, build, entry, index_of, tar

KEY = p256()
SIGSTORE = Sigstore()
FILES: dict[str, bytes | str] = {"release.pub": public_pem(KEY), "root.json": SIGSTORE.trust_root()}
KEYED: dict[str, Any] = {
    "signers": [{"name": "release", "keys": ["release.pub"]}],
    "requirements": [{"images": ["**"], "signedBy": ["release"]}],
}
KEYLESS: dict[str, Any] = {
    "trustRoot": "root.json",
    "signers": [{"name": "ci", "keyless": {"identity": IDENTITY, "issuer": ISSUER}}],
    "requirements": [{"images": ["**"], "signedBy": ["ci"]}],
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("HOME", "DOCKER_CONFIG", "XDG_STATE_HOME", "SEAWALL_CACHE"):
        monkeypatch.setenv(each, str(tmp_path / "home"))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers = Serve()
    yield servers
    servers.close()


def image(tag: str, **config: Any) -> Built:
    return build([BASE, tar(entry("app", tag.encode()))], config=config)


def pushed(host: str, tag: str, **config: Any) -> tuple[str, str]:
    """Push an image of its own; its name and digest."""
    built = image(tag, **config)
    push(host, f"shop/{tag}", "1", built)
    return f"{host}/shop/{tag}:1", built.digest


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


def test_not_signed(run: Run, host: str, tmp_path: Path) -> None:
    reference, _ = pushed(host, "bare")
    policy = write_policy(tmp_path, KEYED, FILES)
    assert verify(run, policy, reference)[0] == 1
    code, document, _ = findings(run, policy, reference)
    assert (code, rules(document)) == (1, {"image-not-signed"})


def test_wrong_key(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "wrong-key")
    attach(host, "shop/wrong-key", digest, attached(key_bundle(p256(), statement(digest))))
    code, document, _ = findings(run, write_policy(tmp_path, KEYED, FILES), reference)
    assert (code, rules(document)) == (1, {"signer-not-trusted"})


def test_replayed_onto_another_image(run: Run, host: str, tmp_path: Path) -> None:
    _, signed = pushed(host, "genuine")
    reference, digest = pushed(host, "replayed")
    attach(host, "shop/replayed", digest, attached(key_bundle(KEY, statement(signed))))
    attach_legacy(host, "shop/replayed", digest, legacy(KEY, simple(signed)))
    code, document, _ = findings(run, write_policy(tmp_path, KEYED, FILES), reference)
    assert (code, rules(document)) == (1, {"signature-invalid"})


def test_tag_moved_to_another_image(run: Run, host: str, tmp_path: Path) -> None:
    """Somebody pushes another image under a tag whose image was signed."""
    reference, digest = pushed(host, "moved")
    attach(host, "shop/moved", digest, attached(key_bundle(KEY, statement(digest))))
    policy = write_policy(tmp_path, KEYED, FILES)
    assert verify(run, policy, reference)[0] == 0
    push(host, "shop/moved", "1", image("evil"))
    code, document, _ = findings(run, policy, reference)
    assert (code, rules(document)) == (1, {"image-not-signed"})
    pinned = f"{reference.rpartition(':')[0]}@{digest}"
    assert verify(run, policy, pinned)[0] == 0


def test_stripped_of_the_identity_for_a_key(run: Run, host: str, tmp_path: Path) -> None:
    """Downgraded: where an identity is asked for, an older signature of a bare key does not do."""
    reference, digest = pushed(host, "downgraded")
    attach_legacy(host, "shop/downgraded", digest, legacy(p256(), simple(digest)))
    code, document, _ = findings(run, write_policy(tmp_path, KEYLESS, FILES), reference)
    assert (code, rules(document)) == (1, {"signer-not-trusted"})


def test_downgraded_to_the_older_form(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "older")
    attach_legacy(host, "shop/older", digest, legacy(KEY, simple(digest)))
    signers = [{**KEYED["signers"][0], "legacy": False}]
    code, document, _ = findings(run, write_policy(tmp_path, KEYED | {"signers": signers}, FILES), reference)
    assert (code, rules(document)) == (1, {"signature-invalid"})


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


def test_a_registry_that_does_not_tell_is_no_pass(run: Run, serve: Serve, tmp_path: Path) -> None:
    """Signatures that cannot be fetched: not judged, an error, exit 2 - neither signed nor unsigned."""
    built = image("silent")

    def answer(path: str, headers: dict[str, str]) -> Answer:
        if "/referrers/" in path or path.endswith((".sig", ".att")):
            return 403, {}, b"{}"
        if "/manifests/" in path:
            return 200, {"Content-Type": built.media_type}, built.manifest
        return 200, {}, built.blobs.get(path.rpartition("/")[2], b"")

    reference = f"{serve(answer)}/shop/silent:1"
    policy = write_policy(tmp_path, KEYED, FILES)
    code, document, stderr = verify(run, policy, reference)
    assert (code, document["images"]) == (2, [])
    assert "not judged" in stderr
    code, document, _ = findings(run, policy, reference)
    assert (code, rules(document)) == (2, set())
    assert {each["state"] for each in document["statuses"]} == {"not-judged"}


def referring(built: Built, found: list[tuple[Attached, str]], pages: int = 1) -> Any:
    """A registry with the referrers API, which tells a part on each page."""
    digests = [digest for _, digest in found]

    def answer(path: str, headers: dict[str, str]) -> Answer:
        if "/referrers/" in path:
            page = int(path.partition("page=")[2] or 0)
            kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
            listed = [
                {"mediaType": "m", "digest": each, "size": 1, "artifactType": kind} for each in digests[page::pages]
            ]
            more = {"Link": f'<{path.partition("?")[0]}?page={page + 1}>; rel="next"'} if page + 1 < pages else {}
            return 200, more, json.dumps({"manifests": listed}).encode()
        for each, digest in found:
            if path.endswith(digest):
                return 200, {}, each.data
        if path.endswith((".sig", ".att")):
            return 404, {}, b"{}"
        if "/manifests/" in path:
            return 200, {"Content-Type": built.media_type}, built.manifest
        return 200, {}, built.blobs.get(path.rpartition("/")[2], b"")

    return answer


def test_more_signatures_than_are_read_are_no_pass(run: Run, serve: Serve, tmp_path: Path) -> None:
    built = image("flooded")
    flood = [(attached({"mediaType": "x"}), f"sha256:{number:064x}") for number in range(150)]
    reference = f"{serve(referring(built, flood, pages=3))}/shop/flooded:1"
    code, document, stderr = verify(run, write_policy(tmp_path, KEYED, FILES), reference)
    assert (code, document["images"]) == (2, [])
    assert "150 signatures are attached" in stderr


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


def test_without_a_policy(run: Run, tmp_path: Path) -> None:
    done = run("image", "verify", "registry.invalid/shop:1", cwd=tmp_path)
    assert (done.returncode, "there is no trust policy" in done.stderr) == (2, True)


def test_offline_and_other_places_are_not_judged(run: Run, tmp_path: Path) -> None:
    policy = write_policy(tmp_path, KEYED, FILES)
    done = run("image", "verify", "registry.invalid/shop:1", f"--trust={policy}", "--offline")
    assert (done.returncode, "--offline" in done.stderr) == (2, True)
    done = run("image", "verify", "oci-dir:somewhere", f"--trust={policy}")
    assert (done.returncode, "signatures are in registries" in done.stderr) == (2, True)


def workload(reference: str) -> bytes:
    container = {"name": "app", "image": reference}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    meta = {"name": "web", "namespace": "shop"}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}).encode()


def scanned(run: Run, stdin: bytes, *args: str, cwd: Path | None = None) -> tuple[int, dict[str, Any], str]:
    done = run("scan", "-", "--format", "json", "--rule", "untrusted-registry", *args, stdin=stdin, cwd=cwd)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def test_a_plain_scan_judges_names(run: Run, tmp_path: Path) -> None:
    (tmp_path / "seawall.yaml").write_text("trust: {registries: [ghcr.io], repositories: ['docker.io/library/*']}\n")
    for reference, code in (("nginx:1", 0), ("ghcr.io/a/b:1", 0), ("evil.example/a:1", 1), ("someone/nginx", 1)):
        done, document, _ = scanned(run, workload(reference), cwd=tmp_path)
        assert done == code, reference
        for found in document["findings"]:
            assert found["resource"]["name"] == "web"
            assert found["locations"][0]["path"] == "spec.template.spec.containers[0].image"
    assert run("config", "check", cwd=tmp_path).returncode == 0
    (tmp_path / "other").mkdir()
    policy = write_policy(tmp_path / "other", {"registries": ["registry.example"]})
    assert scanned(run, workload("nginx:1"), f"--trust={policy}", cwd=tmp_path)[0] == 1


def test_config_check_looks_into_trust_policies(run: Run, tmp_path: Path) -> None:
    write_policy(tmp_path, KEYED, FILES)
    assert run("config", "check", cwd=tmp_path).returncode == 0
    write_policy(tmp_path, KEYED | {"signers": [{"name": "release", "keys": ["gone.pub"]}]})
    done = run("config", "check", cwd=tmp_path)
    assert done.returncode == 2
    assert "gone.pub cannot be read" in done.stdout
    (tmp_path / "seawall.yaml").write_text("trust:\n  signers:\n  - name: a\n    keyss: [x]\n")
    done = run("config", "check", "seawall.yaml", cwd=tmp_path)
    assert "seawall.yaml:4:5: trust.signers[0].keyss: there is no such key; did you mean `keys`?" in done.stdout


def test_workloads_are_told_with_their_images(run: Run, host: str, tmp_path: Path) -> None:
    reference, _ = pushed(host, "run-unsigned")
    signed, digest = pushed(host, "run-signed")
    attach(host, "shop/run-signed", digest, attached(key_bundle(KEY, statement(digest))))
    database = tmp_path / "db"
    advisories(database, [osv("CVE-2024-1", "Debian:12", "other", [{"introduced": "0"}])]).close()
    policy = write_policy(tmp_path, KEYED | {"registries": [host]}, FILES)
    args = ("--images", f"--db={database}", f"--trust={policy}", "--no-cache")
    code, document, stderr = scanned(run, workload(reference) + b"\n---\n" + workload(signed), *args)
    assert (code, stderr) == (1, "")
    (found,) = document["findings"]
    assert found["rule"] == "image-not-signed"
    assert found["resource"]["name"].startswith(f"{host}/shop/run-unsigned@sha256:")
    assert [each["resource"]["name"] for each in found["evidence"] if each["type"] == "resource"] == ["web"]
    alone = scanned(run, workload(reference), "--verify-images", f"--trust={policy}")
    assert (alone[0], rules(alone[1])) == (1, {"image-not-signed"})
    states = {each["rule"]: each["state"] for each in document["statuses"]}
    assert (states["image-not-signed"], states["signature-invalid"]) == ("ok", "ok")


def test_stripped_of_its_signature(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "stripped")
    attach(host, "shop/stripped", digest, attached(key_bundle(KEY, statement(digest))))
    policy = write_policy(tmp_path, KEYED, FILES)
    assert verify(run, policy, reference)[0] == 0
    attach(host, "shop/stripped", digest)
    code, document, _ = findings(run, policy, reference)
    assert (code, rules(document)) == (1, {"image-not-signed"})


def test_changed_payload_and_changed_signature(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "changed")
    document = keyless_bundle(SIGSTORE, statement(OTHER))
    document["dsseEnvelope"]["payload"] = b64(statement(digest))
    policy = write_policy(tmp_path, KEYLESS, FILES)
    attach(host, "shop/changed", digest, attached(document))
    code, found, _ = findings(run, policy, reference)
    assert (code, rules(found)) == (1, {"signature-invalid"})
    document = keyless_bundle(SIGSTORE, statement(digest))
    document["dsseEnvelope"]["signatures"][0]["sig"] = b64(b"\x30\x06\x02\x01\x01\x02\x01\x01")
    attach(host, "shop/changed", digest, attached(document))
    code, found, _ = findings(run, policy, reference)
    assert (code, rules(found)) == (1, {"signature-invalid"})


def test_swapped_certificate(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "swapped")
    document = keyless_bundle(SIGSTORE, statement(digest))
    mallory = SIGSTORE.certificate(p256())
    document["verificationMaterial"]["certificate"]["rawBytes"] = b64(mallory.public_bytes(Encoding.DER))
    attach(host, "shop/swapped", digest, attached(document))
    code, found, _ = findings(run, write_policy(tmp_path, KEYLESS, FILES), reference)
    assert (code, rules(found)) == (1, {"signature-invalid"})


def test_another_identity(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "mallory")
    key = p256()
    certificate = SIGSTORE.certificate(key, "https://github.com/mallory/x/.github/workflows/x.yml@refs/heads/main")
    found = keyless_bundle(SIGSTORE, statement(digest), key=key, certificate=certificate)
    attach(host, "shop/mallory", digest, attached(found))
    code, document, _ = findings(run, write_policy(tmp_path, KEYLESS, FILES), reference)
    assert (code, rules(document)) == (1, {"signer-not-trusted"})
    assert "mallory" in document["findings"][0]["message"]


def test_rubbish_beside_a_good_signature_blocks_nobody(run: Run, host: str, tmp_path: Path) -> None:
    reference, digest = pushed(host, "rubbish")
    rubbish = [Attached("bundle", "", BUNDLE_TYPE, each) for each in (b"", b"{", b"\xff" * 100, b"[" * 100_000)]
    attach(host, "shop/rubbish", digest, *rubbish, attached(key_bundle(KEY, statement(digest))))
    code, document, stderr = verify(run, write_policy(tmp_path, KEYED, FILES), reference)
    assert (code, stderr) == (0, "")
    assert len(document["images"][0]["refusals"]) == 4


def test_the_index_is_what_is_signed(run: Run, host: str, tmp_path: Path) -> None:
    """Of an image for several platforms the index counts; a signature of one of its images is none of the others."""
    one, two = image("platform-one"), build([BASE], architecture="arm64")
    index = index_of((one, "linux/amd64"), (two, "linux/arm64"))
    for each in (one, two):
        push(host, "shop/platforms", each.digest, each)
    digest = push_manifest(host, "shop/platforms", "1", index, INDEX)
    policy = write_policy(tmp_path, KEYED, FILES)
    reference = f"{host}/shop/platforms:1"
    attach(host, "shop/platforms", one.digest, attached(key_bundle(KEY, statement(one.digest))))
    assert verify(run, policy, reference)[0] == 1
    assert verify(run, policy, f"{host}/shop/platforms@{one.digest}")[0] == 0
    attach(host, "shop/platforms", digest, attached(key_bundle(KEY, statement(digest))))
    assert verify(run, policy, reference)[0] == 0


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


def test_the_policy_beside_the_configuration_is_used(run: Run, tmp_path: Path) -> None:
    write_policy(tmp_path, {"registries": ["registry.example"]})
    assert scanned(run, workload("nginx:1"), cwd=tmp_path)[0] == 1
    (tmp_path / "seawall.yaml").write_text("trust: {registries: [docker.io]}\n")
    done = run("scan", "-", stdin=workload("nginx:1"), cwd=tmp_path)
    assert (done.returncode, "keep one" in done.stderr) == (2, True)


def test_an_answer_for_frameworks(run: Run, host: str, tmp_path: Path) -> None:
    reference, _ = pushed(host, "complied")
    policy = write_policy(tmp_path, KEYED, FILES)
    assert run("image", reference, f"--trust={policy}", "--format", f"json={tmp_path / 'r.json'}").returncode == 1
    done = run("comply", "nist-800-190", "--on", str(tmp_path / "r.json"), "--format", "json")
    controls = {each["id"]: each for each in json.loads(done.stdout)["controls"]}
    checks = {each["id"]: each["state"] for each in controls["4.1.5"]["checks"]}
    assert (checks["image-not-signed"], checks["signature-invalid"]) == ("fail", "pass")


def test_names_that_stand_for_nothing_are_told_on_a_scan(run: Run, tmp_path: Path) -> None:
    policy = write_policy(tmp_path, {"repositories": ["nginx"]})
    done = run("scan", "-", f"--trust={policy}", stdin=workload("nginx:1"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "trust: repositories[0]: 'nginx' names no registry" in done.stderr


def test_workloads_whose_images_cannot_be_verified(run: Run, tmp_path: Path) -> None:
    """No policy, and no registry: never a pass."""
    done = run("scan", "-", "--verify-images", stdin=workload("nginx:1"), cwd=tmp_path)
    assert (done.returncode, "there is no trust policy" in done.stderr) == (2, True)
    policy = write_policy(tmp_path, KEYED, FILES)
    absent = f"{free_host()}/shop/app:1"
    code, document, stderr = scanned(run, workload(absent), "--verify-images", f"--trust={policy}", "--offline")
    assert (code, "not judged" in stderr) == (2, True)
    states = {each["rule"]: each["state"] for each in document["statuses"]}
    assert states["image-not-signed"] == "not-judged"
