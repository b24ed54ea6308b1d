"""Signatures made by the book: a small Fulcio, Rekor and certificate log, cosign's two forms, and Notation's envelopes.

Everything is made from the specifications with the cryptography library, so that each part can be made wrong.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from seawall.model.trust import Attached

NOW = datetime.now(UTC).replace(microsecond=0)
IMAGE = "sha256:" + "a1" * 32
OTHER = "sha256:" + "b2" * 32
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGN = "https://sigstore.dev/cosign/sign/v1"
SLSA = "https://slsa.dev/provenance/v1"
IN_TOTO = "application/vnd.in-toto+json"
IDENTITY = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"
Key = Any


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def b64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def spki(key: Key) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def public_pem(key: Key) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def pem(*certificates: x509.Certificate) -> str:
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in certificates)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def sign(key: Key, message: bytes, hash_: Any = None) -> bytes:
    """As cosign does by default."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hash_ or hashes.SHA256())
    return bytes(key.sign(message, ec.ECDSA(hash_ or hashes.SHA256())))


def pae(kind: str, body: bytes) -> bytes:
    return b" ".join((b"DSSEv1", str(len(kind)).encode(), kind.encode(), str(len(body)).encode(), body))


def statement(digest: str = IMAGE, predicate: str = SIGN, content: Any = None, **more: Any) -> bytes:
    algorithm, _, value = digest.partition(":")
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "image", "digest": {algorithm: value}}],
        "predicateType": predicate,
        "predicate": {} if content is None else content,
        **more,
    }
    return json.dumps(document).encode()


def simple(digest: str = IMAGE, kind: str = "cosign container image signature") -> bytes:
    critical = {
        "identity": {"docker-reference": "registry.example/shop"},
        "image": {"docker-manifest-digest": digest},
        "type": kind,
    }
    return json.dumps({"critical": critical, "optional": None}).encode()


# -- authorities and certificates


def name(common: str = "", **attributes: str) -> x509.Name:
    oids = {"C": NameOID.COUNTRY_NAME, "ST": NameOID.STATE_OR_PROVINCE_NAME, "O": NameOID.ORGANIZATION_NAME}
    parts = [x509.NameAttribute(oids[key], value) for key, value in attributes.items()]
    return x509.Name([*parts, *([x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else [])])


def usage(*, signs: bool = False, certifies: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(signs, False, False, False, False, certifies, certifies, False, False)


def _issuer_key(authority: Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())


class Authority:
    """A certificate authority: a root, or below another."""

    def __init__(
        self,
        common: str = "root",
        *,
        above: Authority | None = None,
        begins: datetime = NOW - timedelta(days=3650),
        ends: datetime = NOW + timedelta(days=3650),
        ca: bool = True,
        path_length: int | None = None,
        key: Key = None,
        more: Sequence[x509.ExtensionType] = (),
    ) -> None:
        self.key = key or p256()
        self.name = name(common, O="Acme")
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(above.name if above else self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca, path_length), critical=True)
            .add_extension(usage(certifies=ca, signs=not ca), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(_issuer_key(above or self), critical=False)
        )
        for extension in more:
            builder = builder.add_extension(extension, critical=False)
        self.certificate = builder.sign(above.key if above else self.key, hashes.SHA256())

    def issue(
        self,
        key: Key,
        *,
        subject: x509.Name | None = None,
        names: Sequence[x509.GeneralName] = (),
        begins: datetime = NOW - timedelta(days=1),
        ends: datetime = NOW + timedelta(days=30),
        purposes: tuple[ObjectIdentifier, ...] = (ExtendedKeyUsageOID.CODE_SIGNING,),
        more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
        log: CertificateLog | None = None,
        ca: bool = False,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject if subject is not None else x509.Name([]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(usage(signs=True), critical=True)
            .add_extension(_issuer_key(self), critical=False)
        )
        if ca:
            builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        if purposes:
            critical = ExtendedKeyUsageOID.TIME_STAMPING in purposes
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=critical)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=subject is None)
        for extension, critical in more:
            builder = builder.add_extension(extension, critical=critical)
        if log is not None:
            before = builder.sign(self.key, hashes.SHA256())
            builder = builder.add_extension(log.seen(before, self), critical=False)
        return builder.sign(self.key, hashes.SHA256())


