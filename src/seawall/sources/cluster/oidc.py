"""OpenID Connect tokens of a kubeconfig, refreshed at the identity provider when they ran out.

Source: client-go's oidc auth provider; OpenID Connect Discovery 1.0; RFC 6749 section 6.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec
from msgspec import Struct

from seawall.sources.cluster.credentials import bearer
from seawall.sources.cluster.errors import ClusterError
from seawall.sources.cluster.kubeconfig import inline_or_file
from seawall.sources.web.tls import Certificate

#: As client-go: a token is renewed this many seconds before it runs out.
_MARGIN = 10.0

T = TypeVar("T")


class _Claims(Struct):
    exp: float = 0


class _Provider(Struct):
    token_endpoint: str = ""


class _Tokens(Struct):
    id_token: str = ""
    refresh_token: str = ""
    error: str = ""


class OidcProvider:
    """The id token of the kubeconfig while it lasts, then refreshed ones, which are kept in memory only."""

    def __init__(self, config: Mapping[str, str], certificate: Certificate | None) -> None:
        self._config = config
        self._certificate = certificate
        self._id_token = config.get("id-token", "")
        self._refresh_token = config.get("refresh-token", "")
        #: Whether the provider gave another refresh token, so that the kubeconfig's may be void.
        self.rotated = False

    def token(self) -> str:
        """The header for the id token."""
        if _expiry(self._id_token) - _MARGIN <= time.time():
            self._refresh()
        return bearer(self._id_token, "the identity provider")

    def certificate(self) -> Certificate | None:
        """The kubeconfig's certificate, if any."""
        return self._certificate

    def renew(self) -> bool:
        """Refresh, whatever the token says of itself."""
        if not self._refresh_token:
            return False
        self._refresh()
        return True

    def _refresh(self) -> None:
        issuer = self._config.get("idp-issuer-url", "")
        if not self._refresh_token or not issuer:
            raise ClusterError("the kubeconfig's OIDC token ran out and there is no refresh token; log in again")
        from seawall.sources.web.http import Request, fetch

        authority = inline_or_file(
            self._config.get("idp-certificate-authority-data", ""),
            self._config.get("idp-certificate-authority", ""),
            "idp-certificate-authority",
        )
        place = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        provider = _decoded(fetch(Request(_secure(place)), authority), _Provider, place)
        client, secret = self._config.get("client-id", ""), self._config.get("client-secret", "")
        form = {"grant_type": "refresh_token", "refresh_token": self._refresh_token, "client_id": client}
        headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
        if secret:
            pair = f"{quote_plus(client)}:{quote_plus(secret)}"
            headers.append(("Authorization", "Basic " + base64.b64encode(pair.encode()).decode()))
        endpoint = _secure(provider.token_endpoint)
        answer = fetch(Request(endpoint, "POST", tuple(headers), urlencode(form).encode()), authority)
        tokens = _decoded(answer, _Tokens, endpoint)
        if not tokens.id_token:
            raise ClusterError(
                f"{issuer} gave no new token{f' ({tokens.error})' if tokens.error else ''}; log in again"
            )
        self._id_token = tokens.id_token
        if tokens.refresh_token and tokens.refresh_token != self._refresh_token:
            self._refresh_token = tokens.refresh_token
            self.rotated = True


def _expiry(token: str) -> float:
    """When an id token runs out, in seconds since 1970; 0 where it does not say. The API server checks the rest."""
    parts = token.split(".")
    if len(parts) != 3:
        return 0
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(payload, type=_Claims).exp
    except (ValueError, msgspec.DecodeError):
        return 0


def _secure(url: str) -> str:
    try:
        parts = urlsplit(url)
        fair = parts.scheme == "https" and bool(parts.hostname)
    except ValueError:
        fair = False
    if not fair:
        raise ClusterError(f"the identity provider's address {url[:200]!r} is not https://; nothing was sent to it")
    return url


def _decoded(data: bytes, into: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(data, type=into)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ClusterError(f"{where} did not answer as an identity provider does") from error
