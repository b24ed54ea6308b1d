"""Public keys, and the signatures that they verify. Algorithms are those of cosign and of the Notary project."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from seawall.analysis.trust.errors import BadPolicy, Invalid
from seawall.analysis.trust.text import pem_blocks

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

#: Keys that are kept elsewhere and named by a URL.
_ELSEWHERE = ("awskms://", "gcpkms://", "azurekms://", "hashivault://", "k8s://", "pkcs11:", "gitlab://", "openbao://")
_MIN_RSA = 2048
_CURVES = {"secp256r1": "SHA256", "secp384r1": "SHA384", "secp521r1": "SHA512"}


def need_libraries() -> None:
    """Make sure that what verifies signatures and timestamps is there.

    Raises:
        BadPolicy: it is not.
    """
    try:
        import cryptography  # noqa: F401
        import rfc3161_client  # noqa: F401
    except ImportError as error:
        raise BadPolicy("verifying signatures needs an extra: pip install 'seawall[trust]'") from error


def refuse_elsewhere(reference: str) -> None:
    """Refuse a key that is kept in a service.

    Raises:
        BadPolicy: it is; the message says what to do.
    """
    for scheme in _ELSEWHERE:
        if reference.startswith(scheme):
            raise BadPolicy(
                f"keys of {scheme.rstrip(':/')} are not supported, only files with public keys: "
                f"write it into one with `cosign public-key --key {reference}`"
            )


def read_key(pem: str, what: str) -> PublicKeyTypes:
    """A public key in PEM, of a kind that is trusted.

    Raises:
        BadPolicy: it is something else.
    """
    try:
        (label, der), *more = pem_blocks(pem, what)
        if "PRIVATE" in label:
            raise BadPolicy(f"{what} holds a private key; name the file with the public key, and keep this one away")
        if more or label not in ("PUBLIC KEY", "RSA PUBLIC KEY"):
            raise BadPolicy(f"{what} must hold one public key")
        return load_key(_pkcs1(der) if label == "RSA PUBLIC KEY" else der)
    except Invalid as error:
        raise BadPolicy(str(error) if what in str(error) else f"{what}: {error}") from error


def _pkcs1(der: bytes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

    try:
        return load_der_public_key(der).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except ValueError as error:
        raise Invalid("the public key is malformed") from error


@lru_cache(maxsize=1024)
def load_key(der: bytes) -> PublicKeyTypes:
    """A public key from its SubjectPublicKeyInfo.

    Raises:
        Invalid: it is malformed, or of a kind that is not trusted.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Invalid("the public key is malformed") from error
    check_key(key)
    return key


def check_key(key: PublicKeyTypes) -> None:
    """Refuse keys that are too weak.

    Raises:
        Invalid: it is weak, or of another kind than ECDSA, RSA and Ed25519.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _MIN_RSA:
            raise Invalid(f"the RSA key has {key.key_size} bits, and {_MIN_RSA} is the least")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in _CURVES:
            raise Invalid(f"the key is on the curve {key.curve.name}; P-256, P-384 and P-521 are trusted")
    elif not isinstance(key, ed25519.Ed25519PublicKey):
        raise Invalid("the key is neither ECDSA nor RSA nor Ed25519")


def key_der(key: PublicKeyTypes) -> bytes:
    """The key's SubjectPublicKeyInfo."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_name(key: PublicKeyTypes) -> str:
    """What people call the key: the SHA-256 of its SubjectPublicKeyInfo."""
    return f"sha256:{sha256(key_der(key)).hexdigest()}"


def verifies(key: PublicKeyTypes, signature: bytes, message: bytes) -> bool:
    """Whether the key made the signature, by any algorithm that cosign signs with: ECDSA with SHA-256 or the hash of
    the curve's size, RSA with PKCS #1 v1.5 or PSS, Ed25519."""
    from cryptography.exceptions import InvalidSignature

    for attempt in _attempts(key):
        try:
            attempt(signature, message)
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


class _Attempt:
    """One key with one algorithm."""

    def __init__(self, key: PublicKeyTypes, *options: object) -> None:
        self._key, self._options = key, options

    def __call__(self, signature: bytes, message: bytes) -> None:
        self._key.verify(signature, message, *self._options)  # type: ignore[union-attr,arg-type]


def _attempts(key: PublicKeyTypes) -> Iterator[_Attempt]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    if isinstance(key, ec.EllipticCurvePublicKey):
        for name in dict.fromkeys(("SHA256", _CURVES[key.curve.name])):
            yield _Attempt(key, ec.ECDSA(getattr(hashes, name)()))
    elif isinstance(key, rsa.RSAPublicKey):
        for kind in (hashes.SHA256, hashes.SHA384, hashes.SHA512):
            yield _Attempt(key, padding.PKCS1v15(), kind())
            yield _Attempt(key, padding.PSS(padding.MGF1(kind()), padding.PSS.AUTO), kind())
    else:
        yield _Attempt(key)
