"""What a JSON Web Token says of itself; nothing is verified. Source: RFC 7519; service account tokens of Kubernetes."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct, field

from seawall.model.access import parse_account

#: Longer than any header takes; more is not read.
_MAX_CHARACTERS = 64 * 1024
_ACCOUNT = "kubernetes.io/serviceaccount/service-account.name"
_NAMESPACE = "kubernetes.io/serviceaccount/namespace"


class Claims(Struct, frozen=True):
    """The claims that tell whose a token is and how long it holds; times are seconds since 1970, 0 where absent."""

    issuer: str = field(default="", name="iss")
    subject: str = field(default="", name="sub")
    issued: float = field(default=0, name="iat")
    begins: float = field(default=0, name="nbf")
    expires: float = field(default=0, name="exp")
    account: str = field(default="", name=_ACCOUNT)
    namespace: str = field(default="", name=_NAMESPACE)

    @property
    def service_account(self) -> str:
        """The service account that it is for, ``namespace/name``; empty where it is for someone else."""
        subject = parse_account(self.subject)
        if subject is not None:
            return f"{subject.namespace}/{subject.name}"
        return f"{self.namespace}/{self.account}" if self.account else ""


def moment(seconds: float) -> datetime | None:
    """A time of a claim; None for 0 and for what no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (OverflowError, ValueError, OSError):
        return None


def read_claims(token: str) -> Claims | None:
    """The claims of a token; None where it is no JWT, or one whose claims have the wrong types."""
    parts = token.strip().split(".") if len(token) <= _MAX_CHARACTERS else []
    if len(parts) != 3 or not parts[1]:
        return None
    try:
        payload = urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims: Any = msgspec.json.decode(payload, type=Claims)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
    return claims if isinstance(claims, Claims) else None
