"""Questions to an API server: credentials, tries, and what its refusals mean."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from seawall.sources.cluster import errors
from seawall.sources.cluster.credentials import Credentials, TokenFile, credentials_of
from seawall.sources.cluster.errors import ApiError, ClusterError, NoCredentials, Transient
from seawall.sources.cluster.kubeconfig import Chosen, Cluster, User, choose, inline_or_file, kubeconfig_paths
from seawall.sources.cluster.options import IN_CLUSTER, ClusterOptions
from seawall.sources.web.http import Connection, Headers, Reply, Request, Target, target_of
from seawall.sources.web.patience import Patience
from seawall.sources.web.tls import tls_context

JSON = "application/json"
_RETRIED = frozenset((408, 429, 500, 502, 503, 504))
_MOST_TOLD = 300
T = TypeVar("T")


class _Status(Struct):
    """What is of use in a metav1.Status."""

    message: str = ""


class Trust(Struct, frozen=True):
    """How the server is known: its authority in PEM (None: what the system trusts), or not verified at all."""

    authority: bytes | None = None
    verify: bool = True


class Client:
    """One API server, asked one thing at a time over one connection.

    ``name`` is the cluster's in the kubeconfig; ``notes`` are things that the person should know.
    """

    def __init__(
        self,
        name: str,
        target: Target,
        trust: Trust,
        credentials: Credentials,
        headers: Headers,
        patience: Patience,
    ) -> None:
        self.name = name
        self.notes: list[str] = []
        self._trust = trust
        self._credentials = credentials
        self._headers = headers
        self._patience = patience
        self._pair = credentials.certificate()
        hint = "give the right certificate-authority in the kubeconfig"
        self._connection = Connection(target, self._tls(target), patience, hint)

    def _tls(self, target: Target) -> ssl.SSLContext | None:
        if target.scheme != "https":
            return None
        return tls_context(self._trust.authority, self._trust.verify, self._pair)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def get(self, path: str, decode: Callable[[bytes], T], accept: str = JSON, tries: int | None = None) -> T:
        """Ask for a path and decode the reply; tried again where that may help.

        Raises:
            ApiError: the server refused.
            Oversized: the reply is too large.
            ClusterError: it could not be had.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._decoded(path, decode, accept)
            except Transient as problem:
                if attempt >= (tries or self._patience.tries):
                    raise
                pause = self._patience.pause * 2 ** (attempt - 1) if problem.wait is None else problem.wait
                time.sleep(min(pause, self._patience.longest_pause))

    def _decoded(self, path: str, decode: Callable[[bytes], T], accept: str) -> T:
        reply = self._ask(path, accept)
        try:
            return decode(reply.body)
        except msgspec.ValidationError as error:
            raise ClusterError(f"{path}: the answer is not what an API server gives: {error}") from error
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Transient(f"{path}: the answer is not JSON ({str(error)[:100]})") from error

    def _ask(self, path: str, accept: str) -> Reply:
        reply = self._send(path, accept)
        if reply.status == errors.UNAUTHORIZED and self._renewed():
            reply = self._send(path, accept)
        if reply.status == 200:
            return reply
        said = _message(reply)
        if 300 <= reply.status < 400:
            raise ApiError(
                f"{path}: the server redirects elsewhere ({reply.status}), which is not followed", reply.status
            )
        if reply.status == errors.UNAUTHORIZED:
            raise ApiError(f"the server does not accept these credentials{said}; log in again", reply.status)
        if reply.status in _RETRIED:
            raise Transient(f"{path}: the server answered {reply.status}{said}", _retry_after(reply))
        raise ApiError(f"{path}: the server answered {reply.status}{said}", reply.status)

    def _send(self, path: str, accept: str) -> Reply:
        try:
            authorization = self._credentials.token()
            self._use_new_certificate()
        except ClusterError as error:
            raise NoCredentials(str(error)) from error
        headers = [("Accept", accept), *self._headers]
        if authorization:
            headers.append(("Authorization", authorization))
        return self._connection.send(Request(path, "GET", tuple(headers)))

    def _renewed(self) -> bool:
        try:
            return self._credentials.renew()
        except ClusterError as error:
            raise NoCredentials(str(error)) from error

    def _use_new_certificate(self) -> None:
        pair = self._credentials.certificate()
        if pair != self._pair:
            self._pair = pair
            self._connection.renew(self._tls(self._connection.target))