class CertificateLog:
    """A log of certificates (RFC 6962)."""

    def __init__(self) -> None:
        self.key = p256()
        self.id = sha256(spki(self.key)).digest()

    def seen(self, before: x509.Certificate, issuer: Authority) -> x509.ExtensionType:
        """The extension with the log's promise over a certificate without it."""
        millis = int(NOW.timestamp() * 1000)
        body = before.tbs_certificate_bytes
        signed = b"\0\0" + millis.to_bytes(8, "big") + b"\0\1" + sha256(spki(issuer.key)).digest()
        signed += len(body).to_bytes(3, "big") + body + b"\0\0"
        made = sign(self.key, signed)
        one = b"\0" + self.id + millis.to_bytes(8, "big") + b"\0\0" + b"\4\3" + len(made).to_bytes(2, "big") + made
        listed = len(one).to_bytes(2, "big") + one
        tls = len(listed).to_bytes(2, "big") + listed
        octets = b"\x04" + _length(len(tls)) + tls
        return x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), octets)


def _length(size: int) -> bytes:
    return (
        bytes((size,)) if size < 128 else b"\x81" + bytes((size,)) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    )


class Rekor:
    """A transparency log: entries with a promise, a proof and a checkpoint."""

    def __init__(self, key: Key = None) -> None:
        self.key = key or p256()
        self.id = sha256(spki(self.key)).digest()

    def entry(
        self, body: dict[str, Any], when: datetime = NOW, *, promise: bool = True, proof: bool = True, beside: int = 3
    ) -> dict[str, Any]:
        """An entry as bundles have it; ``beside`` other entries are in the tree."""
        raw = json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
        seconds = int(when.timestamp())
        made: dict[str, Any] = {
            "logIndex": "1",
            "logId": {"keyId": b64(self.id)},
            "kindVersion": {"kind": body["kind"], "version": body["apiVersion"]},
            "integratedTime": str(seconds),
            "canonicalizedBody": b64(raw),
        }
        if promise:
            made["inclusionPromise"] = {"signedEntryTimestamp": b64(self.promise(raw, seconds))}
        if proof:
            made["inclusionProof"] = self.proof(raw, beside)
        return made

    def promise(self, raw: bytes, seconds: int) -> bytes:
        promised = {"body": b64(raw), "integratedTime": seconds, "logID": self.id.hex(), "logIndex": 1}
        return sign(self.key, json.dumps(promised, separators=(",", ":"), sort_keys=True).encode())

    def proof(self, raw: bytes, beside: int) -> dict[str, Any]:
        """The second leaf of a tree."""
        leaves = [b"first", raw, *(f"more {number}".encode() for number in range(beside - 1))]
        path, root = _path(leaves, 1)
        text = f"rekor.test\n{len(leaves)}\n{b64(root)}\n"
        signed = b64(self.id[:4] + sign(self.key, text.encode()))
        return {
            "logIndex": "1",
            "rootHash": b64(root),
            "treeSize": str(len(leaves)),
            "hashes": [b64(each) for each in path],
            "checkpoint": {"envelope": f"{text}\n\N{EM DASH} rekor.test {signed}\n"},
        }


def _root_of(leaves: list[bytes]) -> bytes:
    """The Merkle tree hash by its recursive definition (RFC 6962, section 2.1)."""
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    cut = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + _root_of(leaves[:cut]) + _root_of(leaves[cut:])).digest()


def _path(leaves: list[bytes], index: int) -> tuple[list[bytes], bytes]:
    """The audit path by its recursive definition (RFC 6962, section 2.1.1), and the root."""

    def path(some: list[bytes], at: int) -> list[bytes]:
        if len(some) == 1:
            return []
        cut = 1 << (len(some) - 1).bit_length() - 1
        if at < cut:
            return [*path(some[:cut], at), _root_of(some[cut:])]
        return [*path(some[cut:], at - cut), _root_of(some[:cut])]

    return path(leaves, index), _root_of(leaves)


class Sigstore:
    """A Fulcio, a Rekor and a certificate log, with the trust root that names them."""

    def __init__(self) -> None:
        self.root = Authority("sigstore-root")
        self.fulcio = Authority("sigstore-intermediate", above=self.root)
        self.certificates = CertificateLog()
        self.rekor = Rekor()

    def trust_root(self, **change: Callable[[dict[str, Any]], None]) -> bytes:
        """The document; ``change`` may alter it."""
        start = {"start": "2020-01-01T00:00:00Z"}
        document: dict[str, Any] = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_log("https://rekor.test", self.rekor.key, self.rekor.id)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "Acme", "commonName": "sigstore"},
                    "uri": "https://fulcio.test",
                    "certChain": {
                        "certificates": [
                            {"rawBytes": b64(der(self.fulcio.certificate))},
                            {"rawBytes": b64(der(self.root.certificate))},
                        ]
                    },
                    "validFor": dict(start),
                }
            ],
            "ctlogs": [_log("https://ctfe.test", self.certificates.key, self.certificates.id)],
            "timestampAuthorities": [],
        }
        for alter in change.values():
            alter(document)
        return json.dumps(document).encode()

    def certificate(self, key: Key, identity: str = IDENTITY, issuer: str = ISSUER, **more: Any) -> x509.Certificate:
        """What Fulcio gives for ten minutes."""
        octets = b"\x0c" + _length(len(issuer)) + issuer.encode()
        extension = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.57264.1.8"), octets)
        options: dict[str, Any] = {
            "names": [x509.UniformResourceIdentifier(identity)],
            "begins": NOW - timedelta(minutes=1),
            "ends": NOW + timedelta(minutes=9),
            "more": ((extension, False),),
            "log": self.certificates,
        }
        return self.fulcio.issue(key, **(options | more))


