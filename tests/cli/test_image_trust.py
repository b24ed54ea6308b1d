"""``seawall image --trust`` and ``image verify``: images of a real registry, with what is attached to them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from seawall.model.trust import Attached
from tests.analysis.images.made import database as advisories
from tests.analysis.images.made import osv
from tests.analysis.trust.made import (
    IDENTITY,
    ISSUER,
    NOW,
    SLSA,
    Authority,
    Sigstore,
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
from tests.cli.trusting import attach, attach_legacy, findings, rules, verify, write_policy
from tests.conftest import Run
from tests.registry import Answer, Serve, running_registry
from tests.sources.images.build import BASE, Built, build, entry, tar

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
    policy = write_policy(tmp_path, {"registries": ["registry.example"]})
    assert scanned(run, workload("nginx:1"), f"--trust={policy}", cwd=tmp_path)[0] == 1
    assert run("config", "check", cwd=tmp_path).returncode == 0


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
    states = {each["rule"]: each["state"] for each in document["statuses"]}
    assert (states["image-not-signed"], states["signature-invalid"]) == ("ok", "ok")
