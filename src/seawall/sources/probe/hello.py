"""TLS handshakes by hand, as far as the server's first answer: what it would speak, whatever OpenSSL here can speak.

Sources: RFC 6101 (SSL 3), 2246, 4346, 5246 and 8446 (TLS 1.0 to 1.3), 6066 (server names), 8422 (curves). Nothing is
computed: the key share is a random point of X25519, and the connection is dropped once the answer has come.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address

from msgspec import Struct

from seawall.model.x509 import NoCertificate, read_name
from seawall.sources.probe.wire import Broken, Deadline, connect, receive, send

#: Versions by the names that people use.
VERSIONS = {"SSLv3": 0x0300, "TLSv1.0": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
_NAMES = {number: name for name, number in VERSIONS.items()}
_HANDSHAKE, _ALERT = 22, 21
_SERVER_HELLO, _CERTIFICATE, _CERTIFICATE_REQUEST, _HELLO_DONE = 2, 11, 13, 14
#: More than any chain takes; more is not read.
_MAX_BYTES = 256 * 1024
_MAX_CERTIFICATES = 10
_GROUPS = (0x001D, 0x0017, 0x0018, 0x0019, 0x001E)
#: Every scheme of ECDSA, EdDSA, RSA-PSS and RSA, the outdated ones last.
_SIGNATURES = bytes.fromhex("0403050306030807080808040805080604010501060103030301020302010202040205020602")
#: The extension ``supported_versions``.
_SUPPORTED_VERSIONS = 43


class Answer(Struct):
    """What a server said to a hello. ``version`` is empty where it refused.

    ``certificates`` are binary, its own first; ``authorities`` are the names that it takes client certificates of,
    None where it asked for none. In TLS 1.3 both are encrypted and so not known.
    """

    version: str = ""
    suite: int = 0
    certificates: tuple[bytes, ...] = ()
    authorities: tuple[str, ...] | None = None


def ask(host: str, port: int, version: str, suites: Sequence[int], deadline: Deadline) -> Answer:
    """Say hello on a connection of its own, offering one version and these suites.

    Raises:
        Silence: nobody takes the connection.
        Broken: what comes back is not TLS, or not within the bounds.
    """
    with connect(host, port, deadline) as connection:
        try:
            send(connection, client_hello(host, version, suites), deadline)
            return _answer(_messages(_records(connection, deadline)))
        except OSError as error:
            # A server that does not want any of it may as well hang up.
            if isinstance(error, ConnectionError):
                return Answer()
            raise Broken(f"the connection broke: {error.strerror or error}") from error


def client_hello(host: str, version: str, suites: Sequence[int]) -> bytes:
    """The record with a ClientHello."""
    number = VERSIONS[version]
    modern = number == VERSIONS["TLSv1.3"]
    session = os.urandom(32) if modern else b""
    body = struct.pack(">H", min(number, 0x0303)) + os.urandom(32) + bytes([len(session)]) + session
    # The last suite signals secure renegotiation, as all clients do.
    body += _vector(2, struct.pack(f">{len(suites) + 1}H", *suites, 0x00FF)) + b"\x01\x00"
    if number > VERSIONS["SSLv3"]:
        body += _vector(2, b"".join(_extensions(host, number)))
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return bytes([_HANDSHAKE]) + struct.pack(">H", min(number, 0x0301)) + _vector(2, handshake)


def _extensions(host: str, number: int) -> Iterator[bytes]:
    name = _server_name(host)
    if name:
        yield _extension(0, _vector(2, b"\x00" + _vector(2, name)))
    yield _extension(10, _vector(2, struct.pack(f">{len(_GROUPS)}H", *_GROUPS)))
    yield _extension(11, b"\x01\x00")
    if number >= VERSIONS["TLSv1.2"]:
        yield _extension(13, _vector(2, _SIGNATURES))
    if number == VERSIONS["TLSv1.3"]:
        yield _extension(_SUPPORTED_VERSIONS, _vector(1, struct.pack(">H", number)))
        yield _extension(51, _vector(2, struct.pack(">H", _GROUPS[0]) + _vector(2, os.urandom(32))))


def _server_name(host: str) -> bytes:
    """The name to ask for; none for an address, which RFC 6066 forbids."""
    try:
        ip_address(host)
    except ValueError:
        try:
            return host.encode("idna")
        except UnicodeError:
            return b""
    return b""


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack(">H", kind) + _vector(2, body)


def _vector(width: int, body: bytes) -> bytes:
    return len(body).to_bytes(width, "big") + body


def _records(connection: socket.socket, deadline: Deadline) -> Iterator[bytes]:
    """The contents of handshake records; ends at an alert, at the end of the connection and at encrypted records."""
    data = b""
    total = 0
    while True:
        while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
            if data and (data[0] not in (_HANDSHAKE, _ALERT, 20, 23) or (len(data) > 1 and data[1] != 3)):
                raise Broken("does not speak TLS")
            part = receive(connection, 16 * 1024, deadline)
            total += len(part)
            if total > _MAX_BYTES:
                raise Broken("its TLS handshake does not end")
            if not part:
                return
            data += part
        length = int.from_bytes(data[3:5], "big")
        if data[0] not in (_HANDSHAKE, _ALERT, 20, 23) or data[1] != 3:
            raise Broken("does not speak TLS")
        if data[0] != _HANDSHAKE:
            return
        yield data[5 : 5 + length]
        data = data[5 + length :]


def _messages(records: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    data = b""
    for record in records:
        data += record
        while len(data) >= 4 and len(data) >= 4 + int.from_bytes(data[1:4], "big"):
            end = 4 + int.from_bytes(data[1:4], "big")
            yield data[0], data[4:end]
            data = data[end:]


def _answer(messages: Iterator[tuple[int, bytes]]) -> Answer:
    answer = Answer()
    for kind, body in messages:
        if kind == _SERVER_HELLO:
            answer.version, answer.suite = _server_hello(body)
            if answer.version == "TLSv1.3":
                return answer
        elif kind == _CERTIFICATE:
            answer.certificates = tuple(_certificates(body))
        elif kind == _CERTIFICATE_REQUEST:
            answer.authorities = tuple(_authorities(body, answer.version))
        elif kind == _HELLO_DONE:
            break
    return answer


def _server_hello(body: bytes) -> tuple[str, int]:
    try:
        number = int.from_bytes(body[:2], "big")
        at = 35 + body[34]
        suite = int.from_bytes(body[at : at + 2], "big")
        if at + 3 > len(body):
            raise Broken("its ServerHello is cut short")
        for kind, value in _read_extensions(body[at + 5 :]):
            if kind == _SUPPORTED_VERSIONS:
                number = int.from_bytes(value[:2], "big")
    except IndexError as error:
        raise Broken("its ServerHello is cut short") from error
    if number not in _NAMES:
        raise Broken(f"it speaks an unknown version of TLS (0x{number:04x})")
    return _NAMES[number], suite


def _read_extensions(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        kind, length = struct.unpack_from(">HH", data, at)
        yield kind, data[at + 4 : at + 4 + length]
        at += 4 + length


def _certificates(body: bytes) -> Iterator[bytes]:
    at, count = 3, 0
    while at + 3 <= len(body) and count < _MAX_CERTIFICATES:
        length = int.from_bytes(body[at : at + 3], "big")
        yield body[at + 3 : at + 3 + length]
        at += 3 + length
        count += 1


def _authorities(body: bytes, version: str) -> Iterator[str]:
    at = 1 + body[0] if body else 0
    if version == "TLSv1.2":
        at += 2 + int.from_bytes(body[at : at + 2], "big")
    at += 2
    count = 0
    while at + 2 <= len(body) and count < 100:
        length = int.from_bytes(body[at : at + 2], "big")
        try:
            yield read_name(body[at + 2 : at + 2 + length])[:200]
        except NoCertificate:
            yield ""
        at += 2 + length
        count += 1
