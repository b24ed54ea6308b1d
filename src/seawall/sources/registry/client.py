"""A client of the OCI distribution API: logins, tries, redirects, and blobs that go on where they broke off."""

from __future__ import annotations

import email.utils
import hashlib
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from seawall.sources.registry.reference import DOCKER, DOCKER_HOST, Reference, is_loopback
from seawall.sources.registry.token import Tokens
from seawall.sources.web.address import join, split
from seawall.sources.web.errors import ApiError, Oversized, Transient, WebError
from seawall.sources.web.http import Connection, Headers, Reply, Request, Stream, Target, target_of
from seawall.sources.web.patience import Patience
from seawall.sources.web.tls import tls_context

MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
MAX_MANIFEST = 4 << 20
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_RETRIED = frozenset((408, 429, 500, 502, 503, 504))
_MAX_REDIRECTS = 5
#: Seconds that one blob may take, and how often it may break off in all.
_BLOB_SECONDS = 6 * 3600.0
_MAX_BREAKS = 50
_PIECE = 1 << 17
_NEXT = re.compile(r'\s*<([^>]{1,2000})>\s*;.*\brel="?next"?')
T = TypeVar("T")


class RegistryOptions(Struct, frozen=True):
    """How registries are spoken to.

    ``insecure`` allows plain HTTP and certificates that nobody vouches for (loopback may always speak plain HTTP).
    ``mirrors`` are pairs of a registry's host and a mirror's address, asked first. ``anonymous`` sends no login.
    """

    insecure: bool = False
    mirrors: tuple[tuple[str, str], ...] = ()
    anonymous: bool = False
    patience: Patience = Patience(bytes=MAX_MANIFEST, tries=5, pause=0.5, longest_pause=60.0)


class Manifest(Struct, frozen=True):
    """A manifest or an index as it was sent, with its digest (sha256, or that it was asked by) and media type."""

    body: bytes
    digest: str
    media_type: str


