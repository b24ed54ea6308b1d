"""One form for what is signed, whichever way it came: sigstore's bundles, and cosign's older form under tags.

Sources: protobuf-specs (sigstore_bundle.proto), cosign's SIGNATURE_SPEC.md, the DSSE protocol, in-toto attestation
specification (statement v0.1 and v1).
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from seawall.analysis.trust.errors import Invalid
from seawall.analysis.trust.text import MAX_CHAIN, from_base64, from_json, pem_blocks
from seawall.model.trust import Attached

#: What cosign says in a bundle that is a signature and nothing more.
SIGNATURE_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
_IN_TOTO = "application/vnd.in-toto+json"
_STATEMENTS = ("https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1")
_SIMPLE_SIGNING = "cosign container image signature"
_BUNDLE = re.compile(
    r"application/vnd\.dev\.sigstore\.bundle(?:\+json;version=(?P<old>0\.[123])|\.v(?P<new>0\.3(?:\.\d+)?)\+json)\Z"
)
#: Annotations of cosign's older form, which had two prefixes over time.
_SIGNATURE = ("dev.cosignproject.cosign/signature", "dev.sigstore.cosign/signature")
_CERTIFICATE, _CHAIN, _LOG, _TIMESTAMP = (
    f"dev.sigstore.cosign/{name}" for name in ("certificate", "chain", "bundle", "rfc3161timestamp")
)
_MAX_ENTRIES = 16


class InclusionProof(Struct, frozen=True):
    """That an entry is in a tree: its place, and the hashes beside the way to the root; ``checkpoint`` is signed."""

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str


class LogEntry(Struct, frozen=True):
    """An entry of a transparency log: ``time`` in seconds (0: none), ``promise`` what the log signed over it."""

    body: bytes
    log: bytes
    index: int
    time: int
    promise: bytes = b""
    proof: InclusionProof | None = None


class Claim(Struct, frozen=True):
    """One signature, not verified yet.

    ``message`` is what was signed, ``payload`` what it says. ``statement`` is the in-toto statement, if it is one.
    ``predicate`` is its type, empty for a plain signature. ``certificates`` are in DER, the signer's first.
    """

    attached: Attached
    message: bytes
    payload: bytes
    signature: bytes
    predicate: str
    digests: tuple[str, ...]
    statement: Any = None
    certificates: tuple[bytes, ...] = ()
    entries: tuple[LogEntry, ...] = ()
    timestamps: tuple[bytes, ...] = ()
    needs_proof: bool = False
    legacy: bool = False
    enveloped: bool = False


class _Raw(Struct, frozen=True, rename="camel"):
    raw_bytes: str = ""


class _Chain(Struct, frozen=True):
    certificates: tuple[_Raw, ...] = ()


class _Promise(Struct, frozen=True, rename="camel"):
    signed_entry_timestamp: str = ""


class _Checkpoint(Struct, frozen=True):
    envelope: str = ""


class _Proof(Struct, frozen=True, rename="camel"):
    log_index: int | str = 0
    root_hash: str = ""
    tree_size: int | str = 0
    hashes: tuple[str, ...] = ()
    checkpoint: _Checkpoint = _Checkpoint()


class _LogId(Struct, frozen=True, rename="camel"):
    key_id: str = ""


class _Entry(Struct, frozen=True, rename="camel"):
    log_index: int | str = 0
    log_id: _LogId = _LogId()
    integrated_time: int | str = 0
    inclusion_promise: _Promise | None = None
    inclusion_proof: _Proof | None = None
    canonicalized_body: str = ""


class _SignedTime(Struct, frozen=True, rename="camel"):
    signed_timestamp: str = ""


class _Times(Struct, frozen=True, rename="camel"):
    rfc3161_timestamps: tuple[_SignedTime, ...] = ()


class _Material(Struct, frozen=True, rename="camel"):
    x509_certificate_chain: _Chain | None = None
    certificate: _Raw | None = None
    tlog_entries: tuple[_Entry, ...] = ()
    timestamp_verification_data: _Times | None = None


class _Signature(Struct, frozen=True):
    sig: str = ""


class _Envelope(Struct, frozen=True, rename="camel"):
    payload: str = ""
    payload_type: str = ""
    signatures: tuple[_Signature, ...] = ()


class _Bundle(Struct, frozen=True, rename="camel"):
    media_type: str
    verification_material: _Material
    dsse_envelope: _Envelope | None = None


class _Subject(Struct, frozen=True):
    digest: dict[str, str] = {}


class _Statement(Struct, frozen=True, rename="camel"):
    type: str = msgspec.field(name="_type")
    predicate_type: str
    subject: tuple[_Subject, ...] = ()


class _Named(Struct, frozen=True, rename="kebab"):
    docker_manifest_digest: str = ""


class _Critical(Struct, frozen=True):
    type: str = ""
    image: _Named = _Named()


class _Simple(Struct, frozen=True):
    critical: _Critical


class _OldPayload(Struct, frozen=True, rename="camel"):
    body: str = ""
    integrated_time: int = 0
    log_index: int = 0
    log_id: str = msgspec.field(name="logID", default="")


class _OldLog(Struct, frozen=True):
    set: str = msgspec.field(name="SignedEntryTimestamp", default="")
    payload: _OldPayload = msgspec.field(name="Payload", default=_OldPayload())


class _OldTime(Struct, frozen=True):
    response: str = msgspec.field(name="SignedRFC3161Timestamp", default="")


def pae(kind: str, body: bytes) -> bytes:
    """What DSSE signs: the pre-authentication encoding of a type and a payload."""
    encoded = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(encoded), encoded, len(body), body)


def read_claim(attached: Attached) -> Claim:
    """Read a bundle or what cosign put under a tag.

    Raises:
        Invalid: it is malformed, or of a form that is not understood.
    """
    return _bundle(attached) if attached.form == "bundle" else _older(attached)


def _bundle(attached: Attached) -> Claim:
    bundle = from_json(attached.data, _Bundle, "the bundle")
    match = _BUNDLE.match(bundle.media_type)
    if match is None:
        raise Invalid(f"bundles of the type {bundle.media_type[:80]!r} are not supported")
    if bundle.dsse_envelope is None:
        raise Invalid("the bundle has no DSSE envelope, so it says nothing of an image")
    material = bundle.verification_material
    certificates = material.x509_certificate_chain.certificates if material.x509_certificate_chain else ()
    if material.certificate is not None:
        certificates = (material.certificate,)
    times = material.timestamp_verification_data
    timestamps = times.rfc3161_timestamps if times is not None else ()
    if max(len(certificates), len(material.tlog_entries), len(timestamps)) > MAX_CHAIN:
        raise Invalid(f"the bundle has more than {MAX_CHAIN} certificates, log entries or timestamps")
    return _enveloped(
        attached,
        bundle.dsse_envelope,
        certificates=tuple(from_base64(each.raw_bytes, "a certificate") for each in certificates),
        entries=tuple(_entry(each) for each in material.tlog_entries),
        timestamps=tuple(from_base64(each.signed_timestamp, "a timestamp") for each in timestamps),
        needs_proof=match["old"] != "0.1",
    )


def _entry(entry: _Entry) -> LogEntry:
    proof = None
    if (given := entry.inclusion_proof) is not None:
        proof = InclusionProof(
            _number(given.log_index),
            _number(given.tree_size),
            from_base64(given.root_hash, "the log's root"),
            tuple(from_base64(each, "a hash of the log") for each in given.hashes[:_MOST_HASHES]),
            given.checkpoint.envelope,
        )
    promise = entry.inclusion_promise
    return LogEntry(
        from_base64(entry.canonicalized_body, "the log entry"),
        from_base64(entry.log_id.key_id, "the log's id"),
        _number(entry.log_index),
        _number(entry.integrated_time),
        from_base64(promise.signed_entry_timestamp, "the log's promise") if promise is not None else b"",
        proof,
    )


#: A tree of 2^63 entries is no deeper.
_MOST_HASHES = 64


def _number(value: int | str) -> int:
    """64-bit integers, which protobuf's JSON writes as text."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value):
        return int(value)
    if isinstance(value, int) and 0 <= value < 1 << 63:
        return value
    raise Invalid("the log entry has a number that is none")


