"""HTTP with bounds: one connection kept alive, a deadline for each reply as a whole, sizes limited, no redirects."""

from __future__ import annotations

import http.client
import io
import os
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from seawall import __version__
from seawall.sources.web.errors import ApiError, Oversized, Transient, WebError
from seawall.sources.web.patience import Patience
from seawall.sources.web.proxy import choose_proxy, open_socket
from seawall.sources.web.tls import tls_context

AGENT = f"seawall/{__version__}"
_CHUNK = 1 << 20
T = TypeVar("T")
#: Names and values in order; a name may come several times.
Headers = tuple[tuple[str, str], ...]


class Request(Struct, frozen=True):
    """What is asked. ``url`` is whole for :func:`fetch`, and a path for a :class:`Connection`.

    ``seconds`` bounds the reply as a whole, where that is not what the connection's patience says.
    """

    url: str
    method: str = "GET"
    headers: Headers = ()
    body: bytes = b""
    seconds: float | None = None


class Reply(Struct):
    """What came back; the body is unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Target(Struct, frozen=True):
    """Where to connect. ``path`` is put before every request's; ``server_name`` is what the certificate must say."""

    scheme: str
    host: str
    port: int
    path: str = ""
    server_name: str = ""
    proxy: SplitResult | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def target_of(url: str, proxy_url: str = "", server_name: str = "", environ: Mapping[str, str] = os.environ) -> Target:
    """Read an address.

    Raises:
        WebError: it is no http or https address.
    """
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise WebError(f"{url[:200]!r} is no address of a server: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WebError(f"{url[:200]!r} is no address of a server; it must be https://HOST:PORT")
    proxy = choose_proxy(parts.scheme, parts.hostname, port, proxy_url, environ)
    return Target(parts.scheme, parts.hostname, port, parts.path.rstrip("/"), server_name, proxy)


class Connection:
    """A connection that is kept alive between requests, and opened anew when it was lost.

    ``trust_hint`` says what to do about a certificate that is not trusted.
    """

    def __init__(
        self, target: Target, context: ssl.SSLContext | None, patience: Patience, trust_hint: str = ""
    ) -> None:
        self.target = target
        self._context = context
        self._patience = patience
        self._trust_hint = trust_hint or "give the authority that signed it"
        self._open: _HttpConnection | None = None

    def close(self) -> None:
        """Hang up; the next request connects again."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def renew(self, context: ssl.SSLContext | None) -> None:
        """Use other TLS settings (a new client certificate) from now on."""
        self.close()
        self._context = context

    def send(self, request: Request) -> Reply:
        """One request and its reply, whatever its status.

        Raises:
            Transient: the connection failed, or the reply took too long or ended early.
            Oversized: the reply exceeds the bound.
            WebError: trying again is of no use (the certificate is not trusted).
        """
        return self._tried(lambda: self._whole(request))

    def stream(self, request: Request) -> Stream:
        """One request whose reply is read in pieces; until its end nothing else can be asked.

        Raises:
            Transient: the connection failed.
            WebError: trying again is of no use.
        """
        return self._tried(lambda: Stream(self, self._ask(request, "identity")))

    def _tried(self, ask: Callable[[], T]) -> T:
        reused = self._open is not None
        try:
            return ask()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            self.close()
            # The server hung up on an idle connection: nobody's fault, so one immediate try more.
            if not reused:
                raise Transient(f"{self.target} hung up") from error
            return self._guarded(ask)
        except _FAILURES as error:
            self.close()
            raise self.failure(error) from error
        except BaseException:
            self.close()
            raise

    def _guarded(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except _FAILURES as error:
            self.close()
            raise self.failure(error) from error
        except BaseException:
            self.close()
            raise

    def _whole(self, request: Request) -> Reply:
        response = self._ask(request, "gzip")
        body = _read(response, self._patience.bytes)
        if response.will_close:
            self.close()
        return Reply(response.status, _headers(response), body)

    def _ask(self, request: Request, encoding: str) -> http.client.HTTPResponse:
        if self._open is None:
            self._open = _HttpConnection(self.target, self._context, self._patience)
        connection = self._open
        connection.deadline = time.monotonic() + (request.seconds or self._patience.total)
        connection.putrequest(request.method, self.target.path + request.url, skip_accept_encoding=True)
        for name, value in (("User-Agent", AGENT), ("Accept-Encoding", encoding), *request.headers):
            connection.putheader(name, value)
        if request.body:
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None)
        return connection.getresponse()

    def failure(self, error: Exception) -> WebError:
        """A failure of the network or of HTTP as the error that tells it."""
        where = str(self.target) + (f" (through the proxy {self.target.proxy.hostname})" if self.target.proxy else "")
        if isinstance(error, ssl.SSLCertVerificationError):
            return WebError(f"{where}: the certificate is not trusted: {error.verify_message}; {self._trust_hint}")
        if isinstance(error, ssl.SSLError):
            return Transient(f"{where}: TLS failed: {error.reason or error}")
        if isinstance(error, socket.gaierror):
            return Transient(f"{where}: the name does not resolve: {error.strerror}")
        if isinstance(error, TimeoutError):
            return Transient(f"{where}: no answer in time")
        if isinstance(error, http.client.IncompleteRead):
            return Transient(f"{where}: the answer ended early")
        if isinstance(error, OSError):
            return Transient(f"{where}: {error.strerror or error}")
        return Transient(f"{where}: does not speak HTTP: {type(error).__name__}")


_FAILURES = (OSError, http.client.HTTPException)


def _headers(response: http.client.HTTPResponse) -> dict[str, str]:
    """Names in lower case; values of one that comes several times are joined."""
    found: dict[str, str] = {}
    for name, value in response.getheaders():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


class Stream:
    """A reply whose body is read in pieces."""

    def __init__(self, connection: Connection, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = _headers(response)
        self._connection = connection
        self._response = response

    def pieces(self, size: int = _CHUNK) -> Iterator[bytes]:
        """The body as it comes, at most ``size`` bytes at once.

        Raises:
            Transient: the connection failed, or the reply ended early or takes too long.
        """
        response = self._response
        try:
            while piece := response.read1(size):
                yield piece
            if response.length:
                raise http.client.IncompleteRead(b"", response.length)
            response.close()
            if response.will_close:
                self._connection.close()
        except _FAILURES as error:
            self._connection.close()
            raise self._connection.failure(error) from error
        except BaseException:
            self._connection.close()
            raise


class _HttpConnection(http.client.HTTPConnection):
    """Connects by way of the proxy and TLS of the target, and reads replies against a deadline."""

    def __init__(self, target: Target, context: ssl.SSLContext | None, patience: Patience) -> None:
        super().__init__(target.host, target.port, timeout=patience.connect)
        self._target = target
        self._tls = context
        self._patience = patience
        self.deadline = 0.0
        self.response_class = self._response  # type: ignore[assignment]

    def connect(self) -> None:
        target = self._target
        connection = open_socket(target.host, target.port, target.proxy, self._patience.connect)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.scheme == "https":
                context = self._tls or tls_context(None, True, None)
                connection = context.wrap_socket(connection, server_hostname=target.server_name or target.host)
        except BaseException:
            connection.close()
            raise
        connection.settimeout(self._patience.silence)
        self.sock = connection

    def _response(self, sock: socket.socket, *args: Any, **options: Any) -> http.client.HTTPResponse:
        response = http.client.HTTPResponse(sock, *args, **options)
        # What http.client opened stays open beneath: it keeps the socket alive when the connection lets go of it.
        response.fp = io.BufferedReader(_Reader(sock, response.fp, self.deadline, self._patience.silence))
        return response


class _Reader(io.RawIOBase):
    """Reads a socket; every read is bounded by the silence allowed and by the deadline of the whole reply."""

    def __init__(self, sock: socket.socket, holder: IO[bytes], deadline: float, silence: float) -> None:
        super().__init__()
        self._sock = sock
        self._holder = holder
        self._deadline = deadline
        self._silence = silence

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._holder.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(min(left, self._silence))
        return self._sock.recv_into(buffer)


def _read(response: http.client.HTTPResponse, limit: int) -> bytes:
    packed = (response.getheader("Content-Encoding") or "").lower()
    if packed not in ("", "identity", "gzip"):
        raise WebError(f"the server packs its answers in a way that was not asked for ({packed[:40]})")
    if (response.length or 0) > limit:
        raise Oversized(f"an answer of more than {limit >> 20} MiB")
    parts: list[bytes] = []
    size = 0
    unpack = zlib.decompressobj(31) if packed == "gzip" else None
    while chunk := response.read1(_CHUNK):
        if unpack is not None:
            chunk = _unpack(unpack, chunk, limit - size + 1)
        size += len(chunk)
        if size > limit:
            raise Oversized(f"an answer of more than {limit >> 20} MiB")
        parts.append(chunk)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    if unpack is not None and not unpack.eof:
        raise http.client.IncompleteRead(b"")
    response.close()  # read1 of a known length leaves it open, and an open one blocks the connection
    return b"".join(parts)


def _unpack(unpack: Any, chunk: bytes, most: int) -> bytes:
    try:
        data: bytes = unpack.decompress(chunk, most)
    except zlib.error as error:
        raise Transient("the answer is broken gzip") from error
    return data


def fetch(request: Request, authority: bytes | None) -> bytes:
    """One request to any server; the body of a reply of status 200.

    Raises:
        WebError: it failed.
    """
    target = target_of(request.url)
    context = tls_context(authority, True, None) if target.scheme == "https" else None
    connection = Connection(Target(target.scheme, target.host, target.port, proxy=target.proxy), context, Patience())
    parts = urlsplit(request.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        reply = connection.send(Request(path, request.method, request.headers, request.body))
    finally:
        connection.close()
    if reply.status != http.client.OK:
        raise ApiError(f"{target}{parts.path} answered {reply.status}", reply.status)
    return reply.body
