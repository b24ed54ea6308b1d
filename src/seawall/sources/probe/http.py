"""One GET without credentials: its status, and what sort of answer it is; the body is looked at and dropped."""

from __future__ import annotations

import re
import socket
import ssl

from msgspec import Struct

from seawall import __version__
from seawall.sources.probe.wire import Broken, Deadline, receive, send

_MAX_HEAD = 64 * 1024
#: So much of a body is looked at.
_LOOKED_AT = 8 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r?\n)")
#: What an answer is, by what it begins with or holds; the first that fits.
_SORTS = (
    (re.compile(rb'"gitVersion"\s*:'), "version"),
    (re.compile(rb'"etcdserver"\s*:'), "etcd-version"),
    (re.compile(rb'"(?:ApiVersion|MinAPIVersion)"\s*:'), "docker-version"),
    (re.compile(rb'"swagger"\s*:\s*"2'), "openapi"),
    (re.compile(rb"^# (?:HELP|TYPE) ", re.MULTILINE), "metrics"),
    (re.compile(rb"(?i)<title>kubernetes dashboard"), "dashboard"),
    (re.compile(rb"(?i)/debug/pprof/|<title>pprof"), "pprof"),
    (re.compile(rb"(?i)<pre>\s*<a href="), "listing"),
    (re.compile(rb'"(?:kubeletconfig|componentconfig|kubeproxy\.config\.k8s\.io)"\s*:'), "configz"),
    (re.compile(rb'"cpu_?[fF]requency|"num_cores"'), "machine"),
    (re.compile(rb'"node"\s*:\s*\{\s*"nodeName"'), "stats"),
    (re.compile(rb'"health"\s*:\s*"?true'), "etcd-health"),
    (re.compile(rb"(?i)prometheus time series"), "prometheus"),
    (re.compile(rb"<title>Grafana</title>"), "grafana"),
)
_KIND = re.compile(rb'\A[^{]{0,64}\{\s*"kind"\s*:\s*"([A-Za-z]{1,64})"')
_VERSION = re.compile(rb'"(?:gitVersion|etcdserver|Version)"\s*:\s*"([^"\\\x00-\x1f]{1,64})"')


class Got(Struct, frozen=True):
    """An answer: its status, what sort of thing it holds (a kind of Kubernetes or a word of ours), a version told."""

    status: int
    sort: str = ""
    version: str = ""


class Refused(Exception):
    """The server wants a client certificate before it hears anything."""


def get(connection: socket.socket, host: str, path: str, deadline: Deadline, asked: bool = False) -> Got:
    """Ask on a new connection and read until there is enough to tell; ``host`` is as in an address, with the port.

    ``asked`` says that the server has asked for a client certificate, which tells what a failed handshake means.

    Raises:
        Refused: the server wants a client certificate.
        Broken: no HTTP, or not within the bounds.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: seawall/{__version__}\r\nAccept: */*\r\n"
    try:
        send(connection, f"{request}Accept-Encoding: identity\r\nConnection: close\r\n\r\n".encode("ascii"), deadline)
        return _read(connection, deadline)
    except ssl.SSLError as error:
        raise refusal(error, asked) from error
    except OSError as error:
        raise Broken(f"the connection broke: {error.strerror or error}") from error


def refusal(error: ssl.SSLError, asked: bool) -> Exception:
    """What a failure of TLS means: :class:`Refused` or ``Broken``."""
    reason = str(error.reason or error)
    if "CERTIFICATE_REQUIRED" in reason or "ALERT_BAD_CERTIFICATE" in reason:
        return Refused(reason)
    if asked and "ALERT_HANDSHAKE_FAILURE" in reason:
        return Refused(reason)
    return Broken(f"TLS failed: {reason.replace('_', ' ').lower()}")


def _read(connection: socket.socket, deadline: Deadline) -> Got:
    data = b""
    end = -1
    while end < 0:
        part = receive(connection, 16 * 1024, deadline)
        if not part:
            raise Broken("hung up before its answer ended" if data else "hung up without an answer")
        data += part
        if not b"HTTP/".startswith(data[:5]) and not data.startswith(b"HTTP/"):
            raise Broken("does not speak HTTP")
        end = data.find(b"\r\n\r\n")
        if len(data) > _MAX_HEAD and (end < 0 or end > _MAX_HEAD):
            raise Broken(f"the head of its answer is longer than {_MAX_HEAD >> 10} KiB")
    status = _STATUS.match(data)
    if status is None:
        raise Broken("does not speak HTTP")
    body = _body(connection, data[end + 4 :], data[:end].lower(), deadline)
    return Got(int(status[1]), _sort(body), _told_version(body))


def _body(connection: socket.socket, body: bytes, head: bytes, deadline: Deadline) -> bytes:
    """The beginning of the body; what is not there in time is not waited for beyond the deadline."""
    length = re.search(rb"\ncontent-length:\s*(\d{1,15})", head)
    wanted = min(int(length[1]), _LOOKED_AT) if length else _LOOKED_AT
    while len(body) < wanted:
        try:
            part = receive(connection, wanted - len(body), deadline)
        except (Broken, OSError):
            break
        if not part:
            break
        body += part
    return body[:_LOOKED_AT]


def _sort(body: bytes) -> str:
    kind = _KIND.match(body)
    if kind is not None:
        return kind[1].decode()
    return next((word for pattern, word in _SORTS if pattern.search(body)), "")


def _told_version(body: bytes) -> str:
    found = _VERSION.search(body)
    return found[1].decode("utf-8", "replace") if found else ""
