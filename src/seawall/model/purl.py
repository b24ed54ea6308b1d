"""Package URLs, written and read as the package-url specification says (github.com/package-url/purl-spec)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from msgspec import Struct

_PLAIN = re.compile(r"[A-Za-z0-9._~/-]*").fullmatch
_KEY = re.compile(r"[a-z._-][a-z0-9._-]*").fullmatch
_TYPE = re.compile(r"[a-z.+-][a-z0-9.+-]*").fullmatch
#: Types whose namespace, and whose name, is written in lower case.
_LOWER_NAMESPACE = frozenset(
    {"alpm", "apk", "bitbucket", "composer", "deb", "github", "gitlab", "hex", "luarocks", "pypi", "qpkg", "rpm"}
)
_LOWER_NAME = frozenset(
    {
        "alpm",
        "apk",
        "bitbucket",
        "bitnami",
        "composer",
        "deb",
        "github",
        "gitlab",
        "hex",
        "luarocks",
        "npm",
        "oci",
        "pub",
        "pypi",
    }
)
_MAX_LENGTH = 4096


class PurlError(ValueError):
    """Text that is no package URL."""


class Purl(Struct, frozen=True, gc=False):
    """A package URL in its decoded parts; ``namespace`` keeps its slashes."""

    type: str
    namespace: str
    name: str
    version: str
    qualifiers: dict[str, str]
    subpath: str = ""


def _encode(text: str) -> str:
    if _PLAIN(text):
        return text
    return quote(text.encode("utf-8", "surrogatepass")).replace("%3A", ":")


def make_purl(
    type_: str, namespace: str, name: str, version: str = "", qualifiers: Mapping[str, str] | None = None
) -> str:
    """The canonical URL; a qualifier without a value is left out.

    The parts are given as the ecosystem writes them; normalising them is done here.
    """
    if type_ in _LOWER_NAMESPACE:
        namespace = namespace.lower()
    if type_ in _LOWER_NAME:
        name = name.lower()
    if type_ == "pypi":
        name = name.replace("_", "-")
    elif type_ == "pub":
        name = re.sub(r"[^a-z0-9]", "_", name)
    parts = ["pkg:", type_, "/"]
    if namespace:
        parts += ("/".join(_encode(part) for part in namespace.split("/") if part.strip()), "/")
    parts.append(_encode(name).replace("/", "%2F"))
    if version:
        parts += ("@", _encode(version))
    if qualifiers:
        pairs = "&".join(f"{key}={_encode(value)}" for key, value in sorted(qualifiers.items()) if value)
        if pairs:
            parts += ("?", pairs)
    return "".join(parts)


def parse_purl(text: str) -> Purl:
    """The parts of a URL.

    Raises:
        PurlError: it is none, or longer than 4,096 characters.
    """
    if len(text) > _MAX_LENGTH:
        raise PurlError("is longer than 4,096 characters")
    scheme, colon, rest = text.strip().partition(":")
    if not colon or scheme.lower() != "pkg":
        raise PurlError("does not begin with pkg:")
    rest, _, subpath = rest.partition("#")
    rest, _, query = rest.partition("?")
    type_, slash, rest = rest.strip("/").partition("/")
    type_ = type_.lower()
    if not slash or not _TYPE(type_):
        raise PurlError("has no type")
    # A scope of npm (@angular/core) stands before the last slash, so its sign is not taken for the version's.
    head, _, tail = rest.rpartition("/")
    name, _, version = tail.rpartition("@") if "@" in tail else (tail, "", "")
    if not name:
        raise PurlError("has no name")
    return Purl(
        type_,
        "/".join(unquote(part) for part in head.split("/") if part),
        unquote(name),
        unquote(version),
        _qualifiers(query),
        unquote(subpath.strip("/")),
    )


def _qualifiers(query: str) -> dict[str, str]:
    found = {}
    for pair in query.split("&") if query else ():
        key, equals, value = pair.partition("=")
        key = key.strip().lower()
        if not equals or not _KEY(key):
            raise PurlError("has a qualifier that is none")
        if value:
            found[key] = unquote(value)
    return found
