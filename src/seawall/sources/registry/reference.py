"""Names of images as Docker writes them, and of artifacts (``oci://``). Source: distribution/reference."""

from __future__ import annotations

import re

from msgspec import Struct

from seawall.sources.web.errors import WebError

SCHEME = "oci://"
#: Docker's own registry: how it is written, and where it answers.
DOCKER, DOCKER_HOST = "docker.io", "registry-1.docker.io"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<name>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?\Z"
)
_MAX_NAME = 255
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?\Z")


class Reference(Struct, frozen=True):
    """``host/name:tag@digest``. ``tag`` is empty where only a digest was given, ``digest`` where only a tag."""

    host: str
    name: str
    tag: str
    digest: str = ""

    @property
    def version(self) -> str:
        """What is asked for: the digest where there is one, else the tag."""
        return self.digest or self.tag

    @property
    def server(self) -> str:
        """The host and port that answer."""
        return DOCKER_HOST if self.host == DOCKER else self.host

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.host}/{self.name}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse_image(text: str) -> Reference:
    """An image's name, short ones as Docker means them: ``nginx`` is ``docker.io/library/nginx:latest``.

    Raises:
        WebError: it is none.
    """
    head, slash, _ = text.partition("/")
    # What comes before the first slash is a host only if it looks like one.
    is_host = bool(slash) and (head == "localhost" or head != head.lower() or any(c in head for c in ".:["))
    match = _REFERENCE.match(text if is_host else f"{DOCKER}/{text}")
    if match is None or len(match["name"]) > _MAX_NAME or "+" in (match["tag"] or ""):
        raise WebError(f"{text[:200]!r} is no image's name; write it as registry.example.com/name:tag")
    host, name = match["host"], match["name"]
    if host in (DOCKER, f"index.{DOCKER}"):
        host, name = DOCKER, name if "/" in name else f"library/{name}"
    return Reference(host, name, match["tag"] or ("" if match["digest"] else "latest"), match["digest"] or "")


def parse_artifact(text: str) -> Reference:
    """An artifact's name, ``oci://host/name:tag``; without tag and digest it means ``latest``.

    Raises:
        WebError: it is none.
    """
    match = _REFERENCE.match(text.removeprefix(SCHEME))
    if not text.startswith(SCHEME) or match is None or match["host"] is None or len(match["name"]) > _MAX_NAME:
        raise WebError("is no reference of an artifact; write it as oci://registry.example.com/name:tag")
    # Registries have no + in tags; Helm writes versions with _ instead.
    tag = (match["tag"] or "latest").replace("+", "_")
    return Reference(match["host"], match["name"], tag, match["digest"] or "")


def is_loopback(host: str) -> bool:
    """Whether a host (with or without port) is this machine."""
    return _LOOPBACK.match(host) is not None
