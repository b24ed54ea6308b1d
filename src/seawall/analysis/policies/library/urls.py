"""URLs and references to images.

Source: Kubernetes' reference of its CEL libraries, and Go's ``net/url`` for what is a URL; an image's reference is read
as ``go-containerregistry`` does it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, quote, unquote, urlsplit

from seawall.analysis.policies.library.marked import Marked, mark, text_of
from seawall.analysis.policies.library.table import Function, holds, members, plain

_RAW_PATH = re.compile(r"(?:[A-Za-z0-9\-_.~!$&'()*+,;=:@\[\]/]|%[0-9A-Fa-f]{2})*\Z")
_DOCKER = "index.docker.io"
_DIGEST = re.compile(r"(?P<name>[^@]+)@(?P<digest>sha256:[0-9a-f]{64})\Z")
_TAG = re.compile(r"(?P<name>.+?)(?::(?P<tag>[A-Za-z0-9_.-]{1,127}))?\Z")
_REGISTRY = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d+)?\Z")
_REPOSITORY = re.compile(r"[a-z0-9_.-]+(?:/[a-z0-9_.-]+)*\Z")


def _url(text: str) -> Marked:
    parts = urlsplit(text)
    if not (parts.scheme or text.startswith("/")) or re.search(r"[\x00-\x1f\x7f]", text) or " " in parts.netloc:
        raise ValueError(f"{text[:40]!r} is no URL")
    _ = parts.port
    return mark("url", text)


is_url = holds(_url)


def _text(marked: Marked) -> str:
    return text_of(marked, "url")


def _host(marked: Marked) -> str:
    return urlsplit(_text(marked)).netloc.rpartition("@")[2]


def _hostname(marked: Marked) -> str:
    host = _host(marked)
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _port(marked: Marked) -> str:
    port = urlsplit(_text(marked)).port
    return "" if port is None else str(port)


def _path(marked: Marked) -> str:
    path = urlsplit(_text(marked)).path
    return path if _RAW_PATH.match(path) else quote(unquote(path), safe="$&+,/:;=@-_.~")


def _query(marked: Marked) -> dict[str, list[str]]:
    return parse_qs(urlsplit(_text(marked)).query, keep_blank_values=True)


def _parts(text: str) -> tuple[str, str, str, str]:
    """Registry, repository, tag and digest of a reference; with a digest there is no tag."""
    digest = ""
    name, tag = text, "latest"
    if match := _DIGEST.match(text):
        name, digest, tag = match["name"], match["digest"], ""
    if (tagged := _TAG.match(name)) and tagged["tag"]:
        name, tag = tagged["name"], "" if digest else tagged["tag"]
    first, slash, rest = name.partition("/")
    known = bool(slash) and ("." in first or ":" in first or first == "localhost")
    registry, repository = (first, rest) if known else (_DOCKER, name)
    if not _REGISTRY.match(registry) or not _REPOSITORY.match(repository) or not 2 <= len(repository) <= 255:
        raise ValueError(f"{text[:80]!r} is no reference to an image")
    registry = _DOCKER if registry == "docker.io" else registry
    if registry == _DOCKER and "/" not in repository:
        repository = f"library/{repository}"
    return registry, repository, tag, digest


def _image(text: str) -> Marked:
    registry, repository, tag, digest = _parts(text)
    return mark("image", f"{registry}/{repository}{f'@{digest}' if digest else f':{tag}'}")


def _of_image(marked: Marked) -> tuple[str, str, str, str]:
    return _parts(text_of(marked, "image"))


def functions() -> Iterator[Function]:
    """All functions on URLs and images."""
    yield from plain(
        (
            ("url", "string", "url", _url),
            ("isURL", "string", "bool", is_url),
            ("image", "string", "image", _image),
            ("isImage", "string", "bool", holds(_image)),
        )
    )
    yield from members(
        (
            ("getScheme", "url", "string", lambda value: urlsplit(_text(value)).scheme),
            ("getHost", "url", "string", _host),
            ("getHostname", "url", "string", _hostname),
            ("getPort", "url", "string", _port),
            ("getEscapedPath", "url", "string", _path),
            ("getQuery", "url", "query", _query),
            ("containsDigest", "image", "bool", lambda value: bool(_of_image(value)[3])),
            ("registry", "image", "string", lambda value: _of_image(value)[0]),
            ("repository", "image", "string", lambda value: _of_image(value)[1]),
            ("tag", "image", "string", lambda value: _of_image(value)[2]),
            ("digest", "image", "string", lambda value: _of_image(value)[3]),
            ("identifier", "image", "string", lambda value: _of_image(value)[3] or _of_image(value)[2]),
        )
    )
