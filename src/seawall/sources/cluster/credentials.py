"""Who asks: tokens, files of tokens, certificates, passwords, plugins; renewed when they run out."""

from __future__ import annotations

import base64
import time
from typing import Protocol

from seawall.sources.cluster.errors import ClusterError
from seawall.sources.cluster.kubeconfig import Chosen, User, inline_or_file
from seawall.sources.web.tls import Certificate

#: Token files are read again after this many seconds, as client-go does; the kubelet renews them in place.
_REREAD = 60.0
_MAX_TOKEN = 64 * 1024


class Credentials(Protocol):
    """What goes with every request."""

    def token(self) -> str:
        """The value of the Authorization header, or nothing.

        Raises:
            ClusterError: none can be had.
        """

    def certificate(self) -> Certificate | None:
        """The client certificate, if there is one."""

    def renew(self) -> bool:
        """Get new ones after the server refused these; whether it makes sense to try again."""


class Fixed:
    """Credentials that stay as they are."""

    def __init__(self, authorization: str, certificate: Certificate | None) -> None:
        self._authorization = authorization
        self._certificate = certificate

    def token(self) -> str:
        """The same header always."""
        return self._authorization

    def certificate(self) -> Certificate | None:
        """The same certificate always."""
        return self._certificate

    def renew(self) -> bool:
        """Nothing to renew."""
        return False


class TokenFile:
    """A token that somebody else keeps fresh in a file."""

    def __init__(self, path: str, certificate: Certificate | None) -> None:
        self._path = path
        self._certificate = certificate
        self._authorization = ""
        self._read_at = 0.0

    def token(self) -> str:
        """The token; read again once a minute."""
        if not self._authorization or time.monotonic() - self._read_at > _REREAD:
            self._read()
        return self._authorization

    def certificate(self) -> Certificate | None:
        """The certificate beside the token, if any."""
        return self._certificate

    def renew(self) -> bool:
        """Read the file again; worth a try if it holds another token now."""
        before = self._authorization
        self._read()
        return self._authorization != before

    def _read(self) -> None:
        try:
            with open(self._path, "rb") as file:
                text = file.read(_MAX_TOKEN)
        except OSError as error:
            raise ClusterError(f"{self._path} (token file): cannot be read: {error.strerror}") from error
        if not text.strip():
            raise ClusterError(f"{self._path} (token file): is empty")
        self._authorization = bearer(text.decode("latin-1"), self._path)
        self._read_at = time.monotonic()


def bearer(token: str, where: str) -> str:
    """The header for a token.

    Raises:
        ClusterError: it holds what no header may hold.
    """
    token = token.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ClusterError(f"the token of {where} has characters that no token has")
    return f"Bearer {token}"


def credentials_of(chosen: Chosen) -> Credentials:
    """The credentials of a context; where several are given, the order is client-go's.

    Raises:
        ClusterError: they cannot be read, or are of a sort that Kubernetes gave up.
    """
    user = chosen.user
    pair = certificate_of(user)
    if user.token_file:
        return TokenFile(user.token_file, pair)
    if user.token:
        return Fixed(bearer(user.token, "the kubeconfig"), pair)
    if user.username:
        secret = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
        return Fixed(f"Basic {secret}", pair)
    if user.exec is not None:
        from seawall.sources.cluster.execplugin import ExecPlugin

        return ExecPlugin(user.exec, chosen.cluster, pair)
    if user.auth_provider is not None:
        if user.auth_provider.name != "oidc":
            raise ClusterError(
                f"the kubeconfig's auth-provider {user.auth_provider.name!r} was given up by Kubernetes; "
                "let your provider's tool write an exec plugin into the kubeconfig"
            )
        from seawall.sources.cluster.oidc import OidcProvider

        return OidcProvider(user.auth_provider.config, pair)
    return Fixed("", pair)


def certificate_of(user: User) -> Certificate | None:
    """The client certificate of a user.

    Raises:
        ClusterError: it cannot be read, or one half is missing.
    """
    certificate = inline_or_file(user.client_certificate_data, user.client_certificate, "client-certificate")
    key = inline_or_file(user.client_key_data, user.client_key, "client-key")
    if (certificate is None) != (key is None):
        raise ClusterError("the kubeconfig gives a client certificate without its key, or a key without certificate")
    return Certificate(certificate, key) if certificate is not None and key is not None else None
