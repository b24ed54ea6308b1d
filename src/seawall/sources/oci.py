"""Artifacts in OCI registries that hold manifests or a Helm chart: Flux's, ORAS's, Helm's.

A small client of the distribution API: it reads one manifest and its layers, checks every digest, and takes logins
from Docker's configuration file.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from msgspec import Struct

SCHEME = "oci://"
_REFERENCE = re.compile(
    r"oci://(?P<host>[A-Za-z0-9.-]+(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?)/(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>\w[\w.+-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?\Z"
)
_ACCEPT = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.index.v1+json"
)
_HELM_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_TITLE = "org.opencontainers.image.title"
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?\Z")
_TIMEOUT = 30.0
_MAX_MANIFEST = 4 << 20
_MAX_LAYER = 256 << 20
_MAX_LAYERS = 64
_MAX_REDIRECTS = 5


class OciError(Exception):
    """An artifact that cannot be had; the message says why and what to do."""


class Layer(Struct, frozen=True):
    """A layer: its bytes, whether it is a Helm chart, and the file name that it was pushed under (may be empty)."""

    data: bytes
    is_chart: bool
    title: str


class Reference(Struct, frozen=True):
    """``oci://host/name:tag@digest``."""

    host: str
    name: str
    version: str
    digest: str | None


def parse_reference(text: str) -> Reference:
    """Read a reference; without tag and digest it means ``latest``.

    Raises:
        OciError: it is none.
    """
    match = _REFERENCE.match(text)
    if match is None:
        raise OciError("is no reference of an artifact; write it as oci://registry.example.com/name:tag")
    # Registries have no + in tags; Helm writes versions with _ instead.
    tag = (match["tag"] or "latest").replace("+", "_")
    return Reference(match["host"], match["name"], match["digest"] or tag, match["digest"])


def pull(text: str, *, plain_http: bool = False) -> list[Layer]:
    """The layers of an artifact.

    Plain HTTP is spoken only to loopback addresses, or with ``plain_http``.

    Raises:
        OciError: the registry cannot be reached or refuses, a digest is wrong, or a bound is exceeded.
    """
    reference = parse_reference(text)
    plain = plain_http or _LOOPBACK.match(reference.host) is not None
    session = _Session(reference, f"{'http' if plain else 'https'}://{reference.host}")
    base = f"{session.root}/v2/{reference.name}"
    body = session.get(f"{base}/manifests/{reference.version}", _MAX_MANIFEST, {"Accept": _ACCEPT})
    if reference.digest is not None:
        _check(body, reference.digest)
    manifest = _decoded(body)
    layers = manifest.get("layers")
    if not isinstance(layers, list) or len(layers) > _MAX_LAYERS:
        raise OciError("is no artifact with manifests or a chart (an index of images, or without layers)")
    found: list[Layer] = []
    for layer in layers:
        digest, kind = str(layer.get("digest")), str(layer.get("mediaType"))
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            raise OciError(f"has a layer with the digest {digest[:80]!r}, which is not sha256")
        if "provenance" in kind:
            continue
        data = session.get(f"{base}/blobs/{digest}", _MAX_LAYER, {})
        _check(data, digest)
        title = (layer.get("annotations") or {}).get(_TITLE)
        found.append(Layer(data, kind == _HELM_CHART, title if isinstance(title, str) else ""))
    return found


def _check(data: bytes, digest: str) -> None:
    if f"sha256:{sha256(data).hexdigest()}" != digest:
        raise OciError(f"what the registry sent is not {digest}")


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OciError("has a manifest that is no JSON") from error
    if not isinstance(value, dict):
        raise OciError("has a manifest that is no JSON object")
    for layer in value.get("layers") or ():
        if not isinstance(layer, dict) or not isinstance(layer.get("annotations") or {}, dict):
            raise OciError("has a malformed manifest")
    return value