def _message(reply: Reply) -> str:
    try:
        text = msgspec.json.decode(reply.body, type=_Status).message
    except (msgspec.DecodeError, RecursionError):
        return ""
    text = " ".join(text.split())
    return f": {text[:_MOST_TOLD]}" if text.isprintable() and text else ""


def _retry_after(reply: Reply) -> float | None:
    try:
        return max(float(reply.headers.get("retry-after", "")), 0.0)
    except ValueError:
        return None


def connect(options: ClusterOptions, environ: Mapping[str, str] = os.environ) -> Client:
    """A client for the cluster that is meant. Nothing is sent yet, but plugins may run.

    Raises:
        ClusterError: the kubeconfig or the credentials are unusable.
    """
    paths = [] if options.in_cluster else kubeconfig_paths(options.kubeconfig, environ)
    if options.in_cluster or (not paths and environ.get("KUBERNETES_SERVICE_HOST")):
        return _in_cluster(options, environ)
    if not paths:
        raise ClusterError(
            "there is no kubeconfig: name one with --kubeconfig or KUBECONFIG, or use --in-cluster inside a pod"
        )
    chosen = choose(paths, options.context)
    user, cluster = chosen.user, chosen.cluster
    authority = inline_or_file(
        cluster.certificate_authority_data, cluster.certificate_authority, "certificate-authority"
    )
    client = _client(chosen, authority, credentials_of(chosen), options, environ)
    if cluster.insecure_skip_tls_verify:
        client.notes.append(
            f"the kubeconfig turns off TLS verification for {chosen.cluster_name}: whoever is on the way can read and "
            "change what is scanned, and take the credentials"
        )
    if user.auth_provider is not None:
        client.notes.append(
            "tokens refreshed for this run are not written to the kubeconfig; if kubectl asks for a login afterwards, "
            "your identity provider gives each refresh token only once"
        )
    return client


def _client(
    chosen: Chosen,
    authority: bytes | None,
    credentials: Credentials,
    options: ClusterOptions,
    environ: Mapping[str, str],
) -> Client:
    cluster = chosen.cluster
    if not cluster.server:
        raise ClusterError(f"the kubeconfig gives no server for the cluster {chosen.cluster_name!r}")
    target = target_of(cluster.server, cluster.proxy_url, cluster.tls_server_name, environ)
    if target.scheme == "http" and target.host not in ("localhost", "127.0.0.1", "::1") and credentials.token():
        raise ClusterError(f"{target} is not https://: the credentials would be sent in clear; use https://")
    trust = Trust(authority, not cluster.insecure_skip_tls_verify)
    headers = _impersonation(options, chosen.user)
    return Client(chosen.cluster_name, target, trust, credentials, headers, options.patience)


def _in_cluster(options: ClusterOptions, environ: Mapping[str, str]) -> Client:
    """As a pod does it: the service account's token and authority, the address from the environment."""
    folder = options.service_account
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not os.path.isfile(f"{folder}/token"):
        raise ClusterError("--in-cluster works only inside a pod with a service account token")
    host = f"[{host}]" if ":" in host else host
    authority = inline_or_file("", f"{folder}/ca.crt", "certificate-authority")
    chosen = Chosen(IN_CLUSTER, IN_CLUSTER, Cluster(server=f"https://{host}:{port}"), User())
    return _client(chosen, authority, TokenFile(f"{folder}/token", None), options, environ)


def _impersonation(options: ClusterOptions, user: User) -> Headers:
    """Headers to act as somebody else; the command line's user takes the place of all that the kubeconfig says.

    Raises:
        ClusterError: groups without a user.
    """
    if options.as_groups and not (options.as_user or user.as_user):
        raise ClusterError("--as-group needs --as")
    if options.as_user:
        return (("Impersonate-User", options.as_user), *(("Impersonate-Group", g) for g in options.as_groups))
    if not user.as_user:
        return ()
    headers = [("Impersonate-User", user.as_user)]
    headers += [("Impersonate-Uid", user.as_uid)] * bool(user.as_uid)
    headers += [("Impersonate-Group", group) for group in (*user.as_groups, *options.as_groups)]
    headers += [
        (f"Impersonate-Extra-{quote(name, safe='')}", value)
        for name, values in user.as_user_extra.items()
        for value in values
    ]
    return tuple(headers)
