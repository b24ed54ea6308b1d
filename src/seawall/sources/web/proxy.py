"""Proxies between here and a server: HTTP CONNECT and SOCKS5, chosen as Go programs do.

Sources: golang.org/x/net/http/httpproxy (environment, NO_PROXY), RFC 9110 section 9.3.6, RFC 1928 and RFC 1929.
"""

from __future__ import annotations

import base64
import ipaddress
import socket
import struct
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote

from seawall.sources.web.address import split
from seawall.sources.web.errors import Transient, WebError

_PORTS = {"http": 80, "socks5": 1080, "socks5h": 1080}
_MAX_REPLY = 16 * 1024


def choose_proxy(scheme: str, host: str, port: int, configured: str, environ: Mapping[str, str]) -> SplitResult | None:
    """The proxy of the kubeconfig, or of HTTPS_PROXY and its like; None to connect directly.

    Raises:
        WebError: the proxy's address makes no sense or is of a sort that is not spoken.
    """
    text = configured
    if not text:
        name = f"{scheme}_proxy"
        text = environ.get(name.upper()) or environ.get(name) or ""
        if not text or _is_exempt(host, port, environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
            return None
    where = "the kubeconfig's proxy-url" if configured else f"{scheme.upper()}_PROXY"
    wanted = f"{where} must be http://HOST:PORT or socks5://HOST:PORT"
    parts = split(text if "://" in text else f"http://{text}", f"{wanted}; it")
    if parts.scheme not in _PORTS or not parts.hostname:
        raise WebError(wanted)
    return parts


def _is_exempt(host: str, port: int, listed: str) -> bool:
    host = host.lower().rstrip(".")
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(_matches(entry.strip().lower(), host, port, address) for entry in listed.split(","))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _matches(entry: str, host: str, port: int, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    if not entry:
        return False
    if entry == "*":
        return True
    if address is not None and "/" in entry:
        try:
            return address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, separator, wanted = entry.rpartition(":")
    if separator and wanted.isdigit() and (name.count(":") == 0 or name.endswith("]")):
        if int(wanted) != port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*")
    if entry.startswith("."):
        return host.endswith(entry)
    return host == entry or host.endswith(f".{entry}")


def open_socket(host: str, port: int, proxy: SplitResult | None, timeout: float) -> socket.socket:
    """A connection to the host, through the proxy if there is one.

    Raises:
        OSError: nobody answers.
        WebError: the proxy refuses.
    """
    if proxy is None:
        return socket.create_connection((host, port), timeout)
    gate = (proxy.hostname or "", proxy.port or _PORTS[proxy.scheme])
    connection = socket.create_connection(gate, timeout)
    try:
        if proxy.scheme == "http":
            _connect(connection, host, port, proxy)
        else:
            _socks5(connection, host, port, proxy)
    except BaseException:
        connection.close()
        raise
    return connection


def _credentials(proxy: SplitResult) -> tuple[str, str] | None:
    return (unquote(proxy.username), unquote(proxy.password or "")) if proxy.username else None


def _connect(connection: socket.socket, host: str, port: int, proxy: SplitResult) -> None:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    credentials = _credentials(proxy)
    if credentials:
        lines.append("Proxy-Authorization: Basic " + base64.b64encode(":".join(credentials).encode()).decode())
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    reply = b""
    while b"\r\n\r\n" not in reply:
        # Byte by byte would be exact too; the peer cannot send anything of its own before it hears from us.
        part = connection.recv(4096)
        if not part or len(reply) > _MAX_REPLY:
            raise Transient(f"the proxy {proxy.hostname} hung up")
        reply += part
    status = reply.split(b"\r\n", 1)[0].split(b" ")
    if len(status) < 2 or status[1] != b"200":
        told = reply.split(b"\r\n", 1)[0][:80].decode("ascii", "replace")
        raise WebError(f"the proxy {proxy.hostname} does not connect to {target}: {told}")


def _socks5(connection: socket.socket, host: str, port: int, proxy: SplitResult) -> None:
    credentials = _credentials(proxy)
    connection.sendall(b"\x05\x02\x00\x02" if credentials else b"\x05\x01\x00")
    method = _exactly(connection, 2)[1]
    if method == 2 and credentials:
        name, password = (part.encode()[:255] for part in credentials)
        connection.sendall(b"\x01" + bytes([len(name)]) + name + bytes([len(password)]) + password)
        if _exactly(connection, 2)[1]:
            raise WebError(f"the proxy {proxy.hostname} refuses these credentials")
    elif method:
        raise WebError(f"the proxy {proxy.hostname} wants credentials that it was not given")
    name = host.encode("idna") if _address(host) is None else host.encode()
    connection.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + struct.pack(">H", port))
    _, code, _, kind = _exactly(connection, 4)
    if code:
        raise WebError(f"the proxy {proxy.hostname} does not connect to {host}:{port} (SOCKS error {code})")
    length = {1: 4, 4: 16}.get(kind) or _exactly(connection, 1)[0]
    _exactly(connection, length + 2)


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise Transient("the proxy hung up")
        data += part
    return data