class _Session:
    """Requests to one registry, with the token that it asked for."""

    def __init__(self, reference: Reference, root: str) -> None:
        self.root = root
        self._reference = reference
        self._authorization: str | None = None

    def get(self, url: str, limit: int, headers: Mapping[str, str]) -> bytes:
        """A body, redirects followed; asks for a token once where the registry wants one."""
        for _ in range(_MAX_REDIRECTS):
            own = url.startswith(f"{self.root}/")
            sent = dict(headers)
            if own and self._authorization is not None:
                sent["Authorization"] = self._authorization
            status, answer, body = _request(url, sent, limit)
            if status == 401 and own and self._authorization is None:
                self._authorization = self._login(answer.get("www-authenticate", ""))
            elif status in (301, 302, 303, 307, 308):
                url = _redirected(url, answer.get("location", ""))
            elif status == 200:
                return body
            else:
                raise OciError(_refusal(status, self._reference))
        raise OciError("the registry redirects in a circle, or refuses the login that it asked for")

    def _login(self, challenge: str) -> str:
        scheme = challenge.partition(" ")[0].lower()
        basic = _stored_login(self._reference.host)
        if scheme == "basic" and basic is not None:
            return f"Basic {basic}"
        if scheme != "bearer":
            raise OciError(_refusal(401, self._reference))
        fields = dict(_CHALLENGE.findall(challenge))
        realm = fields.pop("realm", "")
        if not realm.startswith("https://") and not _is_loopback(realm):
            raise OciError("the registry wants a token from an address without TLS")
        fields.setdefault("scope", f"repository:{self._reference.name}:pull")
        query = urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
        headers = {"Authorization": f"Basic {basic}"} if basic is not None else {}
        status, _, body = _request(f"{realm}?{query}", headers, _MAX_MANIFEST)
        token = _decoded(body) if status == 200 else {}
        value = token.get("token") or token.get("access_token")
        if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]+", value):
            raise OciError(_refusal(status if status != 200 else 401, self._reference))
        return f"Bearer {value}"


def _request(url: str, headers: Mapping[str, str], limit: int) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc.rpartition("@")[2], timeout=_TIMEOUT)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path, headers=dict(headers))
        response = connection.getresponse()
        return response.status, {key.lower(): value for key, value in response.getheaders()}, _body(response, limit)
    except (OSError, HTTPException, ValueError) as error:
        raise OciError(f"{parts.netloc} cannot be reached: {error or type(error).__name__}") from error
    finally:
        connection.close()


def _body(response: HTTPResponse, limit: int) -> bytes:
    data = response.read(limit + 1)
    if len(data) > limit:
        raise OciError(f"the registry sent more than {limit >> 20} MiB at once")
    return data


def _redirected(url: str, location: str) -> str:
    target = urljoin(url, location)
    if target.startswith("https://") or (url.startswith("http://") and _is_loopback(target)):
        return target
    raise OciError(f"the registry redirects to {target[:100]!r}, which is not HTTPS")


def _is_loopback(url: str) -> bool:
    return url.startswith("http://") and _LOOPBACK.match(urlsplit(url).netloc) is not None


def _stored_login(host: str) -> str | None:
    """What ``docker login`` or ``helm registry login`` stored for a host, if it is not in a credential helper."""
    folder = os.environ.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
    helm = os.path.join(os.path.expanduser("~"), ".config", "helm", "registry", "config.json")
    for file in (os.path.join(folder, "config.json"), helm):
        try:
            with open(file, "rb") as stream:
                auth = json.loads(stream.read(_MAX_MANIFEST))["auths"][host]["auth"]
            base64.b64decode(auth, validate=True)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return str(auth)
    return None


def _refusal(status: int, reference: Reference) -> str:
    if status in (401, 403):
        return f"{reference.host} refuses access ({status}): log in with `docker login {reference.host}`"
    if status == 404:
        return f"{reference.host} has no {reference.name} of version {reference.version}"
    return f"{reference.host} answered with status {status}"
