"""Entries of transparency logs: what the log promised, that the entry is in its tree, and that it is about this very
signature. Sources: Rekor's API and types, RFC 6962 section 2.1.1, C2SP tlog-checkpoint and signed-note."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from seawall.analysis.trust.claims import Claim, InclusionProof, LogEntry
from seawall.analysis.trust.errors import Invalid
from seawall.analysis.trust.keys import key_der, load_key, verifies
from seawall.analysis.trust.text import from_base64, from_json, pem_blocks
from seawall.analysis.trust.trustroot import Log, TrustRoot

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

#: Kinds of entries whose time the log signs; newer logs tell none, and timestamps have to.
_TIMED = frozenset((("hashedrekord", "0.0.1"), ("dsse", "0.0.1"), ("intoto", "0.0.2")))


class Logged(Struct, frozen=True):
    """An entry that holds: when it was made (None where the log did not sign that), and how to tell it."""

    time: datetime | None
    told: str


class _Body(Struct, frozen=True, rename="camel"):
    api_version: str
    kind: str
    spec: dict[str, Any]


def verify_entry(claim: Claim, entry: LogEntry, signer: bytes, root: TrustRoot) -> Logged:
    """Verify an entry: in a trusted log, and about this signature by this signer (a certificate or a key, in DER).

    Raises:
        Invalid: it does not hold.
    """
    log = root.logs.get(entry.log)
    if log is None:
        raise Invalid("the log entry is of a log that is not in the trust root")
    if entry.promise:
        _verify_promise(entry, log)
    if entry.proof is not None:
        _verify_proof(entry, entry.proof, log)
    if entry.proof is None and (claim.needs_proof or not entry.promise):
        raise Invalid("the log entry has no proof that it is in the log")
    body = from_json(entry.body, _Body, "the log entry")
    _verify_body(claim, body, signer)
    timed = bool(entry.promise) and (body.kind, body.api_version) in _TIMED and entry.time > 0
    when = _moment(entry.time) if timed else None
    if when is not None and not log.used_at(when):
        raise Invalid(f"the key of the log {log.name} was not in use at the entry's time")
    return Logged(when, f"entry {entry.index} of the log {log.name or entry.log.hex()[:16]}")


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Invalid("the log entry's time is none") from error


def _verify_promise(entry: LogEntry, log: Log) -> None:
    promised = {
        "body": b64encode(entry.body).decode(),
        "integratedTime": entry.time,
        "logID": entry.log.hex(),
        "logIndex": entry.index,
    }
    if not verifies(log.key, entry.promise, json.dumps(promised, separators=(",", ":")).encode()):
        raise Invalid("the log's signature over the entry does not hold")


def _verify_proof(entry: LogEntry, proof: InclusionProof, log: Log) -> None:
    text, signed, _ = proof.checkpoint.partition("\n\n")
    lines = text.split("\n")
    if not signed or len(lines) < 3:
        raise Invalid("the log's checkpoint is malformed")
    if not _is_signed(f"{text}\n".encode(), proof.checkpoint.split("\n\n", 1)[1], log.key):
        raise Invalid("the log's signature over its checkpoint does not hold")
    if lines[1] != str(proof.size) or from_base64(lines[2], "the checkpoint's root") != proof.root:
        raise Invalid("the log's checkpoint is of another tree")
    if _root(entry.body, proof) != proof.root:
        raise Invalid("the entry is not in the log's tree")


def _is_signed(text: bytes, signatures: str, key: PublicKeyTypes) -> bool:
    for line in signatures.split("\n")[:16]:
        parts = line.split(" ")
        if len(parts) == 3 and parts[0] == "\N{EM DASH}":
            given = from_base64(parts[2], "the checkpoint's signature")
            if len(given) > 4 and verifies(key, given[4:], text):
                return True
    return False


def _root(body: bytes, proof: InclusionProof) -> bytes:
    """The root that an entry and the hashes beside its way lead to (RFC 9162, section 2.1.3.2)."""
    if not 0 <= proof.index < proof.size:
        raise Invalid("the entry's place is outside of the log's tree")
    here, last = proof.index, proof.size - 1
    found = sha256(b"\0" + body).digest()
    for beside in proof.hashes:
        if last == 0:
            raise Invalid("the log's proof is too long")
        if here & 1 or here == last:
            found = sha256(b"\1" + beside + found).digest()
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            found = sha256(b"\1" + found + beside).digest()
        here, last = here >> 1, last >> 1
    if last:
        raise Invalid("the log's proof is too short")
    return found


def _verify_body(claim: Claim, body: _Body, signer: bytes) -> None:
    """That the entry is about this signature, signer and payload: a true entry of something else proves nothing."""
    read = _READERS.get((body.kind, body.api_version))
    if read is None:
        raise Invalid(f"log entries of the kind {body.kind[:40]} {body.api_version[:20]} are not supported")
    try:
        signature, verifier, hashes = read(body.spec)
    except (LookupError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise Invalid("the log entry is malformed") from error
    if signature != claim.signature:
        raise Invalid("the log entry is of another signature")
    if verifier != signer and not _same_key(verifier, signer):
        raise Invalid("the log entry is of another signer")
    signed = claim.message if body.kind == "hashedrekord" else claim.payload
    if sha256(signed).hexdigest() not in hashes:
        raise Invalid("the log entry is of another payload")


def _same_key(verifier: bytes, signer: bytes) -> bool:
    try:
        return key_der(load_key(verifier)) == key_der(load_key(signer))
    except Invalid:
        return False


_Read = tuple[bytes, bytes, frozenset[str]]


def _pem(text: str) -> bytes:
    return pem_blocks(from_base64(text, "the log entry's key").decode(), "the log entry's key")[0][1]


def _hash(given: Any) -> str:
    if given["algorithm"] != "sha256":
        raise Invalid(f"the log entry's hash is {str(given['algorithm'])[:20]}, not sha256")
    return str(given["value"])


def _hashed_1(spec: dict[str, Any]) -> _Read:
    signature = spec["signature"]
    made = from_base64(signature["content"], "the log entry's signature")
    return made, _pem(signature["publicKey"]["content"]), frozenset((_hash(spec["data"]["hash"]),))


def _dsse_1(spec: dict[str, Any]) -> _Read:
    (signature,) = _one(spec["signatures"])
    made = from_base64(signature["signature"], "the log entry's signature")
    return made, _pem(signature["verifier"]), frozenset((_hash(spec["payloadHash"]),))


def _intoto_2(spec: dict[str, Any]) -> _Read:
    content = spec["content"]
    (signature,) = _one(content["envelope"]["signatures"])
    # Rekor takes the text of the envelope for bytes, and encodes it once more.
    made = from_base64(from_base64(signature["sig"], "the log entry's signature").decode(), "the log entry's signature")
    return made, _pem(signature["publicKey"]), frozenset((_hash(content["payloadHash"]),))


def _hashed_2(spec: dict[str, Any]) -> _Read:
    inner = spec["hashedRekordV002"]
    made, verifier = _signed_2(inner["signature"])
    return made, verifier, frozenset((_digest_2(inner["data"]),))


def _dsse_2(spec: dict[str, Any]) -> _Read:
    inner = spec["dsseV002"]
    (signature,) = _one(inner["signatures"])
    made, verifier = _signed_2(signature)
    return made, verifier, frozenset((_digest_2(inner["payloadHash"]),))


def _signed_2(signature: dict[str, Any]) -> tuple[bytes, bytes]:
    verifier = signature["verifier"]
    raw = (verifier.get("x509Certificate") or verifier["publicKey"])["rawBytes"]
    return from_base64(signature["content"], "the log entry's signature"), from_base64(raw, "the log entry's key")


def _digest_2(given: dict[str, Any]) -> str:
    if given["algorithm"] != "SHA2_256":
        raise Invalid(f"the log entry's hash is {str(given['algorithm'])[:20]}, not SHA2_256")
    return from_base64(given["digest"], "the log entry's hash").hex()


def _one(signatures: Any) -> Any:
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise Invalid("the log entry is not of one signature")
    return signatures


_READERS = {
    ("hashedrekord", "0.0.1"): _hashed_1,
    ("dsse", "0.0.1"): _dsse_1,
    ("intoto", "0.0.2"): _intoto_2,
    ("hashedrekord", "0.0.2"): _hashed_2,
    ("dsse", "0.0.2"): _dsse_2,
}
