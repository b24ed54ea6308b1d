"""Sigstore's trust root: authorities, logs and their times, from ``trusted_root.json`` (sigstore_trustroot.proto)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from seawall.analysis.trust.certificates import Authorities, load
from seawall.analysis.trust.errors import BadPolicy, Invalid
from seawall.analysis.trust.keys import load_key
from seawall.analysis.trust.text import from_base64, from_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_TYPES = tuple(
    f"application/vnd.dev.sigstore.trustedroot{form}"
    for form in ("+json;version=0.1", "+json;version=0.2", ".v0.2+json", ".v0.1+json")
)
_ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


class Log(Struct, frozen=True):
    """A log: its key, its name, and from when to when the key was used."""

    key: PublicKeyTypes
    name: str
    begins: datetime
    ends: datetime

    def used_at(self, when: datetime) -> bool:
        """Whether the key was in use."""
        return self.begins <= when <= self.ends


class Authority(Struct, frozen=True):
    """An authority over certificates or timestamps, and from when to when it was one."""

    chain: Authorities
    begins: datetime
    ends: datetime

    def used_at(self, when: datetime) -> bool:
        """Whether it was in use."""
        return self.begins <= when <= self.ends


class TrustRoot(Struct, frozen=True):
    """All that is trusted: logs by their ids."""

    logs: dict[bytes, Log]
    certificate_logs: dict[bytes, Log]
    authorities: tuple[Authority, ...]
    timestamps: tuple[Authority, ...]


class _Period(Struct, frozen=True):
    start: datetime | None = None
    end: datetime | None = None


class _Key(Struct, frozen=True, rename="camel"):
    raw_bytes: str
    valid_for: _Period = _Period()


class _Id(Struct, frozen=True, rename="camel"):
    key_id: str


class _Log(Struct, frozen=True, rename="camel"):
    public_key: _Key
    log_id: _Id
    base_url: str = ""


class _Raw(Struct, frozen=True, rename="camel"):
    raw_bytes: str


class _Chain(Struct, frozen=True):
    certificates: tuple[_Raw, ...]


class _Authority(Struct, frozen=True, rename="camel"):
    cert_chain: _Chain
    valid_for: _Period = _Period()


class _Root(Struct, frozen=True, rename="camel"):
    media_type: str
    tlogs: tuple[_Log, ...] = ()
    certificate_authorities: tuple[_Authority, ...] = ()
    ctlogs: tuple[_Log, ...] = ()
    timestamp_authorities: tuple[_Authority, ...] = ()


def read_trust_root(data: bytes, what: str) -> TrustRoot:
    """Read a trust root.

    Raises:
        BadPolicy: it is something else, or of a version that is not known.
    """
    try:
        root = from_json(data, _Root, "the trust root")
        if root.media_type not in _TYPES:
            raise BadPolicy(f"{what}: a trust root of the type {root.media_type[:80]!r} is not supported")
        return TrustRoot(
            _logs(root.tlogs),
            _logs(root.ctlogs),
            tuple(_authority(each) for each in root.certificate_authorities),
            tuple(_authority(each) for each in root.timestamp_authorities),
        )
    except Invalid as error:
        raise BadPolicy(f"{what}: {error}") from error


def _logs(given: tuple[_Log, ...]) -> dict[bytes, Log]:
    return {
        from_base64(each.log_id.key_id, "a log's id"): Log(
            load_key(from_base64(each.public_key.raw_bytes, "a log's key")),
            each.base_url.rpartition("//")[2],
            *_period(each.public_key.valid_for),
        )
        for each in given
    }


def _authority(given: _Authority) -> Authority:
    chain = [load(from_base64(each.raw_bytes, "a certificate")) for each in given.cert_chain.certificates]
    if not chain:
        raise Invalid("an authority has no certificate")
    return Authority(Authorities((chain[-1],), tuple(chain[:-1])), *_period(given.valid_for))


def _period(given: _Period) -> tuple[datetime, datetime]:
    begins, ends = given.start or _ALWAYS[0], given.end or _ALWAYS[1]
    return begins if begins.tzinfo else begins.replace(tzinfo=UTC), ends if ends.tzinfo else ends.replace(tzinfo=UTC)
