"""What a trust policy says of an image: its name, base and age, and the signatures and attestations it must have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

import msgspec
from msgspec import Struct

from seawall.analysis.trust.certificates import told
from seawall.analysis.trust.claims import Claim, read_claim
from seawall.analysis.trust.errors import Invalid, Untrusted
from seawall.analysis.trust.form import Condition, RequiredAttestation, Requirement
from seawall.analysis.trust.names import matches, refused_name
from seawall.analysis.trust.notation.verify import NotationVerifier
from seawall.analysis.trust.prepared import Prepared
from seawall.model.trust import (
    Attached,
    AttestationResult,
    ConditionResult,
    ImageFacts,
    Proof,
    Refusal,
    SignerResult,
    TrustVerdict,
)

#: Short names of types of attestations, as cosign has them.
PREDICATES = {
    "slsaprovenance": ("https://slsa.dev/provenance/v0.2",),
    "slsaprovenance02": ("https://slsa.dev/provenance/v0.2",),
    "slsaprovenance1": ("https://slsa.dev/provenance/v1",),
    "spdx": ("https://spdx.dev/Document**",),
    "spdxjson": ("https://spdx.dev/Document**",),
    "cyclonedx": ("https://cyclonedx.org/bom**",),
    "vuln": ("https://cosign.sigstore.dev/attestation/vuln/v1",),
    "openvex": ("https://openvex.dev/ns**",),
    "custom": ("https://cosign.sigstore.dev/attestation/v1", "cosign.sigstore.dev/attestation/v1"),
}
#: Deeper predicates are not judged by conditions: converting them would exhaust the stack.
_MOST_DEPTH = 200
_MOST_REASONS, _MOST_REASON = 3, 600
_DAY = 86_400.0


def judge_trust(policy: Prepared, image: ImageFacts, now: datetime) -> TrustVerdict:
    """Judge an image by a policy at a moment."""
    form = policy.form
    requirements = policy.requirements(image.repository)
    looking = _Looking(policy, image, now)
    signers = [result for each in requirements for result in looking.signers(each)]
    attestations = [looking.attestation(each) for one in requirements for each in one.attestations]
    return TrustVerdict(
        image.repository,
        image.digest,
        refused_name(form.registries, form.repositories, image.repository),
        _base(policy, image),
        _age(form.maximum_age_days, image.created, now),
        bool(requirements),
        tuple(dict.fromkeys(signers)),
        tuple(attestations),
        tuple(looking.proofs.values()),
        tuple(looking.refusals.values()),
    )


def _base(policy: Prepared, image: ImageFacts) -> str:
    bases = policy.form.bases
    if bases is None:
        return ""
    chain = ""
    for layer in image.layers:
        chain = f"sha256:{sha256(f'{chain} {layer}'.encode()).hexdigest()}" if chain else layer
        if chain in policy.chains:
            return ""
    named = f"{image.base_name}@{image.base_digest}" if image.base_digest else ""
    if any(each and matches(bases.named, each) for each in (image.base_name, named)):
        return ""
    said = f"; it says that it is built on {image.base_name[:200]}" if image.base_name else ""
    return f"none of the approved base images is at the bottom of its {len(image.layers)} layers{said}"


def _age(most: int | None, created: str, now: datetime) -> str:
    if most is None:
        return ""
    try:
        made = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", created))
    except ValueError:
        return f"it does not say when it was built, and {most} days is the most that is allowed"
    days = (now - (made if made.tzinfo else made.replace(tzinfo=UTC))).total_seconds() / _DAY
    if days < -1:
        return f"it says that it was built in the future, at {created[:40]}"
    if days > most:
        return f"it was built {int(days)} days ago, and {most} days is the most that is allowed"
    return ""


_State = Literal["missing", "invalid", "untrusted"]
_WORST: tuple[_State, ...] = ("invalid", "untrusted", "missing")


class _Accepted(Struct):
    """What a signer made of the image, and the worst reason why something else does not count."""

    claims: list[Claim]
    proofs: list[Proof]
    state: _State = "missing"
    reasons: list[str] = []


class _Looking:
    """Verifies each claim by each signer once; requirements ask for what came of it."""

    def __init__(self, policy: Prepared, image: ImageFacts, now: datetime) -> None:
        self._policy, self._image, self._now = policy, image, now
        self._claims: list[Claim] = []
        self._broken: list[tuple[Attached, str]] = []
        for attached in image.attached:
            if attached.form == "notation":
                continue
            try:
                self._claims.append(read_claim(attached))
            except Invalid as problem:
                self._broken.append((attached, str(problem)))
        self._known: dict[tuple[str, str], _Accepted] = {}
        self.proofs: dict[tuple[str, ...], Proof] = {}
        self.refusals: dict[tuple[str, ...], Refusal] = {}

    def signers(self, requirement: Requirement) -> Iterator[SignerResult]:
        """What became of the signers of a requirement."""
        found = [self._signer(name) for name in requirement.signed_by]
        trusted = [each for each in found if each.state == "trusted"]
        if requirement.at_least and len(trusted) >= requirement.at_least:
            yield from trusted
        else:
            yield from found

    def _signer(self, name: str) -> SignerResult:
        found = self._by(name, "")
        if found.proofs:
            return SignerResult(name, "trusted")
        return SignerResult(name, found.state, _told(found.reasons))

    def _by(self, name: str, predicate: str) -> _Accepted:
        """What a signer signed: signatures (no predicate), or attestations of a type."""
        known = self._known.get((name, predicate))
        if known is None:
            verifier = self._policy.signers[name]
            if isinstance(verifier, NotationVerifier):
                known = self._notation(name, verifier)
            else:
                known = self._claimed(name, predicate)
            self._known[name, predicate] = known
        return known

    def _notation(self, name: str, verifier: NotationVerifier) -> _Accepted:
        found = _Accepted([], [], reasons=[])
        for attached in self._image.attached:
            if attached.form != "notation":
                continue
            try:
                signed = verifier.verify(attached, self._image.repository, self._image.digest, self._now)
            except (Invalid, Untrusted) as problem:
                self._refuse(found, name, attached, problem, "")
                continue
            time = told(signed.time) if signed.time is not None else ""
            self._prove(
                found,
                Proof(name, "notation", attached.where, signed.identity, signed.issuer, time, "", signed.evidence),
            )
        return found

    def _claimed(self, name: str, predicate: str) -> _Accepted:
        found = _Accepted([], [], reasons=[])
        for attached, reason in self._broken:
            self._refuse(found, name, attached, Invalid(reason), predicate)
        for claim in self._claims:
            if not _is_meant(claim, predicate):
                continue
            try:
                proof = self._verify(name, claim)
            except (Invalid, Untrusted) as problem:
                self._refuse(found, name, claim.attached, problem, claim.predicate)
                continue
            found.claims.append(claim)
            self._prove(found, proof)
        return found

    def _verify(self, name: str, claim: Claim) -> Proof:
        verifier = self._policy.signers[name]
        if isinstance(verifier, NotationVerifier):
            raise TypeError(name)
        if claim.legacy and not self._policy.legacy[name]:
            raise Invalid("it is of cosign's older form, which the policy refuses (legacy: false)")
        if self._image.digest not in claim.digests:
            shown = ", ".join(claim.digests[:3])[:200] or "nothing"
            raise Invalid(f"it is of another image: {shown}")
        signed = verifier.verify(claim, self._now)
        time = told(signed.time) if signed.time is not None else ""
        attached = claim.attached
        return Proof(
            name, attached.form, attached.where, signed.identity, signed.issuer, time, claim.predicate, signed.evidence
        )

    def _prove(self, found: _Accepted, proof: Proof) -> None:
        found.proofs.append(proof)
        self.proofs[proof.signer, proof.where, proof.predicate] = proof

    def _refuse(self, found: _Accepted, name: str, attached: Attached, problem: Exception, predicate: str) -> None:
        state: Literal["invalid", "untrusted"] = "invalid" if isinstance(problem, Invalid) else "untrusted"
        reason = str(problem)[:_MOST_REASON]
        if found.state != "invalid":
            found.reasons = found.reasons if found.state == state else []
            found.state = state
        if found.state == state:
            found.reasons.append(reason)
        self.refusals[name, attached.where, reason] = Refusal(
            name, attached.form, attached.where, state, reason, predicate
        )

    def attestation(self, required: RequiredAttestation) -> AttestationResult:
        """What became of a required attestation."""
        by = [self._by(name, required.predicate) for name in required.signed_by]
        claims = {id(claim): claim for each in by for claim in each.claims}
        if not claims:
            worst = min(by, key=lambda each: _WORST.index(each.state))
            return AttestationResult(required.predicate, worst.state, _told(worst.reasons), required.signed_by)
        results = [(claim, self._conditions(required, claim)) for claim in claims.values()]
        good = [each for each in results if not any(one.problem for one in each[1])]
        bad = [each for each in results if any(one.problem for one in each[1])]
        if good and not (required.every and bad):
            claim, conditions = good[0]
            where = claim.attached.where
            return AttestationResult(required.predicate, "kept", "", required.signed_by, where, tuple(conditions))
        claim, conditions = bad[0]
        reason = _told([one.problem for one in conditions if one.problem])
        return AttestationResult(
            required.predicate, "broken", reason, required.signed_by, claim.attached.where, tuple(conditions)
        )

    def _conditions(self, required: RequiredAttestation, claim: Claim) -> list[ConditionResult]:
        if not required.conditions:
            return []
        try:
            statement = msgspec.json.decode(claim.payload)
            problem = "" if _is_shallow(statement) else f"is nested deeper than {_MOST_DEPTH}"
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            statement, problem = {}, "cannot be read"
        if problem:
            return [ConditionResult(each.expression, f"the statement {problem}") for each in required.conditions]
        values = {
            "statement": statement,
            "predicate": statement.get("predicate"),
            "image": {"repository": self._image.repository, "digest": self._image.digest},
            "now": told(self._now),
        }
        problems = self._policy.judge(required.conditions, values)
        pairs = zip(required.conditions, problems, strict=True)
        return [ConditionResult(each.expression, _problem(each, problem)) for each, problem in pairs]


def _problem(condition: Condition, problem: str) -> str:
    if not problem:
        return ""
    expression = " ".join(condition.expression.split())[:200]
    return f"{condition.message} ({problem})" if condition.message else f"{expression}: {problem}"


def _is_meant(claim: Claim, predicate: str) -> bool:
    if not predicate or not claim.predicate:
        return predicate == claim.predicate
    return matches(PREDICATES.get(predicate, (predicate,)), claim.predicate)


def _told(reasons: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(reasons))
    more = len(distinct) - _MOST_REASONS
    return "; ".join(distinct[:_MOST_REASONS]) + (f"; and {more} more reasons" if more > 0 else "")


def _is_shallow(value: Any) -> bool:
    """Whether a decoded document is nested no deeper than the bound; level by level, so that nothing recurses."""
    level = [value]
    for _ in range(_MOST_DEPTH):
        level = [
            each
            for one in level
            for each in (one.values() if isinstance(one, dict) else one)
            if isinstance(each, dict | list)
        ]
        if not level:
            return True
    return False
