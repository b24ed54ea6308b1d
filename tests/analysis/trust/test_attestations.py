"""Attestations: whose they are, of which image, and what has to hold of their predicates."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from seawall.analysis.policies.conditions import Conditions
from seawall.analysis.policies.program import PolicyError
from seawall.model.trust import Attached, AttestationResult
from tests.analysis.trust.judging import VARIABLES, judged
from tests.analysis.trust.made import (
    NOW,
    OTHER,
    SLSA,
    attached,
    b64,
    key_bundle,
    legacy_attestation,
    p256,
    public_pem,
    rfc3339,
    statement,
)

KEY = p256()
FILES = {"ci.pub": public_pem(KEY)}
VULN = "https://cosign.sigstore.dev/attestation/vuln/v1"
CYCLONEDX = "https://cyclonedx.org/bom/v1.6"
SLSA_02 = "https://slsa.dev/provenance/v0.2"


def result(*found: Attached, predicate: str = SLSA, every: bool = False, **conditions: str) -> AttestationResult:
    """What becomes of the one attestation that is asked for; ``conditions`` are messages with expressions."""
    wanted = {
        "predicate": predicate,
        "signedBy": ["ci"],
        "every": every,
        "conditions": [{"expression": each, "message": name} for name, each in conditions.items()],
    }
    policy = {
        "signers": [{"name": "ci", "keys": ["ci.pub"]}],
        "requirements": [{"images": ["**"], "attestations": [wanted]}],
    }
    verdict = judged(policy, FILES, *found)
    (found_one,) = verdict.attestations
    assert verdict.trusted == (found_one.state == "kept")
    return found_one


def provenance(builder: str = "https://builder.acme.test", key: Any = KEY, **more: Any) -> Attached:
    content = {"runDetails": {"builder": {"id": builder}}}
    return attached(key_bundle(key, statement(predicate=SLSA, content=content, **more)))


GOOD = "predicate.runDetails.builder.id == 'https://builder.acme.test'"


def test_both_forms_and_both_versions_of_statements() -> None:
    content = {"builder": {"id": "x"}}
    old = json.loads(statement(predicate=SLSA_02, content=content)) | {"_type": "https://in-toto.io/Statement/v0.1"}
    for found in (
        legacy_attestation(KEY, json.dumps(old).encode()),
        attached(key_bundle(KEY, json.dumps(old).encode())),
    ):
        assert result(found, predicate="slsaprovenance", builder="predicate.builder.id == 'x'").state == "kept"
    assert result(provenance(), predicate="slsaprovenance1").state == "kept"
    assert result(provenance(), predicate="https://slsa.dev/provenance/*").state == "kept"
    assert result(provenance(), predicate="https://slsa.dev/*").state == "missing"


@pytest.mark.parametrize(
    ("short", "kind", "content", "expression"),
    [
        ("vuln", VULN, {"scanner": {"result": {"critical": 0}}}, "predicate.scanner.result.critical == 0"),
        ("cyclonedx", CYCLONEDX, {"components": [{"name": "a"}]}, "predicate.components.all(c, c.name != 'log4j')"),
        ("spdxjson", "https://spdx.dev/Document", {"packages": []}, "size(predicate.packages) < 10"),
        ("openvex", "https://openvex.dev/ns/v0.2.0", {"author": "me"}, "predicate.author == 'me'"),
    ],
)
def test_scans_and_bills_of_materials(short: str, kind: str, content: Any, expression: str) -> None:
    found = attached(key_bundle(KEY, statement(predicate=kind, content=content)))
    assert result(found, predicate=short, told=expression).state == "kept"
    assert result(found, predicate=short, told=f"!({expression})").state == "broken"


def test_conditions_see_the_statement_and_the_image() -> None:
    expression = "statement.predicateType.endsWith('v1') && image.repository.startsWith('registry.example/')"
    assert result(provenance(), told=expression).state == "kept"


def test_scans_may_not_be_old() -> None:
    expression = "timestamp(predicate.metadata.scanFinishedOn) > timestamp(now) - duration('168h')"
    for days, state in ((6, "kept"), (8, "broken")):
        content = {"metadata": {"scanFinishedOn": rfc3339(NOW - timedelta(days=days))}}
        found = attached(key_bundle(KEY, statement(predicate=VULN, content=content)))
        assert result(found, predicate="vuln", too_old=expression).state == state


def test_who_is_to_blame_is_told() -> None:
    found = result(provenance("https://elsewhere.test"), built_elsewhere=GOOD)
    assert (found.state, found.reason) == ("broken", "built_elsewhere (it is false)")
    assert found.conditions[0].expression == GOOD


def test_nothing_somebody_elses_and_broken() -> None:
    assert result().state == "missing"
    assert result(provenance(key=p256())).state == "untrusted"
    assert result(attached({"mediaType": "x", "verificationMaterial": {}})).state == "invalid"


def test_replayed_from_another_image() -> None:
    found = result(attached(key_bundle(KEY, statement(OTHER, SLSA))))
    assert (found.state, OTHER in found.reason) == ("invalid", True)
    assert result(legacy_attestation(KEY, statement(OTHER, SLSA))).state == "invalid"


def test_a_subject_without_sha256_is_no_subject() -> None:
    document = json.loads(statement(predicate=SLSA))
    document["subject"][0]["digest"] = {"md5": "a1" * 16}
    assert result(attached(key_bundle(KEY, json.dumps(document).encode()))).state == "invalid"


def test_changed_predicates() -> None:
    document = json.loads(provenance("https://elsewhere.test").data)
    document["dsseEnvelope"]["payload"] = json.loads(provenance().data)["dsseEnvelope"]["payload"]
    assert result(attached(document), told=GOOD).state == "untrusted"


def test_a_signature_is_no_attestation() -> None:
    assert result(attached(key_bundle(KEY, statement())), predicate="**").state == "missing"


def test_one_is_enough_or_every_one_must() -> None:
    good, bad = provenance(), provenance("https://elsewhere.test")
    assert result(good, bad, told=GOOD).state == "kept"
    assert result(good, bad, told=GOOD, every=True).state == "broken"
    assert result(good, provenance("x", key=p256()), told=GOOD, every=True).state == "kept"


@pytest.mark.parametrize(
    "expression", ["predicate.nothing.there", "1 / 0 == 1", "'text'", "predicate.runDetails.builder.id < 3"]
)
def test_conditions_that_fail_do_not_hold(expression: str) -> None:
    assert result(provenance(), told=expression).state == "broken"


def test_a_deep_predicate_is_not_judged() -> None:
    content: Any = {"x": 1}
    for _ in range(400):
        content = {"x": content}
    found = result(attached(key_bundle(KEY, statement(predicate=SLSA, content=content))), told="true")
    assert (found.state, "nested deeper" in found.reason) == ("broken", True)


def test_other_statements_are_refused() -> None:
    for change in ({"_type": "x"}, {"subject": "x"}, {"predicateType": 7}):
        document = json.loads(statement(predicate=SLSA)) | change
        assert result(attached(key_bundle(KEY, json.dumps(document).encode()))).state == "invalid"
    document = key_bundle(KEY, statement(predicate=SLSA))
    document["dsseEnvelope"]["payload"] = b64(b"\xff\xfe")
    assert result(attached(document)).state == "invalid"


def test_expressions_that_run_away_are_stopped() -> None:
    slow = Conditions([f"'{'a' * 60}!'.find('^(a+)+$') == ''", "true"], VARIABLES)
    start = time.monotonic()
    told = slow.judge(dict.fromkeys(VARIABLES, ""), seconds=0.3)
    assert told == ["it could not be judged within 0.3 s"] * 2  # what was not reached does not hold either
    assert time.monotonic() - start < 30


def test_expressions_over_something_else_are_refused() -> None:
    with pytest.raises(PolicyError):
        Conditions(["object.metadata.name == 'x'"], VARIABLES)