class Registry:
    """One registry (or mirror of it), asked for one repository. Several threads may ask at once.

    Messages of errors start with what is wrong and say where. Every method raises:
        ApiError: the registry refuses; ``status`` is how.
        Transient: it does not answer, after all tries.
        WebError: what it sends is of no use.
    """

    def __init__(self, reference: Reference, options: RegistryOptions, root: str = "") -> None:
        self.reference = reference
        self._options = options
        self._root = root or self._usual_root()
        self._settled = bool(root)
        # A mirror is somebody else: it gets the login that is stored for it, never the registry's.
        asked = replace(reference, host=split(root).netloc) if root else reference
        self._tokens = Tokens(asked, options.anonymous, self._exchange, insecure=options.insecure)
        self._idle: dict[Target, list[Connection]] = {}
        self._lock = threading.Lock()
        self._query = f"?ns={quote(reference.host)}" if root and split(root).netloc != reference.server else ""

    @property
    def root(self) -> str:
        """Scheme and host that are asked; settled once it has answered."""
        return self._root

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            for connections in self._idle.values():
                for connection in connections:
                    connection.close()
            self._idle.clear()

    def manifest(self, version: str) -> Manifest:
        """The manifest or index of a tag or digest; a digest's is verified."""
        accept = (("Accept", ", ".join(MANIFESTS)),)
        reply = self.get(f"/v2/{self.reference.name}/manifests/{version}", accept)
        algorithm = version.partition(":")[0] if ":" in version else "sha256"
        digest = f"{algorithm}:{hashlib.new(algorithm, reply.body).hexdigest()}"
        if ":" in version and digest != version:
            raise WebError(f"what the registry sent is not {version}")
        return Manifest(reply.body, digest, reply.headers.get("content-type", "").partition(";")[0].strip())

    def get(self, path: str, headers: Headers = (), method: str = "GET") -> Reply:
        """A reply of status 200 (or another of success), bounded by the patience's bytes."""
        query = self._query if "?" not in path else self._query.replace("?", "&")
        reply = self._try(lambda: self._reply(Request(f"{self._root}{path}{query}", method, headers)))
        if not 200 <= reply.status < 300:
            raise ApiError(self.refusal(reply.status), reply.status)
        return reply

    def next_page(self, reply: Reply) -> str:
        """The path of the page after this one (``Link: <...>; rel="next"``); empty after the last."""
        match = _NEXT.match(reply.headers.get("link", ""))
        if match is None:
            return ""
        parts = split(join(self._root, match[1]))
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def blob(self, digest: str, size: int = -1) -> Iterator[bytes]:
        """A blob in pieces. A connection that breaks is opened again from there; digests are for the reader to check.

        ``size`` is what it should have, -1 where that is not known; more than that is refused.
        """
        patience = self._options.patience
        got = breaks = 0
        tries = 0
        while True:
            start = got
            try:
                for piece in self._rest(digest, got):
                    got += len(piece)
                    if 0 <= size < got:
                        raise WebError(f"the registry sends more of {digest} than the {size} bytes that it should have")
                    yield piece
                if size < 0 or got == size:
                    return
                raise Transient(f"the registry ended {digest} after {got} of {size} bytes")
            except Transient as problem:
                breaks += 1
                tries = 1 if got > start else tries + 1
                if tries >= patience.tries or breaks > _MAX_BREAKS or (size < 0 and got > 0):
                    raise
                self._pause(tries, problem)

    def small_blob(self, digest: str, limit: int) -> bytes:
        """A whole blob, verified."""
        parts, size = [], 0
        for piece in self.blob(digest):
            size += len(piece)
            if size > limit:
                raise Oversized(f"the registry sent more than {limit >> 20} MiB at once")
            parts.append(piece)
        data = b"".join(parts)
        algorithm = digest.partition(":")[0]
        if f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}" != digest:
            raise WebError(f"what the registry sent is not {digest}")
        return data

    def _rest(self, digest: str, start: int) -> Iterator[bytes]:
        """What a blob holds from a byte on."""
        url = f"{self._root}/v2/{self.reference.name}/blobs/{digest}{self._query}"
        headers = (("Range", f"bytes={start}-"),) if start else ()
        stream, give_back = self._send(Request(url, "GET", headers, seconds=_BLOB_SECONDS), self._stream)
        skip = start
        if stream.status == HTTPStatus.PARTIAL_CONTENT:
            if not stream.headers.get("content-range", "").startswith(f"bytes {start}-"):
                raise WebError("the registry sends another part of the blob than it was asked for")
            skip = 0
        elif stream.status in _RETRIED:
            raise Transient(self.refusal(stream.status), _retry_after(stream.headers.get("retry-after", "")))
        elif stream.status != HTTPStatus.OK:
            raise ApiError(self.refusal(stream.status, digest), stream.status)
        for piece in stream.pieces(_PIECE):
            if skip >= len(piece):
                skip -= len(piece)
                continue
            yield piece[skip:] if skip else piece
            skip = 0
        give_back()

    def exchange(self, request: Request) -> Reply:
        """One request with whatever login there is, redirects followed; replies of any status are given."""
        return self._try(lambda: self._reply(request))

    def _reply(self, request: Request) -> Reply:
        reply = self._send(request, self._whole)
        if reply.status in _RETRIED:
            raise _Refused(self.refusal(reply.status), reply, _retry_after(reply.headers.get("retry-after", "")))
        return reply

    def _try(self, ask: Callable[[], T]) -> T:
        for attempt in range(1, self._options.patience.tries + 1):
            try:
                return ask()
            except Transient as problem:
                if attempt == self._options.patience.tries:
                    if isinstance(problem, _Refused):
                        raise ApiError(str(problem), problem.reply.status) from problem
                    raise
                self._pause(attempt, problem)
        raise AssertionError("unreachable")

    def _pause(self, attempt: int, problem: Transient) -> None:
        patience = self._options.patience
        pause = patience.pause * 2 ** (attempt - 1) if problem.wait is None else problem.wait
        time.sleep(min(pause, patience.longest_pause))

    def _send(self, request: Request, ask: Callable[[Connection, Request], T]) -> T:
        """Send with the login that is asked for, and follow redirects; the login goes nowhere else."""
        url, refused = request.url, False
        for _ in range(_MAX_REDIRECTS):
            own = _origin(url) == _origin(self._root)
            token = self._tokens.authorization(request.method) if own else ""
            headers = (*request.headers, ("Authorization", token)) if token else request.headers
            answer = self._connected(url, Request(url, request.method, headers, request.body, request.seconds), ask)
            status, told = _status(answer)
            if status == HTTPStatus.UNAUTHORIZED and own and not refused:
                refused = True
                _discard(answer)
                self._tokens.renew(told.get("www-authenticate", ""), request.method, token)
            elif status in _REDIRECTS and told.get("location"):
                _discard(answer)
                url = self._redirected(url, told["location"])
            elif status == HTTPStatus.BAD_REQUEST and self._speaks_tls(answer):
                self._root = f"https://{self.reference.server}"
                url = url.replace("http://", "https://", 1)
            else:
                self._settled = self._settled or own
                return answer
        raise WebError("the registry redirects in a circle, or refuses the login that it asked for")

    def _connected(self, url: str, request: Request, ask: Callable[[Connection, Request], T]) -> T:
        parts = split(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        target = target_of(f"{parts.scheme}://{parts.netloc}")
        with self._lock:
            idle = self._idle.get(target)
            connection = idle.pop() if idle else None
        connection = connection or Connection(target, self._tls(target), self._options.patience, _TRUST)
        try:
            return ask(connection, Request(path, request.method, request.headers, request.body, request.seconds))
        except Transient as error:
            if not self._settled and self._options.insecure and url.startswith(f"{self._root}/"):
                self._settled, self._root = True, f"http://{self.reference.server}"
                return self._connected(url.replace("https://", "http://", 1), request, ask)
            raise Transient(f"{parts.netloc} cannot be reached: {error}", error.wait) from error

    def _tls(self, target: Target) -> ssl.SSLContext | None:
        return tls_context(None, not self._options.insecure, None) if target.scheme == "https" else None

    def _whole(self, connection: Connection, request: Request) -> Reply:
        reply = connection.send(request)
        self._keep(connection)
        return reply

    def _stream(self, connection: Connection, request: Request) -> tuple[Stream, Callable[[], None]]:
        return connection.stream(request), lambda: self._keep(connection)

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            self._idle.setdefault(connection.target, []).append(connection)

    def _exchange(self, request: Request) -> Reply:
        """A request to whoever gives tokens."""
        return self._connected(request.url, request, self._whole)

    def _usual_root(self) -> str:
        plain = is_loopback(self.reference.server)
        return f"{'http' if plain else 'https'}://{self.reference.server}"

    def _speaks_tls(self, answer: object) -> bool:
        """Whether the answer is that of a server on loopback that wants TLS (as Go's say it)."""
        return (
            self._root == f"http://{self.reference.server}"
            and not self._settled
            and isinstance(answer, Reply)
            and b"HTTPS" in answer.body[:200]
        )

    def _redirected(self, url: str, location: str) -> str:
        target = join(url, location)
        parts = split(target)
        plain_is_fine = url.startswith("http://") and (is_loopback(parts.netloc) or self._options.insecure)
        if parts.scheme == "https" or (parts.scheme == "http" and plain_is_fine):
            return target
        raise WebError(f"the registry redirects to {target[:100]!r}, which is not HTTPS")

    def refusal(self, status: int, what: str = "") -> str:
        """What an answer of this status means."""
        reference = self.reference
        if status in (401, 403):
            host = "" if reference.host == DOCKER else f" {reference.host}"
            return f"{reference.host} refuses access ({status}): log in with `docker login{host}`"
        if status == HTTPStatus.NOT_FOUND:
            return f"{reference.host} has no {reference.name} of version {what or reference.version}"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return f"{reference.host} answered with status 429: too many requests; log in, use a mirror, or wait"
        return f"{reference.host} answered with status {status}"


_TRUST = "add its authority to those that the system trusts, or name it in SSL_CERT_FILE"


class _Refused(Transient):
    """An answer that may be another when asked again."""

    def __init__(self, message: str, reply: Reply, wait: float | None) -> None:
        super().__init__(message, wait)
        self.reply = reply


def _status(answer: object) -> tuple[int, dict[str, str]]:
    reply = answer[0] if isinstance(answer, tuple) else answer
    if isinstance(reply, Reply | Stream):
        return reply.status, dict(reply.headers)
    raise TypeError(type(reply).__name__)


def _discard(answer: object) -> None:
    """Read what nobody wants of a streamed reply, so that its connection can be used again."""
    if isinstance(answer, tuple):
        stream, give_back = answer
        size = 0
        for piece in stream.pieces():
            size += len(piece)
            if size > MAX_MANIFEST:
                return
        give_back()


def _origin(url: str) -> tuple[str, str]:
    parts = split(url)
    return parts.scheme, parts.netloc


def _retry_after(value: str) -> float | None:
    """Seconds, or a date (RFC 9110, section 10.2.3)."""
    if value.strip().isdigit():
        return float(value.strip()[:9])
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - time.time(), 0.0) if value else None
    except (ValueError, OverflowError):
        return None


def registries(reference: Reference, options: RegistryOptions) -> list[Registry]:
    """Who may be asked for a repository: its mirrors, then itself."""
    found = [
        Registry(reference, options, root.rstrip("/") if "://" in root else f"https://{root.rstrip('/')}")
        for host, root in options.mirrors
        if host in (reference.host, "*")
    ]
    return [*found, Registry(reference, options)]


__all__ = ["DOCKER_HOST", "MANIFESTS", "MAX_MANIFEST", "Manifest", "Registry", "RegistryOptions", "registries"]
