"""Telling who signed what, by which evidence: for people, and as JSON (``seawall.verify/v1``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from seawall import __version__
from seawall.reports.excerpt import printable

if TYPE_CHECKING:
    from seawall.engine.trust import TrustResult, Verified
    from seawall.model.trust import AttestationResult

SCHEMA = "seawall.verify/v1"
_GREEN, _RED, _DIM = "32", "31", "2"
_MOST_REFUSALS = 20


def json(result: TrustResult) -> Iterator[bytes]:
    """The document; its schema lies in ``schemas/verify.v1.json``."""
    images = [
        {"reference": each.reference, "trusted": each.verdict.trusted, **msgspec.to_builtins(each.verdict)}
        for each in result.images
    ]
    trusted = sum(each.verdict.trusted for each in result.images)
    document = {
        "schema": SCHEMA,
        "tool": {"name": "seawall", "version": __version__},
        "policy": result.policy,
        "summary": {"complete": not result.errors, "images": len(images), "trusted": trusted},
        "images": images,
        "errors": [{"source": e.source, "where": e.where, "message": e.message} for e in result.errors],
    }
    yield msgspec.json.encode(document) + b"\n"


def terminal(result: TrustResult, colour: bool) -> Iterator[bytes]:
    """A paragraph for each image."""
    for number, each in enumerate(result.images):
        lines = list(_lines(each, colour))
        yield ("\n" if number else "").encode() + "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _lines(each: Verified, colour: bool) -> Iterator[str]:
    verdict = each.verdict
    word = _painted("trusted", _GREEN, colour) if verdict.trusted else _painted("not trusted", _RED, colour)
    yield f"{printable(each.reference)}: {word}"
    yield _painted(f"  {printable(verdict.repository)}@{printable(verdict.digest)}", _DIM, colour)
    for problem in (verdict.registry, verdict.base, verdict.age):
        if problem:
            yield f"  {_painted('no', _RED, colour)}   {printable(problem)}"
    if not verdict.required:
        yield "  -    no requirement names it: no signature is asked for"
    for signer in verdict.signers:
        yield _result(signer.state == "trusted", f"signed by {signer.signer}", signer.state, signer.reason, colour)
    for attestation in verdict.attestations:
        yield from _attestation(attestation, colour)
    for proof in verdict.proofs:
        what = f"attestation {proof.predicate}" if proof.predicate else "signature"
        when = f" at {proof.time}" if proof.time else ""
        yield f"  {what} of {proof.signer}{when} ({proof.form}, {printable(proof.where)})"
        yield from (f"       {printable(line)}" for line in proof.evidence)
    for refusal in verdict.refusals[:_MOST_REFUSALS]:
        place = f"({refusal.form}, {printable(refusal.where)})"
        yield f"  refused for {refusal.signer}: {printable(refusal.reason)} {place}"
    if len(verdict.refusals) > _MOST_REFUSALS:
        yield f"  {len(verdict.refusals) - _MOST_REFUSALS} more refusals; --format json lists all"


def _result(good: bool, what: str, state: str, reason: str, colour: bool) -> str:
    if good:
        return f"  {_painted('yes', _GREEN, colour)}  {printable(what)}"
    return f"  {_painted('no', _RED, colour)}   {printable(what)}: {state}" + (
        f": {printable(reason)}" if reason else ""
    )


def _attestation(each: AttestationResult, colour: bool) -> Iterator[str]:
    what = f"attestation {each.predicate} by {' or '.join(each.signers)}"
    yield _result(each.state == "kept", what, each.state, each.reason, colour)
    for condition in each.conditions:
        mark = "holds" if not condition.problem else "does not hold"
        yield f"       {mark}: {printable(' '.join(condition.expression.split()))}"


def _painted(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
