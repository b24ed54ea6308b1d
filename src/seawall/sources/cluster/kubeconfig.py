"""Kubeconfig files: several merged as kubectl does, a context chosen, files resolved beside the file that names them.

Source: the Go package k8s.io/client-go/tools/clientcmd and its documentation ("Organizing Cluster Access").
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from seawall.model.views import without_nulls
from seawall.sources.cluster.errors import ClusterError
from seawall.sources.manifests.text import decode
from seawall.sources.manifests.yamltext import SyntaxProblem, parse_documents

_MAX_BYTES = 16 * 1024 * 1024
T = TypeVar("T")


class Cluster(Struct, rename="kebab"):
    """Where an API server is and how it is trusted."""

    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    extensions: list[dict[str, Any]] = []


class EnvironmentVariable(Struct):
    """A variable of an exec plugin."""

    name: str
    value: str = ""


class Exec(Struct, rename="camel"):
    """A program that prints credentials (client.authentication.k8s.io)."""

    command: str
    api_version: str = ""
    args: list[str] = []
    env: list[EnvironmentVariable] = []
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = ""


class AuthProvider(Struct):
    """An old-style provider; only ``oidc`` is left in kubectl."""

    name: str
    config: dict[str, str] = {}


class User(Struct, rename="kebab"):
    """Who asks."""

    token: str = ""
    token_file: str = field(default="", name="tokenFile")
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    username: str = ""
    password: str = ""
    exec: Exec | None = None
    auth_provider: AuthProvider | None = None
    as_user: str = field(default="", name="as")
    as_uid: str = ""
    as_groups: list[str] = []
    as_user_extra: dict[str, list[str]] = {}


class Context(Struct):
    """A cluster and a user under one name."""

    cluster: str = ""
    user: str = ""
    namespace: str = ""


class Chosen(Struct):
    """The parts of the context that was chosen, with the names that people gave them."""

    context: str
    cluster_name: str
    cluster: Cluster
    user: User


def kubeconfig_paths(explicit: str | None, environ: Mapping[str, str]) -> list[str]:
    """The files to read: the one named, those of ``KUBECONFIG``, or ``~/.kube/config``; absent ones left out.

    Raises:
        ClusterError: the file that was named does not exist.
    """
    if explicit is not None:
        if not os.path.isfile(explicit):
            raise ClusterError(f"the kubeconfig {explicit} does not exist; name another with --kubeconfig")
        return [explicit]
    listed = [path for path in environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    return [path for path in listed or [os.path.expanduser("~/.kube/config")] if os.path.isfile(path)]


def choose(paths: Iterable[str], context: str | None) -> Chosen:
    """Merge the files (the first to name a thing wins) and take a context, by default the current one.

    Raises:
        ClusterError: a file cannot be read, or the context leads nowhere.
    """
    clusters: dict[str, tuple[Any, str]] = {}
    users: dict[str, tuple[Any, str]] = {}
    contexts: dict[str, tuple[Any, str]] = {}
    current = ""
    for path in paths:
        config = _read(path)
        current = current or str(config.get("current-context") or "")
        for plural, single, found in (
            ("clusters", "cluster", clusters),
            ("users", "user", users),
            ("contexts", "context", contexts),
        ):
            for name, entry in _named(path, config, plural, single):
                found.setdefault(name, (entry, path))
    name = context or current
    if not name:
        raise ClusterError("the kubeconfig has no current context; name one with --context")
    if name not in contexts:
        known = ", ".join(sorted(contexts)[:10]) or "none"
        raise ClusterError(f"the kubeconfig has no context {name!r}; it has: {known}")
    chosen = _convert(*contexts[name], Context, f"context {name}")
    if chosen.cluster not in clusters:
        raise ClusterError(f"context {name!r} is for the cluster {chosen.cluster!r}, which no kubeconfig defines")
    if chosen.user and chosen.user not in users:
        raise ClusterError(f"context {name!r} is for the user {chosen.user!r}, which no kubeconfig defines")
    cluster = _convert(*clusters[chosen.cluster], Cluster, f"cluster {chosen.cluster}")
    user = _convert(*users[chosen.user], User, f"user {chosen.user}") if chosen.user else User()
    _resolve(cluster, clusters[chosen.cluster][1], "certificate_authority")
    if chosen.user:
        _resolve(user, users[chosen.user][1], "token_file", "client_certificate", "client_key")
        if user.exec is not None and os.sep in user.exec.command:
            _resolve(user.exec, users[chosen.user][1], "command")
    return Chosen(name, chosen.cluster, cluster, user)


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ClusterError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise ClusterError(f"{path}: larger than {_MAX_BYTES >> 20} MiB, which is no kubeconfig")
    try:
        documents = parse_documents(decode(data))
        value: Any = next((document.value for document in documents if document.value is not None), {})
    except SyntaxProblem as problem:
        raise ClusterError(f"{path}:{problem.line}:{problem.column}: {problem.message}") from problem
    if not isinstance(value, dict):
        raise ClusterError(f"{path}: is no kubeconfig; it must be a map with clusters, users and contexts")
    cleaned: dict[str, Any] = without_nulls(value)
    return cleaned


def _named(path: str, config: dict[str, Any], plural: str, single: str) -> Iterable[tuple[str, Any]]:
    entries = config.get(plural, [])
    if not isinstance(entries, list):
        raise ClusterError(f"{path}: {plural} must be a list")
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            yield entry["name"], entry.get(single, {})


def _convert(value: Any, path: str, into: type[T], what: str) -> T:
    try:
        return msgspec.convert(value, into)
    except msgspec.ValidationError as error:
        raise ClusterError(f"{path}: {what}: {error}") from error


def _resolve(owner: Struct, path: str, *fields: str) -> None:
    """Make file names relative to the kubeconfig that has them."""
    folder = os.path.dirname(os.path.abspath(path))
    for name in fields:
        value = getattr(owner, name)
        if value:
            setattr(owner, name, os.path.join(folder, value))


def inline_or_file(data: str, path: str, what: str) -> bytes | None:
    """The bytes of a ``-data`` field in base64, which wins, or of a file; None where neither is given.

    Raises:
        ClusterError: neither base64 nor a readable file.
    """
    if data:
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ClusterError(f"the kubeconfig's {what}-data is no base64: {error}") from error
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        raise ClusterError(f"{path} ({what}): cannot be read: {error.strerror}") from error