def _log(url: str, key: Key, log_id: bytes) -> dict[str, Any]:
    period = {"start": "2020-01-01T00:00:00Z"}
    kind = "PKIX_ED25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "PKIX_ECDSA_P256_SHA_256"
    public = {"rawBytes": b64(spki(key)), "keyDetails": kind, "validFor": period}
    return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": {"keyId": b64(log_id)}}


# -- entries of the log


def dsse_body(payload: bytes, signature: bytes, verifier: str) -> dict[str, Any]:
    spec = {
        "envelopeHash": {"algorithm": "sha256", "value": sha256(signature).hexdigest()},
        "payloadHash": {"algorithm": "sha256", "value": sha256(payload).hexdigest()},
        "signatures": [{"signature": b64(signature), "verifier": b64(verifier.encode())}],
    }
    return {"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}


def dsse_body_2(payload: bytes, signature: bytes, certificate: x509.Certificate) -> dict[str, Any]:
    """An entry of Rekor's second version."""
    verifier = {"x509Certificate": {"rawBytes": b64(der(certificate))}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    spec = {
        "payloadHash": {"algorithm": "SHA2_256", "digest": b64(sha256(payload).digest())},
        "signatures": [{"content": b64(signature), "verifier": verifier}],
    }
    return {"apiVersion": "0.0.2", "kind": "dsse", "spec": {"dsseV002": spec}}


def hashed_body(message: bytes, signature: bytes, verifier: str) -> dict[str, Any]:
    spec = {
        "data": {"hash": {"algorithm": "sha256", "value": sha256(message).hexdigest()}},
        "signature": {"content": b64(signature), "publicKey": {"content": b64(verifier.encode())}},
    }
    return {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec}


# -- what cosign makes


def bundle(payload: bytes, signature: bytes, material: dict[str, Any], kind: str = BUNDLE_TYPE) -> dict[str, Any]:
    envelope = {"payload": b64(payload), "payloadType": IN_TOTO, "signatures": [{"sig": b64(signature)}]}
    return {"mediaType": kind, "verificationMaterial": material, "dsseEnvelope": envelope}


def key_bundle(key: Key, payload: bytes, hash_: Any = None) -> dict[str, Any]:
    made = sign(key, pae(IN_TOTO, payload), hash_)
    return bundle(payload, made, {"publicKey": {"hint": ""}, "tlogEntries": []})


def keyless_bundle(
    sigstore: Sigstore,
    payload: bytes,
    *,
    key: Key = None,
    certificate: x509.Certificate | None = None,
    when: datetime = NOW,
    **entry: Any,
) -> dict[str, Any]:
    """What `cosign sign` makes with an identity."""
    key = key or p256()
    certificate = certificate or sigstore.certificate(key)
    made = sign(key, pae(IN_TOTO, payload))
    logged = sigstore.rekor.entry(dsse_body(payload, made, pem(certificate)), when, **entry)
    material = {"certificate": {"rawBytes": b64(der(certificate))}, "tlogEntries": [logged]}
    return bundle(payload, made, material)


def attached(document: dict[str, Any], where: str = "sha256:" + "0" * 64) -> Attached:
    return Attached("bundle", where, document["mediaType"], json.dumps(document).encode())


def legacy(
    key: Key,
    payload: bytes | None = None,
    *,
    sigstore: Sigstore | None = None,
    certificate: x509.Certificate | None = None,
    chain: str = "",
    when: datetime = NOW,
) -> Attached:
    """What cosign puts under ``sha256-....sig``."""
    payload = simple() if payload is None else payload
    made = sign(key, payload)
    told = {"dev.cosignproject.cosign/signature": b64(made)}
    if certificate is not None:
        told["dev.sigstore.cosign/certificate"] = pem(certificate)
        told["dev.sigstore.cosign/chain"] = chain
    if sigstore is not None:
        verifier = pem(certificate) if certificate is not None else public_pem(key)
        told["dev.sigstore.cosign/bundle"] = old_log(sigstore, hashed_body(payload, made, verifier), when)
    return Attached("cosign", "sha256-a1.sig", "application/vnd.dev.cosign.simplesigning.v1+json", payload, told)


def old_log(sigstore: Sigstore, body: dict[str, Any], when: datetime = NOW) -> str:
    raw = json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
    seconds = int(when.timestamp())
    payload = {"body": b64(raw), "integratedTime": seconds, "logIndex": 1, "logID": sigstore.rekor.id.hex()}
    promise = b64(sigstore.rekor.promise(raw, seconds))
    return json.dumps({"SignedEntryTimestamp": promise, "Payload": payload})


def legacy_attestation(key: Key, payload: bytes) -> Attached:
    """What cosign puts under ``sha256-....att``."""
    made = sign(key, pae(IN_TOTO, payload))
    envelope = {"payload": b64(payload), "payloadType": IN_TOTO, "signatures": [{"keyid": "", "sig": b64(made)}]}
    told = {"dev.cosignproject.cosign/signature": ""}
    return Attached(
        "cosign", "sha256-a1.att", "application/vnd.dsse.envelope.v1+json", json.dumps(envelope).encode(), told
    )


# -- what Notation makes

NOTARY = "application/vnd.cncf.notary.payload.v1+json"


def target(digest: str = IMAGE) -> bytes:
    artifact = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 942}
    return json.dumps({"targetArtifact": artifact}).encode()


def notary_sign(key: Key, message: bytes) -> bytes:
    """RSA with PSS, or ECDSA with both halves one after the other."""
    if isinstance(key, rsa.RSAPrivateKey):
        made = {2048: hashes.SHA256(), 3072: hashes.SHA384(), 4096: hashes.SHA512()}[key.key_size]
        return key.sign(message, padding.PSS(padding.MGF1(made), made.digest_size), made)
    size = (key.curve.key_size + 7) // 8
    hash_ = {32: hashes.SHA256(), 48: hashes.SHA384(), 66: hashes.SHA512()}[size]
    halves = decode_dss_signature(key.sign(message, ec.ECDSA(hash_)))
    return b"".join(each.to_bytes(size, "big") for each in halves)


def algorithm(key: Key) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return {2048: "PS256", 3072: "PS384", 4096: "PS512"}[key.key_size]
    return {256: "ES256", 384: "ES384", 521: "ES512"}[key.curve.key_size]


def rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def jws(
    key: Key,
    chain: list[x509.Certificate],
    payload: bytes | None = None,
    *,
    header: dict[str, Any] | None = None,
    timestamp: bytes = b"",
) -> Attached:
    told: dict[str, Any] = {
        "alg": algorithm(key),
        "cty": NOTARY,
        "crit": ["io.cncf.notary.signingScheme"],
        "io.cncf.notary.signingScheme": "notary.x509",
        "io.cncf.notary.signingTime": rfc3339(NOW),
    }
    told = {name: value for name, value in (told | (header or {})).items() if value is not None}
    protected = b64url(json.dumps(told).encode())
    body = b64url(target() if payload is None else payload)
    made = notary_sign(key, f"{protected}.{body}".encode())
    unprotected: dict[str, Any] = {"x5c": [b64(der(each)) for each in chain]}
    if timestamp:
        unprotected["io.cncf.notary.timestampSignature"] = b64(timestamp)
    document = {"payload": body, "protected": protected, "signature": b64url(made), "header": unprotected}
    return Attached("notation", "sha256:" + "1" * 64, "application/jose+json", json.dumps(document).encode())


def cose(
    key: Key, chain: list[x509.Certificate], payload: bytes | None = None, header: dict[Any, Any] | None = None
) -> Attached:
    import cbor2

    numbers = {"PS256": -37, "PS384": -38, "PS512": -39, "ES256": -7, "ES384": -35, "ES512": -36}
    told: dict[Any, Any] = {
        1: numbers[algorithm(key)],
        2: ["io.cncf.notary.signingScheme"],
        3: NOTARY,
        "io.cncf.notary.signingScheme": "notary.x509",
        "io.cncf.notary.signingTime": cbor2.CBORTag(1, int(NOW.timestamp())),
    }
    told = {name: value for name, value in (told | (header or {})).items() if value is not None}
    protected = cbor2.dumps(told)
    body = target() if payload is None else payload
    made = notary_sign(key, cbor2.dumps(["Signature1", protected, b"", body]))
    document = cbor2.CBORTag(18, [protected, {33: [der(each) for each in chain]}, body, made])
    return Attached("notation", "sha256:" + "2" * 64, "application/cose", cbor2.dumps(document))


def notation_policy(stores: list[str], identities: list[str], level: str = "strict", **more: Any) -> bytes:
    statement_ = {
        "name": "all",
        "registryScopes": ["*"],
        "signatureVerification": {"level": level, **more},
        "trustStores": stores,
        "trustedIdentities": identities,
    }
    return json.dumps({"version": "1.0", "trustPolicies": [statement_]}).encode()