def _older(attached: Attached) -> Claim:
    told = attached.annotations
    certificates: list[bytes] = []
    for name in (_CERTIFICATE, _CHAIN):
        if told.get(name):
            certificates += [der for label, der in pem_blocks(told[name], name) if label == "CERTIFICATE"]
    if len(certificates) > MAX_CHAIN:
        raise Invalid(f"the signature has more than {MAX_CHAIN} certificates")
    entries = (_old_entry(told[_LOG]),) if told.get(_LOG) else ()
    timestamps: tuple[bytes, ...] = ()
    if told.get(_TIMESTAMP):
        given = from_json(told[_TIMESTAMP].encode(), _OldTime, "the timestamp")
        timestamps = (from_base64(given.response, "the timestamp"),)
    if "dsse.envelope" in attached.media_type:
        envelope = from_json(attached.data, _Envelope, "the envelope")
        return _enveloped(
            attached, envelope, certificates=tuple(certificates), entries=entries, timestamps=timestamps, legacy=True
        )
    signature = next((told[name] for name in _SIGNATURE if told.get(name)), "")
    if not signature:
        raise Invalid("it has no signature beside its payload")
    return Claim(
        attached,
        attached.data,
        attached.data,
        from_base64(signature, "the signature"),
        "",
        (_simple(attached.data),),
        certificates=tuple(certificates),
        entries=entries,
        timestamps=timestamps,
        legacy=True,
    )


