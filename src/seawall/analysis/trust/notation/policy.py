"""Notation's trust policy and trust stores. Source: Notary project's trust-store-trust-policy.md, version 1.0."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from seawall.analysis.trust.certificates import read_certificates
from seawall.analysis.trust.errors import BadPolicy

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

Action = Literal["enforce", "log", "skip"]
CHECKS = ("authenticity", "authenticTimestamp", "expiry", "revocation")
_LEVELS: dict[str, tuple[Action, Action, Action, Action]] = {
    "strict": ("enforce", "enforce", "enforce", "enforce"),
    "permissive": ("enforce", "log", "log", "log"),
    "audit": ("log", "log", "log", "log"),
}
_STORES = ("ca", "signingAuthority", "tsa")
_SUBJECT = "x509.subject:"
#: Names of files in a folder, and their contents.
ReadFolder = Callable[[str], list[tuple[str, bytes]]]


class _Verification(Struct, frozen=True, rename="camel"):
    level: str
    verify_timestamp: Literal["always", "afterCertExpiry", ""] = ""
    override: dict[str, Action] = {}


class _Statement(Struct, frozen=True, rename="camel"):
    name: str
    signature_verification: _Verification
    registry_scopes: tuple[str, ...] = ()
    trust_stores: tuple[str, ...] = ()
    trusted_identities: tuple[str, ...] = ()


class _Document(Struct, frozen=True, rename="camel"):
    version: str
    trust_policies: tuple[_Statement, ...]


class Scoped(Struct, frozen=True):
    """A statement of the policy, ready: what is done about each check, whom to trust, and who may have signed.

    ``identities`` are attributes of subjects that a certificate must have all of; None stands for anybody. ``stores``
    are by their kinds.
    """

    name: str
    scopes: tuple[str, ...]
    actions: dict[str, Action]
    stores: dict[str, tuple[Certificate, ...]]
    identities: tuple[frozenset[tuple[str, str]], ...] | None
    after_expiry: bool


def read_notation_policy(data: bytes, file: str, folder: str, read_folder: ReadFolder) -> tuple[Scoped, ...]:
    """Read a trust policy with its stores (``folder/x509/<kind>/<name>/*``).

    Raises:
        BadPolicy: it cannot be used.
    """
    try:
        document = msgspec.json.decode(data, type=_Document)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadPolicy(f"{file} is no trust policy of Notation: {error}") from error
    if document.version != "1.0":
        raise BadPolicy(f"{file}: version {document.version[:20]} is not supported; 1.0 is")
    scopes = [scope for each in document.trust_policies for scope in each.registry_scopes]
    if len(set(scopes)) != len(scopes):
        raise BadPolicy(f"{file}: a scope stands in two statements; keep one")
    found = []
    for each in document.trust_policies:
        try:
            found.append(_scoped(each, folder, read_folder))
        except BadPolicy as error:
            raise BadPolicy(f"{file}: {each.name}: {error}") from error
    return tuple(found)


def _scoped(given: _Statement, folder: str, read_folder: ReadFolder) -> Scoped:
    verification = given.signature_verification
    if verification.level == "skip":
        raise BadPolicy("the level skip verifies nothing; leave the images out of the requirement instead")
    if verification.level not in _LEVELS:
        raise BadPolicy(f"there is no level {verification.level!r}; there are {', '.join(_LEVELS)}")
    if not given.registry_scopes:
        raise BadPolicy("it has no registryScopes")
    for scope in given.registry_scopes:
        if scope != "*" and ("*" in scope or "/" not in scope):
            raise BadPolicy(f"the scope {scope!r} must be a whole repository or *")
    actions = dict(zip(CHECKS, _LEVELS[verification.level], strict=True))
    for name, action in verification.override.items():
        if name not in actions:
            raise BadPolicy(f"{name!r} cannot be overridden; {', '.join(CHECKS)} can")
        if name == "authenticity" and action == "skip":
            raise BadPolicy("authenticity cannot be skipped")
        actions[name] = action
    stores: dict[str, tuple[Certificate, ...]] = {}
    for store in given.trust_stores:
        kind, _, name = store.partition(":")
        if kind not in _STORES or re.fullmatch(r"[A-Za-z0-9_.-]+", name) is None or name in (".", ".."):
            raise BadPolicy(f"the trust store {store!r} is not of the form ca:name")
        where = f"{folder}/x509/{kind}/{name}"
        pems = [each for file, data in read_folder(where) for each in _certificates(data, f"{where}/{file}")]
        if not pems:
            raise BadPolicy(f"the trust store {where} is empty")
        stores[kind] = (*stores.get(kind, ()), *pems)
    if not stores.get("ca") and not stores.get("signingAuthority"):
        raise BadPolicy("it names no trust store of the kind ca or signingAuthority")
    after = verification.verify_timestamp == "afterCertExpiry"
    return Scoped(given.name, given.registry_scopes, actions, stores, _identities(given), after)


def _certificates(data: bytes, what: str) -> tuple[Certificate, ...]:
    from base64 import encodebytes

    if not data.startswith(b"-----BEGIN"):
        data = b"-----BEGIN CERTIFICATE-----\n" + encodebytes(data) + b"-----END CERTIFICATE-----\n"
    return read_certificates(data.decode("utf-8", "replace"), what)


def _identities(given: _Statement) -> tuple[frozenset[tuple[str, str]], ...] | None:
    if not given.trusted_identities:
        raise BadPolicy("it has no trustedIdentities")
    if "*" in given.trusted_identities:
        if len(given.trusted_identities) > 1:
            raise BadPolicy("* stands for every identity, so nothing can stand beside it")
        return None
    found = []
    for each in given.trusted_identities:
        if not each.startswith(_SUBJECT):
            raise BadPolicy(f"the identity {each[:80]!r} is not supported; x509.subject: is")
        attributes = _attributes(each.removeprefix(_SUBJECT))
        if not {"C", "ST", "O"} <= {name for name, _ in attributes}:
            raise BadPolicy(f"the identity {each[:80]!r} must have C, ST and O")
        found.append(attributes)
    return tuple(found)


def _attributes(text: str) -> frozenset[tuple[str, str]]:
    """``C=US, ST=WA, O=acme`` as pairs (RFC 4514)."""
    from cryptography.x509 import Name

    try:
        name = Name.from_rfc4514_string(re.sub(r"(?<!\\),\s+", ",", text.strip()))
    except ValueError as error:
        raise BadPolicy(f"{text.strip()[:80]!r} is no name of a subject, such as C=US, ST=WA, O=acme") from error
    return subject_attributes(name)


def subject_attributes(name: object) -> frozenset[tuple[str, str]]:
    """The attributes of a distinguished name, by their short names."""
    from cryptography.x509 import Name

    if not isinstance(name, Name):
        raise TypeError(type(name).__name__)
    return frozenset((each.rfc4514_attribute_name, str(each.value)) for each in name)


def scoped_for(policy: tuple[Scoped, ...], repository: str) -> Scoped | None:
    """The statement for a repository: the one that names it, else the one for all."""
    named = next((each for each in policy if repository in each.scopes), None)
    return named or next((each for each in policy if "*" in each.scopes), None)
