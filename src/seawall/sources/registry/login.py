"""Logins that other programs stored: Docker's, podman's and Helm's configuration files and credential helpers."""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from seawall.sources.registry.reference import DOCKER, Reference
from seawall.sources.web.errors import WebError

_MAX_FILE = 4 << 20
_MAX_OUTPUT = 1 << 20
_SECONDS = 30.0
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_DOCKER_KEY = "https://index.docker.io/v1/"
#: The user name that stands for a token to be exchanged.
_TOKEN_USER = "<token>"  # noqa: S105 - not a password


class Login(Struct, frozen=True):
    """What is known of a user: name and password, a token to exchange, or a token as it is sent."""

    user: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def basic(self) -> str:
        """The header of name and password; empty without a name."""
        if not self.user:
            return ""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")


NO_LOGIN = Login()


class _Auth(Struct, rename={"identity_token": "identitytoken", "registry_token": "registrytoken"}):
    auth: str = ""
    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""


class _Config(Struct, rename="camel"):
    auths: dict[str, _Auth] = {}
    cred_helpers: dict[str, str] = {}
    creds_store: str = ""


class _Answer(Struct, rename="pascal"):
    username: str = ""
    secret: str = ""


def stored_login(reference: Reference, environ: Mapping[str, str] = os.environ) -> Login:
    """The login for a repository, or an empty one.

    Raises:
        WebError: a helper that is configured cannot be used.
    """
    for path in config_files(environ):
        config = _read(path)
        if config is None:
            continue
        login = _from(config, reference, environ)
        if login is not None:
            return login
    return NO_LOGIN


def config_files(environ: Mapping[str, str]) -> Iterator[str]:
    """Where logins may be stored, the first one first."""
    home = environ.get("HOME") or os.path.expanduser("~")
    if "REGISTRY_AUTH_FILE" in environ:
        yield environ["REGISTRY_AUTH_FILE"]
    yield os.path.join(environ.get("DOCKER_CONFIG") or os.path.join(home, ".docker"), "config.json")
    if "XDG_RUNTIME_DIR" in environ:
        yield os.path.join(environ["XDG_RUNTIME_DIR"], "containers", "auth.json")
    config = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    yield os.path.join(config, "containers", "auth.json")
    yield os.path.join(config, "helm", "registry", "config.json")


def _read(path: str) -> _Config | None:
    try:
        with open(path, "rb") as stream:
            return msgspec.json.decode(stream.read(_MAX_FILE), type=_Config)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None


def _from(config: _Config, reference: Reference, environ: Mapping[str, str]) -> Login | None:
    server = _DOCKER_KEY if reference.host == DOCKER else reference.host
    helper = config.cred_helpers.get(reference.host) or config.cred_helpers.get(server)
    if helper or config.creds_store:
        found = _ask_helper(helper or config.creds_store, server, environ, required=bool(helper))
        if found is not None:
            return found
    for key in _keys(reference):
        if key in config.auths:
            found = _login(config.auths[key])
            if found != NO_LOGIN:
                return found
    return None


def _keys(reference: Reference) -> Iterator[str]:
    """How a repository may be called in ``auths``: by its path, as podman does, and by its host in Docker's ways."""
    parts = [reference.host, *reference.name.split("/")]
    for count in range(len(parts), 0, -1):
        yield "/".join(parts[:count])
    for scheme in ("https://", "http://"):
        for tail in ("", "/", "/v1/", "/v2/"):
            yield f"{scheme}{reference.host}{tail}"
    if reference.host == DOCKER:
        yield _DOCKER_KEY
        yield "index.docker.io"


def _login(auth: _Auth) -> Login:
    user, password = auth.username, auth.password
    if auth.auth:
        try:
            text = base64.b64decode(auth.auth, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        user, _, password = text.strip("\0").partition(":")
    return Login(user, password, auth.identity_token, auth.registry_token)


def _ask_helper(name: str, server: str, environ: Mapping[str, str], *, required: bool) -> Login | None:
    """Ask a program as Docker does; None where it knows no login."""
    if not _HELPER.match(name):
        raise WebError(f"the Docker configuration names a credential helper {name[:60]!r}, which is no program's name")
    program = f"docker-credential-{name}"
    try:
        done = subprocess.run(  # noqa: S603 - the user's own configuration names it, and its name is checked
            [program, "get"],
            input=server.encode(),
            capture_output=True,
            timeout=_SECONDS,
            env=dict(environ),
            check=False,
        )
    except FileNotFoundError:
        if required:
            raise WebError(f"the Docker configuration needs {program}, which is not on PATH; install it") from None
        return None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WebError(f"{program} does not answer: {type(error).__name__}; try `{program} get`") from error
    if done.returncode or len(done.stdout) > _MAX_OUTPUT:
        # Whatever it says, it may hold the secret: a login that it does not know is told by a failure too.
        return None
    try:
        answer = msgspec.json.decode(done.stdout, type=_Answer)
    except (msgspec.DecodeError, RecursionError) as error:
        raise WebError(f"{program} does not answer as a credential helper does") from error
    if answer.username == _TOKEN_USER:
        return Login(identity_token=answer.secret)
    return Login(answer.username, answer.secret) if answer.secret else None
