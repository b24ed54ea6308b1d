"""What a JSON Web Token says of itself; nothing is verified. Source: RFC 7519, and Kubernetes' service account tokens."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from typing import Any

import msgspec
from msgspec import Struct, field

#: Longer than any header takes; more is not read.
_MAX_CHARACTERS = 64 * 1024
_ACCOUNT = "kubernetes.io/serviceaccount/service-account.name"
_NAMESPACE = "kubernetes.io/serviceaccount/namespace"
_ISSUERS = ("kubernetes/serviceaccount",)


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
    def is_legacy_account(self) -> bool:
        """Whether it is a service account's token out of a Secret, which holds until the Secret is deleted."""
        return bool(self.account) or self.issuer in _ISSUERS

    @property
    def seconds(self) -> float:
        """How long it holds in all; 0 where that cannot be told."""
        start = self.issued or self.begins
        return max(self.expires - start, 0) if self.expires and start else 0


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