def _simple(data: bytes) -> str:
    """The digest that a payload of simple signing is about."""
    critical = from_json(data, _Simple, "the payload").critical
    if critical.type != _SIMPLE_SIGNING:
        raise Invalid(f"the payload is of the type {critical.type[:80]!r}, which is no signature of an image")
    return critical.image.docker_manifest_digest


def _old_entry(text: str) -> LogEntry:
    given = from_json(text.encode(), _OldLog, "the log entry")
    payload = given.payload
    if re.fullmatch(r"[0-9a-f]{64}", payload.log_id) is None:
        raise Invalid("the log entry names no log")
    return LogEntry(
        from_base64(payload.body, "the log entry"),
        bytes.fromhex(payload.log_id),
        _number(payload.log_index),
        _number(payload.integrated_time),
        from_base64(given.set, "the log's promise"),
    )


def _enveloped(attached: Attached, envelope: _Envelope, **more: Any) -> Claim:
    if envelope.payload_type != _IN_TOTO:
        raise Invalid(f"the envelope holds {envelope.payload_type[:80]!r}, and not an in-toto statement")
    if len(envelope.signatures) != 1:
        raise Invalid(f"the envelope has {len(envelope.signatures)} signatures; one is understood")
    payload = from_base64(envelope.payload, "the envelope's payload")
    statement = from_json(payload, _Statement, "the statement")
    if statement.type not in _STATEMENTS:
        raise Invalid(f"the statement is of the type {statement.type[:80]!r}, which is not understood")
    digests = tuple(f"{name}:{value}" for each in statement.subject for name, value in each.digest.items())
    return Claim(
        attached,
        pae(envelope.payload_type, payload),
        payload,
        from_base64(envelope.signatures[0].sig, "the signature"),
        "" if statement.predicate_type == SIGNATURE_PREDICATE else statement.predicate_type,
        digests,
        statement=payload,
        enveloped=True,
        **more,
    )
